"""Which weights are on this machine; quick, nothing is read and no torch imported."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from .errors import WeightsMissing
from .networks import Network
from .weights_sources import sources_of

# Network → file inside the package and its SHA-256; `Network.n_shipped` says how many convolutions it holds.
SHIPPED = {"vgg16": ("vgg16-lite.safetensors", "83cd291b517b12658a244136fb881d92a31877525635fde520c1d5d8d9ac34fd")}
FETCHED = re.compile(r"[a-z0-9]+-[0-9a-f]{64}\.safetensors")  # a file is named after its checksum


def user_folder() -> Path:
    """Where fetched weights lie: `$DAW_BRIDGE_WEIGHTS`, or the place that the system gives to what can be got again."""
    named = os.environ.get("DAW_BRIDGE_WEIGHTS")
    if named:
        return Path(named).expanduser().resolve()
    from platformdirs import user_cache_path

    return user_cache_path("daw-bridge", appauthor=False) / "weights"


def fetched(network: str) -> Path | None:
    """The fetched file of a network, the newest if there are several; its checksum is not looked at here."""
    folder = user_folder()
    found = [path for path in folder.glob(f"{network}-*.safetensors") if FETCHED.fullmatch(path.name)]
    return max(found, key=lambda path: path.stat().st_mtime_ns, default=None)


def is_here(network: Network, n_layers: int) -> bool:
    """Whether the first `n_layers` convolutions can be had without fetching anything; quick, nothing is read."""
    return n_layers <= network.n_shipped or fetched(network.name) is not None


def check_here(depths: Mapping[Network, int]) -> None:
    """Refuse what needs weights that are not here, before any work is done for it.

    Args:
        depths: of `TransferSettings.depths`.

    Raises:
        WeightsMissing: with the command that gets them.
    """
    for network, n_layers in depths.items():
        if not is_here(network, n_layers):
            raise missing(network.name, n_layers)


def missing(network: str, n_layers: int) -> WeightsMissing:
    """The error that says how to get the weights."""
    sizes = " or ".join(source.size for source in sources_of(network))
    return WeightsMissing(
        f"weights of {network} up to convolution {n_layers} are not on this machine",
        f"Get them once ({sizes}): daw-bridge weights fetch {network}",
    )


def sha256_of(path: Path) -> str:
    """What the checksum of a fetched file must be, as its name says."""
    return path.stem.rpartition("-")[2]


def in_use(depths: Mapping[Network, int]) -> dict[str, str]:
    """Which weights have a say in a render, for its recipe: `{"weights of vgg16": checksum}`; none for random networks.

    Args:
        depths: of `TransferSettings.depths`.
    """
    found = {}
    for network, n_layers in depths.items():
        path = fetched(network.name)
        if network.name in SHIPPED and n_layers <= network.n_shipped:
            found[f"weights of {network.name}"] = SHIPPED[network.name][1]
        elif path is not None:
            found[f"weights of {network.name}"] = sha256_of(path)
    return found
