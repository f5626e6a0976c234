"""From the reconstructed samples to the published ones: chain, hash, silence, loudness, mix, ceiling, dither."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import numpy as np

from . import post
from .audio import Audio, Samples
from .blocks import blocks, rewritten
from .ceiling import limit_true_peak, true_peak_dbtp
from .dehash import dehash
from .dither import dither
from .loudness import Level, gain_to_match_db, gain_to_reach_db, level, turned
from .offset import hold_offset
from .post import OnPart
from .preset import Preset
from .scratch import Scratch
from .settings import OutputSettings
from .silence_gate import gate_by

MAX_TAIL_SECONDS = 10.0
CHAIN_SHARE, LEVELS_SHARE, CEILING_SHARE, LAST_SHARE = 0.4, 0.5, 0.65, 0.9  # of the time, where each begins or is done
MOST_LIMITING_DB, MOST_LIMITING_LU = 12.0, 1.0  # what the ceiling may take off a peak, and off the loudness of the whole
LIMITING_TRIALS, LEAST_CHANGE_DB = 4, 0.05


def finish(
    content: Audio,
    style: Audio,
    remix: Audio,
    preset: Preset,
    seed: int = 0,
    scratch: Scratch = Scratch(),
    on_part: OnPart = lambda share: None,
) -> tuple[Audio, dict[str, float | None]]:
    """Everything that a preset says of the sound after the transfer.

    Args:
        content, style: as they were read.
        remix: of the reconstruction; as long as the content, in its rate, channels and sample format.
        preset: its chain and its `[output]`.
        seed: of the dither.
        scratch: makes room for what each stage makes; the audios may lie in memory maps, too.
        on_part: told from time to time how far it is, 0 to 1; whatever it raises ends it.

    Returns:
        The remix as it is published, longer than the content where a tail is kept; and what the recipe says of its levels:
        gain and, where loudness and ceiling conflict, the miss, which the ceiling wins.

    Raises:
        BadParameter, PluginFailed: as `post.apply_chain`.
    """
    settings = preset.output
    headroom_db = _over_full_scale_db(remix) if preset.post else 0.0
    remix = post.apply_chain(
        turned(remix, -headroom_db, scratch),
        preset.post,
        wet=settings.chain_wet,
        tail_seconds=MAX_TAIL_SECONDS if settings.tails == "keep" else 0.0,
        scratch=scratch,
        on_part=lambda share: on_part(share * CHAIN_SHARE),
    )
    remix = turned(remix, headroom_db, scratch)
    told = partial(_telling, scratch, on_part)
    if settings.dehash != "off":
        recordings = (content,) if settings.dehash == "content" else (content, style)
        remix = dehash(remix, *recordings, scratch=told(CHAIN_SHARE))
    if settings.is_gated:
        remix = gate_by(remix, content, preset.transfer.gate_db, told(CHAIN_SHARE))
    is_matched = settings.loudness == "content" or (settings.loudness != "off" and settings.wet < 1.0)
    wanted = level(content, told(LEVELS_SHARE)) if is_matched else None
    remix, gain_db = _mixed(content, remix, wanted, settings, told(LEVELS_SHARE))
    if gain_db > 0.0:
        remix = hold_offset(remix, content, preset.transfer.gate_db, told(LEVELS_SHARE))
    remix, turned_db = _under_the_ceiling(remix, settings, settings.loudness != "off", told(CEILING_SHARE))
    remix = dither(remix, seed, told(LAST_SHARE)) if settings.is_dithered else remix
    levels = _levels(remix, wanted, settings, told(LAST_SHARE))
    return remix, {"loudness_gain_db": gain_db + turned_db, **levels}


def _over_full_scale_db(audio: Audio) -> float:
    """How far the highest sample lies over full scale, where no track of a DAW is: a chain's thresholds and drives expect one."""
    peak = max((float(np.abs(audio.samples[:, part]).max()) for part in blocks(audio.n_samples)), default=0.0)
    return 20 * math.log10(max(peak, 1.0))


def _telling(scratch: Scratch, on_part: OnPart, share: float) -> Scratch:
    """The same room, that tells of a share of the work with each block; whoever is told may stop it or let it wait there."""
    on_part(share)
    return replace(scratch, on_block=lambda: on_part(share))


def _mixed(content: Audio, remix: Audio, wanted: Level | None, settings: OutputSettings, scratch: Scratch) -> tuple[Audio, float]:
    """At the content's loudness first, so that `wet` mixes equals; then at the loudness that is wanted."""
    gain_db = 0.0
    if wanted is not None:
        gain_db = gain_to_match_db(level(remix, scratch), wanted)
        remix = turned(remix, gain_db, scratch)
    if settings.wet < 1.0:
        remix = _blended(content, remix, settings.wet, scratch)
        if wanted is not None and settings.loudness == "content":
            more_db = gain_to_match_db(level(remix, scratch), wanted)
            remix, gain_db = turned(remix, more_db, scratch), gain_db + more_db
    if isinstance(settings.loudness, float):
        more_db = gain_to_reach_db(level(remix, scratch), settings.loudness)
        remix, gain_db = turned(remix, more_db, scratch), gain_db + more_db
    return remix, gain_db


def _blended(content: Audio, remix: Audio, wet: float, scratch: Scratch) -> Audio:
    def blend(part: slice) -> Samples:
        mixed = wet * remix.samples[:, part].astype("float64")
        dry = content.samples[:, part]  # shorter where a tail is kept
        mixed[:, : dry.shape[1]] += (1.0 - wet) * dry
        return mixed.astype(remix.samples.dtype)

    return rewritten(remix, scratch, blend)


def _under_the_ceiling(remix: Audio, settings: OutputSettings, is_matched: bool, scratch: Scratch) -> tuple[Audio, float]:
    """The remix under its ceiling, and the gain in dB by which it was turned as a whole before.

    Peaks that stand alone are limited, which nobody hears, and what that takes off the loudness is made up for. Where more
    would have to be limited than the most, the rest is taken off the whole: a hit that is cut down with every other is no
    hit. What limiting takes off the loudness grows about as the square of its depth, so a few trials find the depth.
    """
    over_db = true_peak_dbtp(remix.samples, scratch) - settings.ceiling_dbtp
    if over_db <= 0.0:
        return limit_true_peak(remix, settings.ceiling_dbtp, scratch), 0.0
    wanted_lufs = level(remix, scratch).loudness_lufs
    depth_db = min(over_db, MOST_LIMITING_DB)
    for trial in range(LIMITING_TRIALS):
        turned_db = depth_db - over_db
        limited = limit_true_peak(turned(remix, turned_db, scratch), settings.ceiling_dbtp, scratch)
        missed_lu = wanted_lufs - level(limited, scratch).loudness_lufs
        taken_lu = max(missed_lu + turned_db, 1e-6)
        whole_db = depth_db + missed_lu if is_matched else over_db
        next_db = min(whole_db, MOST_LIMITING_DB, depth_db * math.sqrt(MOST_LIMITING_LU / taken_lu))
        if abs(next_db - depth_db) < LEAST_CHANGE_DB or trial == LIMITING_TRIALS - 1:
            break
        depth_db = next_db
    return limited, turned_db


def _levels(remix: Audio, content: Level | None, settings: OutputSettings, scratch: Scratch) -> dict[str, float | None]:
    reached = level(remix, scratch).loudness_lufs
    wanted = settings.loudness if isinstance(settings.loudness, float) else math.nan
    if settings.loudness == "content" and content is not None:
        wanted = content.loudness_lufs
    miss = wanted - reached if math.isfinite(wanted) and math.isfinite(reached) else 0.0
    return {
        "loudness_lufs": round(reached, 3) if math.isfinite(reached) else None,
        "loudness_miss_lu": round(miss, 3),
        "true_peak_dbtp": round(true_peak_dbtp(remix.samples, scratch), 3),
    }
