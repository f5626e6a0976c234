"""From the reconstructed samples to the published ones: chain, hash, silence, loudness, mix, ceiling, dither."""

from __future__ import annotations

import math

import numpy as np

from . import post
from .audio import Audio
from .dehash import dehash
from .dither import dither
from .preset import Preset
from .settings import OutputSettings
from .silence_gate import gate_by

MAX_TAIL_SECONDS = 10.0
MOST_LIMITING_DB = 6.0  # the ceiling takes off this much at most; beyond it, the remix is turned down as a whole


def finish(content: Audio, style: Audio, remix: Audio, preset: Preset, seed: int = 0) -> tuple[Audio, dict[str, float | None]]:
    """Everything that a preset says of the sound after the transfer.

    Args:
        content, style: as they were read.
        remix: of the reconstruction; as long as the content, in its rate, channels and sample format.
        preset: its chain and its `[output]`.
        seed: of the dither.

    Returns:
        The remix as it is published, longer than the content where a tail is kept; and what the recipe says of its levels:
        gain and, where loudness and ceiling conflict, the miss, which the ceiling wins.

    Raises:
        BadParameter, PluginFailed: as `post.apply_chain`.
    """
    settings = preset.output
    tail_seconds = MAX_TAIL_SECONDS if settings.tails == "keep" else 0.0
    remix = post.apply_chain(remix, preset.post, wet=settings.chain_wet, tail_seconds=tail_seconds)
    if settings.dehash != "off":
        remix = dehash(remix, *((content,) if settings.dehash == "content" else (content, style)))
    if settings.is_gated:
        remix = gate_by(remix, content, preset.transfer.gate_db)
    remix, gain_db = _mixed(content, remix, settings)
    remix, turned_db = _under_the_ceiling(remix, settings.ceiling_dbtp)
    remix = dither(remix, seed) if settings.is_dithered else remix
    return remix, {"loudness_gain_db": gain_db + turned_db, **_levels(content, remix, settings)}


def wanted_lufs(content: Audio, settings: OutputSettings) -> float | None:
    """The loudness that the remix is to have; None where it keeps its own."""
    if settings.loudness == "off":
        return None
    return settings.loudness if isinstance(settings.loudness, float) else post.loudness_lufs(content)


def _mixed(content: Audio, remix: Audio, settings: OutputSettings) -> tuple[Audio, float]:
    """At the content's loudness first, so that `wet` mixes equals; then at the loudness that is wanted."""
    if settings.loudness == "off" and settings.wet == 1.0:
        return remix, 0.0
    gain_db = 0.0
    if settings.loudness != "off":
        remix, gain_db = post.match_loudness(remix, content)
    if settings.wet < 1.0:
        mixed = settings.wet * remix.samples
        mixed[:, : content.n_samples] += (1.0 - settings.wet) * content.samples
        remix = remix.with_samples(mixed.astype(remix.samples.dtype))
        if settings.loudness == "content":
            remix, more_db = post.match_loudness(remix, content)
            gain_db += more_db
    if isinstance(settings.loudness, float):
        remix, more_db = post.reach_loudness(remix, settings.loudness)
        gain_db += more_db
    return remix, gain_db


def _under_the_ceiling(remix: Audio, ceiling_dbtp: float) -> tuple[Audio, float]:
    """The remix under its ceiling, and the gain in dB by which it was turned down as a whole first."""
    too_high_db = max(0.0, post.true_peak_dbtp(remix.samples) - ceiling_dbtp - MOST_LIMITING_DB)
    if too_high_db:
        remix = remix.with_samples(remix.samples * remix.samples.dtype.type(10.0 ** (-too_high_db / 20.0)))
    return post.limit_true_peak(remix, ceiling_dbtp), -too_high_db


def _levels(content: Audio, remix: Audio, settings: OutputSettings) -> dict[str, float | None]:
    wanted, reached = wanted_lufs(content, settings), post.loudness_lufs(remix)
    miss = wanted - reached if wanted is not None and math.isfinite(wanted) and math.isfinite(reached) else 0.0
    return {
        "loudness_lufs": round(reached, 3) if math.isfinite(reached) else None,
        "loudness_miss_lu": round(miss, 3),
        "true_peak_dbtp": round(post.true_peak_dbtp(np.asarray(remix.samples)), 3),
    }
