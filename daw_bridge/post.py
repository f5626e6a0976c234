"""What happens to the samples after the transfer: the preset's pedalboard chain, loudness, and the ceiling."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from .audio import Audio, Samples
from .ceiling import limit_true_peak, true_peak_dbtp
from .errors import BadParameter, PluginFailed, did_you_mean
from .preset import Plugin

__all__ = ["PLUGINS", "Knob", "apply_chain", "check_chain", "is_metered", "limit_true_peak", "loudness_lufs", "match_loudness"]
__all__ += ["knobs", "reach_loudness", "true_peak_dbtp"]

# Built-in effects alone: nothing that loads a plugin or reads a file.
# fmt: off
PLUGINS = (
    "Bitcrush", "BrickwallLimiter", "Chorus", "Clipping", "Compressor", "Delay", "Distortion", "GSMFullRateCompressor",
    "Gain", "HighShelfFilter", "HighpassFilter", "Invert", "LadderFilter", "Limiter", "LowShelfFilter", "LowpassFilter",
    "MP3Compressor", "NoiseGate", "PeakFilter", "Phaser", "PitchShift", "Resample", "Reverb",
)
# fmt: on
MAX_STEPS = 32
SHORTEST_SAMPLES = 16  # pedalboard takes the shorter axis for the channels
METERED_CHANNELS = 5  # as many as BS.1770 weighs
BLOCK_SECONDS = 0.4  # of a loudness measurement
SILENCE_DBFS = -90.0
FADE_SECONDS = 0.05  # at the end of a tail
MOST_GAIN_DB = 40.0


def check_chain(chain: tuple[Plugin, ...]) -> None:
    """See whether pedalboard would take every plugin and parameter of a chain.

    Raises:
        BadParameter: an unknown plugin or parameter, a wrong type or a value that the plugin refuses.
    """
    _built(chain)


def apply_chain(audio: Audio, chain: tuple[Plugin, ...], *, wet: float = 1.0, tail_seconds: float = 0.0) -> Audio:
    """Run a preset's chain over the audio, its latency taken out and its length kept to the sample.

    Args:
        audio: any number of channels; more than two are treated in pairs, as (1, 2), (3, 4), ….
        chain: pedalboard plugins in order; empty returns `audio` itself.
        wet: share of the chain's sound; the rest is `audio` as it came, in parallel.
        tail_seconds: how long what rings on after the end is kept at most; it is cut where it falls under -90 dBFS.

    Raises:
        BadParameter: as `check_chain`.
        PluginFailed: a plugin gave up, or returned samples that are no numbers.
    """
    if not chain or audio.n_samples == 0:
        return audio
    steps = _built(chain)
    n_samples = audio.n_samples + round(tail_seconds * audio.sample_rate)
    mixed = np.empty((audio.n_channels, n_samples), audio.samples.dtype)
    for first in range(0, audio.n_channels, 2):
        processed = audio.samples[first : first + 2].astype(np.float32)
        processed = np.pad(processed, ((0, 0), (0, max(n_samples, SHORTEST_SAMPLES) - audio.n_samples)))
        for name, step in steps:
            processed = _run(name, step, processed, audio.sample_rate)
        mixed[first : first + 2] = wet * processed[:, :n_samples]
    if wet < 1.0:
        mixed[:, : audio.n_samples] += (1.0 - wet) * audio.samples
    return audio.with_samples(_rung_out(mixed, audio.n_samples, audio.sample_rate))


def _rung_out(samples: Samples, n_kept: int, sample_rate: int) -> Samples:
    """The samples up to where their tail, which begins at `n_kept`, has rung out; faded where it has not."""
    audible = np.flatnonzero(np.abs(samples[:, n_kept:]).max(axis=0, initial=0.0) > 10 ** (SILENCE_DBFS / 20))
    end = n_kept + (int(audible[-1]) + 1 if len(audible) else 0)
    n_fade = min(round(FADE_SECONDS * sample_rate), end - n_kept)
    samples[:, end - n_fade : end] *= np.linspace(1.0, 0.0, n_fade, dtype=samples.dtype)
    return samples[:, :end]


def _run(name: str, step: Any, samples: Samples, sample_rate: int) -> Samples:
    try:
        wet: Samples = step.process(samples, sample_rate, reset=True)
    except (ValueError, RuntimeError, TypeError) as error:
        raise PluginFailed(f"{name} failed: {str(error).splitlines()[0]}", "Change its parameters or take it out.") from None
    if wet.shape != samples.shape or not np.isfinite(wet).all():
        raise PluginFailed(f"{name} returned unusable samples at {sample_rate} Hz", "Change its parameters or take it out.")
    return wet


def _built(chain: tuple[Plugin, ...]) -> list[tuple[str, Any]]:
    import pedalboard

    if len(chain) > MAX_STEPS:
        raise BadParameter(f"the chain has {len(chain)} steps, more than {MAX_STEPS}", "Take some out.")
    known = [name for name in PLUGINS if hasattr(pedalboard, name)]
    steps = []
    for number, step in enumerate(chain, 1):
        where = f"post step {number}"
        if step.plugin not in known:
            raise BadParameter(
                f"{where}: plugin {step.plugin!r} is not one of pedalboard's effects", did_you_mean(step.plugin, known)
            )
        steps.append((step.plugin, _plugin(getattr(pedalboard, step.plugin), step, where)))
    return steps


@dataclass(frozen=True)
class Knob:
    """A parameter of a plugin.

    Attributes:
        name: pedalboard's own.
        standard: its value where the chain says nothing; for a choice, its name.
        choices: what it may be; empty where it is a number or a switch.
    """

    name: str
    standard: float | bool | str
    choices: tuple[str, ...] = ()


def knobs() -> dict[str, tuple[Knob, ...]]:
    """Every plugin that a chain may name, with its parameters."""
    import pedalboard

    found = {}
    for name in (name for name in PLUGINS if hasattr(pedalboard, name)):
        cls = getattr(pedalboard, name)
        standard = cls()
        found[name] = tuple(_knob(key, getattr(standard, key)) for key in sorted(_names(cls)))
    return found


def _knob(name: str, standard: Any) -> Knob:
    choices = getattr(type(standard), "__members__", None)
    if choices is not None:
        return Knob(name, standard.name, tuple(choices))
    return Knob(name, standard if isinstance(standard, bool) else round(float(standard), 4))


def _names(cls: Any) -> set[str]:
    return {n for n in dir(cls) if isinstance(getattr(cls, n), property)} - {"is_effect", "is_instrument"}


def _plugin(cls: Any, step: Plugin, where: str) -> Any:
    standard = cls()
    names = _names(cls)
    values = {}
    for key, value in step.parameters.items():
        if key not in names:
            raise BadParameter(f"{where}: {step.plugin} has no parameter {key!r}", did_you_mean(key, names))
        values[key] = _value(getattr(standard, key), value, f"{where}: {step.plugin}.{key}")
    try:
        return cls(**values)
    except (ValueError, TypeError, RuntimeError) as error:
        said = ", ".join(f"{key}={value}" for key, value in step.parameters.items())
        raise BadParameter(f"{where}: {step.plugin} refuses {said}: {str(error).splitlines()[0]}", "Change the value.") from None


def _value(standard: Any, value: Any, where: str) -> Any:
    """A parameter in the type of its standard value: a number, a switch, or one of pedalboard's named choices."""
    choices = getattr(type(standard), "__members__", None)
    if choices is not None:
        if value not in choices:
            raise BadParameter(f"{where}={value!r} is not a choice", did_you_mean(str(value), choices))
        return choices[value]
    if isinstance(standard, bool):
        if not isinstance(value, bool):
            raise BadParameter(f"{where}={value!r} must be true or false", "Write it without quotes.")
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise BadParameter(f"{where}={value!r} must be a number", f"Its standard value is {standard:g}.")
    return float(value)


def match_loudness(audio: Audio, reference: Audio) -> tuple[Audio, float]:
    """Give the audio the integrated loudness of the reference.

    Where one of them is shorter than a metering block (0.4 s) or has more channels than the standard weighs, their RMS is
    matched; where one is silent, nothing is changed. The gain is held within ±40 dB.

    Returns:
        The audio, and the gain in dB.

    Source:
        ITU-R BS.1770-4, through pyloudnorm.
    """
    level = _lufs if is_metered(audio) and is_metered(reference) else _rms_db
    return _turned(audio, level(reference) - level(audio) if _sounds(audio) and _sounds(reference) else 0.0)


def reach_loudness(audio: Audio, lufs: float) -> tuple[Audio, float]:
    """Give the audio an integrated loudness.

    Args:
        audio: silence is left alone; the gain is held within ±40 dB.
        lufs: to reach; of `loudness_lufs`, so that what cannot be metered is brought near it by its power.

    Returns:
        The audio, and the gain in dB.
    """
    return _turned(audio, lufs - loudness_lufs(audio))


def loudness_lufs(audio: Audio) -> float:
    """Integrated loudness, LUFS; -inf for silence.

    Where it cannot be metered (shorter than 0.4 s, more than 5 channels), the unweighted power stands in.
    """
    if not _sounds(audio):
        return -math.inf
    return _lufs(audio) if is_metered(audio) else _rms_db(audio) + 10 * math.log10(audio.n_channels) - 0.691


def is_metered(audio: Audio) -> bool:
    """Whether BS.1770 has a say on its length and number of channels."""
    return audio.length_seconds >= BLOCK_SECONDS and audio.n_channels <= METERED_CHANNELS


def _turned(audio: Audio, gain_db: float) -> tuple[Audio, float]:
    if not math.isfinite(gain_db) or gain_db == 0.0:
        return audio, 0.0
    gain_db = min(max(gain_db, -MOST_GAIN_DB), MOST_GAIN_DB)
    return audio.with_samples((audio.samples * 10 ** (gain_db / 20)).astype(audio.samples.dtype)), gain_db


def _sounds(audio: Audio) -> bool:
    return _rms_db(audio) > SILENCE_DBFS


def _lufs(audio: Audio) -> float:
    import pyloudnorm

    return float(pyloudnorm.Meter(audio.sample_rate, block_size=BLOCK_SECONDS).integrated_loudness(audio.samples.T))


def _rms_db(audio: Audio) -> float:
    if audio.n_samples == 0:
        return -math.inf
    squares = [float(np.mean(np.square(channel, dtype=np.float64))) for channel in audio.samples]
    mean_square = sum(squares) / len(squares)
    return 10 * math.log10(mean_square) if mean_square > 0 else -math.inf
