"""What a preset's layers need is loaded, alone or together, and the remix keeps the content's rate, channels and highs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from scipy import signal

from daw_bridge.audio import Audio
from daw_bridge.errors import WeightsMissing
from daw_bridge.extractors import loading
from daw_bridge.networks import VGGISH
from daw_bridge.pipeline import render
from daw_bridge.presets import Preset, load_preset
from daw_bridge.weights_fetch import Listener, fetch
from tests.generated_weights import vggish_convolutions

pytestmark = pytest.mark.usefixtures("one_thread")
RATE = 48_000
COMBINED = {
    "content_layers": "relu3_1",
    "style_layers": {"relu1_2": 1.0, "vggish_1": 2.0, "wyse_4": 0.5},
    "n_bands": 64,
    "num_steps": 4,
    "start": "content",
}


@pytest.fixture
def vggish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """VGGish's weights, of chance, where fetched ones lie."""
    monkeypatch.setenv("DAW_BRIDGE_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setattr(loading, "_vggish", {})
    save_file(vggish_convolutions(), tmp_path / "mine.safetensors")
    fetch("vggish", Listener(lambda _: None, lambda _: None), file=tmp_path / "mine.safetensors")


def recording(seed: int, is_dark: bool = False, seconds: float = 1.5) -> Audio:
    """Stereo noise in bursts, its channels apart; a dark one falls by 6 dB an octave."""
    rng = np.random.default_rng(seed)
    bursts = np.repeat(rng.uniform(0.01, 0.08, (2, 12)), round(seconds * RATE / 12), axis=1)
    noise = rng.standard_normal(bursts.shape)
    if is_dark:
        noise = signal.lfilter([0.05], [1.0, -0.98], noise)
    return Audio((noise * bursts).astype(np.float32), RATE)


def preset(preset_id: str, **parameters: object) -> Preset:
    return load_preset(preset_id).with_parameters(parameters)


def test_a_vggish_remix_keeps_rate_stereo_and_what_lies_above_its_hearing(vggish: None) -> None:
    content, style = recording(0), recording(1, is_dark=True)
    wanted = preset("paper-vggish-style-heavy", num_steps=4, loudness="off", dehash="off")
    remix = render(content, style, wanted, device="cpu").audio
    assert (remix.sample_rate, remix.samples.shape) == (RATE, content.samples.shape)
    before, after = (np.abs(np.fft.rfft(a.samples.astype(np.float64))) for a in (content, remix))
    hz = np.fft.rfftfreq(content.samples.shape[1], 1 / RATE)
    changed_db = np.abs(20 * np.log10(np.maximum(after, 1e-9) / np.maximum(before, 1e-9)))
    assert np.median(changed_db[:, (hz > 500) & (hz < 4_000)]) > 0.5
    assert np.median(changed_db[:, (hz > 10_000) & (hz < 20_000)]) < 0.1
    assert np.corrcoef(*remix.samples)[0, 1] < 0.2  # left and right still know nothing of each other


def test_three_networks_listen_at_once_each_layer_with_its_weight(vggish: None) -> None:
    content, style = recording(0), recording(1, is_dark=True)
    remix = render(content, style, preset("default", **COMBINED), device="cpu")
    losses = remix.report["losses"]["style"]
    assert losses[-1] < losses[0]
    other = dict(COMBINED, style_layers={"relu1_2": 1.0, "vggish_1": 0.1, "wyse_4": 0.5})
    assert not np.array_equal(render(content, style, preset("default", **other), device="cpu").audio.samples, remix.audio.samples)


def test_the_same_seed_gives_the_same_bytes_through_vggish(vggish: None) -> None:
    content, style = recording(0), recording(1, is_dark=True)
    wanted = preset("paper-vggish-content-heavy", num_steps=3)
    one, two = (render(content, style, wanted, device="cpu", seed=5).audio.samples for _ in range(2))
    assert np.array_equal(one, two)


def test_what_is_not_here_is_refused_before_anything_is_done() -> None:
    heard: list[str] = []
    with pytest.raises(WeightsMissing, match="daw-bridge weights fetch vggish"):
        render(
            recording(0),
            recording(1, is_dark=True),
            load_preset("paper-vggish-style-heavy"),
            on_step=lambda p: heard.append(p.phase),
        )
    assert heard == []


def test_networks_stay_warm_between_jobs(vggish: None) -> None:
    settings = load_preset("paper-vggish-style-heavy").transfer
    assert settings.depths() == {VGGISH: 5}
    first, again = (loading._warm_vggish(torch.device("cpu"), torch.float32) for _ in range(2))
    assert first is again
