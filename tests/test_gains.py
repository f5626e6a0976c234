"""Gains between overlapping frames, and under the ceiling of the noise guard."""

from __future__ import annotations

import pytest
import torch

from daw_bridge.analysis import analysis_for, programme_level_db
from daw_bridge.noise_guard import floors
from daw_bridge.reconstruct import gain_mask, mask_under_ceiling, shared_gain

RATE = 44_100


def test_a_quiet_frame_beside_an_attack_takes_the_attacks_gain() -> None:
    levels = torch.tensor([[-80.0, -50.0, 0.0, 0.0, 0.0]])
    gain = torch.tensor([[40.0, 40.0, 3.0, 3.0, 3.0]])
    shared = shared_gain(gain, levels)
    assert shared[0, 1] < 3.1
    assert torch.allclose(shared[0, 2:], torch.full((3,), 3.0), atol=0.05)


def test_equal_gains_stay_as_they_are() -> None:
    levels = torch.randn(8, 50) * 20 - 40
    assert torch.allclose(shared_gain(torch.full((8, 50), -7.0), levels), torch.full((8, 50), -7.0), atol=1e-3)


def test_a_frame_that_asks_for_nothing_is_left_alone() -> None:
    gain = torch.full((3, 9), 12.0)
    gain[:, 4] = 0.0
    shared = shared_gain(gain, torch.zeros(3, 9))
    assert torch.count_nonzero(shared[:, 4]) == 0
    assert bool((shared[:, 3] > 6.0).all())


def test_the_ceiling_moves_down_with_what_a_loud_hum_takes_along() -> None:
    seen = analysis_for(RATE, 64, torch.device("cpu"))
    generator = torch.Generator().manual_seed(0)
    times = torch.arange(4 * RATE) / RATE
    hum = torch.sin(2 * torch.pi * 60 * times)
    hiss = 0.001 * torch.randn(times.shape, generator=generator)
    samples = (hum + hiss)[None]
    levels = seen.levels(samples)
    target = levels.clone()
    target[:4] -= 30.0  # the hum is turned down, so the hiss beside it is louder in the whole
    target[20:] += 10.0
    ceiling = torch.full_like(levels, 300.0)
    ceiling[20:] = levels[20:] + 10.0 - programme_level_db(levels)
    gains, guarded = mask_under_ceiling(samples, levels, target, ceiling, ceiling.amin(1, keepdim=True), 40.0, seen)
    gain = gains(0, levels.shape[1])
    assert gain[25:, 20:-20].max() < 0.0

    def hiss_beside_the_whole(found: torch.Tensor) -> float:
        found_levels = seen.levels(found)
        return float(found_levels[25:, 20:-20].mean()) - programme_level_db(found_levels)

    free = gain_mask(samples, lambda first, last: (target - levels)[:, first:last], seen.spread, seen.resolution)
    assert hiss_beside_the_whole(guarded) < hiss_beside_the_whole(free) - 10.0
    assert torch.equal(guarded, gain_mask(samples, gains, seen.spread, seen.resolution))


def test_a_target_that_keeps_the_level_is_reached_by_its_own_gain() -> None:
    seen = analysis_for(RATE, 64, torch.device("cpu"))
    samples = 0.1 * torch.randn(2, 2 * RATE, generator=torch.Generator().manual_seed(1))
    levels = seen.levels(samples)
    target = levels + 5.0
    ceiling = torch.full_like(levels, 300.0)
    gains, _ = mask_under_ceiling(samples, levels, target, ceiling, ceiling[:, :1], 40.0, seen)
    gain = gains(0, levels.shape[1])
    assert torch.allclose(gain, torch.full_like(gain, 5.0), atol=1e-3)


def test_a_band_whose_quiet_end_comes_up_is_brought_down_again() -> None:
    seen = analysis_for(RATE, 64, torch.device("cpu"))
    hum = torch.sin(2 * torch.pi * 100 * torch.arange(6 * RATE) / RATE)
    samples = (0.3 * hum + 0.001 * torch.randn(hum.shape, generator=torch.Generator().manual_seed(2)))[None]
    levels = seen.levels(samples)
    quiet_db = floors(levels, programme_level_db(levels), seen.frames_per_second)
    target = levels.clone()
    target[20:40] += 12.0
    ceiling = target - programme_level_db(levels)  # gives leave; only the sound's own quiet end does not
    _, found = mask_under_ceiling(samples, levels, target, ceiling, quiet_db, 40.0, seen)
    found_levels = seen.levels(found)
    over_db = floors(found_levels, programme_level_db(found_levels), seen.frames_per_second) - quiet_db
    assert over_db.max() < 1.0


@pytest.mark.parametrize("strength", [0.0, 0.3, 1.0])
def test_strength_scales_every_gain(strength: float) -> None:
    seen = analysis_for(RATE, 64, torch.device("cpu"))
    samples = 0.1 * torch.randn(1, RATE, generator=torch.Generator().manual_seed(3))
    levels = seen.levels(samples)
    ceiling = torch.full_like(levels, 300.0)
    gains, found = mask_under_ceiling(samples, levels, levels + 5.0, ceiling, ceiling[:, :1], 40.0, seen, strength)
    assert torch.allclose(gains(0, levels.shape[1]), torch.full_like(levels, 5.0 * strength), atol=1e-3)
    assert strength > 0.0 or torch.allclose(found, samples, atol=1e-6)


def noisy_bursts() -> tuple[torch.Tensor, torch.Tensor]:
    """Three seconds of tones that come and go over noise, and their levels."""
    times = torch.arange(4 * RATE) / RATE
    tones = torch.sin(2 * torch.pi * 200 * times) * (times % 0.5 < 0.25)
    samples = (0.3 * tones + 0.001 * torch.randn(times.shape, generator=torch.Generator().manual_seed(4)))[None]
    return samples, analysis_for(RATE, 64, torch.device("cpu")).levels(samples)


def test_at_strength_0_nothing_is_lowered_under_a_ceiling_either() -> None:
    seen = analysis_for(RATE, 64, torch.device("cpu"))
    samples, levels = noisy_bursts()
    ceiling = levels - programme_level_db(levels) - 20.0
    gains, found = mask_under_ceiling(samples, levels, levels, ceiling, ceiling.amin(1, keepdim=True), 40.0, seen, 0.0)
    assert torch.count_nonzero(gains(0, levels.shape[1])) == 0 and torch.allclose(found, samples, atol=1e-6)


@pytest.mark.parametrize("strength", [0.1, 0.3, 0.6, 1.0])
def test_a_part_of_the_way_noise_rises_by_a_part_of_its_lift(strength: float) -> None:
    seen = analysis_for(RATE, 64, torch.device("cpu"))
    samples, levels = noisy_bursts()
    programme_db, lift_db = programme_level_db(levels), 6.0
    own_db = floors(levels, programme_db, seen.frames_per_second)
    target = levels + 30.0
    target[:12] = levels[:12] - 10.0  # the tones go down, so that noise comes up beside them
    quiet_db = own_db + lift_db
    ceiling = (levels - programme_db + lift_db).contiguous()
    _, found = mask_under_ceiling(samples, levels, target, ceiling, quiet_db, 40.0, seen, strength)
    found_levels = seen.levels(found)
    risen_db = floors(found_levels, programme_level_db(found_levels), seen.frames_per_second) - own_db
    assert risen_db[16:].max() < lift_db * strength + 1.0
