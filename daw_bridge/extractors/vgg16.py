"""VGG16 (Simonyan and Zisserman 2015) looking at a spectrogram as if it were a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from ..errors import BadParameter, did_you_mean
from ..networks import VGG16
from .base import Sound

PICTURE_FLOOR_DB = -70.0  # black
PICTURE_RANGE_DB = 60.0  # one unit of the picture
GREY_PER_UNIT, GREY_MEAN = 110.0, 115.0  # into the network's 0 to 255, less the mean of its training pictures


class Vgg16:
    """The convolutions of VGG16, frozen, with grey spectrograms folded into the first kernel.

    Three equal colour planes into the first convolution equal one plane into the kernel summed over its inputs: the same
    features for a third of the work. Three planes that differ are seen as red, green and blue.

    Args:
        weights: `conv1_1.weight` (C_out, C_in, 3, 3), `conv1_1.bias` (C_out), … as far as they are wanted.
        device: where to compute.
        dtype: bfloat16 or float32; kernels and activations lie channels-last.
    """

    def __init__(self, weights: Mapping[str, Tensor], device: torch.device, dtype: torch.dtype) -> None:
        self.layers = tuple(name for name in VGG16.layers if f"{_convolution(name)}.weight" in weights)
        self._kernels: dict[str, Tensor] = {}
        self._biases = {layer: weights[f"{_convolution(layer)}.bias"].to(device, dtype) for layer in self.layers}
        for layer in self.layers:
            kernel = weights[f"{_convolution(layer)}.weight"].to(device, torch.float32)
            if layer == self.layers[0]:
                folded = kernel.sum(1, keepdim=True)
                self._first = {1: _laid(folded, dtype), kernel.shape[1]: _laid(kernel.flip(1), dtype)}  # red comes first here
            self._kernels[layer] = _laid(kernel, dtype)
        self._dtype = dtype

    def features(self, planes: Tensor, layers: Sequence[str], sound: Sound) -> dict[str, Tensor]:
        """See `Extractor.features`; feature maps are `(B, C, M / 2^k, T / 2^k)` in the k-th block.

        Raises:
            BadParameter: a layer that the loaded weights do not reach.
        """
        for name in layers:
            if name not in self.layers:
                raise BadParameter(f"layer {name!r} is not in the loaded weights", did_you_mean(name, self.layers))
        found: dict[str, Tensor] = {}
        x = self._picture(planes)
        block = "1"
        for name in self.layers:
            if name[4] != block:
                block = name[4]
                x = functional.max_pool2d(x, 2, ceil_mode=min(x.shape[2:]) < 2)  # a single frame stays one
            kernel = self._first[x.shape[1]] if name == self.layers[0] else self._kernels[name]
            x = functional.relu(functional.conv2d(x, kernel, self._biases[name], padding=1))
            if name in layers:
                found[name] = x
            if len(found) == len(set(layers)):
                break
        return found

    def _picture(self, planes: Tensor) -> Tensor:
        pixels = (planes - PICTURE_FLOOR_DB) * (GREY_PER_UNIT / PICTURE_RANGE_DB) - GREY_MEAN
        return _laid(pixels, self._dtype)


def _laid(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    return tensor.to(dtype).contiguous(memory_format=torch.channels_last)


def _convolution(layer: str) -> str:
    return layer.replace("relu", "conv")
