"""The core on one page: content, style and preset in, remix out; no sockets, no files but the weights, no clock of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from . import exciter, finish, reconstruct, spectrogram
from .audio import Audio
from .errors import BadArguments, TooShort
from .extractors.loading import load_extractor
from .presets import Preset
from .transfer import Read, Step, Transferred, presence, sounding_frames, style_target, transfer

PHASE_SHARES = {"listen": 0.05, "transfer": 0.75, "reconstruct": 0.1, "post": 0.1}  # of the whole time, for the fraction


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


def pick_device(name: str = "auto") -> torch.device:
    """The device of that name; "auto" is cuda, then mps, then cpu.

    Raises:
        BadArguments: this torch has no such device.
    """
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(device for device, is_present in present.items() if is_present)
    kind = name.partition(":")[0]
    if not present.get(kind, False):
        have = ", ".join(device for device, is_present in present.items() if is_present)
        raise BadArguments(f"device={name!r} is not available to torch {torch.__version__}", f"This machine has: {have}.")
    return torch.device(name)


def pick_dtype(device: torch.device) -> torch.dtype:
    """bfloat16 where the hardware multiplies it, float32 elsewhere."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    has_bf16 = device.type == "cpu" and (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
    return torch.bfloat16 if has_bf16 else torch.float32


def render(
    content: Audio,
    style: Audio,
    preset: Preset,
    *,
    seed: int = 0,
    device: str = "auto",
    on_step: OnStep | None = None,
) -> Remix:
    """Make the content sound like the style.

    Args:
        content: the song; its rate, length, channels and sample format are the remix's.
        style: any recording; resampled where its rate differs, its channels heard together.
        preset: settings of every stage, and the chain after them.
        seed: of everything random; the same inputs, seed and device give the same samples.
        device: "auto", "cpu", "cuda" or "mps".
        on_step: told of progress at least once an optimisation step; whatever it raises ends the render.

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

    clock.phase("listen")
    analysis = spectrogram.analysis_for(content.sample_rate, preset.transfer.n_bands, where)
    samples = torch.from_numpy(content.samples.astype(np.float32)).to(where)
    style_samples = torch.from_numpy(_at_rate(style, content.sample_rate)).to(where)
    style_sound = sounding_frames(analysis.levels(style_samples), preset.transfer.gate_db, _reader(style_samples, analysis))
    harmonics = _harmonics(samples, style_sound.levels, preset, analysis)
    levels = analysis.levels(samples + harmonics)

    clock.phase("transfer")
    extractor = load_extractor(preset.transfer, style_sound.levels, analysis, seed, pick_dtype(where))
    target = style_target(style_sound, extractor, preset.transfer)
    found = transfer(
        levels,
        target,
        extractor,
        preset.transfer,
        frames_per_second=analysis.frames_per_second,
        read=_reader(samples + harmonics, analysis),
        seed=seed,
        on_step=clock.step,
    )

    clock.phase("reconstruct")
    wet = _reconstruct(samples, harmonics, levels, found, preset, analysis, seed, clock).cpu().numpy()

    clock.phase("post")
    remix, report = finish.finish(content, style, content.with_samples(wet), preset, seed)
    losses = {"content": found.content_losses, "style": found.style_losses}
    return Remix(
        remix, {"device": str(where), "dtype": str(pick_dtype(where)), **report, "losses": losses, "seconds": clock.seconds()}
    )


def _reader(samples: Tensor, analysis: spectrogram.Analysis) -> Read:
    """Gives the spectra of a recording's frames, for networks that listen."""
    mono = samples.mean(0, keepdim=True)
    return lambda frames: spectrogram.spectra_at(mono, analysis.resolution, frames)[0]


def _at_rate(audio: Audio, sample_rate: int) -> np.ndarray:
    samples = audio.samples.astype(np.float32)
    if audio.sample_rate == sample_rate:
        return samples
    import librosa

    return np.ascontiguousarray(librosa.resample(samples, orig_sr=audio.sample_rate, target_sr=sample_rate, res_type="soxr_hq"))


def _harmonics(samples: Tensor, style_sounding: Tensor, preset: Preset, analysis: spectrogram.Analysis) -> Tensor:
    """What the content lacks and no gain can make, `(C, N)`; zeros where nothing is lacking."""
    beyond_db = preset.reconstruct.excite_beyond_db
    levels = analysis.levels(samples)
    sounding = presence(levels, preset.transfer.gate_db) > 0
    if beyond_db >= exciter.MOST_NEED_DB or not bool(sounding.any()):
        return torch.zeros_like(samples)
    relative = levels[:, sounding] - spectrogram.programme_level_db(levels)
    return exciter.harmonics(samples, sounding, exciter.band_need_db(relative, style_sounding, beyond_db), analysis)


def _reconstruct(
    samples: Tensor,
    harmonics: Tensor,
    levels: Tensor,
    found: Transferred,
    preset: Preset,
    analysis: spectrogram.Analysis,
    seed: int,
    clock: _Clock,
) -> Tensor:
    strength, settings = preset.transfer.strength, preset.reconstruct
    source = samples + harmonics
    resolution, limit = analysis.resolution, settings.max_gain_db
    if settings.method == "gain_mask":
        gain_db = reconstruct.gain_under_ceiling(source, levels, found.levels, found.ceiling, limit, analysis)
        return reconstruct.gain_mask(samples + strength * harmonics, gain_db * strength, analysis.spread, resolution)
    gain_db = (found.levels - levels).clamp(-limit, limit) * strength
    magnitude = spectrogram.stft(source, resolution).abs() * torch.pow(10.0, (analysis.spread @ gain_db) / 20.0)
    return reconstruct.griffin_lim(
        magnitude,
        resolution,
        samples.shape[1],
        n_iterations=settings.n_iterations,
        momentum=settings.momentum,
        seed=seed,
        on_iteration=lambda done: clock.within(done / settings.n_iterations),
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

    def step(self, step: Step) -> None:
        values = {"step": step.step, "num_steps": step.num_steps}
        losses = {"content_loss": step.content_loss, "style_loss": step.style_loss}
        self.within(step.step / step.num_steps, **values, **losses)

    def seconds(self) -> dict[str, float]:
        ends = [start for _, start in self._marks[1:]] + [time.perf_counter()]
        return {name: round(end - start, 3) for (name, start), end in zip(self._marks, ends, strict=True)}
