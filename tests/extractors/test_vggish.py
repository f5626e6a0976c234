"""VGGish listens to the remix itself: gains on the content's spectrum, back to samples, to 16 kHz, into six convolutions.

Its published weights cannot be had on every machine; these tests run on weights of chance in the same shapes.
"""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from daw_bridge.analysis import Analysis, analysis_for, programme_level_db
from daw_bridge.band_statistics import band_statistics
from daw_bridge.errors import BadArguments
from daw_bridge.extractors.base import Sound
from daw_bridge.extractors.log_mel import log_mel, mel_weights
from daw_bridge.extractors.resample import Resampler
from daw_bridge.extractors.vggish import Vggish, vggish_stack
from daw_bridge.networks import VGGISH
from daw_bridge.settings import TransferSettings
from daw_bridge.sounding import Sounding, sounding
from daw_bridge.spectrogram import band_edges_hz, spectra_at
from daw_bridge.style_target import style_target
from daw_bridge.transfer import Transferred, transfer
from tests.generated_weights import vggish_convolutions
from tests.hearing import only_levels
from tests.published_step import published_losses

pytestmark = pytest.mark.usefixtures("one_thread")
CPU = torch.device("cpu")
RATE, N_BANDS = 44_100, 64


def small_weights() -> dict[str, Tensor]:
    """An eighth of the channels: 8, 16, 32, 32, 64, 64."""
    found: dict[str, Tensor] = {}
    n_in = 1
    for number, n_out in enumerate((8, 16, 32, 32, 64, 64), 1):
        generator = torch.Generator().manual_seed(number)
        found[f"conv{number}.weight"] = torch.randn(n_out, n_in, 3, 3, generator=generator) * (2 / (9 * n_in)) ** 0.5
        found[f"conv{number}.bias"] = torch.zeros(n_out)
        n_in = n_out
    return found


def notes(seconds: float, seed: int, brightness: float) -> Tensor:
    """Plucked partials over a little noise, `(1, N)`."""
    generator = torch.Generator().manual_seed(seed)
    time = torch.arange(round(seconds * RATE)) / RATE
    sound = 0.003 * torch.randn(len(time), generator=generator)
    for start in range(math.ceil(seconds / 0.4)):
        at = (time - 0.4 * start).clamp_min(0)
        pitch = 110 * 2 ** (float(torch.randint(0, 24, (1,), generator=generator)) / 12)
        for partial in range(1, 12):
            swing = torch.sin(2 * torch.pi * pitch * partial * at) * partial ** (brightness - 1.5)
            sound = sound + 0.2 * swing * torch.exp(-4 * at) * (at > 0)
    return sound[None]


def analysis(rate: int = RATE) -> Analysis:
    return analysis_for(rate, N_BANDS, CPU)


def sounding_in(samples: Tensor, rate: int = RATE) -> Sounding:
    how = analysis(rate)
    return sounding(how.levels(samples), -60.0, lambda frames: spectra_at(samples, how.resolution, frames)[0])


def sound_of(samples: Tensor, rate: int = RATE) -> Sound:
    found = sounding_in(samples, rate)
    return found.block(0, found.n_frames, CPU)


def network(weights: dict[str, Tensor] | None = None, rate: int = RATE) -> Vggish:
    return Vggish(vggish_stack(weights or small_weights(), CPU, torch.float32), analysis(rate))


# What it hears


@pytest.mark.parametrize("rate", [44_100, 48_000, 22_050, 96_000])
def test_unchanged_levels_are_heard_as_the_recording_itself(rate: int) -> None:
    samples = torch.randn(1, 2 * rate, generator=torch.Generator().manual_seed(0)) * 0.1
    sound = sound_of(samples, rate)
    found = network(rate=rate).heard(sound.levels[None], sound)[0].flatten(0, 1)
    programme = 10 ** ((-16.0 - programme_level_db(analysis(rate).levels(samples))) / 20)
    lead = analysis(rate).resolution.n_fft - analysis(rate).resolution.hop_length
    behind = torch.cat([torch.zeros(1, lead), samples], 1)  # frames begin before the first sample
    at_16_khz = Resampler(rate, 16_000, samples)(behind * programme)
    expected = log_mel(at_16_khz, torch.from_numpy(mel_weights()).float())[0]
    torch.testing.assert_close(found[20:90], expected[20:90], atol=2e-3, rtol=0)


def test_a_band_turned_up_is_heard_louder_by_as_much() -> None:
    sound = sound_of(torch.randn(1, 2 * RATE, generator=torch.Generator().manual_seed(0)) * 0.1)
    plain = network().heard(sound.levels[None], sound)
    louder = network().heard(sound.levels[None] + 6.0, sound)
    inner = (slice(None), slice(0, 1), slice(20, 90), slice(3, 62))  # the outermost hear what stays as it was, too
    difference_db = (louder[inner].exp() - 0.01).log().sub((plain[inner].exp() - 0.01).log()).mul(20 / math.log(10))
    torch.testing.assert_close(difference_db, torch.full_like(difference_db, 6.0), atol=0.15, rtol=0)


def test_outside_its_hearing_it_pulls_at_nothing_at_all() -> None:
    """Not even a little: Adam would make a whole step of it."""
    sound = sound_of(torch.randn(1, 2 * RATE, generator=torch.Generator().manual_seed(0)) * 0.1)
    planes = sound.levels.clone()[None, None].requires_grad_()
    network().features(planes, VGGISH.layers, sound)["vggish_2"].square().sum().backward()  # type: ignore[no-untyped-call]
    assert planes.grad is not None
    pull, edges_hz = planes.grad[0, 0].abs().sum(1), band_edges_hz(N_BANDS, RATE)
    above, below = torch.from_numpy(edges_hz[:-2] > 7_500), torch.from_numpy(edges_hz[2:] < 125)
    assert above.sum() > 5
    assert (pull[above | below] == 0).all() and (pull[~above & ~below][1:-1] > 0).all()


def test_levels_without_a_recording_cannot_be_listened_to() -> None:
    levels = torch.zeros(N_BANDS, 40)
    with pytest.raises(BadArguments, match="have no sound"):
        network().features(levels[None, None], ["vggish_1"], only_levels(levels))


# The network behind it


def test_features_are_those_of_the_plain_network_example_by_example() -> None:
    weights, sound = vggish_convolutions(), sound_of(notes(1.5, 0, 0.0))
    found = network(weights).features(sound.levels[None, None], VGGISH.layers, sound)
    batch = network(weights).heard(sound.levels[None], sound)[0]
    x = batch[:, None]
    for number, layer in enumerate(VGGISH.layers, 1):
        x = functional.relu(functional.conv2d(x, weights[f"conv{number}.weight"], weights[f"conv{number}.bias"], padding=1))
        expected = x.transpose(0, 1)[None]
        assert found[layer].shape == expected.shape
        torch.testing.assert_close(found[layer], expected, atol=1e-4, rtol=1e-4)
        if number in (1, 2, 4, 6):  # pooled after these
            x = functional.max_pool2d(x, 2)
    channels = [found[layer].shape[1] for layer in VGGISH.layers]
    assert channels == [64, 128, 256, 256, 512, 512] and found["vggish_6"].shape == (1, 512, 2, 12, 8)


def test_half_precision_hears_nearly_the_same() -> None:
    sound, weights = sound_of(notes(1.2, 0, 0.0)), vggish_convolutions()
    listeners = [Vggish(vggish_stack(weights, CPU, dtype), analysis()) for dtype in (torch.float32, torch.bfloat16)]
    single, half = (listener.features(sound.levels[None, None], VGGISH.layers, sound) for listener in listeners)
    for layer, found in half.items():
        assert found.dtype == torch.bfloat16
        assert (found.float() - single[layer]).norm() < 0.03 * single[layer].norm()


def test_colour_planes_are_heard_as_grey() -> None:
    sound = sound_of(notes(1.2, 0, 0.0))
    planes = sound.levels + torch.randn(1, 3, *sound.levels.shape, generator=torch.Generator().manual_seed(0))
    mixed = (planes * torch.tensor([0.3, 0.59, 0.11])[:, None, None]).sum(1, keepdim=True)
    one, other = (network().features(p, ["vggish_1"], sound)["vggish_1"] for p in (planes, mixed))
    torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


def test_gradients_through_the_whole_front_end_are_those_of_finite_differences() -> None:
    how = analysis_for(8_000, 32, CPU)
    how = Analysis(how.resolution, how.bands.double(), how.spread.double(), how.sample_rate)
    generator = torch.Generator().manual_seed(0)
    samples = torch.randn(1, 1_500, generator=generator, dtype=torch.float64) * 0.1
    spectra = spectra_at(samples, how.resolution, torch.arange(how.resolution.n_frames(1_500)))[0]
    levels = torch.randn(32, len(spectra), generator=generator, dtype=torch.float64)
    sound = Sound(levels, lambda first, last: spectra[first:last])
    listener = Vggish(vggish_stack(small_weights(), CPU, torch.float64), how)
    assert torch.autograd.gradcheck(lambda x: listener.heard(x, sound), (levels[None].clone().requires_grad_(),), fast_mode=True)


def test_gradients_are_finite_where_the_recording_is_digital_silence() -> None:
    samples = notes(2.0, 0, 0.0)
    samples[:, RATE // 2 : RATE] = 0.0
    how = analysis()
    spectra = spectra_at(samples, how.resolution, torch.arange(how.resolution.n_frames(2 * RATE)))[0]
    sound = Sound(how.levels(samples).clamp_min(-90.0), lambda first, last: spectra[first:last])
    planes = sound.levels.clone()[None, None].requires_grad_()
    network().features(planes, ["vggish_6"], sound)["vggish_6"].sum().backward()  # type: ignore[no-untyped-call]
    assert planes.grad is not None and planes.grad.isfinite().all()


# The paper's failure, and its cure

PAIRS = [(5, 1), (6, 2), (6, 1)]
WEIGHTS = [(10.0, 1.5), (1.5, 10.0)]


def settings_of(content: int, style: int, content_weight: float, style_weight: float, num_steps: int = 60) -> TransferSettings:
    return TransferSettings(
        content_layers=((f"vggish_{content}", 1.0),),
        style_layers=((f"vggish_{style}", 1.0),),
        content_weight=content_weight,
        style_weight=style_weight,
        num_steps=num_steps,
        n_bands=N_BANDS,
    )


def ours(settings: TransferSettings) -> Transferred:
    content, style = notes(1.2, 0, 0.0), notes(1.2, 1, 0.9)
    how, listener = analysis(), network()
    heard = sounding_in(style)
    target = style_target(heard, band_statistics(N_BANDS, heard.n_frames, heard.bands), listener, settings)
    return transfer(sounding_in(content), target, listener, settings, frames_per_second=how.frames_per_second)


@pytest.mark.parametrize(("content_weight", "style_weight"), WEIGHTS)
@pytest.mark.parametrize(("content", "style"), PAIRS)
def test_the_loss_falls_over_sixty_steps_for_every_choice_of_the_paper(
    content: int, style: int, content_weight: float, style_weight: float
) -> None:
    found = ours(settings_of(content, style, content_weight, style_weight))
    total = torch.tensor(found.content_losses) * content_weight + torch.tensor(found.style_losses) * style_weight
    tens = total.unflatten(0, (6, 10)).mean(1)  # type: ignore[no-untyped-call]
    assert (tens.diff() < 0).all(), f"means of ten steps must fall: {tens.tolist()}"
    assert total[-1] < 0.7 * total[0] and total.argmin() > 40


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize(("content", "style"), PAIRS)
def test_the_published_step_jiggles_from_the_first_step_on(content: int, style: int, weights: tuple[float, float]) -> None:
    """What the paper's figures 22 to 25 show, for each of its choices: nothing is gained after a step or two."""
    stack = vggish_stack(small_weights(), CPU, torch.float32)
    examples_of = [sound_of(notes(1.2, seed, brightness)) for seed, brightness in ((0, 0.0), (1, 0.9))]
    first, other = (network().heard(sound.levels[None], sound)[0, 0] for sound in examples_of)
    losses = published_losses(stack, first, other, (f"vggish_{content}", f"vggish_{style}"), weights, 60)
    rises = sum(later > earlier for earlier, later in pairwise(losses[1:]))
    assert 15 < rises < 45, "up and down, up and down"
    assert min(losses[20:]) > 0.5 * min(losses[:3]), f"nothing is gained: {losses}"
