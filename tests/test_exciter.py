"""Harmonics for bands that the content leaves empty."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from daw_bridge.exciter import band_need_db, harmonics
from daw_bridge.spectrogram import Analysis, analysis_for, programme_level_db
from daw_bridge.transfer import presence

RATE = 44_100


def analysis() -> Analysis:
    return analysis_for(RATE, 64, torch.device("cpu"))


def note(frequency_hz: float = 440.0, length_seconds: float = 2.0) -> Tensor:
    times = torch.arange(round(RATE * length_seconds)) / RATE
    return torch.stack([0.3 * torch.sin(2 * math.pi * frequency_hz * times), torch.zeros_like(times)])


def power_db(levels: Tensor) -> Tensor:
    return 10 * torch.log10(torch.pow(10.0, levels / 10).mean(1))


def test_a_band_is_in_need_of_what_is_over_the_gain_left_to_the_mask() -> None:
    content, style = torch.tensor([[-60.0, -60.0], [-20.0, -20.0]]), torch.tensor([[-20.0, -20.0], [-20.0, -20.0]])
    assert torch.allclose(band_need_db(content, style, 15.0), torch.tensor([[25.0], [0.0]]))


def test_the_need_is_counted_in_mean_power_and_ends_at_60_db() -> None:
    content, style = torch.full((1, 4), -90.0), torch.tensor([[0.0, -80.0, -80.0, -80.0]])
    assert torch.allclose(band_need_db(content, style, 20.0), torch.tensor([[60.0]]))
    assert torch.allclose(band_need_db(content, style, 60.0), torch.tensor([[90.0 - 6.02 - 60.0]]), atol=0.01)


def test_an_empty_band_is_filled_to_what_it_needs_and_the_others_are_left() -> None:
    seen, samples = analysis(), note()
    levels = seen.levels(samples)
    sounding = presence(levels, -60.0) > 0
    need = torch.zeros(64, 1)
    need[50:56] = 30.0
    made = harmonics(samples, sounding, need, seen)
    gained = power_db(seen.levels(samples + made)[:, sounding]) - power_db(levels[:, sounding])
    assert (gained[51:55] - 30.0).abs().max() < 4.0
    assert gained[:32].abs().max() < 0.5


def test_harmonics_are_multiples_of_the_note() -> None:
    seen, samples = analysis(), note(441.0)
    need = torch.full((64, 1), 40.0)
    need[:20] = 0.0
    made = harmonics(samples, torch.ones(seen.levels(samples).shape[1], dtype=torch.bool), need, seen)
    spectrum = torch.fft.rfft(made[0, RATE // 2 : RATE // 2 + RATE] * torch.hann_window(RATE)).abs()
    loudest = spectrum[1500:12000].topk(8).indices + 1500
    distance = (loudest + 220) % 441 - 220
    assert distance.abs().max() <= 2


def test_silence_and_an_empty_channel_stay_silent() -> None:
    seen = analysis()
    samples = torch.cat([note(), torch.zeros(2, RATE)], dim=1)
    levels = seen.levels(samples)
    made = harmonics(samples, presence(levels, -60.0) > 0, torch.full((64, 1), 40.0), seen)
    assert made[0, : 2 * RATE].abs().max() > 0.01
    assert torch.count_nonzero(made[1]) == 0
    assert made[:, 2 * RATE + 2 * seen.resolution.n_fft :].abs().max() == 0


def test_nothing_is_made_where_nothing_is_in_need() -> None:
    seen, samples = analysis(), note()
    sounding = torch.ones(seen.levels(samples).shape[1], dtype=torch.bool)
    assert torch.count_nonzero(harmonics(samples, sounding, torch.zeros(64, 1), seen)) == 0
    assert torch.count_nonzero(harmonics(samples, ~sounding, torch.ones(64, 1), seen)) == 0


def test_the_programme_level_is_that_of_what_sounds() -> None:
    levels = torch.full((2, 10), -20.0)
    half_silent = torch.cat([levels, torch.full((2, 10), -120.0)], dim=1)
    assert math.isclose(programme_level_db(levels), -20.0 + 3.0103, abs_tol=1e-3)
    assert math.isclose(programme_level_db(half_silent), programme_level_db(levels), abs_tol=1e-3)
