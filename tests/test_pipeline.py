"""The whole render: any form of audio comes back in its own form, the same for the same seed, and the networks have a say."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from daw_bridge import weights
from daw_bridge.audio import Audio
from daw_bridge.ceiling import true_peak_dbtp
from daw_bridge.devices import pick_device
from daw_bridge.errors import BadArguments, Cancelled, TooShort
from daw_bridge.extractors import loading
from daw_bridge.networks import network_of
from daw_bridge.pipeline import Progress, Remix, render
from daw_bridge.presets import Plugin, Preset, load_preset, preset_from, preset_ids

pytestmark = pytest.mark.usefixtures("one_thread")
TREE = Path(__file__).parents[1]
DEFAULT, PAPER = "default", "paper-vgg16-cheap"


def preset_of(preset_id: str = DEFAULT, **parameters: object) -> Preset:
    quick: dict[str, object] = {"num_steps": 3, "n_iterations": 4, "n_bands": 64}
    return load_preset(preset_id).with_parameters(quick | parameters)


def song(rate: int = 44_100, seconds: float = 1.0, n_channels: int = 2) -> NDArray[np.float32]:
    """A beat of plucked chords, wide in stereo."""
    time = np.arange(round(rate * seconds)) / rate
    pluck = np.exp(-6 * (time % 0.25))
    voices = [np.sin(2 * np.pi * f * time + n) * pluck for n, f in enumerate((110.0, 220.0, 277.2, 330.0, 1760.0))]
    channels = [sum(v * (1 + 0.5 * np.cos(n + c)) for n, v in enumerate(voices)) for c in range(n_channels)]
    return (0.08 * np.stack(channels)).astype(np.float32)


def record(rate: int = 44_100, seconds: float = 1.2, n_channels: int = 2) -> NDArray[np.float32]:
    """Brighter and rougher: pulsed noise over a drone."""
    time = np.arange(round(rate * seconds)) / rate
    noise = np.random.default_rng(0).normal(size=(n_channels, len(time)))
    gated = noise * (0.05 + (time % 0.17 < 0.05))
    return (0.05 * gated + 0.1 * np.sign(np.sin(2 * np.pi * 90 * time))).astype(np.float32)


def sha256(remix: Remix) -> str:
    return hashlib.sha256(remix.audio.samples.tobytes()).hexdigest()


def difference_db(one: Remix, other: Remix) -> float:
    """How far one remix is from another, relative to its own level."""
    a, b = one.audio.samples, other.audio.samples
    n_samples = min(a.shape[1], b.shape[1])  # a tail may ring on
    power = np.mean((a[:, :n_samples] - b[:, :n_samples]) ** 2) / np.mean(a**2)
    return float(10 * np.log10(power + 1e-30))


# Any form of audio


@pytest.mark.parametrize("preset_id", [DEFAULT, PAPER])
@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000, 96_000, 192_000])
@pytest.mark.parametrize("n_channels", [1, 2, 4])
def test_the_remix_has_the_contents_form(rate: int, n_channels: int, preset_id: str) -> None:
    seconds = 0.5 if rate > 90_000 or preset_id == PAPER else 1.0
    content = Audio(song(rate, seconds, n_channels), rate, "FLAC", "PCM_24")
    remix = render(content, Audio(record(rate), rate), preset_of(preset_id), device="cpu").audio
    assert (remix.sample_rate, remix.samples.shape) == (rate, content.samples.shape)
    assert (remix.container, remix.subtype) == ("FLAC", "PCM_24")
    assert np.isfinite(remix.samples).all() and np.abs(remix.samples).max() > 1e-3
    assert true_peak_dbtp(remix.samples) <= -1.0


@pytest.mark.parametrize(("content_rate", "style_rate"), [(44_100, 48_000), (48_000, 44_100), (8_000, 96_000), (96_000, 11_025)])
def test_a_style_of_another_rate_and_channel_count_is_taken(content_rate: int, style_rate: int) -> None:
    content, style = Audio(song(content_rate), content_rate), Audio(record(style_rate, n_channels=1), style_rate)
    remix = render(content, style, preset_of(), device="cpu")
    assert remix.audio.samples.shape == content.samples.shape
    assert difference_db(remix, Remix(content)) > -40


def test_the_rate_of_the_style_file_hardly_matters() -> None:
    content = Audio(song(22_050), 22_050)
    style_at = [Audio(record(22_050), 22_050)]
    import librosa

    up = librosa.resample(style_at[0].samples, orig_sr=22_050, target_sr=44_100, res_type="soxr_hq")
    style_at.append(Audio(up, 44_100))
    first, second = (render(content, style, preset_of(), device="cpu") for style in style_at)
    assert difference_db(first, second) < -15


def test_opposite_phase_is_heard_and_kept() -> None:
    mono = song(n_channels=1)
    in_phase, opposite = (
        render(
            Audio(np.concatenate([mono, sign * mono]), 44_100), Audio(record(), 44_100), preset_of(), device="cpu"
        ).audio.samples
        for sign in (1, -1)
    )
    assert np.abs(opposite).max() > 1e-3, "it did not cancel"
    np.testing.assert_allclose(opposite[1], -opposite[0], atol=1e-5)
    np.testing.assert_allclose(opposite[0], in_phase[0], atol=2e-3)


@pytest.mark.parametrize("preset_id", [DEFAULT, PAPER])
def test_silence_stays_silent_to_the_bit(preset_id: str) -> None:
    content = Audio(np.zeros((2, 44_100), dtype=np.float32), 44_100)
    remix = render(content, Audio(record(), 44_100), preset_of(preset_id, is_dithered=False), device="cpu")
    assert np.count_nonzero(remix.audio.samples) == 0


def test_a_rest_in_the_content_stays_silent_to_the_bit() -> None:
    samples = song(seconds=2.0)
    samples[:, 30_000:60_000] = 0.0
    remix = render(Audio(samples, 44_100), Audio(record(), 44_100), preset_of(), device="cpu").audio.samples
    reach = 2 * 2048  # harmonics are filtered by one window, the gain by another
    assert np.count_nonzero(remix[:, 30_000 + reach : 60_000 - reach]) == 0
    assert np.abs(remix[:, :30_000]).max() > 1e-3


FORMS: dict[str, Callable[[int], NDArray[np.float64]]] = {
    "an offset": lambda n: np.full((1, n), 0.5),
    "a full-scale square": lambda n: np.sign(np.sin(2 * np.pi * 100 * (np.arange(n) + 0.5) / 44_100))[None],
    "full-scale noise": lambda n: np.random.default_rng(1).uniform(-1, 1, (2, n)),
    "one click": lambda n: (np.arange(n) == n // 2)[None].astype(float),
    "a whisper": lambda n: 1e-5 * np.random.default_rng(1).normal(size=(2, n)),
    "far over full scale": lambda n: 30 * np.random.default_rng(1).normal(size=(1, n)),
}


@pytest.mark.parametrize("preset_id", [DEFAULT, PAPER])
@pytest.mark.parametrize("form", FORMS)
def test_any_content_gives_finite_samples_under_the_ceiling(form: str, preset_id: str) -> None:
    content = Audio(FORMS[form](30_000).astype(np.float32), 44_100)
    remix = render(content, Audio(record(), 44_100), preset_of(preset_id), device="cpu").audio
    assert remix.samples.shape == content.samples.shape and np.isfinite(remix.samples).all()
    assert true_peak_dbtp(remix.samples) <= -1.0


@pytest.mark.parametrize("form", ["a full-scale square", "full-scale noise", "far over full scale"])
def test_any_style_gives_finite_samples(form: str) -> None:
    remix = render(Audio(song(), 44_100), Audio(FORMS[form](30_000).astype(np.float32), 44_100), preset_of(), device="cpu")
    assert np.isfinite(remix.audio.samples).all() and np.abs(remix.audio.samples).max() > 1e-3


@pytest.mark.parametrize("preset_id", [DEFAULT, PAPER])
@pytest.mark.parametrize("seconds", [0.05, 0.08, 0.12, 0.7])
def test_short_content_is_rendered_to_its_length(seconds: float, preset_id: str) -> None:
    content = Audio(song(seconds=seconds), 44_100)
    remix = render(content, Audio(record(), 44_100), preset_of(preset_id, num_steps=1), device="cpu").audio
    assert remix.samples.shape == content.samples.shape and np.isfinite(remix.samples).all()


def test_content_of_double_precision_is_taken() -> None:
    content = Audio(song().astype(np.float64), 44_100, "WAV", "DOUBLE")
    for wet in (1.0, 0.5):
        remix = render(content, Audio(record(), 44_100), preset_of(wet=wet), device="cpu").audio
        assert remix.subtype == "DOUBLE" and np.isfinite(remix.samples).all()


# Refusals


@pytest.mark.parametrize("n_samples", [1, 100, 2000])
def test_less_than_a_window_is_refused_with_its_role(n_samples: int) -> None:
    short, long = Audio(song()[:, :n_samples], 44_100), Audio(record(), 44_100)
    with pytest.raises(TooShort, match="content lasts"):
        render(short, long, preset_of(), device="cpu")
    with pytest.raises(TooShort, match="style lasts"):
        render(long, short, preset_of(), device="cpu")


@pytest.mark.parametrize("level", [0.0, 0.5])
def test_a_style_without_sound_is_refused(level: float) -> None:
    style = Audio(np.full((1, 44_100), level, dtype=np.float32), 44_100)
    with pytest.raises(TooShort, match="the style is silent"):
        render(Audio(song(), 44_100), style, preset_of(), device="cpu")


def test_an_unknown_device_is_refused_with_what_there_is() -> None:
    with pytest.raises(BadArguments, match=r"device='tpu'.*This machine has: .*cpu"):
        pick_device("tpu")


# Strength and mix


def test_strength_nothing_without_a_chain_is_the_content_bit_for_bit() -> None:
    for n_channels, n_samples in ((1, 5_000), (2, 44_100), (4, 10_000)):
        content = Audio(song(n_channels=n_channels)[:, :n_samples], 44_100)
        remix = render(content, Audio(record(), 44_100), preset_of(strength=0.0), device="cpu")
        np.testing.assert_array_equal(remix.audio.samples, content.samples)


def test_more_strength_goes_farther_from_the_content() -> None:
    content, style = Audio(song(), 44_100), Audio(record(), 44_100)
    far = [difference_db(Remix(content), render(content, style, preset_of(strength=s), device="cpu")) for s in (0.1, 0.5, 1.0)]
    assert far[0] < far[1] < far[2] and far[0] < far[2] - 6


def test_the_remix_sounds_more_like_the_style_than_the_content_does() -> None:
    rate = 44_100
    content, style = Audio(song(), rate), Audio(record(), rate)
    remix = render(content, style, preset_of(num_steps=10), device="cpu").audio

    def tone(samples: NDArray[np.floating]) -> NDArray[np.float64]:
        power = np.abs(np.fft.rfft(samples[:, :rate], n=rate)) ** 2
        octaves = [power[:, f : 2 * f].sum() for f in (60, 120, 240, 480, 960, 1920, 3840, 7680)]
        level_db: NDArray[np.float64] = 10 * np.log10(np.array(octaves) / np.sum(octaves) + 1e-9)
        return level_db

    before = np.abs(tone(content.samples) - tone(style.samples)).mean()
    after = np.abs(tone(remix.samples) - tone(style.samples)).mean()
    assert after < 0.7 * before


# The networks have a say


@pytest.mark.parametrize("preset_id", ["fine", PAPER])
def test_other_kernels_give_another_remix(preset_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    content, style, preset = Audio(song(), 44_100), Audio(record(), 44_100), preset_of(preset_id, num_steps=8)
    trained = render(content, style, preset, device="cpu")
    load = weights.load

    def shuffled(path: Path) -> dict[str, Tensor]:
        generator = torch.Generator().manual_seed(0)
        return {
            name: t.flatten()[torch.randperm(t.numel(), generator=generator)].reshape(t.shape) for name, t in load(path).items()
        }

    monkeypatch.setattr(loading, "_vgg16", {})
    monkeypatch.setattr(weights, "load", shuffled)
    assert difference_db(trained, render(content, style, preset, device="cpu")) > -50


def test_other_random_kernels_give_another_remix() -> None:
    content, style = Audio(song(), 44_100), Audio(record(), 44_100)
    preset = preset_of(DEFAULT, num_steps=8, is_dithered=False)
    first, second = (render(content, style, preset, device="cpu", seed=seed) for seed in (0, 1))
    assert difference_db(first, second) > -50


def test_a_network_heard_louder_changes_more() -> None:
    content, style = Audio(song(), 44_100), Audio(record(), 44_100)
    without = render(content, style, preset_of(num_steps=0), device="cpu")
    little, much = (
        difference_db(without, render(content, style, preset_of(num_steps=8, style_weight=weight), device="cpu"))
        for weight in (0.05, 50.0)
    )
    assert much > little


@pytest.mark.parametrize("preset_id", [DEFAULT, PAPER])
def test_the_loss_falls_and_is_reported(preset_id: str) -> None:
    remix = render(Audio(song(), 44_100), Audio(record(), 44_100), preset_of(preset_id, num_steps=12), device="cpu")
    losses = remix.report["losses"]
    assert len(losses["style"]) == len(losses["content"]) == 12
    assert losses["style"][-1] < losses["style"][0]
    json.dumps(remix.report)


# The same again


@pytest.mark.parametrize("preset_id", [DEFAULT, PAPER])
def test_the_same_seed_gives_the_same_bytes_and_another_does_not(preset_id: str) -> None:
    content, style = Audio(song(), 44_100), Audio(record(), 44_100)
    first, again, other = (sha256(render(content, style, preset_of(preset_id), seed=seed, device="cpu")) for seed in (5, 5, 6))
    assert first == again != other


RENDER = """
import torch
torch.set_num_threads(1)
from tests import test_pipeline as t
for preset_id in (t.DEFAULT, t.PAPER):
    content, style = t.Audio(t.song(), 44_100), t.Audio(t.record(), 44_100)
    print(t.sha256(t.render(content, style, t.preset_of(preset_id), seed=5, device="cpu")))
"""


def test_another_process_gives_the_same_bytes() -> None:
    content, style = Audio(song(), 44_100), Audio(record(), 44_100)
    own = [sha256(render(content, style, preset_of(preset_id), seed=5, device="cpu")) for preset_id in (DEFAULT, PAPER)]
    other = subprocess.run([sys.executable, "-c", RENDER], cwd=TREE, capture_output=True, text=True, timeout=120, check=True)
    assert other.stdout.split() == own


def test_inputs_are_left_as_they_were() -> None:
    content, style = Audio(song(), 44_100), Audio(record(), 44_100)
    render(content, style, preset_of(), device="cpu")
    np.testing.assert_array_equal(content.samples, song())
    np.testing.assert_array_equal(style.samples, record())


# Progress and cancelling


@pytest.mark.parametrize("preset_id", [DEFAULT, PAPER])
def test_progress_never_falls_and_names_each_phase_once(preset_id: str) -> None:
    told: list[Progress] = []
    render(Audio(song(), 44_100), Audio(record(), 44_100), preset_of(preset_id), device="cpu", on_step=told.append)
    fractions = [progress.fraction for progress in told]
    assert fractions == sorted(fractions) and fractions[0] >= 0.0 and fractions[-1] <= 1.0
    assert list(dict.fromkeys(progress.phase for progress in told)) == ["listen", "transfer", "reconstruct", "post"]
    steps = [progress for progress in told if progress.step]
    assert [progress.step for progress in steps] == [1, 2, 3] and all(
        p.num_steps == 3 and p.style_loss is not None for p in steps
    )


@pytest.mark.parametrize("preset_id", [DEFAULT, PAPER])
def test_cancelling_at_any_word_of_progress_ends_the_render_there(preset_id: str) -> None:
    content, style = Audio(song(seconds=0.5), 44_100), Audio(record(), 44_100)
    told: list[Progress] = []
    render(content, style, preset_of(preset_id), device="cpu", on_step=told.append)
    for stop_at in range(1, len(told) + 1):
        heard = 0

        def stop(progress: Progress, stop_at: int = stop_at) -> None:
            nonlocal heard
            heard += 1
            if heard == stop_at:
                raise Cancelled("the user asked for it")

        with pytest.raises(Cancelled):
            render(content, style, preset_of(preset_id), device="cpu", on_step=stop)
        assert heard == stop_at


# Presets and networks


def test_only_the_networks_that_a_preset_names_are_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "_vgg16", {})
    random_only = preset_of(style_layers=["wyse_1"], content_weight=0.0)
    render(Audio(song(), 44_100), Audio(record(), 44_100), random_only, device="cpu")
    assert loading._vgg16 == {}


def needs_nothing_but_the_package(preset_id: str) -> bool:
    preset = load_preset(preset_id)
    layers = [layer for layer, _ in (*preset.transfer.content_layers, *preset.transfer.style_layers)]
    return all(layer in network_of(layer).layers[: network_of(layer).n_shipped] for layer in layers)


@pytest.mark.parametrize("preset_id", [preset_id for preset_id in preset_ids() if needs_nothing_but_the_package(preset_id)])
def test_every_preset_that_needs_no_download_renders(preset_id: str) -> None:
    content, style, preset = Audio(song(seconds=0.5), 44_100), Audio(record(), 44_100), preset_of(preset_id, num_steps=1)
    remix = render(content, style, preset, device="cpu")
    assert np.isfinite(remix.audio.samples).all() and difference_db(remix, Remix(content)) > -60


def test_a_chain_is_heard_even_at_strength_nothing() -> None:
    preset = preset_from({"schema": 1, "title": "t", "about": "a", "transfer": {"strength": 0.0, "num_steps": 1}}, "t")
    chained = Preset("t", "t", "a", transfer=preset.transfer, output=preset.output, post=(Plugin("Invert"),))
    content = Audio(song(), 44_100)
    remix = render(content, Audio(record(), 44_100), chained, device="cpu")
    assert np.corrcoef(remix.audio.samples[0], content.samples[0])[0, 1] < -0.99
