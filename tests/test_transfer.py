"""The optimisation loop: it goes downhill, stops when told, leaves silence alone, and gives the same for the same seed."""

from __future__ import annotations

import dataclasses
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from daw_bridge import transfer as transfer_module
from daw_bridge import weights
from daw_bridge.errors import Cancelled, TooShort
from daw_bridge.extractors.base import Extractor
from daw_bridge.extractors.vgg16 import Vgg16
from daw_bridge.extractors.wyse import Wyse
from daw_bridge.losses import gram_matrix
from daw_bridge.networks import VGG16
from daw_bridge.settings import TransferSettings
from daw_bridge.transfer import Step, Transferred, blocks_of, presence, sounding_levels, style_target, transfer
from tests.hearing import features, only_levels

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


def run(
    settings: TransferSettings, content: Tensor, style: Tensor, extractor: Extractor | None = None, seed: int = 0
) -> Transferred:
    sounding = sounding_levels(style, settings.gate_db)
    network = extractor or wyse(sounding)
    target = style_target(only_levels(sounding), network, settings)
    return transfer(content, target, network, settings, frames_per_second=FRAMES_PER_SECOND, seed=seed)


# What sounds and what does not


def test_silence_takes_no_part_and_music_all_of_it() -> None:
    levels = music(200, 0)
    levels[:, 50:100] = -130.0
    found = presence(levels, -60.0)
    assert (found[50:100] == 0).all() and (found[:50] == 1).all() and (found[100:] == 1).all()


def test_presence_fades_and_never_falls_as_the_level_rises() -> None:
    ramp = torch.linspace(-130, 0, 500).repeat(N_BANDS, 1)
    found = presence(ramp, -60.0)
    assert found[0] == 0 and found[-1] == 1 and (found.diff() >= 0).all()
    assert ((found > 0) & (found < 1)).sum() > 5


def test_what_lies_under_the_converters_noise_is_silence_whatever_the_gate() -> None:
    assert (presence(torch.full((N_BANDS, 50), -120.0), -120.0) == 0).all()


def test_sounding_levels_do_not_depend_on_loudness() -> None:
    style = music(300, 1)
    style[:, :100] = -130.0
    found = sounding_levels(style, -60.0)
    assert found.shape == (N_BANDS, 200)
    louder = torch.where(style > -129, style + 12, style)
    torch.testing.assert_close(sounding_levels(louder, -60.0), found, atol=1e-3, rtol=0)


@pytest.mark.parametrize("n_sounding", [0, 1, 7])
def test_a_style_without_sound_is_refused(n_sounding: int) -> None:
    style = torch.full((N_BANDS, 300), -130.0)
    style[:, :n_sounding] = -20.0
    with pytest.raises(TooShort, match="the style sounds for"):
        sounding_levels(style, -60.0)


# What is wanted of the style


@pytest.mark.parametrize("is_gram_centred", [False, True])
def test_the_target_holds_the_styles_grams_about_zero_or_its_mean(is_gram_centred: bool) -> None:
    style = sounding_levels(music(150, 1), -60.0)
    network = wyse(style)
    target = style_target(only_levels(style), network, dataclasses.replace(WYSE_SETTINGS, is_gram_centred=is_gram_centred))
    assert set(target.grams) == {"wyse_1", "wyse_4"}
    for layer, found in features(network, style[None], ["wyse_1", "wyse_4"]).items():
        centre = found.mean(2) if is_gram_centred else torch.zeros(1, found.shape[1])
        torch.testing.assert_close(target.centres[layer], centre)
        torch.testing.assert_close(target.grams[layer], gram_matrix(found, centre), atol=1e-4, rtol=1e-4)


def test_a_style_heard_in_blocks_is_the_style_heard_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    style = sounding_levels(music(600, 1), -60.0)
    whole = style_target(only_levels(style), wyse(style), WYSE_SETTINGS)
    monkeypatch.setattr(transfer_module, "BLOCK_FRAMES", 200)
    parts = style_target(only_levels(style), wyse(style), WYSE_SETTINGS)
    for layer, gram in whole.grams.items():
        assert (parts.grams[layer] - gram).norm() < 0.1 * gram.norm()


# The loop


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
@pytest.mark.parametrize("start", ["noise", "content", "band_stats", "band_histogram"])
def test_the_loss_falls_from_any_start_with_any_optimiser(start: str, optimizer: str) -> None:
    settings = dataclasses.replace(WYSE_SETTINGS, start=start, optimizer=optimizer, num_steps=15)
    found = run(settings, music(160, 0, 6), music(200, 1, -6))
    both = zip(found.content_losses, found.style_losses, strict=True)
    totals = [settings.content_weight * content + settings.style_weight * style for content, style in both]
    assert len(totals) == 15 and min(totals[-3:]) < 0.95 * totals[0]
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


# Progress and cancelling


def test_every_step_is_told_and_counted_over_all_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer_module, "BLOCK_FRAMES", 200)
    content, style = music(500, 0), sounding_levels(music(200, 1), -60.0)
    told: list[Step] = []
    network = wyse(style)
    target = style_target(only_levels(style), network, WYSE_SETTINGS)
    found = transfer(content, target, network, WYSE_SETTINGS, frames_per_second=FRAMES_PER_SECOND, on_step=told.append)
    n_blocks = len(blocks_of(500))
    assert n_blocks > 2 and [step.step for step in told] == list(range(1, n_blocks * 8 + 1))
    assert all(step.num_steps == n_blocks * 8 for step in told)
    assert len(found.style_losses) == 8


def test_raising_ends_the_transfer_within_the_step() -> None:
    style = sounding_levels(music(200, 1), -60.0)
    network = wyse(style)
    target = style_target(only_levels(style), network, WYSE_SETTINGS)
    told = 0

    def stop(step: Step) -> None:
        nonlocal told
        told += 1
        if step.step == 2:
            raise Cancelled("asked for")

    with pytest.raises(Cancelled):
        transfer(music(160, 0), target, network, WYSE_SETTINGS, frames_per_second=FRAMES_PER_SECOND, on_step=stop)
    assert told == 2


# Blocks


@given(n_frames=st.integers(1, 40_000))
def test_blocks_cover_every_frame_and_their_fades_add_up_to_one(n_frames: int) -> None:
    spans = blocks_of(n_frames)
    total = torch.zeros(n_frames)
    for first, last in spans:
        assert 0 <= first < last <= n_frames and last - first <= transfer_module.BLOCK_FRAMES
        total[first:last] += transfer_module._fades(first, last, n_frames)
    torch.testing.assert_close(total, torch.ones(n_frames))


def test_a_block_ends_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    content, style = music(450, 0), music(200, 1)
    settings = dataclasses.replace(WYSE_SETTINGS, start="band_histogram", num_steps=4)
    whole = run(settings, content, style).levels
    monkeypatch.setattr(transfer_module, "BLOCK_FRAMES", 200)
    cut = run(settings, content, style).levels
    assert not torch.equal(cut, whole), "the blocks were cut"
    steps_whole, steps_cut = ((levels - content).diff(dim=1).abs().mean(0) for levels in (whole, cut))
    assert steps_cut.max() < 2 * steps_whole.max() + 1.0


# Colour planes


def test_free_colour_planes_go_downhill_and_end_grey(vgg16: Extractor) -> None:
    settings = TransferSettings(style_layers=(("relu1_1", 1.0), ("relu2_1", 1.0)), planes="colour", start="noise", num_steps=12)
    content = music(200, 0)
    found = run(settings, content, music(200, 1), vgg16)
    assert found.levels.shape == content.shape and found.levels.isfinite().all()
    assert found.style_losses[-1] < 0.5 * found.style_losses[0]


def test_planes_of_noise_differ_from_each_other(vgg16: Extractor) -> None:
    settings = TransferSettings(start="noise", num_steps=0)
    content, style = music(200, 0), music(200, 1)
    one = run(settings, content, style, vgg16).levels
    three = run(dataclasses.replace(settings, planes="colour"), content, style, vgg16).levels
    spread = (three - three.mean()).std() / (one - one.mean()).std()
    assert spread == pytest.approx((0.3**2 + 0.59**2 + 0.11**2) ** 0.5, abs=0.05)  # of three that know nothing of each other
