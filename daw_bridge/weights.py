"""Where the weights of a network come from: a name becomes a checked safetensors file, which becomes tensors."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from .disk import remove
from .errors import WeightsMissing, did_you_mean
from .networks import NETWORKS
from .weights_here import SHIPPED, fetched, missing, sha256_of

if TYPE_CHECKING:
    from torch import Tensor


def shipped_folder() -> Path:
    """The folder of the weights that come inside the package."""
    return Path(__file__).parent / "_shipped" / "weights"


def resolve(network: str, n_layers: int) -> Path:
    """Find a file that holds the first `n_layers` convolutions of a network, and check it.

    What the package brings is preferred, so that a preset sounds the same on every machine that can render it.

    Args:
        network: a name of `networks.NETWORKS`.
        n_layers: how many convolutions are needed, from the first.

    Raises:
        WeightsMissing: no such network, nothing found, or a damaged file; a damaged one that was fetched is thrown away.
    """
    if network not in NETWORKS:
        raise WeightsMissing(f"network={network!r} has no weights", did_you_mean(network, NETWORKS))
    if network in SHIPPED and n_layers <= NETWORKS[network].n_shipped:
        name, sha256 = SHIPPED[network]
        return _checked(shipped_folder() / name, sha256, "Install daw-bridge again.")
    path = fetched(network)
    if path is None:
        raise missing(network, n_layers)
    try:
        return _checked(path, sha256_of(path), f"It was thrown away. Get it again: daw-bridge weights fetch {network}")
    except WeightsMissing:
        remove(path)
        raise


def _checked(path: Path, sha256: str, way_out: str) -> Path:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise WeightsMissing(f"weights file {path} cannot be read: {error.strerror}", way_out) from None
    if found != sha256:
        raise WeightsMissing(f"weights file {path} has SHA-256 {found[:12]}…, must have {sha256[:12]}…", way_out)
    return path


def load(path: Path) -> dict[str, Tensor]:
    """Read a weights file.

    Args:
        path: as `resolve` gave it.

    Returns:
        `<convolution>.weight (out, in, 3, 3)` and `<convolution>.bias (out,)` by name (`conv1_1` …), float32, whatever
        the file holds. VGG16 expects its three input planes as blue, green, red, 0 to 255, less (104.007, 116.669, 122.679).

    Raises:
        WeightsMissing: the file is gone or no safetensors file.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return {name: tensor.to(torch.float32) for name, tensor in load_file(path).items()}
    except (OSError, SafetensorError) as error:
        raise WeightsMissing(f"weights file {path} cannot be read: {error}", "Delete it, and get it again.") from None
