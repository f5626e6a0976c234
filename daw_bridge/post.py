"""The chain after the transfer: pedalboard's plugins by their own names, run block by block and in place."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .audio import Audio, Samples
from .blocks import blocks
from .errors import BadParameter, PluginFailed, did_you_mean
from .preset import Plugin
from .scratch import Scratch

# Built-in effects alone: nothing that loads a plugin or reads a file.
# fmt: off
PLUGINS = (
    "Bitcrush", "BrickwallLimiter", "Chorus", "Clipping", "Compressor", "Delay", "Distortion", "GSMFullRateCompressor",
    "Gain", "HighShelfFilter", "HighpassFilter", "Invert", "LadderFilter", "Limiter", "LowShelfFilter", "LowpassFilter",
    "MP3Compressor", "NoiseGate", "PeakFilter", "Phaser", "PitchShift", "Resample", "Reverb",
)
# fmt: on
MAX_STEPS = 32
BUFFER_SAMPLES = 8192
CHUNK_SECONDS = 1.5
MOST_LATENCY_SECONDS = 5.0  # of one plugin
SILENCE_DBFS = -90.0  # of a tail that has rung out
FADE_SECONDS = 0.05  # at the end of a tail that has not


def check_chain(chain: tuple[Plugin, ...]) -> None:
    """See whether pedalboard would take every plugin and parameter of a chain.

    Raises:
        BadParameter: an unknown plugin or parameter, a wrong type or a value that the plugin refuses.
    """
    _built(chain)


def apply_chain(
    audio: Audio, chain: tuple[Plugin, ...], *, wet: float = 1.0, tail_seconds: float = 0.0, scratch: Scratch = Scratch()
) -> Audio:
    """Run a preset's chain over the audio, its latency taken out and its length kept to the sample.

    Args:
        audio: any number of channels; more than two are treated in pairs, as (1, 2), (3, 4), ….
        chain: pedalboard plugins in order; empty returns `audio` itself.
        wet: share of the chain's sound; the rest is `audio` as it came, in parallel.
        tail_seconds: how long what rings on after the end is kept at most; it is cut where it falls under -90 dBFS.
        scratch: makes room for the result.

    Raises:
        BadParameter: as `check_chain`.
        PluginFailed: a plugin gave up, or returned samples that are no numbers.
    """
    if not chain or audio.n_samples == 0:
        return audio
    steps = _built(chain)
    mixed = scratch.empty((audio.n_channels, audio.n_samples + round(tail_seconds * audio.sample_rate)), audio.samples.dtype)
    for first in range(0, audio.n_channels, 2):
        pair = slice(first, first + 2)
        n_silent = mixed.shape[1] - audio.n_samples + math.ceil(len(steps) * MOST_LATENCY_SECONDS * audio.sample_rate)
        stream = _fed(audio.samples[pair], n_silent, _chunk_samples(audio.sample_rate))
        for name, plugin in steps:
            stream = _through(name, plugin, stream, audio.sample_rate)
        _pour(stream, audio.samples[pair], wet, mixed[pair])
    return audio.with_samples(_rung_out(mixed, audio.n_samples, audio.sample_rate))


def _chunk_samples(sample_rate: int) -> int:
    """How much a plugin gets at once: whole buffers of pedalboard's, and the first longer than the slowest plugin's latency.

    PitchShift loses everything where the first call is shorter than its latency of 1.1 s.
    """
    return math.ceil(CHUNK_SECONDS * sample_rate / BUFFER_SAMPLES) * BUFFER_SAMPLES


def _fed(samples: Samples, n_silent: int, chunk: int) -> Iterator[Samples]:
    """The samples in pieces, then silence for as long as a chain may keep them back."""
    for part in blocks(samples.shape[1]):
        yield samples[:, part].astype(np.float32)
    for _ in range(math.ceil(n_silent / chunk) + 1):
        yield np.zeros((samples.shape[0], chunk), np.float32)


def _through(name: str, plugin: Any, stream: Iterator[Samples], sample_rate: int) -> Iterator[Samples]:
    """What a plugin makes of a stream, its latency left out at the beginning.

    It is given pieces of one length whatever comes, so that how the stream is cut has no say in the sound.
    """
    chunk = _chunk_samples(sample_rate)
    plugin.reset()
    waiting: list[Samples] = []
    for piece in stream:
        waiting.append(piece)
        if sum(p.shape[1] for p in waiting) < chunk:
            continue
        joined = np.concatenate(waiting, axis=1)
        n_whole = joined.shape[1] // chunk * chunk
        waiting = [joined[:, n_whole:]]
        for start in range(0, n_whole, chunk):
            yield _run(name, plugin, joined[:, start : start + chunk], sample_rate)


def _pour(stream: Iterator[Samples], dry: Samples, wet: float, mixed: Samples) -> None:
    """Fill `mixed` with a stream and its share of the dry samples."""
    done, n_samples, n_dry = 0, mixed.shape[1], dry.shape[1]
    for piece in stream:
        stop = min(done + piece.shape[1], n_samples)
        here = wet * piece[:, : stop - done].astype(mixed.dtype)
        if wet < 1.0 and done < n_dry:
            here[:, : n_dry - done] += (1.0 - wet) * dry[:, done:stop]
        mixed[:, done:stop] = here
        done = stop
        if done == n_samples:
            return
    raise PluginFailed(f"a plugin of the chain keeps more than {MOST_LATENCY_SECONDS:g} s back", "Take its slowest plugin out.")


def _rung_out(samples: Samples, n_kept: int, sample_rate: int) -> Samples:
    """The samples up to where their tail, which begins at `n_kept`, has rung out; faded where it has not."""
    end = n_kept
    for part in blocks(samples.shape[1] - n_kept):
        loudest = np.abs(samples[:, n_kept + part.start : n_kept + part.stop]).max(axis=0)
        audible = np.flatnonzero(loudest > 10 ** (SILENCE_DBFS / 20))
        end = n_kept + part.start + int(audible[-1]) + 1 if len(audible) else end
    n_fade = min(round(FADE_SECONDS * sample_rate), end - n_kept)
    samples[:, end - n_fade : end] *= np.linspace(1.0, 0.0, n_fade, dtype=samples.dtype)
    return samples[:, :end]


def _run(name: str, plugin: Any, samples: Samples, sample_rate: int) -> Samples:
    try:
        wet: Samples = plugin.process(samples, sample_rate, buffer_size=BUFFER_SAMPLES, reset=False)
    except (ValueError, RuntimeError, TypeError) as error:
        raise PluginFailed(f"{name} failed: {str(error).splitlines()[0]}", "Change its parameters or take it out.") from None
    wet = wet.reshape(len(samples), -1)
    if wet.shape[1] > samples.shape[1] or not np.isfinite(wet).all():
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
