"""Which networks a preset's layers need, loaded once a process and kept warm between its jobs."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from .. import weights
from ..analysis import Analysis
from ..networks import VGG16, VGGISH, WYSE
from ..settings import TransferSettings
from .base import Extractor
from .combined import Combined
from .stack import Stack
from .vgg16 import Vgg16
from .vggish import Vggish, vggish_stack
from .wyse import Wyse

# Warm between the jobs of a process, by file: other weights that are fetched meanwhile have another name.
_vgg16: dict[tuple[Path, str, torch.dtype], Vgg16] = {}
_vggish: dict[tuple[Path, str, torch.dtype], Stack] = {}


def load_extractor(
    settings: TransferSettings, band_means: Tensor, analysis: Analysis, seed: int, dtype: torch.dtype
) -> Extractor:
    """The networks that the settings' layers belong to, each as deep as its layers need.

    Args:
        settings: name the layers.
        band_means: `(M, 1)`, mean levels of the style's bands, on the device to compute on.
        analysis: how the levels are measured.
        seed: of random networks.
        dtype: to compute in.

    Raises:
        WeightsMissing: a layer needs weights that are not on this machine.
    """
    device = band_means.device
    wanted = settings.depths()
    extractors: list[Extractor] = []
    if WYSE in wanted:
        extractors.append(Wyse(band_means, seed, dtype))
    if VGGISH in wanted:
        extractors.append(Vggish(_warm_vggish(device, dtype), analysis))
    if VGG16 in wanted:
        extractors.append(_warm_vgg16(wanted[VGG16], device, dtype))
    return Combined(extractors)


def _warm_vgg16(n_layers: int, device: torch.device, dtype: torch.dtype) -> Vgg16:
    path = weights.resolve(VGG16.name, n_layers)
    key = (path, str(device), dtype)
    if key not in _vgg16:
        _vgg16[key] = Vgg16(weights.load(path), device, dtype)
    return _vgg16[key]


def _warm_vggish(device: torch.device, dtype: torch.dtype) -> Stack:
    path = weights.resolve(VGGISH.name, len(VGGISH.layers))
    key = (path, str(device), dtype)
    if key not in _vggish:
        _vggish[key] = vggish_stack(weights.load(path), device, dtype)
    return _vggish[key]
