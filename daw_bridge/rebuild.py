"""From the target's levels to the remix's samples, by the method that a preset names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from . import reconstruct
from .analysis import SAMPLES_AT_ONCE, Analysis, OnShare, frame_spans
from .griffin_lim import griffin_lim
from .preset import Preset
from .scratch import Scratch
from .spectrogram import FRAMES_AT_ONCE, bins_from_bands, frames_of, write_frames
from .transfer import Transferred

SMALLEST_MAGNITUDE = 1e-12
NOTHING_DB = -200.0


@dataclass(frozen=True)
class Source:
    """What the remix is made of.

    Attributes:
        content: `(C, N)`.
        harmonics: `(C, N)`, made for bands that the content leaves empty; None where no band is in need.
        whole: `(C, N)`, both together.
        levels: `(M, T)` in dB, of the whole.
    """

    content: Tensor
    harmonics: Tensor | None
    whole: Tensor
    levels: Tensor


def mixed(content: Tensor, other: Tensor, share: float, scratch: Scratch) -> Tensor:
    """Content and a share of something else, `(C, N)`, a part at a time."""
    room = torch.from_numpy(scratch.empty(tuple(content.shape)))
    for one, added, out in zip(*(torch.split(t, SAMPLES_AT_ONCE, dim=1) for t in (content, other, room)), strict=True):
        torch.add(one, added, alpha=share, out=out)
    return room


def rebuild(
    source: Source, found: Transferred, preset: Preset, analysis: Analysis, seed: int, scratch: Scratch, on_share: OnShare
) -> Tensor:
    """Samples of the remix.

    `gain_mask` turns the content's own sound up and down. `content_phase` gives the target's magnitudes the content's phase,
    `griffin_lim` a phase made up from noise; both keep the channels' balance in each cell. A `residual` adds to the gain
    mask what no gain can make, with a made-up phase.

    Args:
        source: what it is made of.
        found: the target.
        preset: strength, method and limits.
        analysis: of the content.
        seed: of made-up phase.
        scratch: makes room for samples.
        on_share: told of the share that is done.

    Returns:
        `(C, N)`.
    """
    strength, settings = preset.transfer.strength, preset.reconstruct
    if settings.method == "gain_mask":
        dry = source.whole
        if source.harmonics is not None and strength < 1.0:
            dry = mixed(source.content, source.harmonics, strength, scratch)
        bounds = found.levels, found.ceiling, found.quiet_db, settings.max_gain_db
        _, wet = reconstruct.mask_under_ceiling(dry, source.levels, *bounds, analysis, strength, scratch, on_share)
        residual = _Residual(source, found, settings.max_gain_db, analysis)
        if not settings.residual or not residual.is_needed():
            return wet
        made = _made_up(residual.magnitudes, source, preset, analysis, seed, scratch, on_share)
        return mixed(wet, made, settings.residual * strength, scratch)
    cells = _Cells(source, found, settings.max_gain_db, strength, analysis)
    if settings.method == "griffin_lim":
        return _made_up(cells.gained, source, preset, analysis, seed, scratch, on_share)
    wet = torch.from_numpy(scratch.empty(tuple(source.content.shape)))
    write_frames(cells.with_own_phase(on_share), analysis.resolution, wet)
    return wet


def _made_up(
    magnitudes: reconstruct.Magnitudes,
    source: Source,
    preset: Preset,
    analysis: Analysis,
    seed: int,
    scratch: Scratch,
    on_share: OnShare,
) -> Tensor:
    return griffin_lim(
        magnitudes,
        analysis.resolution,
        torch.from_numpy(scratch.empty(tuple(source.content.shape))),
        n_iterations=preset.reconstruct.n_iterations,
        momentum=preset.reconstruct.momentum,
        seed=seed,
        device=analysis.device,
        on_share=on_share,
    )


@dataclass(frozen=True)
class _Cells:
    """The target cell by cell, some frames at a time."""

    source: Source
    found: Transferred
    max_gain_db: float
    strength: float
    analysis: Analysis

    def _gain_db(self, first: int, last: int) -> Tensor:
        wanted = self.found.levels[:, first:last] - self.source.levels[:, first:last]
        return wanted.clamp(-self.max_gain_db, self.max_gain_db).to(self.analysis.device) * self.strength

    def gained(self, first: int, last: int) -> Tensor:
        """The content's magnitudes under the gains, `(C, t, F)`."""
        spectra = _spectra(self.source, self.analysis, first, last)
        return spectra.abs() * torch.pow(10.0, (self._gain_db(first, last).T @ self.analysis.spread.T) / 20.0)

    def with_own_phase(self, on_share: OnShare) -> Iterator[Tensor]:
        """The target's magnitudes, as even within a band as can be, with the content's phase; `(C, t, F)`."""
        n_frames = self.source.levels.shape[1]
        for first, last in frame_spans(n_frames, FRAMES_AT_ONCE):
            spectra = _spectra(self.source, self.analysis, first, last)
            levels = self.source.levels[:, first:last].to(self.analysis.device) + self._gain_db(first, last)
            magnitude = _magnitude(levels, spectra, self.analysis)
            yield magnitude * (spectra / spectra.abs().clamp_min(SMALLEST_MAGNITUDE))
            on_share(last / n_frames)


@dataclass(frozen=True)
class _Residual:
    """What the target has beyond the highest gain."""

    source: Source
    found: Transferred
    max_gain_db: float
    analysis: Analysis

    def _levels(self, first: int, last: int) -> Tensor:
        """`(M, t)` in dB of the power that is missing under the highest gain; far down where nothing is."""
        wanted = self.found.levels[:, first:last]
        reached = self.source.levels[:, first:last] + self.max_gain_db
        missing = (torch.pow(10.0, wanted / 10.0) - torch.pow(10.0, reached / 10.0)).clamp_min(10.0 ** (NOTHING_DB / 10.0))
        return (10.0 * torch.log10(missing)).to(self.analysis.device)

    def is_needed(self) -> bool:
        """Whether anything is missing anywhere."""
        spans = frame_spans(self.source.levels.shape[1], FRAMES_AT_ONCE)
        return any(bool((self._levels(first, last) > NOTHING_DB + 1.0).any()) for first, last in spans)

    def magnitudes(self, first: int, last: int) -> Tensor:
        """`(C, t, F)`; 0 where nothing is missing."""
        levels = self._levels(first, last)
        magnitude = _magnitude(levels, _spectra(self.source, self.analysis, first, last), self.analysis)
        return torch.where(magnitude > 10.0 ** ((NOTHING_DB + 1.0) / 20.0), magnitude, torch.zeros_like(magnitude))


def _spectra(source: Source, analysis: Analysis, first: int, last: int) -> Tensor:
    return frames_of(source.whole, analysis.resolution, first, last, device=analysis.device)


def _magnitude(levels: Tensor, spectra: Tensor, analysis: Analysis) -> Tensor:
    """Magnitudes `(C, t, F)` of band levels `(M, t)`, shared out to the channels as the spectra's power is."""
    power = spectra.real.square() + spectra.imag.square()
    total = power.sum(dim=(0, 2), keepdim=True)
    share = power.sum(2, keepdim=True) * power.shape[0] / total.clamp_min(SMALLEST_MAGNITUDE**2)
    bins = bins_from_bands(torch.pow(10.0, levels / 10.0), analysis.bands)
    return (bins.T * share).sqrt()
