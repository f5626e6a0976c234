"""Audio through a plugin in pieces: what is fed, what comes back late, and what is made of it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from .audio import Samples
from .blocks import blocks
from .errors import PluginFailed

BUFFER_SAMPLES = 8192
CHUNK_SECONDS = 1.5
MOST_LATENCY_SECONDS = 5.0  # of one plugin


def chunk_samples(sample_rate: int) -> int:
    """How much a plugin gets at once: whole buffers of pedalboard's, and the first longer than the slowest plugin's latency.

    pedalboard's PitchShift loses everything where the first call is shorter than its latency of 1.1 s.
    """
    return math.ceil(CHUNK_SECONDS * sample_rate / BUFFER_SAMPLES) * BUFFER_SAMPLES


def fed(samples: Samples, n_wanted: int, sample_rate: int, n_plugins: int = 1) -> Iterator[Samples]:
    """Samples `(C, N)` in pieces, then silence: up to `n_wanted`, and for as long as so many plugins may keep them back."""
    for part in blocks(samples.shape[1]):
        yield samples[:, part].astype(np.float32)
    chunk = chunk_samples(sample_rate)
    n_silent = n_wanted - samples.shape[1] + n_plugins * math.ceil(MOST_LATENCY_SECONDS * sample_rate)
    for _ in range(math.ceil(n_silent / chunk) + 1):
        yield np.zeros((samples.shape[0], chunk), np.float32)


def through(name: str, plugin: Any, stream: Iterator[Samples], sample_rate: int) -> Iterator[Samples]:
    """What a plugin makes of a stream, its latency left out at the beginning.

    It is given pieces of one length whatever comes, so that how the stream is cut has no say in the sound.

    Args:
        name: of the plugin, for messages.
        plugin: of pedalboard's.
        stream: pieces `(C, n)` of at most two channels.
        sample_rate: Hz.

    Raises:
        PluginFailed: it gave up, or returned samples that are no numbers.
    """
    chunk = chunk_samples(sample_rate)
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
            yield _processed(name, plugin, joined[:, start : start + chunk], sample_rate)


def _processed(name: str, plugin: Any, samples: Samples, sample_rate: int) -> Samples:
    try:
        wet: Samples = plugin.process(samples, sample_rate, buffer_size=BUFFER_SAMPLES, reset=False)
    except (ValueError, RuntimeError, TypeError) as error:
        raise PluginFailed(f"{name} failed: {str(error).splitlines()[0]}", "Change its parameters or take it out.") from None
    wet = wet.reshape(len(samples), -1)
    if wet.shape[1] > samples.shape[1] or not np.isfinite(wet).all():
        raise PluginFailed(f"{name} returned unusable samples at {sample_rate} Hz", "Change its parameters or take it out.")
    return wet


def poured(stream: Iterator[Samples], into: Samples) -> Iterator[int]:
    """Fill an array with a stream; tells after each piece how many samples are there.

    Raises:
        PluginFailed: the stream ends before the array does.
    """
    done = 0
    for piece in stream:
        stop = min(done + piece.shape[1], into.shape[1])
        into[:, done:stop] = piece[:, : stop - done]
        done = stop
        yield done
        if done == into.shape[1]:
            return
    raise PluginFailed(f"a plugin of the chain keeps more than {MOST_LATENCY_SECONDS:g} s back", "Take the slowest out.")
