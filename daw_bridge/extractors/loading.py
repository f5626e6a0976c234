"""Which networks a preset's layers need, loaded once a process and kept warm between its jobs."""

from __future__ import annotations

import torch
from torch import Tensor

from .. import weights
from ..networks import VGG16, WYSE, network_of
from ..settings import TransferSettings
from .base import Extractor
from .combined import Combined
from .vgg16 import Vgg16
from .wyse import Wyse

_vgg16: dict[tuple[int, str, torch.dtype], Vgg16] = {}  # warm between the jobs of a process


def load_extractor(settings: TransferSettings, style_levels: Tensor, seed: int, dtype: torch.dtype) -> Extractor:
    """The networks that the settings' layers belong to, each as deep as its layers need.

    Args:
        settings: name the layers.
        style_levels: `(M, S)`, sounding frames of the style, on the device to compute on.
        seed: of random networks.
        dtype: to compute in.

    Raises:
        WeightsMissing: a layer needs weights that are not on this machine.
    """
    device = style_levels.device
    content_layers = settings.content_layers if settings.content_weight else ()
    layers = [layer for layer, _ in (*content_layers, *settings.style_layers)]
    extractors: list[Extractor] = []
    if any(network_of(layer) is WYSE for layer in layers):
        extractors.append(Wyse(style_levels.mean(1, keepdim=True), seed, dtype))
    pictures = [layer for layer in layers if network_of(layer) is VGG16]
    if pictures:
        n_layers = max(VGG16.layers.index(layer) for layer in pictures) + 1
        key = (n_layers, str(device), dtype)
        if key not in _vgg16:
            _vgg16[key] = Vgg16(weights.load(weights.resolve(VGG16.name, n_layers)), device, dtype)
        extractors.append(_vgg16[key])
    return Combined(extractors)
