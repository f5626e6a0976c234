"""A content and a style heard once, and transferred as often as an experiment wants, by the loop that makes the remixes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from .analysis import Analysis, analysis_for
from .audio import Audio
from .band_statistics import BandStatistics
from .devices import pick_device, pick_dtype
from .errors import BadArguments, TooShort
from .extractors.base import Extractor
from .extractors.loading import load_extractor
from .losses import style_loss
from .resampling import at_rate
from .resolutions import features_at, weight_of
from .settings import TransferSettings
from .sounding import BLOCK_OVERLAP, FEWEST_FRAMES, Sounding, hardly_sounds, reader, sounding
from .spectrogram import WINDOW_SECONDS
from .style_target import StyleTarget, style_heard, style_target
from .transfer import Step, transfer

LONGEST_SECONDS = 20.0  # of a content: what the loop optimises in one piece

OnStep = Callable[[Step], None]


@dataclass(frozen=True)
class Heard:
    """What an experiment starts from.

    Attributes:
        content, style: their sounding frames.
        bands: statistics of the style's levels.
        analysis: how both were measured.
        seed: of everything random.
    """

    content: Sounding
    style: Sounding
    bands: BandStatistics
    analysis: Analysis
    seed: int


@dataclass(frozen=True)
class Tried:
    """One transfer.

    Attributes:
        start: `(M, S)`, levels of the target before the first step, of the content's sounding frames, in dB relative to the
            programme's level.
        levels: by number of steps done, `(M, S)`, the target then; of the numbers that were asked for.
        content_losses, style_losses: by number of steps done, from 0 on.
    """

    start: Tensor
    levels: dict[int, Tensor]
    content_losses: list[float]
    style_losses: list[float]


def listen(content: Audio, style: Audio, settings: TransferSettings, *, seed: int = 0, device: str = "auto") -> Heard:
    """Hear two recordings as a render does.

    Args:
        content: at most 20 s of it.
        style: any recording.
        settings: their bands, gate and rhythm count.
        seed: of everything random.
        device: "auto", "cpu", "cuda" or "mps".

    Raises:
        BadArguments: the content is longer than 20 s.
        TooShort: one of them is shorter than a window, or hardly sounds.
    """
    if content.length_seconds > LONGEST_SECONDS:
        rule = f"the content lasts {content.length_seconds:.1f} s, more than {LONGEST_SECONDS:g} s"
        raise BadArguments(rule, "Choose a part by --start and --length.")
    for role, audio in (("content", content), ("style", style)):
        if audio.length_seconds < WINDOW_SECONDS:
            raise TooShort(f"{role} lasts {1000 * audio.length_seconds:.1f} ms, less than one window", "Give a longer clip.")
    analysis = analysis_for(content.sample_rate, settings.n_bands, pick_device(device), settings.band_scale)
    own, others = (at_rate(audio, content.sample_rate) for audio in (content, style))
    heard = sounding(analysis.levels(own), settings.gate_db, reader(own, analysis))
    if heard.n_frames < FEWEST_FRAMES:
        raise hardly_sounds("content", heard)
    return Heard(heard, *style_heard(others, settings, analysis), analysis, seed)


def tried(heard: Heard, settings: TransferSettings, *, keep: Sequence[int] = (), on_step: OnStep | None = None) -> Tried:
    """Transfer once.

    Args:
        heard: of `listen`.
        settings: layers, weights, start, optimiser and steps of this transfer.
        keep: after how many steps the target is to be kept; of 0 only `start` tells.
        on_step: told of each step; whatever it raises ends the transfer.
    """
    settings = replace(settings, plateau_stop=0.0, time_budget_seconds=0.0)  # as many steps as were asked for
    target, extractor = _aim(heard, settings)
    kept: dict[int, Tensor] = {}

    def watch(step: Step) -> None:
        if step.step in keep:
            kept[step.step] = step.levels().cpu().clone()
        if on_step:
            on_step(step)

    common: dict[str, Any] = {"frames_per_second": heard.analysis.frames_per_second, "seed": heard.seed}
    common["block_frames"] = heard.content.n_frames + BLOCK_OVERLAP  # one block
    still = transfer(heard.content, target, extractor, replace(settings, num_steps=0), **common)
    # what a step is told is the loss before it: one more tells the loss after the last
    one_more = replace(settings, num_steps=settings.num_steps + 1)
    found = transfer(heard.content, target, extractor, one_more, **common, on_step=watch)
    frames, programme_db = heard.content.frames, heard.content.programme_db
    return Tried(still.levels[:, frames] - programme_db, kept, found.content_losses, found.style_losses)


def style_loss_of(heard: Heard, levels: Tensor, settings: TransferSettings) -> float:
    """How far levels `(M, S)` of the content's sounding frames are from the style, as the settings' style layers hear it."""
    target, extractor = _aim(heard, settings)
    layers = dict(settings.style_layers)
    sound = heard.content.block(0, heard.content.n_frames, heard.analysis.device)
    planes = levels.to(heard.analysis.device)[None, None]
    with torch.no_grad():
        features = features_at(extractor, planes, tuple(layers), sound, is_multiresolution=settings.is_multiresolution)
        weights = {name: weight_of(name, layers) for name in target.grams}
        return style_loss(features, target.grams, target.centres, weights).item()


def _aim(heard: Heard, settings: TransferSettings) -> tuple[StyleTarget, Extractor]:
    device = heard.analysis.device
    extractor = load_extractor(settings, heard.bands.mean, heard.analysis, heard.seed, pick_dtype(device))
    return style_target(heard.style, heard.bands, extractor, settings), extractor
