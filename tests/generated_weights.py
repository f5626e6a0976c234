"""Weights made of chance in the layouts of the published files, which a machine without the internet cannot get."""

from __future__ import annotations

import torch
from torch import Tensor

VGG16_CHANNELS = (3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512)
VGG16_PLACES = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)  # of torchvision's `features`
VGGISH_CHANNELS = (1, 64, 128, 256, 256, 512, 512)
VGGISH_PLACES = (0, 3, 6, 8, 11, 13)  # of torchvggish's `features`


def state(channels: tuple[int, ...], places: tuple[int, ...], seed: int = 0) -> dict[str, Tensor]:
    """`features.N.weight` and `features.N.bias` as torch saves them, scaled so that signals keep their size."""
    generator = torch.Generator().manual_seed(seed)
    found: dict[str, Tensor] = {}
    for place, n_in, n_out in zip(places, channels, channels[1:], strict=False):
        found[f"features.{place}.weight"] = torch.randn(n_out, n_in, 3, 3, generator=generator) * (2 / (9 * n_in)) ** 0.5
        found[f"features.{place}.bias"] = torch.randn(n_out, generator=generator) * 0.1
    return found


def vgg16_state(seed: int = 0) -> dict[str, Tensor]:
    """Of torchvision's VGG16, without its classifier."""
    return state(VGG16_CHANNELS, VGG16_PLACES, seed)


def vggish_state(seed: int = 0) -> dict[str, Tensor]:
    """Of torchvggish, without its embeddings."""
    return state(VGGISH_CHANNELS, VGGISH_PLACES, seed)


def vggish_convolutions(seed: int = 0) -> dict[str, Tensor]:
    """`conv1.weight`, `conv1.bias` … as `weights.load` gives them."""
    numbers = {f"features.{place}": f"conv{number}" for number, place in enumerate(VGGISH_PLACES, 1)}
    return {numbers[name.rpartition(".")[0]] + "." + name.rpartition(".")[2]: t for name, t in vggish_state(seed).items()}
