"""Losses of levels without a network: closed forms, NumPy beside them, gradients, silence."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from daw_bridge.band_statistics import autocorrelation
from daw_bridge.level_losses import envelope_loss, frame_levels_db, rhythm_loss, spectrum_loss, total_variation

N_BANDS, N_FRAMES, N_LAGS = 4, 12, 5


def levels(seed: int = 0, n_frames: int = N_FRAMES) -> Tensor:
    return torch.randn(N_BANDS, n_frames, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 8 - 30


LOSSES: dict[str, Callable[[Tensor], Tensor]] = {
    "total variation": total_variation,
    "envelope": lambda x: envelope_loss(x, frame_levels_db(levels(1))),
    "spectrum": lambda x: spectrum_loss(x, levels(2)[:, :1]),
    "rhythm": lambda x: rhythm_loss(x, autocorrelation(levels(3), N_LAGS)),
}


def numpy_autocorrelation(x: np.ndarray, n_lags: int) -> np.ndarray:
    around = x - x.mean(axis=1, keepdims=True)
    power = (around**2).mean(axis=1) + 1.0
    lags = [(around[:, lag:] * around[:, : x.shape[1] - lag]).mean(axis=1) / power for lag in range(1, n_lags + 1)]
    return np.stack(lags, axis=1)


def in_numpy(name: str, x: np.ndarray) -> float:
    def loudness(power: np.ndarray, axis: int) -> np.ndarray:
        return np.asarray(10 * np.log10(power.sum(axis=axis)))

    if name == "total variation":
        return float((np.abs(np.diff(x, axis=0)).sum() + np.abs(np.diff(x, axis=1)).sum()) / 20 / x.size)
    if name == "envelope":
        wanted = loudness(10 ** (levels(1).numpy() / 10), 0)
        return float(np.mean(((loudness(10 ** (x / 10), 0) - wanted) / 20) ** 2))
    if name == "spectrum":
        mean = 10 * np.log10((10 ** (x / 10)).mean(axis=1, keepdims=True))
        return float(np.mean(((mean - levels(2).numpy()[:, :1]) / 20) ** 2))
    wanted = numpy_autocorrelation(levels(3).numpy(), N_LAGS)
    return float(np.mean((numpy_autocorrelation(x, N_LAGS) - wanted) ** 2))


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_is_numpys(name: str) -> None:
    assert float(LOSSES[name](levels())) == pytest.approx(in_numpy(name, levels().numpy()), rel=1e-9)
    assert float(LOSSES[name](levels().float()).double()) == pytest.approx(in_numpy(name, levels().numpy()), rel=1e-4)


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_are_those_of_finite_differences(name: str) -> None:
    assert torch.autograd.gradcheck(LOSSES[name], levels().requires_grad_())


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("level_db", [-130.0, -90.0, 0.0])
def test_silence_and_anything_constant_has_finite_gradients(name: str, level_db: float) -> None:
    still = torch.full((N_BANDS, N_FRAMES), level_db).requires_grad_()
    loss = LOSSES[name](still.double())
    loss.backward()  # type: ignore[no-untyped-call]
    assert loss.isfinite() and still.grad is not None and still.grad.isfinite().all()


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("n_frames", [1, 2, 3])
def test_the_shortest_targets_are_taken(name: str, n_frames: int) -> None:
    wanted = {"envelope": lambda x: envelope_loss(x, frame_levels_db(x + 1.0))}
    assert wanted.get(name, LOSSES[name])(levels(0, n_frames)).isfinite()


def test_what_is_wanted_costs_nothing() -> None:
    x = levels()
    assert float(envelope_loss(x, frame_levels_db(x))) == 0.0
    assert float(rhythm_loss(x, autocorrelation(x, N_LAGS))) == 0.0
    assert float(total_variation(torch.full((3, 9), -20.0))) == 0.0


def test_twenty_decibels_off_cost_one() -> None:
    x = levels()
    assert float(envelope_loss(x + 20.0, frame_levels_db(x))) == pytest.approx(1.0)


def test_a_band_that_repeats_itself_correlates_after_its_period_and_not_between() -> None:
    beat = 12 * torch.cos(torch.arange(400) * 2 * math.pi / 20)[None]
    found = autocorrelation(beat, 40)[0]
    assert found[19] > 0.95 and found[39] > 0.95 and found[9] < -0.95
    assert abs(float(autocorrelation(torch.full((1, 400), -20.0), 40).max())) == 0.0
