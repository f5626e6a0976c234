"""VGG16 (Simonyan and Zisserman 2015) looking at a spectrogram as if it were a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from ..networks import VGG16
from .base import Sound
from .stack import Stack

PICTURE_FLOOR_DB = -70.0  # black
PICTURE_RANGE_DB = 60.0  # one unit of the picture
GREY_PER_UNIT, GREY_MEAN = 110.0, 115.0  # into the network's 0 to 255, less the mean of its training pictures
POOLED = ("relu2_1", "relu3_1", "relu4_1", "relu5_1")


class Vgg16:
    """The convolutions of VGG16, frozen, with grey spectrograms folded into the first kernel.

    Three equal colour planes into the first convolution equal one plane into the kernel summed over its inputs: the same
    features for a third of the work. Three planes that differ are seen as red, green and blue.

    Args:
        weights: `conv1_1.weight` (C_out, C_in, 3, 3), `conv1_1.bias` (C_out), … as far as they are wanted.
        device: where to compute.
        dtype: bfloat16 or float32.
    """

    def __init__(self, weights: Mapping[str, Tensor], device: torch.device, dtype: torch.dtype) -> None:
        self.layers = tuple(name for name in VGG16.layers if f"{_convolution(name)}.weight" in weights)
        kernels = {layer: [weights[f"{_convolution(layer)}.weight"]] for layer in self.layers}
        for kernel in kernels.get("relu1_1", []):
            kernels["relu1_1"] = [kernel.sum(1, keepdim=True), kernel.flip(1)]  # weights have blue first, planes have red
        biases = {layer: weights[f"{_convolution(layer)}.bias"] for layer in self.layers}
        self._stack = Stack(kernels, biases, POOLED, device, dtype)

    def features(self, planes: Tensor, layers: Sequence[str], sound: Sound) -> dict[str, Tensor]:
        """See `Extractor.features`; feature maps are `(B, C, M / 2^k, T / 2^k)` in the k-th block.

        Raises:
            BadParameter: a layer that the loaded weights do not reach.
        """
        pixels = (planes - PICTURE_FLOOR_DB) * (GREY_PER_UNIT / PICTURE_RANGE_DB) - GREY_MEAN
        return self._stack.features(pixels, layers)


def _convolution(layer: str) -> str:
    return layer.replace("relu", "conv")
