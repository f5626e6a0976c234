"""Each method of making samples: what it keeps, and that long recordings have no seams."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from daw_bridge import griffin_lim
from daw_bridge.analysis import Analysis, analysis_for
from daw_bridge.presets import Preset, load_preset
from daw_bridge.rebuild import Source, rebuild
from daw_bridge.scratch import Scratch
from daw_bridge.transfer import Transferred

pytestmark = pytest.mark.usefixtures("one_thread")
RATE, CPU = 16_000, torch.device("cpu")
METHODS = ("gain_mask", "content_phase", "griffin_lim")


def preset_of(method: str, **parameters: object) -> Preset:
    return load_preset("default").with_parameters({"method": method, "n_iterations": 16, **parameters})


def analysis(scale: str = "mel") -> Analysis:
    return analysis_for(RATE, 64, CPU, scale)


def noise(seconds: float, n_channels: int = 2) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return 0.1 * torch.randn(n_channels, round(RATE * seconds), generator=generator)


def tone(seconds: float) -> Tensor:
    return 0.3 * torch.sin(2 * math.pi * 1000.0 * torch.arange(round(RATE * seconds)) / RATE)[None]


def rebuilt(samples: Tensor, preset: Preset, wanted_db: float | Tensor = 0.0, how: Analysis | None = None) -> Tensor:
    how = how or analysis()
    levels = how.levels(samples)
    free = torch.full((64, 1), 300.0)
    found = Transferred(levels + wanted_db, free.expand_as(levels), free, [], [], [])
    return rebuild(Source(samples, None, samples, levels), found, preset, how, 0, Scratch(), lambda share: None)


@pytest.mark.parametrize("scale", ["mel", "log"])
@pytest.mark.parametrize("method", METHODS)
def test_a_target_that_is_louder_makes_the_remix_so_much_louder(method: str, scale: str) -> None:
    samples, how = noise(1.5), analysis(scale)
    wet = rebuilt(samples, preset_of(method), 6.0, how)
    gained = how.levels(wet)[:, 10:-10].mean() - how.levels(samples)[:, 10:-10].mean()
    assert abs(float(gained) - 6.0) < 1.0


@pytest.mark.parametrize("method", METHODS)
def test_silence_stays_silent_and_an_empty_channel_empty(method: str) -> None:
    assert torch.count_nonzero(rebuilt(torch.zeros(2, RATE), preset_of(method))) == 0
    one_sided = torch.cat([noise(1.0, 1), torch.zeros(1, RATE)])
    assert torch.count_nonzero(rebuilt(one_sided, preset_of(method), 3.0)[1]) == 0


def test_the_contents_phase_is_kept() -> None:
    samples = noise(1.5)
    wet, made_up = (rebuilt(samples, preset_of(method)) for method in ("content_phase", "griffin_lim"))

    def alike(found: Tensor) -> float:
        return float((found * samples).sum() / (found.norm() * samples.norm()))

    assert alike(wet) > 0.7 > 0.2 > abs(alike(made_up))


# What no gain can make


def test_a_residual_fills_what_is_beyond_the_highest_gain_and_nothing_else() -> None:
    samples, how = tone(1.5), analysis()
    levels = how.levels(samples)
    wanted = torch.zeros_like(levels)
    wanted[40:44] = -25.0 - levels[40:44]  # bands that hold nothing
    without, half, with_it = (
        how.levels(rebuilt(samples, preset_of("gain_mask", residual=amount, max_gain_db=20.0), wanted))[:, 20:-20]
        for amount in (0.0, 0.5, 1.0)
    )
    assert (without[40:44] < -45.0).all()
    assert abs(float(with_it[41:43].mean()) + 25.0) < 3.0
    assert abs(float((with_it - half)[41:43].mean()) - 6.0) < 1.0
    torch.testing.assert_close(with_it[15:28].amax(0), without[15:28].amax(0), atol=0.3, rtol=0)


def test_a_residual_that_nobody_needs_changes_no_bit() -> None:
    samples = noise(1.0)
    plain, with_it = (rebuilt(samples, preset_of("gain_mask", residual=amount), 12.0) for amount in (0.0, 1.0))
    assert torch.equal(plain, with_it)


def test_a_residual_lies_where_the_content_lies() -> None:
    left = torch.cat([tone(1.0), torch.zeros(1, RATE)])
    levels = analysis().levels(left)
    wet = rebuilt(left, preset_of("gain_mask", residual=1.0, max_gain_db=20.0), torch.full_like(levels, 60.0))
    assert wet[0].abs().max() > 0.1 and torch.count_nonzero(wet[1]) == 0


# Seams


def envelope_db(samples: Tensor, n_at_once: int = 512) -> np.ndarray:
    parts = samples[0, : samples.shape[1] // n_at_once * n_at_once].reshape(-1, n_at_once)
    return np.asarray(10 * torch.log10(parts.square().mean(1) + 1e-12))


@pytest.mark.parametrize("kind", ["tone", "noise"])
def test_phase_made_up_in_blocks_has_no_seams(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = tone(12.0) if kind == "tone" else noise(12.0, 1)
    preset = preset_of("griffin_lim", n_iterations=32)
    whole = envelope_db(rebuilt(samples, preset))[4:-4]
    n_bins = analysis().resolution.n_fft // 2 + 1
    monkeypatch.setattr(griffin_lim, "VALUES_AT_ONCE", 200 * n_bins)
    cut = rebuilt(samples, preset)
    n_blocks = analysis().n_frames(samples) // 160
    assert n_blocks >= 4
    steps_whole, steps_cut = (np.abs(np.diff(envelope)) for envelope in (whole, envelope_db(cut)[4:-4]))
    assert steps_cut.max() <= steps_whole.max() + 1.0
    assert np.quantile(steps_cut, 0.99) <= np.quantile(steps_whole, 0.99) + 0.5


def test_one_block_and_several_differ_so_the_blocks_were_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = noise(8.0, 1)
    whole = rebuilt(samples, preset_of("griffin_lim"))
    monkeypatch.setattr(griffin_lim, "VALUES_AT_ONCE", 1)
    assert not torch.equal(rebuilt(samples, preset_of("griffin_lim")), whole)
