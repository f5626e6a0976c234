"""Harmonics for bands that the content leaves empty."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from daw_bridge.analysis import Analysis, analysis_for, programme_level_db
from daw_bridge.band_statistics import power_db
from daw_bridge.exciter import band_need_db, harmonics
from daw_bridge.sounding import sounding

RATE = 44_100


def analysis() -> Analysis:
    return analysis_for(RATE, 64, torch.device("cpu"))


def note(frequency_hz: float = 440.0, length_seconds: float = 2.0) -> Tensor:
    times = torch.arange(round(RATE * length_seconds)) / RATE
    return torch.stack([0.3 * torch.sin(2 * math.pi * frequency_hz * times), torch.zeros_like(times)])


def made_of(samples: Tensor, need_db: Tensor) -> Tensor:
    seen = analysis()
    levels = seen.levels(samples)
    frames = sounding(levels, -60.0).frames
    made = harmonics(samples, frames, power_db(levels[:, frames]), need_db, seen)
    assert made is not None
    return made


def test_a_band_is_in_need_of_what_is_over_the_gain_left_to_the_mask() -> None:
    content, style = torch.tensor([[-60.0], [-20.0]]), torch.tensor([[-20.0], [-20.0]])
    assert torch.allclose(band_need_db(content, style, 15.0), torch.tensor([[25.0], [0.0]]))


def test_the_need_ends_at_60_db() -> None:
    assert torch.allclose(band_need_db(torch.tensor([[-90.0]]), torch.tensor([[-6.0]]), 20.0), torch.tensor([[60.0]]))


def test_an_empty_band_is_filled_to_what_it_needs_and_the_others_are_left() -> None:
    seen, samples = analysis(), note()
    levels = seen.levels(samples)
    frames = sounding(levels, -60.0).frames
    need = torch.zeros(64, 1)
    need[50:56] = 30.0
    made = made_of(samples, need)
    gained = power_db(seen.levels(samples + made)[:, frames]) - power_db(levels[:, frames])
    assert (gained[51:55] - 30.0).abs().max() < 4.0
    assert gained[:32].abs().max() < 0.5


def test_harmonics_are_multiples_of_the_note() -> None:
    need = torch.full((64, 1), 40.0)
    need[:20] = 0.0
    made = made_of(note(441.0), need)
    spectrum = torch.fft.rfft(made[0, RATE // 2 : RATE // 2 + RATE] * torch.hann_window(RATE)).abs()
    loudest = spectrum[1500:12000].topk(8).indices + 1500
    distance = (loudest + 220) % 441 - 220
    assert distance.abs().max() <= 2


def test_silence_and_an_empty_channel_stay_silent() -> None:
    samples = torch.cat([note(), torch.zeros(2, RATE)], dim=1)
    made = made_of(samples, torch.full((64, 1), 40.0))
    assert made[0, : 2 * RATE].abs().max() > 0.01
    assert torch.count_nonzero(made[1]) == 0
    assert made[:, 2 * RATE + 2 * analysis().resolution.n_fft :].abs().max() == 0


def test_nothing_is_made_where_nothing_is_in_need() -> None:
    seen, samples = analysis(), note()
    frames, level = torch.arange(seen.n_frames(samples)), torch.full((64, 1), -20.0)
    assert harmonics(samples, frames, level, torch.zeros(64, 1), seen) is None
    assert harmonics(samples, frames[:0], level, torch.ones(64, 1), seen) is None


def test_the_programme_level_is_that_of_what_sounds() -> None:
    levels = torch.full((2, 10), -20.0)
    half_silent = torch.cat([levels, torch.full((2, 10), -120.0)], dim=1)
    assert math.isclose(programme_level_db(levels), -20.0 + 3.0103, abs_tol=1e-3)
    assert math.isclose(programme_level_db(half_silent), programme_level_db(levels), abs_tol=1e-3)


def test_the_noise_of_rests_is_not_filled_up() -> None:
    samples = note()
    samples[:, RATE:] = 1e-4 * torch.randn(2, RATE, generator=torch.Generator().manual_seed(0))
    made = made_of(samples, torch.full((64, 1), 30.0))
    assert made[:, : RATE - 4096].abs().max() > 0.01
    assert made[:, RATE + 4096 :].abs().max() < 1e-6
