"""Another rate: sines keep frequency, level and phase, what the lower rate cannot hold is gone, gradients pass."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from daw_bridge.extractors.resample import Resampler

pytestmark = pytest.mark.usefixtures("one_thread")
RATES = (8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 88_200, 96_000, 192_000, 384_000, 44_056, 44_101)


def sine(frequency_hz: float, rate: int, n_samples: int) -> Tensor:
    return torch.from_numpy(np.sin(2 * np.pi * frequency_hz * np.arange(n_samples) / rate))[None]


def inner(samples: Tensor) -> Tensor:
    return samples[:, 800:-800]


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("frequency_hz", [60.0, 3_300.0])
def test_a_sine_stays_itself_at_any_rate(rate: int, frequency_hz: float) -> None:
    samples = sine(frequency_hz, rate, rate // 4)
    found = Resampler(rate, 16_000, samples)(samples)
    assert found.shape[1] == pytest.approx(4_000, abs=2)
    expected = sine(frequency_hz, 16_000, found.shape[1])
    assert (inner(found) - inner(expected)).abs().max() < (2e-3 if rate % 25 == 0 else 1e-2)  # odd rates are taken for a near one


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
def test_what_vggish_hears_passes_and_what_would_come_back_as_an_alias_is_gone(rate: int) -> None:
    def level_db(frequency_hz: float) -> float:
        samples = sine(frequency_hz, rate, rate // 4)
        return 10 * math.log10(float(inner(Resampler(rate, 16_000, samples)(samples)).square().mean()) * 2)

    assert abs(level_db(7_400.0)) < 0.1
    assert all(level_db(frequency_hz) < -70 for frequency_hz in (8_600.0, 12_000.0, 15_900.0, 20_000.0))


def test_the_same_rate_changes_nothing() -> None:
    samples = torch.randn(2, 100)
    assert torch.equal(Resampler(16_000, 16_000, samples)(samples), samples)


@pytest.mark.parametrize("n_samples", [1, 2, 440, 441, 442, 5_000])
def test_the_length_is_the_rates_ratio_rounded_up(n_samples: int) -> None:
    samples = torch.randn(2, n_samples)
    assert Resampler(44_100, 16_000, samples)(samples).shape == (2, math.ceil(n_samples * 160 / 441))


@pytest.mark.parametrize("rate", [44_100, 8_000])
def test_gradients_are_those_of_a_linear_map(rate: int) -> None:
    samples = torch.randn(1, 300, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(Resampler(rate, 16_000, samples), (samples,), fast_mode=True)
