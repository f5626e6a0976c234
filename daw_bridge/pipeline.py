"""The core on one page: content, style and preset in, remix out; no sockets, no files but the weights, no clock of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from . import exciter, finish, spectrogram, weights_here
from .analysis import Analysis, analysis_for
from .audio import Audio
from .band_statistics import BandStatistics, band_statistics
from .devices import pick_device, pick_dtype
from .errors import TooShort
from .extractors.base import Extractor
from .extractors.loading import load_extractor
from .noise_guard import ANYTHING_DB
from .pace import Pace
from .presets import Preset
from .rebuild import Source, mixed, rebuild
from .recipe import audio_sha256
from .resampling import at_rate
from .scratch import Scratch
from .settings import TransferSettings
from .sounding import BLOCK_FRAMES, Sounding, reader, sounding
from .style_cache import StyleCache, style_key
from .style_target import StyleTarget, rhythm_lags, style_heard, style_target
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
    cache: Path | None = None,
    memory_scale: float = 1.0,
    steps: Sequence[int] = (),
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
        cache: folder of what was heard of styles before; None hears each anew.
        memory_scale: 1, or less where memory is short: the optimisation's blocks are so much shorter.
        steps: by block, as the report of an earlier render has them, to do the same again under a time budget.

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
    analysis = analysis_for(content.sample_rate, preset.transfer.n_bands, where, preset.transfer.band_scale)
    target, extractor = _heard(style, preset.transfer, analysis, seed, block_frames, cache, scratch, clock)
    samples = at_rate(content, content.sample_rate, scratch)
    source, heard = _filled(samples, target.bands, preset, analysis, scratch, clock)
    pace = None
    if steps or preset.transfer.time_budget_seconds:
        rest_seconds = 0.0 if steps else _rest_seconds(content, style, source, preset, analysis, seed, scratch, clock)
        pace = Pace(clock.began + preset.transfer.time_budget_seconds - rest_seconds, clock.worked, steps)

    clock.phase("transfer")
    found = transfer(
        heard,
        target,
        extractor,
        preset.transfer,
        frames_per_second=analysis.frames_per_second,
        seed=seed,
        block_frames=block_frames,
        pace=pace,
        scratch=scratch,
        on_step=clock.step,
    )

    clock.phase("reconstruct")
    wet = rebuild(source, found, preset, analysis, seed, scratch, clock.within)

    clock.phase("post")
    remix, report = finish.finish(content, style, content.with_samples(wet.numpy()), preset, seed, scratch, clock.within)
    losses = {"content": found.content_losses, "style": found.style_losses}
    setup: dict[str, Any] = {"device": str(where), "dtype": str(pick_dtype(where)), "memory_scale": memory_scale}
    setup |= {"steps": pace.steps} if pace else {}
    return Remix(remix, {**setup, **report, "steps_done": found.steps, "losses": losses, "seconds": clock.seconds()})


def _rest_seconds(
    content: Audio,
    style: Audio,
    source: Source,
    preset: Preset,
    analysis: Analysis,
    seed: int,
    scratch: Scratch,
    clock: _Clock,
) -> float:
    """How long the samples of the whole will take once its target is found, by two excerpts; the first run warms up."""
    sizes = [min(content.n_samples // part, round(most * content.sample_rate)) for part, most in ((8, 0.5), (8, 0.5), (2, 4.0))]
    seconds = []
    for size in (max(size, content.sample_rate // 10) for size in sizes):
        part = slice((content.n_samples - size) // 2, (content.n_samples + size) // 2)
        began = clock.worked()
        whole = source.whole[:, part].clone()
        levels = analysis.levels(whole)
        anything = torch.full((levels.shape[0], 1), ANYTHING_DB)
        found = Transferred(levels + 1.0, anything.expand_as(levels), anything, [], [], [])
        wet = rebuild(Source(whole, None, whole, levels), found, preset, analysis, seed, scratch, clock.part(1.0, 1.0))
        excerpt = content.with_samples(content.samples[:, part])
        finish.finish(excerpt, style, excerpt.with_samples(wet.numpy()), preset, seed, scratch, clock.part(1.0, 1.0))
        seconds.append((clock.worked() - began, size))
    (short, n_short), (long, n_long) = seconds[1:]
    per_sample = max(long - short, 0.0) / max(n_long - n_short, 1)
    return long + per_sample * (content.n_samples - n_long)


def _heard(
    style: Audio,
    settings: TransferSettings,
    analysis: Analysis,
    seed: int,
    block_frames: int,
    cache: Path | None,
    scratch: Scratch,
    clock: _Clock,
) -> tuple[StyleTarget, Extractor]:
    """What is wanted of the style, and the networks that say so."""
    dtype = pick_dtype(analysis.device)
    kept, key = None, ""
    if cache is not None:
        key = style_key(
            audio_sha256(style),
            settings,
            analysis,
            seed=seed,
            dtype=dtype,
            block_frames=block_frames,
            n_lags=rhythm_lags(settings, analysis),
            weights=weights_here.in_use(settings.depths()),
        )
        kept = StyleCache(cache).find(key)
    if kept is not None:
        kept = kept.on(analysis.device)
        return kept, load_extractor(settings, kept.bands.mean, analysis, seed, dtype)
    samples = at_rate(style, analysis.sample_rate, scratch)
    sounds, bands = style_heard(samples, settings, analysis, scratch, clock.part(0.0, 0.3))
    extractor = load_extractor(settings, bands.mean, analysis, seed, dtype)
    target = style_target(sounds, bands, extractor, settings, block_frames)
    if cache is not None:
        StyleCache(cache).keep(key, target)
    return target, extractor


def _filled(
    samples: Tensor, style: BandStatistics, preset: Preset, analysis: Analysis, scratch: Scratch, clock: _Clock
) -> tuple[Source, Sounding]:
    """The content with what it lacks and no gain can make, and its sounding frames."""
    beyond_db, gate_db = preset.reconstruct.excite_beyond_db, preset.transfer.gate_db
    levels = analysis.levels(samples, scratch, clock.part(0.4, 0.7))
    heard = sounding(levels, gate_db, reader(samples, analysis))
    if beyond_db >= exciter.MOST_NEED_DB or not heard.n_frames:
        return Source(samples, None, samples, levels), heard
    power_db = band_statistics(levels.shape[0], heard.n_frames, lambda part: levels[part][:, heard.frames]).power_db
    need_db = exciter.band_need_db(power_db - heard.programme_db, style.power_db.cpu(), beyond_db)
    harmonics = exciter.harmonics(samples, heard.frames, power_db, need_db, analysis, scratch)
    if harmonics is None:
        return Source(samples, None, samples, levels), heard
    whole = mixed(samples, harmonics, 1.0, scratch)
    levels = analysis.levels(whole, scratch, clock.part(0.7, 1.0))
    return Source(samples, harmonics, whole, levels), sounding(levels, gate_db, reader(whole, analysis))


class _Clock:
    """Tells of progress and adds up the seconds of each phase."""

    def __init__(self, on_step: OnStep | None) -> None:
        self._on_step = on_step
        self._marks: list[tuple[str, float]] = []
        self._rested_seconds = 0.0
        self.began = time.perf_counter()

    def worked(self) -> float:
        """Seconds, less those in which `on_step` made the render rest: a pause takes nothing from its time."""
        return time.perf_counter() - self._rested_seconds

    def phase(self, name: str) -> None:
        self._marks.append((name, time.perf_counter()))
        self.within(0.0)

    def within(self, share: float, **step: Any) -> None:
        """Tell of a share from 0 to 1 of the current phase."""
        name = self._marks[-1][0]
        names = list(PHASE_SHARES)
        before = sum(PHASE_SHARES[n] for n in names[: names.index(name)])
        if self._on_step:
            began = time.perf_counter()
            self._on_step(Progress(name, before + share * PHASE_SHARES[name], **step))
            self._rested_seconds += time.perf_counter() - began

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
