"""The picture: its levels and bands are right, and the file is a PNG of the promised size."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from daw_bridge.audio import Audio
from daw_bridge.errors import BadArguments, ForbiddenPath
from daw_bridge.figures import triptych
from daw_bridge.mel_picture import HIGHEST_HZ, LOWEST_HZ, MAX_FRAMES, N_MELS, mel_picture


def tone(frequency_hz: float, rate: int = 44_100, seconds: float = 1.0, peak: float = 1.0, n_channels: int = 1) -> Audio:
    time = np.arange(round(seconds * rate)) / rate
    return Audio(np.repeat(peak * np.sin(2 * np.pi * frequency_hz * time)[None], n_channels, axis=0), rate)


def band_of(frequency_hz: float) -> int:
    low, high, mel = (2595 * math.log10(1 + f / 700) for f in (LOWEST_HZ, HIGHEST_HZ, frequency_hz))
    return round((mel - low) / (high - low) * (N_MELS + 1)) - 1


@pytest.mark.parametrize("frequency_hz", [110, 440, 1000, 4000, 12_000])
@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
def test_a_sine_lands_in_its_band_at_its_level(frequency_hz: float, rate: int) -> None:
    middle = mel_picture(tone(frequency_hz, rate, peak=0.1, n_channels=2), HIGHEST_HZ)[:, 5:-5]
    assert abs(int(middle.mean(axis=1).argmax()) - band_of(frequency_hz)) <= 1
    assert middle.max() == pytest.approx(-20, abs=3)


def test_silence_is_dark_and_opposite_channels_do_not_cancel() -> None:
    assert mel_picture(Audio(np.zeros((2, 5000)), 44_100), HIGHEST_HZ).max() <= -139
    samples = tone(440).samples
    assert mel_picture(Audio(np.concatenate([samples, -samples]), 44_100), HIGHEST_HZ).max() > -3


def test_above_a_recordings_own_range_lies_silence() -> None:
    noise = Audio(np.random.default_rng(0).uniform(-1, 1, (1, 16_000)), 16_000)
    picture = mel_picture(noise, HIGHEST_HZ)
    assert picture[band_of(9000) :].max() <= -139 and picture[: band_of(7000)].mean() > -60


@pytest.mark.parametrize("n_samples", [0, 1, 700, 44_100, 44_100 * 60])
def test_any_length_fits_the_picture_and_keeps_its_clicks(n_samples: int) -> None:
    samples = np.zeros((1, n_samples))
    samples[:, n_samples // 2 : n_samples // 2 + 1] = 1
    picture = mel_picture(Audio(samples, 44_100), HIGHEST_HZ)
    assert picture.shape[0] == N_MELS and 1 <= picture.shape[1] <= MAX_FRAMES
    assert np.isfinite(picture).all()
    if n_samples:
        brightest = int(picture.max(axis=0).argmax()) / picture.shape[1]
        assert brightest == pytest.approx(0.5, abs=0.02) or picture.shape[1] < 50


def test_the_picture_is_a_png_1600_wide(tmp_path: Path) -> None:
    path = tmp_path / "remix.png"
    titles = ("$x_1$ čašá", "漢字 " * 40, "style")
    triptych(tone(440), tone(880, seconds=2.0, n_channels=2), tone(1000, 8000, peak=0.0), path, titles)
    picture = matplotlib.image.imread(path)
    assert picture.shape == (540, 1600, 4)
    assert len(np.unique(picture.reshape(-1, 4), axis=0)) > 100
    assert [p.name for p in tmp_path.iterdir()] == ["remix.png"]


def test_the_same_sounds_give_the_same_picture(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        triptych(tone(440), tone(880), tone(1000), tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_a_picture_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    with pytest.raises(BadArguments, match="three"):
        triptych(tone(440), tone(440), tone(440), tmp_path / "x.png", ("one",))
    with pytest.raises(ForbiddenPath, match="cannot be written"):
        triptych(tone(440), tone(440), tone(440), tmp_path / "no folder" / "x.png")


def test_naming_the_module_loads_no_matplotlib() -> None:
    code = "import sys, daw_bridge.figures; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[1], timeout=60).returncode == 0
