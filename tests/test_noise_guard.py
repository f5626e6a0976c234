"""A transfer must not turn the content's background noise up, and must leave music alone."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor

from daw_bridge.band_statistics import statistics_of
from daw_bridge.noise_guard import floors, noise_ceiling, noise_floor, with_silence

FRAMES_PER_SECOND = 86.0
N_BANDS, N_FRAMES = 8, 860  # ten seconds


def hiss(level_db: float, n_frames: int = N_FRAMES, seed: int = 0) -> Tensor:
    """Levels of noise in mel bands of 16 bins: power is chi-square with 32 degrees of freedom."""
    generator = torch.Generator().manual_seed(seed)
    power = torch.rand(N_BANDS, n_frames, 16, generator=generator).log().neg().mean(-1)
    return level_db + 10 * power.log10()


def with_bursts(levels: Tensor, level_db: float) -> Tensor:
    """Music that comes for half a second and goes for half a second."""
    is_on = torch.arange(levels.shape[1]) % round(FRAMES_PER_SECOND) < FRAMES_PER_SECOND / 2
    return torch.where(is_on, torch.full_like(levels, level_db), levels)


@pytest.mark.parametrize("level_db", [-80.0, -65.0, -50.0])
def test_the_floor_of_noise_lies_a_little_under_its_level(level_db: float) -> None:
    floor = noise_floor(hiss(level_db), FRAMES_PER_SECOND)
    assert floor.shape == (N_BANDS, 1)
    assert ((floor > level_db - 6) & (floor < level_db + 1)).all()


def test_bursts_of_music_do_not_hide_the_floor() -> None:
    floor = noise_floor(with_bursts(hiss(-65.0), -10.0), FRAMES_PER_SECOND)
    assert ((floor > -72) & (floor < -60)).all()


@pytest.mark.parametrize("n_frames", [8, 86, 257])
def test_a_clip_too_short_to_know_a_floor_is_not_held(n_frames: int) -> None:
    ceiling = noise_ceiling(hiss(-65.0, n_frames), statistics_of(hiss(-20.0)), FRAMES_PER_SECOND, 10.0)
    assert ceiling.shape == (N_BANDS, n_frames) and (ceiling > 60).all()


def test_noise_may_not_rise_to_where_a_loud_style_lies() -> None:
    content, style = with_bursts(hiss(-65.0), -10.0), with_bursts(hiss(-75.0, seed=1), -15.0)
    ceiling = noise_ceiling(content, statistics_of(style), FRAMES_PER_SECOND, 6.0)
    rest = torch.arange(N_FRAMES) % round(FRAMES_PER_SECOND)
    noise = ceiling[:, (rest > 50) & (rest < 80)]
    assert noise.median() < -35, "far under the style's -15 dB"


def test_music_over_the_floor_may_rise_freely() -> None:
    content = with_bursts(hiss(-65.0), -10.0)
    ceiling = noise_ceiling(content, statistics_of(hiss(-15.0, seed=1)), FRAMES_PER_SECOND, 6.0)
    rest = torch.arange(N_FRAMES) % round(FRAMES_PER_SECOND)
    assert (ceiling[:, (rest > 3) & (rest < 38)] > 20).all()


def test_a_larger_lift_never_lowers_the_ceiling() -> None:
    content, style = with_bursts(hiss(-65.0), -10.0), hiss(-15.0, seed=1)
    ceilings = [noise_ceiling(content, statistics_of(style), FRAMES_PER_SECOND, lift_db) for lift_db in (0.0, 6.0, 20.0, 60.0)]
    assert all((after >= before).all() for before, after in itertools.pairwise(ceilings))


def test_the_noise_that_was_there_may_stay() -> None:
    content = hiss(-65.0)
    ceiling = noise_ceiling(content, statistics_of(hiss(-65.0, seed=1)), FRAMES_PER_SECOND, 0.0)
    assert (content - ceiling).clamp_min(0.0).mean() < 1.0


def test_levels_without_any_sound_are_finite() -> None:
    ceiling = noise_ceiling(torch.full((N_BANDS, N_FRAMES), -90.0), statistics_of(hiss(-15.0)), FRAMES_PER_SECOND, 10.0)
    assert ceiling.isfinite().all()


def test_a_style_with_rests_gives_no_leave_to_hiss() -> None:
    sounding = hiss(-20.0)
    style = statistics_of(sounding)
    rests = torch.cat([sounding, hiss(-80.0, 3 * 86)], dim=1)
    found = with_silence(style, floors(rests, 0.0, FRAMES_PER_SECOND))
    assert (found.quiet_db < -75).all() and (style.quiet_db > -25).all()
    assert found.power_db is style.power_db


def test_a_style_without_rests_or_too_short_to_know_keeps_its_quiet_end() -> None:
    style = statistics_of(hiss(-20.0))
    assert torch.equal(with_silence(style, floors(hiss(-20.0, 86), 0.0, FRAMES_PER_SECOND)).quiet_db, style.quiet_db)
