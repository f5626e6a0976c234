"""The optimisation loop: it goes downhill, stops when told, leaves silence alone, and gives the same for the same seed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from daw_bridge import transfer as transfer_module
from daw_bridge import weights
from daw_bridge.analysis import programme_level_db
from daw_bridge.band_statistics import autocorrelation, band_statistics, power_db
from daw_bridge.errors import Cancelled
from daw_bridge.extractors.base import Extractor, Sound
from daw_bridge.extractors.vgg16 import Vgg16
from daw_bridge.extractors.wyse import Wyse
from daw_bridge.level_losses import envelope_loss, frame_levels_db, rhythm_loss, spectrum_loss, total_variation
from daw_bridge.losses import gram_matrix
from daw_bridge.networks import VGG16
from daw_bridge.pace import Pace
from daw_bridge.settings import TransferSettings
from daw_bridge.sounding import BLOCK_FRAMES, Sounding, blocks_of, sounding, sounding_style
from daw_bridge.style_target import StyleTarget, style_target
from daw_bridge.transfer import Step, Transferred, transfer
from tests.hearing import features

pytestmark = pytest.mark.usefixtures("one_thread")
N_BANDS, FRAMES_PER_SECOND = 32, 86.0
WYSE_SETTINGS = TransferSettings(
    content_layers=(("wyse_2", 1.0),), style_layers=(("wyse_1", 1.0), ("wyse_4", 1.0)), style_weight=1.0, num_steps=8
)


def music(n_frames: int, seed: int, tilt_db: float = 0.0) -> Tensor:
    """Levels in dB of something with beats, chords and a tilt, `(32, T)`, its programme near -20 dB."""
    generator = torch.Generator().manual_seed(seed)
    beat = 12 * torch.cos(torch.arange(n_frames) * 2 * torch.pi / (17 + 6 * seed))
    chords = torch.randn(N_BANDS, n_frames // 40 + 1, generator=generator).mul(8).repeat_interleave(40, 1)[:, :n_frames]
    grain = torch.randn(N_BANDS, n_frames, generator=generator) * 2
    return -40 + beat + chords + grain + torch.linspace(tilt_db, -tilt_db, N_BANDS)[:, None]


def wyse(style: Tensor) -> Extractor:
    return Wyse(style.mean(1, keepdim=True), 0, torch.float32)


@pytest.fixture(scope="module")
def vgg16() -> Extractor:
    return Vgg16(weights.load(weights.resolve("vgg16", VGG16.n_shipped)), torch.device("cpu"), torch.float32)


def target_of(style: Sounding, extractor: Extractor, settings: TransferSettings, block_frames: int = BLOCK_FRAMES) -> StyleTarget:
    bands = band_statistics(N_BANDS, style.n_frames, style.bands, 80 if settings.rhythm_weight else 0)
    return style_target(style, bands, extractor, settings, block_frames)


def run(
    settings: TransferSettings,
    content: Tensor,
    style: Tensor,
    extractor: Extractor | None = None,
    seed: int = 0,
    block_frames: int = BLOCK_FRAMES,
    on_step: Callable[[Step], None] | None = None,
    pace: Pace | None = None,
) -> Transferred:
    heard = sounding_style(style, settings.gate_db)
    network = extractor or wyse(heard.bands(slice(None)))
    target = target_of(heard, network, settings, block_frames)
    return transfer(
        sounding(content, settings.gate_db),
        target,
        network,
        settings,
        frames_per_second=FRAMES_PER_SECOND,
        seed=seed,
        block_frames=block_frames,
        pace=pace,
        on_step=on_step,
    )


# What is wanted of the style


@pytest.mark.parametrize("is_gram_centred", [False, True])
def test_the_target_holds_the_styles_grams_about_zero_or_its_mean(is_gram_centred: bool) -> None:
    heard = sounding_style(music(150, 1), -60.0)
    style = heard.bands(slice(None))
    network = wyse(style)
    target = target_of(heard, network, dataclasses.replace(WYSE_SETTINGS, is_gram_centred=is_gram_centred))
    assert set(target.grams) == {"wyse_1", "wyse_4"}
    for layer, found in features(network, style[None], ["wyse_1", "wyse_4"]).items():
        centre = found.mean(2) if is_gram_centred else torch.zeros(1, found.shape[1])
        torch.testing.assert_close(target.centres[layer], centre)
        torch.testing.assert_close(target.grams[layer], gram_matrix(found, centre), atol=1e-4, rtol=1e-4)


def test_a_style_heard_in_blocks_is_the_style_heard_whole() -> None:
    heard = sounding_style(music(600, 1), -60.0)
    network = wyse(heard.bands(slice(None)))
    whole, parts = (target_of(heard, network, WYSE_SETTINGS, block_frames) for block_frames in (BLOCK_FRAMES, 200))
    for layer, gram in whole.grams.items():
        assert (parts.grams[layer] - gram).norm() < 0.15 * gram.norm()


# The loop


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
@pytest.mark.parametrize("start", ["noise", "content", "band_stats", "band_histogram"])
def test_the_loss_falls_from_any_start_with_any_optimiser(start: str, optimizer: str) -> None:
    settings = dataclasses.replace(WYSE_SETTINGS, start=start, optimizer=optimizer, num_steps=15)
    found = run(settings, music(160, 0, 6), music(200, 1, -6))
    both = zip(found.content_losses, found.style_losses, strict=True)
    totals = [settings.content_weight * content + settings.style_weight * style for content, style in both]
    assert len(totals) == 15 and min(totals[-3:]) < 0.95 * totals[0]
    assert totals[-1] < 0.99 * min(totals[:-5]), "no search stands still"
    assert found.levels.isfinite().all()


def test_from_noise_vgg16_finds_the_content_and_the_style(vgg16: Extractor) -> None:
    settings = TransferSettings(start="noise", num_steps=25, noise_lift_db=60.0)
    found = run(settings, music(64, 0, 6), music(96, 1, -6), vgg16)
    assert found.style_losses[-1] < 0.5 * found.style_losses[0]
    assert found.content_losses[-1] < found.content_losses[0]
    rises = sum(after > before for before, after in pairwise(found.style_losses))
    assert rises < 8, "it settles: what jiggled in the paper falls here"


def test_without_steps_the_start_is_the_result() -> None:
    content = music(160, 0)
    found = run(dataclasses.replace(WYSE_SETTINGS, start="content", num_steps=0), content, music(200, 1))
    torch.testing.assert_close(found.levels, content, atol=1e-4, rtol=0)
    assert found.content_losses == [] and found.style_losses == []


def test_a_content_that_wants_nothing_stays() -> None:
    content = music(160, 0)
    settings = dataclasses.replace(WYSE_SETTINGS, start="content", style_weight=0.0, optimizer="lbfgs")
    found = run(settings, content, music(200, 1))
    torch.testing.assert_close(found.levels, content, atol=1e-3, rtol=0)


def test_an_anchor_holds_the_target_at_its_start() -> None:
    content, style = music(160, 0), music(200, 1, 10)
    free, held = (
        run(dataclasses.replace(WYSE_SETTINGS, start="content", anchor_weight=weight, num_steps=15), content, style).levels
        for weight in (0.0, 1e4)
    )
    assert (held - content).abs().mean() < 0.5 * (free - content).abs().mean()


def test_the_seed_decides_the_noise() -> None:
    settings = dataclasses.replace(WYSE_SETTINGS, start="noise", num_steps=3)
    content, style = music(160, 0), music(200, 1)
    first, again, other = (run(settings, content, style, seed=seed).levels for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_the_transfer_does_not_depend_on_loudness() -> None:
    content, style = music(160, 0), music(200, 1)
    found = run(WYSE_SETTINGS, content, style).levels
    torch.testing.assert_close(run(WYSE_SETTINGS, content - 12, style + 6).levels, found - 12, atol=0.05, rtol=0)


def test_silent_frames_keep_their_levels_to_the_bit() -> None:
    content = music(300, 0)
    content[:, 100:180] = -130.0
    found = run(dataclasses.replace(WYSE_SETTINGS, start="band_histogram"), content, music(200, 1)).levels
    assert torch.equal(found[:, 100:180], content[:, 100:180])
    assert not torch.equal(found[:, :100], content[:, :100])


def test_a_spread_that_is_kept_is_the_starts_at_the_end() -> None:
    content = music(300, 0)
    settings = dataclasses.replace(WYSE_SETTINGS, start="band_histogram", is_spread_kept=True, noise_lift_db=60.0)
    start = run(dataclasses.replace(settings, num_steps=0), content, music(200, 1)).levels
    found = run(settings, content, music(200, 1)).levels
    assert not torch.equal(found, start)
    assert torch.allclose(found.mean(1), start.mean(1), atol=0.5)
    assert torch.allclose(found.std(1), start.std(1), rtol=0.1)
    assert (found.amax(1) <= start.amax(1) + 6.01).all()


def test_rests_may_not_come_nearer_to_the_programme() -> None:
    content = music(300, 0)
    content[:, 100:180] -= 82.0
    found = run(dataclasses.replace(WYSE_SETTINGS, start="band_histogram"), content, music(200, 1))
    rest = (content - sounding(content, WYSE_SETTINGS.gate_db).programme_db).clamp_min(-90.0)[:, 100:180]
    assert (found.ceiling[:, 100:180] < rest).all()
    assert (found.ceiling[:, 100:180] > rest - 3.0).all()


@pytest.mark.parametrize("n_sounding", [0, 1, 7])
def test_content_without_sound_comes_back(n_sounding: int) -> None:
    content = torch.full((N_BANDS, 60), -130.0)
    content[:, :n_sounding] = -20.0
    found = run(WYSE_SETTINGS, content, music(200, 1))
    assert torch.equal(found.levels, content) and found.style_losses == []


@pytest.mark.parametrize("n_frames", [8, 9, 63, 64, 65])
def test_short_clips_are_transferred(n_frames: int, vgg16: Extractor) -> None:
    for settings, network in ((WYSE_SETTINGS, None), (TransferSettings(num_steps=1), vgg16)):
        found = run(dataclasses.replace(settings, num_steps=1), music(n_frames, 0), music(max(n_frames, 20), 1), network)
        assert found.levels.shape == (N_BANDS, n_frames) and found.levels.isfinite().all()


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
@pytest.mark.parametrize(
    "extra",
    [
        {"total_variation_weight": 1.0},
        {"envelope_weight": 1.0},
        {"spectrum_weight": 1.0},
        {"rhythm_weight": 3.0},
        {"is_multiresolution": True},
        {"start": "blend", "noise_share": 0.3},
        {"planes": "colour", "envelope_weight": 1.0, "rhythm_weight": 1.0},
    ],
    ids=str,
)
def test_every_loss_and_start_works_with_every_optimiser(extra: dict[str, Any], optimizer: str) -> None:
    settings = dataclasses.replace(WYSE_SETTINGS, optimizer=optimizer, num_steps=12, **extra)
    found = run(settings, music(160, 0, 6), music(200, 1, -6))
    assert found.levels.isfinite().all() and min(found.style_losses[-3:]) < found.style_losses[0]


STYLE = music(200, 1, -6)


def relative(levels: Tensor, to: Tensor) -> Tensor:
    return levels - programme_level_db(to)


@pytest.mark.parametrize(
    ("weight", "measure"),
    [
        ("total_variation_weight", total_variation),
        ("envelope_weight", lambda x: envelope_loss(x, frame_levels_db(music(160, 0, 6)))),
        (
            "spectrum_weight",
            lambda x: spectrum_loss(relative(x, music(160, 0, 6)), power_db(relative(STYLE, STYLE))),
        ),
        ("rhythm_weight", lambda x: rhythm_loss(x, autocorrelation(music(200, 1, -6), 80))),
    ],
)
def test_a_loss_with_weight_is_lower_than_without(weight: str, measure: Callable[[Tensor], Tensor]) -> None:
    plain = dataclasses.replace(WYSE_SETTINGS, num_steps=20, start="band_stats", noise_lift_db=60.0)
    weighed: dict[str, Any] = {weight: 30.0}
    without, with_it = (
        float(measure(run(settings, music(160, 0, 6), STYLE).levels))
        for settings in (plain, dataclasses.replace(plain, **weighed))
    )
    assert with_it < 0.9 * without


def test_a_blend_lies_between_noise_and_content() -> None:
    settings = dataclasses.replace(WYSE_SETTINGS, start="blend", num_steps=0, noise_lift_db=60.0)
    content, style = music(160, 0), music(200, 1)
    at = [run(dataclasses.replace(settings, noise_share=share), content, style).levels for share in (0.0, 0.5, 1.0)]
    torch.testing.assert_close(at[0], content, atol=1e-3, rtol=0)
    torch.testing.assert_close(at[1], (at[0] + at[2]) / 2, atol=1e-3, rtol=0)
    assert (at[2] - content).abs().mean() > 3.0


# Stopping early


def test_a_plateau_ends_a_block_and_a_slope_does_not() -> None:
    steps = dataclasses.replace(WYSE_SETTINGS, num_steps=60)
    content, style = music(160, 0, 6), music(200, 1, -6)
    stopped = run(dataclasses.replace(steps, plateau_stop=0.5), content, style)
    assert 10 < stopped.steps[0] < 60 and len(stopped.style_losses) == stopped.steps[0]
    assert run(steps, content, style).steps == [60]


@pytest.mark.parametrize(
    ("totals", "least_share", "flat"),
    [
        ([1.0] * 30, 0.01, True),
        ([1.0] * 30, 0.0, False),
        ([1.0] * 10, 0.01, False),
        ([2.0 - 0.05 * n for n in range(30)], 0.01, False),
        ([1.0] * 11 + [0.995] * 10, 0.01, True),
        ([1.0] * 11 + [0.9] * 10, 0.01, False),
    ],
)
def test_flat_is_no_better_loss_in_ten_steps(totals: list[float], least_share: float, flat: bool) -> None:
    assert transfer_module.is_flat(totals, least_share) is flat


def test_a_pace_says_how_many_steps_each_block_gets_and_progress_still_ends_at_all() -> None:
    told: list[Step] = []
    pace = Pace(0.0, lambda: 0.0, [5, 0, 2])
    found = run(WYSE_SETTINGS, music(500, 0), music(200, 1), block_frames=200, on_step=told.append, pace=pace)
    assert found.steps[:2] == [5, 0] and set(found.steps[2:]) == {2}
    assert [step.step for step in told] == sorted(step.step for step in told)
    assert told[-1].step == told[-1].num_steps


class Turning:
    """A network that turns a clock on by a second whenever it hears the target."""

    def __init__(self, inner: Extractor) -> None:
        self._inner, self.layers, self.now = inner, inner.layers, 0.0

    def features(self, planes: Tensor, layers: Sequence[str], sound: Sound) -> dict[str, Tensor]:
        self.now += planes.requires_grad
        return self._inner.features(planes, layers, sound)


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs", "fixed_step"])
@pytest.mark.parametrize("block_frames", [BLOCK_FRAMES, 200])
def test_a_time_is_kept_however_often_a_step_hears_the_target(optimizer: str, block_frames: int) -> None:
    settings = dataclasses.replace(WYSE_SETTINGS, optimizer=optimizer, num_steps=2000)
    content, style = music(500, 0), music(200, 1)
    network = Turning(wyse(sounding_style(style, settings.gate_db).bands(slice(None))))
    pace = Pace(120.0, lambda: network.now)
    found = run(settings, content, style, network, block_frames=block_frames, pace=pace)
    assert 0.8 * 120 <= network.now <= 1.2 * 120 and found.steps == pace.steps
    again = run(settings, content, style, network, block_frames=block_frames, pace=Pace(0.0, lambda: 0.0, pace.steps))
    assert torch.equal(found.levels, again.levels) and again.steps == found.steps


# Progress and cancelling


def test_every_step_is_told_and_counted_over_all_blocks() -> None:
    told: list[Step] = []
    found = run(WYSE_SETTINGS, music(500, 0), music(200, 1), block_frames=200, on_step=told.append)
    n_blocks = len(blocks_of(500, 200))
    assert n_blocks > 2 and [step.step for step in told] == list(range(1, n_blocks * 8 + 1))
    assert all(step.num_steps == n_blocks * 8 for step in told)
    assert len(found.style_losses) == 8


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_raising_ends_the_transfer_within_the_step(optimizer: str) -> None:
    told = 0

    def stop(step: Step) -> None:
        nonlocal told
        told += 1
        if step.step == 2:
            raise Cancelled("asked for")

    with pytest.raises(Cancelled):
        run(dataclasses.replace(WYSE_SETTINGS, optimizer=optimizer), music(160, 0), music(200, 1), on_step=stop)
    assert told == 2


# Blocks


@given(n_frames=st.integers(1, 40_000))
def test_blocks_cover_every_frame_and_their_fades_add_up_to_one(n_frames: int) -> None:
    spans = blocks_of(n_frames)
    total = torch.zeros(n_frames)
    for first, last in spans:
        assert 0 <= first < last <= n_frames and last - first <= BLOCK_FRAMES
        total[first:last] += transfer_module._fades(first, last, n_frames)
    torch.testing.assert_close(total, torch.ones(n_frames))


def test_a_block_ends_without_a_seam() -> None:
    content, style = music(450, 0), music(200, 1)
    settings = dataclasses.replace(WYSE_SETTINGS, start="band_histogram", num_steps=4)
    whole, cut = (run(settings, content, style, block_frames=block_frames).levels for block_frames in (BLOCK_FRAMES, 200))
    assert not torch.equal(cut, whole), "the blocks were cut"
    steps_whole, steps_cut = ((levels - content).diff(dim=1).abs().mean(0) for levels in (whole, cut))
    assert steps_cut.max() < 2 * steps_whole.max() + 1.0
