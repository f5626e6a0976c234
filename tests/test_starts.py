"""Where the optimisation starts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from daw_bridge.band_statistics import N_QUANTILES, quantiles, statistics_of
from daw_bridge.starts import band_histogram_start, band_stats_start, noise_start, with_spread_of


def levels(n_frames: int, seed: int, n_bands: int = 6) -> Tensor:
    """Skewed levels, each band in its own place and width."""
    generator = torch.Generator().manual_seed(seed)
    spread = torch.rand(n_bands, 1, generator=generator) * 12 + 3
    place = torch.rand(n_bands, 1, generator=generator) * 40 - 60
    return place + spread * torch.rand(n_bands, n_frames, generator=generator).pow(2)


def noise(content: Tensor, seed: int) -> Tensor:
    return noise_start(content, *statistics_of(content).overall(), torch.Generator().manual_seed(seed))


def test_noise_is_the_same_for_the_same_seed_alone() -> None:
    content = levels(200, 0)
    assert torch.equal(noise(content, 5), noise(content, 5))
    assert not torch.equal(noise(content, 5), noise(content, 6))


def test_noise_lies_about_the_contents_level_and_knows_nothing_else_of_it() -> None:
    content = levels(2000, 0)
    found = noise(content, 0)
    assert found.shape == content.shape
    assert found.mean().item() == pytest.approx(content.mean().item(), abs=0.5)
    assert found.std().item() == pytest.approx(content.std().item(), rel=0.05)
    shuffled = content.flatten()[torch.randperm(content.numel(), generator=torch.Generator().manual_seed(1))].reshape_as(content)
    torch.testing.assert_close(noise(shuffled, 0), found, atol=1e-3, rtol=1e-3)


def test_band_statistics_become_the_styles() -> None:
    content, style = levels(500, 1) * 3, levels(700, 2) * 3
    start = band_stats_start(content, statistics_of(style))
    torch.testing.assert_close(start.mean(1), style.mean(1), atol=1e-3, rtol=0)
    ratio = start.std(1, correction=0) / style.std(1, correction=0)
    assert ((ratio > 0.8) & (ratio < 1.25)).all()


def test_a_band_histogram_becomes_the_styles() -> None:
    content, style = levels(900, 1), levels(1300, 2)
    start = band_histogram_start(content, statistics_of(style))
    grid = np.linspace(0.02, 0.98, 30)
    for band in range(len(content)):
        found, wanted = np.quantile(start[band].numpy(), grid), np.quantile(style[band].numpy(), grid)
        assert np.abs(found - wanted).max() < 0.05 * (wanted.max() - wanted.min())


@pytest.mark.parametrize("start", [band_stats_start, band_histogram_start])
def test_what_is_louder_stays_louder(start: object) -> None:
    assert callable(start)
    content, style = levels(300, 1), levels(200, 2)
    found = start(content, statistics_of(style))
    for band in range(len(content)):
        in_order = found[band][content[band].argsort()]
        assert (in_order.diff() >= -1e-3).all()


@pytest.mark.parametrize("start", [band_stats_start, band_histogram_start])
def test_content_that_is_the_style_starts_as_itself(start: object) -> None:
    assert callable(start)
    content = levels(300, 1)
    torch.testing.assert_close(start(content, statistics_of(content)), content, atol=0.05, rtol=0)


@pytest.mark.parametrize("start", [band_stats_start, band_histogram_start])
@pytest.mark.parametrize("n_frames", [1, 2, 8, 300])
def test_a_constant_band_gives_finite_levels_inside_the_styles_range(start: object, n_frames: int) -> None:
    assert callable(start)
    style = levels(200, 2)
    found = start(torch.full((6, n_frames), -90.0), statistics_of(style))
    assert found.shape == (6, n_frames) and found.isfinite().all()
    low, high = style.amin(1, keepdim=True) - 1e-3, style.amax(1, keepdim=True) + 1e-3
    assert ((found >= low) & (found <= high)).all()


@pytest.mark.parametrize("n_frames", [1, 2, 63, 64, 65, 500])
def test_quantiles_are_numpys(n_frames: int) -> None:
    content = levels(n_frames, 3)
    expected = np.quantile(content.numpy().astype(np.float64), np.linspace(0, 1, N_QUANTILES), axis=1).T
    np.testing.assert_allclose(quantiles(content).numpy(), expected, atol=1e-4)


def test_a_target_takes_on_the_spread_of_its_start() -> None:
    start = torch.randn(8, 300, generator=torch.Generator().manual_seed(0)) * torch.arange(1.0, 9.0)[:, None] - 40.0
    target = torch.randn(1, 8, 300, generator=torch.Generator().manual_seed(1)) * 3.0 + 5.0
    found = with_spread_of(target, start)
    assert torch.allclose(found.mean(-1)[0], start.mean(-1), atol=1e-3)
    assert torch.allclose(found.std(-1)[0], start.std(-1), rtol=0.02)
    assert torch.equal(found.argsort(-1), target.argsort(-1)), "what is louder than what stays"


def test_a_target_with_the_starts_spread_stays() -> None:
    start = torch.randn(8, 300, generator=torch.Generator().manual_seed(0)) - 40.0
    assert torch.allclose(with_spread_of(start, start), start, atol=1e-4)
