"""The chain after the transfer: pedalboard's plugins by their own names, run block by block and in place."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from . import plugin_host
from .audio import Audio, Samples
from .blocks import blocks
from .effects import built
from .errors import BadParameter
from .preset import Plugin, Preset
from .scratch import Scratch
from .streaming import fed, poured, through

PROBE_SECONDS = 0.5  # of the noise that finds a chain's delay
MOST_DELAY_SECONDS = 1.0
LEAST_DELAY_SECONDS = 0.0005
CLEAR_CORRELATION = 0.5
SILENCE_DBFS = -90.0  # of a tail that has rung out
FADE_SECONDS = 0.05  # at the end of a tail that has not
OnPart = Callable[[float], None]


def check_chain(chain: tuple[Plugin, ...]) -> None:
    """See whether pedalboard would take every plugin and parameter of a chain, and whether the user's own are allowed.

    No plugin of the user's own is loaded for it.

    Raises:
        BadParameter: an unknown plugin or parameter, a wrong type or a value that the plugin refuses.
    """
    built(chain)


def check_preset(preset: Preset) -> None:
    """`check_chain` of a preset that is named when it is refused.

    Raises:
        BadParameter: as `check_chain`.
    """
    try:
        check_chain(preset.post)
    except BadParameter as error:
        raise BadParameter(f"preset {preset.id!r}: {error.message}", error.hint) from None


def apply_chain(
    audio: Audio,
    chain: tuple[Plugin, ...],
    *,
    wet: float = 1.0,
    tail_seconds: float = 0.0,
    scratch: Scratch = Scratch(),
    on_part: OnPart = lambda share: None,
) -> Audio:
    """Run a preset's chain over the audio, its delay taken out and its length kept to the sample.

    Args:
        audio: any number of channels; more than two are treated in pairs, as (1, 2), (3, 4), ….
        chain: plugins in order; empty returns `audio` itself.
        wet: share of the chain's sound; the rest is `audio` as it came, in parallel.
        tail_seconds: how long what rings on after the end is kept at most; it is cut where it falls under -90 dBFS.
        scratch: makes room for the result.
        on_part: told from time to time how far it is, 0 to 1.

    Raises:
        BadParameter: as `check_chain`.
        PluginFailed: a plugin gave up, crashed, hung, or returned samples that are no numbers.
    """
    if not chain or audio.n_samples == 0:
        return audio
    delay = chain_delay_samples(chain, audio.sample_rate, scratch, lambda share: on_part(0.0))
    n_wanted = audio.n_samples + round(tail_seconds * audio.sample_rate)
    made = _made(audio.samples, chain, n_wanted + max(delay, 0), audio.sample_rate, scratch, on_part)
    made = _earlier(made, delay, n_wanted)
    mixed = scratch.empty(made.shape, audio.samples.dtype)
    for part in blocks(n_wanted):
        here = wet * made[:, part].astype(mixed.dtype)
        dry = audio.samples[:, part]  # shorter where a tail is kept
        if wet < 1.0:
            here[:, : dry.shape[1]] += (1.0 - wet) * dry
        mixed[:, part] = here
    return audio.with_samples(_rung_out(mixed, audio.n_samples, audio.sample_rate))


def chain_delay_samples(
    chain: tuple[Plugin, ...], sample_rate: int, scratch: Scratch = Scratch(), on_part: OnPart = lambda share: None
) -> int:
    """How much later than it came a chain gives a sound back, beyond what its plugins report and pedalboard takes out.

    Half a second of noise is sent through it. Where the cross-correlation with what comes back has one clear peak, that is
    the delay. There is none where a good part comes back in place (an echo), where the sound itself is smeared (a reverb
    without its dry part, a shift of pitch), or where the peak lies within half a millisecond: a filter's own phase is part
    of its sound.

    Args:
        chain: plugins in order.
        sample_rate: Hz.
        scratch: makes room for what comes back.
        on_part: told from time to time how far it is, 0 to 1; whatever it raises ends it.

    Returns:
        Samples; negative where it comes early.
    """
    n_samples = round(PROBE_SECONDS * sample_rate)
    probe = 0.1 * np.random.default_rng(0).standard_normal((1, n_samples)).astype(np.float32)
    n_wanted = n_samples + round(MOST_DELAY_SECONDS * sample_rate)
    wet = _made(probe, chain, n_wanted, sample_rate, scratch, on_part)[0].astype(np.float64)
    wet /= np.abs(wet).max(initial=0.0) or 1.0
    size = 1 << (2 * n_wanted - 1).bit_length()
    found = np.fft.irfft(np.fft.rfft(wet, size) * np.conj(np.fft.rfft(probe[0], size)), size)
    power = math.sqrt(float(np.sum(wet**2) * np.sum(np.square(probe, dtype=np.float64))))
    peaks, near = np.abs(found), round(LEAST_DELAY_SECONDS * sample_rate)
    best = int(np.argmax(peaks))
    delay = best if best < size // 2 else best - size
    in_place = max(peaks[: near + 1].max(), peaks[-near:].max(initial=0.0))
    is_clear = peaks[best] > CLEAR_CORRELATION * power and peaks[best] > 2 * in_place
    return delay if is_clear else 0


def _earlier(samples: Samples, delay: int, n_wanted: int) -> Samples:
    if delay >= 0:
        return samples[:, delay : delay + n_wanted]
    return np.pad(samples[:, : n_wanted + delay], ((0, 0), (-delay, 0)))


def _made(
    samples: Samples, chain: tuple[Plugin, ...], n_wanted: int, sample_rate: int, scratch: Scratch, on_part: OnPart
) -> Samples:
    """`(C, n_wanted)`, float32: what the chain makes of the samples, then of silence.

    Neighbours of pedalboard's own run as one stream; a plugin of the user's own gets what is there by then as a file.
    """
    runs = [list(run) for _, run in itertools.groupby(built(chain), key=lambda built: built[0].is_hosted)]
    for number, run in enumerate(runs):

        def part_of_run(share: float, number: int = number) -> None:
            on_part((number + share) / len(runs))

        if run[0][0].is_hosted:
            for step, _ in run:
                samples = plugin_host.process(step, samples, n_wanted, sample_rate, scratch, part_of_run)
        else:
            samples = _streamed(run, samples, n_wanted, sample_rate, scratch, part_of_run)
    return samples


def _streamed(
    run: list[tuple[Plugin, Any]], samples: Samples, n_wanted: int, sample_rate: int, scratch: Scratch, on_part: OnPart
) -> Samples:
    made = scratch.empty((len(samples), n_wanted), np.float32)
    for first in range(0, len(samples), 2):
        stream = fed(samples[first : first + 2], n_wanted, sample_rate, len(run))
        for step, plugin in run:
            stream = through(step.plugin, plugin, stream, sample_rate)
        for done in poured(stream, made[first : first + 2]):
            on_part((first / 2 + done / n_wanted) / math.ceil(len(samples) / 2))
    return made


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
