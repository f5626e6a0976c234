"""What is wanted of a style: heard once, and all that is kept of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from .analysis import Analysis, OnShare
from .band_statistics import BandStatistics, band_statistics
from .extractors.base import Extractor
from .losses import gram_matrix
from .noise_guard import floors, with_silence
from .resolutions import features_at
from .scratch import Scratch
from .settings import TransferSettings
from .sounding import BLOCK_FRAMES, Sounding, blocks_of, reader, sounding_style

RHYTHM_SECONDS = 2.0


@dataclass(frozen=True)
class StyleTarget:
    """What is wanted of the style.

    Attributes:
        bands: statistics of its levels.
        grams: `{layer: (1, C, C)}`, layers at further resolutions among them.
        centres: `{layer: (1, C)}`, the features that Gram matrices are taken about; 0 unless `is_gram_centred`.
    """

    bands: BandStatistics
    grams: dict[str, Tensor]
    centres: dict[str, Tensor]

    def on(self, device: torch.device) -> StyleTarget:
        """This on a device."""
        grams, centres = ({layer: t.to(device) for layer, t in of.items()} for of in (self.grams, self.centres))
        return StyleTarget(self.bands.on(device), grams, centres)


def rhythm_lags(settings: TransferSettings, analysis: Analysis) -> int:
    """Up to how many frames' delay the rhythm of a style is wanted."""
    return round(RHYTHM_SECONDS * analysis.frames_per_second) if settings.rhythm_weight else 0


def style_heard(
    samples: Tensor,
    settings: TransferSettings,
    analysis: Analysis,
    scratch: Scratch = Scratch(),
    on_share: OnShare | None = None,
) -> tuple[Sounding, BandStatistics]:
    """The sounding frames of a style, and statistics of its levels, with its rests, on the analysis's device.

    Args:
        samples: `(C, N)`, at the analysis's rate.
        settings: gate and rhythm.
        analysis: how it is seen.
        scratch: makes room for the levels.
        on_share: told of the share that is done.

    Raises:
        TooShort: it hardly sounds.
    """
    levels = analysis.levels(samples, scratch, on_share)
    sounds = sounding_style(levels, settings.gate_db, reader(samples, analysis))
    bands = band_statistics(levels.shape[0], sounds.n_frames, sounds.bands, rhythm_lags(settings, analysis))
    floor = floors(levels, sounds.programme_db, analysis.frames_per_second)
    return sounds, with_silence(bands, floor).on(analysis.device)


def style_target(
    style: Sounding, bands: BandStatistics, extractor: Extractor, settings: TransferSettings, block_frames: int = BLOCK_FRAMES
) -> StyleTarget:
    """Listen to a style once.

    Args:
        style: its sounding frames.
        bands: of `band_statistics`, on the device to compute on.
        extractor: the frozen network.
        settings: says which layers, and what Gram matrices are taken about.
        block_frames: frames heard at once.
    """
    layers = [layer for layer, _ in settings.style_layers]
    spans = blocks_of(style.n_frames, block_frames)
    device = bands.mean.device

    def mean_of(what: Callable[[str, Tensor], Tensor]) -> dict[str, Tensor]:
        sums: dict[str, Tensor] = {}
        for first, last in spans:
            part = style.block(first, last, device)
            heard = features_at(extractor, part.levels[None, None], layers, part, is_multiresolution=settings.is_multiresolution)
            for layer, found in heard.items():
                share = what(layer, found) * ((last - first) / sum(b - a for a, b in spans))
                sums[layer] = sums[layer] + share if layer in sums else share
        return sums

    with torch.no_grad():
        centres = mean_of(lambda _, found: found.float().flatten(2).mean(2))
        if not settings.is_gram_centred:
            centres = {layer: torch.zeros_like(centre) for layer, centre in centres.items()}
        grams = mean_of(lambda layer, found: gram_matrix(found, centres[layer]))
    return StyleTarget(bands, grams, centres)
