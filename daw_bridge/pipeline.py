"""The core on one page: content, style and preset in, remix out; no sockets, no files but the weights, no clock of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from . import exciter, finish, reconstruct, spectrogram, weights_here
from .analysis import SAMPLES_AT_ONCE, Analysis, analysis_for
from .audio import Audio
from .band_statistics import BandStatistics, band_statistics
from .devices import pick_device, pick_dtype
from .errors import TooShort
from .extractors.base import Extractor
from .extractors.loading import load_extractor
from .noise_guard import floors, with_silence
from .presets import Preset
from .resampling import at_rate
from .scratch import Scratch
from .settings import TransferSettings
from .sounding import BLOCK_FRAMES, Read, Sounding, sounding, sounding_style
from .style_target import StyleTarget, style_target
from .transfer import Step, Transferred, transfer

PHASE_SHARES = {"listen": 0.05, "transfer": 0.75, "reconstruct": 0.1, "post": 0.1}  # of the whole time, for the fraction
FEWEST_BLOCK_FRAMES = 256


@dataclass(frozen=True)
class Progress:
    """How far a render has come.

    Attributes:
        phase: "listen", "transfer", "reconstruct" or "post".
        fraction: 0 to 1, of the whole render.
        step, num_steps: optimisation steps done and to do; 0 outside "transfer".
        content_loss, style_loss: of the last step; None outside "transfer".
    """

    phase: str
    fraction: float
    step: int = 0
    num_steps: int = 0
    content_loss: float | None = None
    style_loss: float | None = None


@dataclass(frozen=True)
class Remix:
    """A finished render.

    Attributes:
        audio: as long as the content, in its rate, channels and sample format.
        report: device, seconds by phase, losses by step, levels; goes into the recipe.
    """

    audio: Audio
    report: dict[str, Any] = field(default_factory=dict)


OnStep = Callable[[Progress], None]


def render(
    content: Audio,
    style: Audio,
    preset: Preset,
    *,
    seed: int = 0,
    device: str = "auto",
    on_step: OnStep | None = None,
    scratch: Scratch = Scratch(),
    memory_scale: float = 1.0,
) -> Remix:
    """Make the content sound like the style.

    Args:
        content: the song; its rate, length, channels and sample format are the remix's.
        style: any recording; resampled where its rate differs, its channels heard together.
        preset: settings of every stage, and the chain after them.
        seed: of everything random; the same inputs, seed and device give the same samples.
        device: "auto", "cpu", "cuda" or "mps".
        on_step: told of progress at least once an optimisation step; whatever it raises ends the render.
        scratch: makes room for whatever is as long as a recording.
        memory_scale: 1, or less where memory is short: the optimisation's blocks are so much shorter.

    Returns:
        The remix with its report.

    Raises:
        TooShort: content or style is shorter than one window (46 ms).
        BadArguments, BadParameter, WeightsMissing: as their messages say.
    """
    clock = _Clock(on_step)
    where = pick_device(device)
    for role, audio in (("content", content), ("style", style)):
        if audio.length_seconds < spectrogram.WINDOW_SECONDS:
            least = round(spectrogram.WINDOW_SECONDS * 1000)
            raise TooShort(
                f"{role} lasts {audio.length_seconds * 1000:.1f} ms, less than one window of {least} ms", "Give a longer clip."
            )
    if preset.transfer.strength == 0.0 and not preset.post:
        return Remix(content, {"device": str(where), "note": "strength 0 and no chain: the content, bit for bit"})

    weights_here.check_here(preset.transfer.depths())
    clock.phase("listen")
    block_frames = max(round(BLOCK_FRAMES * memory_scale), FEWEST_BLOCK_FRAMES)
    analysis = analysis_for(content.sample_rate, preset.transfer.n_bands, where)
    target, extractor = _heard(style, preset.transfer, analysis, seed, block_frames, scratch, clock)
    samples = at_rate(content, content.sample_rate, scratch)
    made, heard = _filled(samples, target.bands, preset, analysis, scratch, clock)

    clock.phase("transfer")
    found = transfer(
        heard,
        target,
        extractor,
        preset.transfer,
        frames_per_second=analysis.frames_per_second,
        seed=seed,
        block_frames=block_frames,
        scratch=scratch,
        on_step=clock.step,
    )

    clock.phase("reconstruct")
    wet = _reconstruct(samples, made, heard.levels, found, preset, analysis, seed, scratch, clock)

    clock.phase("post")
    remix, report = finish.finish(content, style, content.with_samples(wet.numpy()), preset, seed, scratch, clock.within)
    losses = {"content": found.content_losses, "style": found.style_losses}
    setup = {"device": str(where), "dtype": str(pick_dtype(where)), "memory_scale": memory_scale}
    return Remix(remix, {**setup, **report, "losses": losses, "seconds": clock.seconds()})


def _reader(samples: Tensor, analysis: Analysis) -> Read:
    """Gives the spectra of a recording's frames, for networks that listen."""
    return lambda frames: spectrogram.spectra_at(samples, analysis.resolution, frames, analysis.device).mean(0)


def _heard(
    style: Audio, settings: TransferSettings, analysis: Analysis, seed: int, block_frames: int, scratch: Scratch, clock: _Clock
) -> tuple[StyleTarget, Extractor]:
    """What is wanted of the style, and the networks that say so."""
    samples = at_rate(style, analysis.sample_rate, scratch)
    levels = analysis.levels(samples, scratch, clock.part(0.0, 0.3))
    sounds = sounding_style(levels, settings.gate_db, _reader(samples, analysis))
    bands = band_statistics(levels.shape[0], sounds.n_frames, sounds.bands)
    bands = with_silence(bands, floors(levels, sounds.programme_db, analysis.frames_per_second)).on(analysis.device)
    extractor = load_extractor(settings, bands.mean, analysis, seed, pick_dtype(analysis.device))
    return style_target(sounds, bands, extractor, settings, block_frames), extractor


@dataclass(frozen=True)
class _Made:
    """What was made for bands that the content leaves empty.

    Attributes:
        harmonics: `(C, N)`; None where no band is in need.
        source: `(C, N)`, content and harmonics.
    """

    harmonics: Tensor | None
    source: Tensor


def _filled(
    samples: Tensor, style: BandStatistics, preset: Preset, analysis: Analysis, scratch: Scratch, clock: _Clock
) -> tuple[_Made, Sounding]:
    """The content with what it lacks and no gain can make, and its sounding frames."""
    beyond_db, gate_db = preset.reconstruct.excite_beyond_db, preset.transfer.gate_db
    levels = analysis.levels(samples, scratch, clock.part(0.4, 0.7))
    heard = sounding(levels, gate_db, _reader(samples, analysis))
    if beyond_db >= exciter.MOST_NEED_DB or not heard.n_frames:
        return _Made(None, samples), heard
    power_db = band_statistics(levels.shape[0], heard.n_frames, lambda part: levels[part][:, heard.frames]).power_db
    need_db = exciter.band_need_db(power_db - heard.programme_db, style.power_db.cpu(), beyond_db)
    harmonics = exciter.harmonics(samples, heard.frames, power_db, need_db, analysis, scratch)
    if harmonics is None:
        return _Made(None, samples), heard
    source = _mixed(samples, harmonics, 1.0, scratch)
    levels = analysis.levels(source, scratch, clock.part(0.7, 1.0))
    return _Made(harmonics, source), sounding(levels, gate_db, _reader(source, analysis))


def _mixed(samples: Tensor, harmonics: Tensor, share: float, scratch: Scratch) -> Tensor:
    mixed = torch.from_numpy(scratch.empty(tuple(samples.shape)))
    for own, added, room in zip(*(torch.split(t, SAMPLES_AT_ONCE, dim=1) for t in (samples, harmonics, mixed)), strict=True):
        torch.add(own, added, alpha=share, out=room)
    return mixed


def _reconstruct(
    samples: Tensor,
    made: _Made,
    levels: Tensor,
    found: Transferred,
    preset: Preset,
    analysis: Analysis,
    seed: int,
    scratch: Scratch,
    clock: _Clock,
) -> Tensor:
    strength, settings = preset.transfer.strength, preset.reconstruct
    resolution, spread, limit = analysis.resolution, analysis.spread, settings.max_gain_db
    if settings.method == "gain_mask":
        source = made.source
        if made.harmonics is not None and strength < 1.0:
            source = _mixed(samples, made.harmonics, strength, scratch)
        bounds = found.levels, found.ceiling, found.quiet_db, limit
        _, wet = reconstruct.mask_under_ceiling(source, levels, *bounds, analysis, strength, scratch, clock.within)
        return wet

    def magnitudes(first: int, last: int) -> Tensor:
        gain_db = (found.levels[:, first:last] - levels[:, first:last]).clamp(-limit, limit).to(spread) * strength
        spectra = spectrogram.frames_of(made.source, resolution, first, last, device=spread.device)
        return spectra.abs() * torch.pow(10.0, (gain_db.T @ spread.T) / 20.0)

    return reconstruct.griffin_lim(
        magnitudes,
        resolution,
        torch.from_numpy(scratch.empty(tuple(samples.shape))),
        n_iterations=settings.n_iterations,
        momentum=settings.momentum,
        seed=seed,
        device=analysis.device,
        on_share=clock.within,
    )


class _Clock:
    """Tells of progress and adds up the seconds of each phase."""

    def __init__(self, on_step: OnStep | None) -> None:
        self._on_step = on_step
        self._marks: list[tuple[str, float]] = []

    def phase(self, name: str) -> None:
        self._marks.append((name, time.perf_counter()))
        self.within(0.0)

    def within(self, share: float, **step: Any) -> None:
        """Tell of a share from 0 to 1 of the current phase."""
        name = self._marks[-1][0]
        names = list(PHASE_SHARES)
        before = sum(PHASE_SHARES[n] for n in names[: names.index(name)])
        if self._on_step:
            self._on_step(Progress(name, before + share * PHASE_SHARES[name], **step))

    def part(self, first: float, last: float) -> Callable[[float], None]:
        """Tells of the shares of a part of the current phase."""
        return lambda share: self.within(first + share * (last - first))

    def step(self, step: Step) -> None:
        values = {"step": step.step, "num_steps": step.num_steps}
        losses = {"content_loss": step.content_loss, "style_loss": step.style_loss}
        self.within(step.step / step.num_steps, **values, **losses)

    def seconds(self) -> dict[str, float]:
        ends = [start for _, start in self._marks[1:]] + [time.perf_counter()]
        return {name: round(end - start, 3) for (name, start), end in zip(self._marks, ends, strict=True)}
