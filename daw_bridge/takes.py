"""Several takes of one remix, by seed: equally loud, so that the ear compares the sound and not the level."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from .dither import dither
from .loudness import turned as louder
from .making import Made
from .scratch import Scratch

LEAST_GAIN_DB = 0.01  # nobody hears less, and a take that is not turned is not rounded twice


def take_path(out: Path, number: int, n_takes: int) -> Path:
    """The file of one take of several under a name that the user chose: `mine.wav` becomes `mine-2.wav`."""
    return out if n_takes == 1 else out.with_name(f"{out.stem}-{number}{out.suffix}")


def levelled(takes: Sequence[Made], scratch: Scratch = Scratch()) -> list[Made]:
    """Turn the louder ones down to the quietest.

    A preset that matches the content's loudness makes equal takes, but where peaks meet the ceiling one of them may miss it
    by more than another.

    Returns:
        The takes; a recipe whose take was turned down says by how much, as `take_gain_db`.
    """
    levels = [take.recipe.get("loudness_lufs") for take in takes]
    sounding = [level for level in levels if isinstance(level, float) and math.isfinite(level)]
    return [
        turned(take, min(sounding) - level, scratch) if isinstance(level, float) and sounding else take
        for take, level in zip(takes, levels, strict=True)
    ]


def turned(take: Made, gain_db: float, scratch: Scratch = Scratch()) -> Made:
    """Turn a take down by a gain of 0 dB or less, and round it to its format again."""
    if gain_db > -LEAST_GAIN_DB:
        return take
    audio = louder(take.audio, gain_db, scratch)
    if take.recipe["preset"]["output"]["is_dithered"]:
        audio = dither(audio, int(take.recipe["seed"]), scratch)
    level, peak = take.recipe["loudness_lufs"] + gain_db, take.recipe["true_peak_dbtp"] + gain_db
    figures = {"loudness_lufs": round(level, 3), "true_peak_dbtp": round(peak, 3), "take_gain_db": gain_db}
    return replace(take, audio=audio, recipe={**take.recipe, **figures})
