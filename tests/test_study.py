"""The paper's experiments: pictures with something in them, numbers that mean what their columns say, all or nothing."""

from __future__ import annotations

import csv
from dataclasses import fields
from itertools import pairwise
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
import soundfile
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from safetensors.torch import load_file

from daw_bridge import cli, figures, study, study_figure
from daw_bridge.audio import Audio
from daw_bridge.audio_files import read_audio
from daw_bridge.experiment import listen, tried
from daw_bridge.pipeline import render
from daw_bridge.presets import load_preset

RATE = 22_050
QUICK = ("--param", "n_bands=48", "--length", "0.6")
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder with a melody and a noisy style."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(4)
    times = np.arange(RATE) / RATE
    melody = 0.3 * np.sin(2 * np.pi * np.where(times < 0.3, 330, 495) * times) + 0.003 * rng.standard_normal(RATE)
    soundfile.write("song.wav", melody, RATE, subtype="PCM_24")
    soundfile.write("style.wav", 0.2 * rng.standard_normal((RATE, 2)), 2 * RATE, subtype="PCM_16")


def rows_of(path: str) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def assert_picture(path: str, n_parts: int) -> None:
    """A PNG in which every part from left to right shows something, in more than one colour."""
    picture = matplotlib.image.imread(path)[:, :, :3]
    assert picture.shape[1] >= 1200
    for part in np.array_split(picture, n_parts, axis=1):
        assert part.std() > 0.03
    assert np.ptp(picture, axis=2).max() > 0.3


def asked(*words: str) -> int:
    return cli.main(["study", *words])


def test_layers_are_tried_one_by_one_and_in_runs(capsys: Capture) -> None:
    assert asked("layers", "song.wav", "--style", "style.wav", "--steps", "3", *QUICK) == 0
    out, err = capsys.readouterr()
    assert out.split() == ["study/layers.png", "study/layers.csv"]
    rows = rows_of("study/layers.csv")
    shipped = ["relu1_1", "relu1_2", "relu2_1", "relu2_2", "relu3_1"]
    assert [row["layers"] for row in rows if row["role"] == "content"] == shipped
    style = [row["layers"] for row in rows if row["role"] == "style"]
    assert style == shipped + [" ".join(shipped[:n]) for n in range(2, 6)]
    for row in rows:
        numbers = [float(row[key]) for key in ("content_loss", "style_loss", "style_loss_in_all_layers", "seconds")]
        assert np.isfinite(numbers).all() and min(numbers) >= 0
        assert float(row["style_loss"]) < float(row["style_loss_at_start"])
    whole = rows[-1]  # the run of all layers, whose own loss is the loss in all layers
    assert float(whole["style_loss"]) == pytest.approx(float(whole["style_loss_in_all_layers"]), rel=0.02)
    assert err.count("left out: relu3_2 to relu5_3: weights of vgg16") == 1 and "daw-bridge weights fetch vgg16" in err
    assert_picture("study/layers.png", 2)


def test_losses_fall_with_the_loop_and_jiggle_with_the_published_step() -> None:
    assert asked("losses", "song.wav", "--style", "style.wav", "--steps", "30", *QUICK) == 0
    rows = rows_of("study/losses.csv")
    curves = {name: [float(row["total_loss"]) for row in rows if row["optimizer"] == name] for name in ("adam", "fixed_step")}
    assert [len(curve) for curve in curves.values()] == [31, 31]
    own, published = curves["adam"], curves["fixed_step"]
    assert own[-1] < 0.5 * own[0] and own[-1] == pytest.approx(min(own), rel=0.05)
    rises = [sum(b > a for a, b in pairwise(curve[5:])) for curve in (own, published)]
    assert rises[0] < rises[1] and published[-1] > own[-1]
    assert_picture("study/losses.png", 3)


def test_frames_show_the_target_on_its_way(capsys: Capture) -> None:
    assert asked("frames", "song.wav", "--style", "style.wav", "--steps", "8", *QUICK) == 0
    rows = rows_of("study/frames.csv")
    assert [int(row["iteration"]) for row in rows] == [0, 4, 6, 8]
    losses = [float(row["style_loss"]) for row in rows]
    assert losses == sorted(losses, reverse=True) and losses[-1] < losses[0]
    assert_picture("study/frames.png", 6)


def test_a_study_steps_as_a_render_does() -> None:
    settings = load_preset("wyse").with_parameters({"n_bands": 48, "num_steps": 6}).transfer
    heard = listen(read_audio(Path("song.wav")), read_audio(Path("style.wav")), settings)
    first = tried(heard, settings, keep=(3, 6))
    again = tried(heard, settings, keep=(3, 6))
    assert first.style_losses == again.style_losses and len(first.style_losses) == 7
    assert sorted(first.levels) == [3, 6]
    assert all((first.levels[step] == again.levels[step]).all() for step in (3, 6))
    assert not (first.levels[3] == first.levels[6]).all()
    assert first.start.shape == first.levels[6].shape == (48, heard.content.n_frames)


@pytest.mark.parametrize("band_scale", ["mel", "log"])
def test_a_study_hears_a_style_as_a_render_does(tmp_path: Path, band_scale: str) -> None:
    rng = np.random.default_rng(5)
    fades = np.where(np.arange(4 * RATE) % RATE < RATE // 2, 0.2, 2e-5)  # rests, in which only hiss is left
    song, groove = (Audio((fades * rng.standard_normal((1, 4 * RATE))).astype(np.float32), RATE) for _ in range(2))
    parameters = {"n_bands": 48, "num_steps": 0, "band_scale": band_scale, "rhythm_weight": 1.0}
    preset = load_preset("fast").with_parameters(parameters)
    render(song, groove, preset, device="cpu", cache=tmp_path / "styles")
    kept = load_file(next((tmp_path / "styles").iterdir()))
    heard = listen(song, groove, preset.transfer, device="cpu")
    for field in fields(heard.bands):
        assert torch.equal(getattr(heard.bands, field.name), kept[f"bands/{field.name}"]), field.name


def octaves_of(axis: Axes) -> list[float]:
    """How high two octaves are drawn."""
    at = {label.get_text(): height for label, height in zip(axis.get_yticklabels(), axis.get_yticks(), strict=True)}
    return [at["600"] - at["300"], at["4 000"] - at["2 000"]]


@pytest.mark.parametrize("band_scale", ["mel", "log"])
def test_frames_are_marked_on_the_scale_of_their_bands(band_scale: str, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Figure] = []
    monkeypatch.setattr(figures, "save", lambda figure, path: drawn.append(figure))
    settings = load_preset("wyse").with_parameters({"n_bands": 48, "band_scale": band_scale}).transfer
    heard = listen(read_audio(Path("song.wav")), read_audio(Path("style.wav")), settings, device="cpu")
    study_figure.frames(heard, {}, Path("frames.png"))
    axis = drawn[0].axes[0]
    low, high = octaves_of(axis)
    assert band_scale in axis.get_ylabel() and (abs(high / low - 1) < 0.02) == (band_scale == "log")


def test_a_preset_that_ends_early_or_hears_several_resolutions_is_studied_all_the_same() -> None:
    early = ("--param", "plateau_stop=0.9", "--param", "time_budget_seconds=0.5", "--param", "is_multiresolution=true")
    options = ("--steps", "14", "--preset", "wyse", *early, *QUICK)
    assert asked("frames", "song.wav", "--style", "style.wav", *options) == 0
    assert [int(row["iteration"]) for row in rows_of("study/frames.csv")] == [0, 7, 10, 14]
    assert asked("layers", "song.wav", "--style", "style.wav", "--preset", "wyse", "--steps", "2", *early, *QUICK) == 0
    assert len(rows_of("study/layers.csv")) == 4 + 4 + 3


def test_two_recordings_are_compared_band_by_band() -> None:
    soundfile.write("softer.wav", 0.1 * soundfile.read("song.wav")[0], RATE, subtype="PCM_24")
    assert asked("compare", "song.wav", "softer.wav", "--out", "here") == 0
    rows = rows_of("here/compare.csv")
    loud = [row for row in rows if float(row["first_db"]) > -80 and float(row["band_hz"]) < RATE / 2]
    assert len(loud) > 50
    assert [float(row["difference_db"]) for row in loud] == pytest.approx([-20.0] * len(loud), abs=0.1)
    centre = max(rows, key=lambda row: float(row["first_db"]))
    assert float(centre["band_hz"]) == pytest.approx(330, abs=40) or float(centre["band_hz"]) == pytest.approx(495, abs=40)
    assert_picture("here/compare.png", 2)


def test_what_is_there_is_not_replaced_unless_forced(capsys: Capture) -> None:
    words = ("compare", "song.wav", "style.wav")
    assert asked(*words) == 0
    before = Path("study/compare.png").read_bytes()
    assert asked(*words) == 1
    assert capsys.readouterr().err.splitlines()[-1].endswith("[forbidden_path]")
    assert asked(*words, "--start", "0.2", "--force") == 0
    assert Path("study/compare.png").read_bytes() != before
    assert sorted(path.name for path in Path("study").iterdir()) == ["compare.csv", "compare.png"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("layers", "gone.wav", "--style", "style.wav"), "not_found"),
        (("losses", "song.wav", "--style", "style.wav", "--length", "30"), "bad_args"),
        (("losses", "song.wav", "--style", "style.wav", "--length", "nan"), "bad_args"),
        (("losses", "song.wav", "--style", "style.wav", "--steps", "0"), "bad_args"),
        (("frames", "song.wav", "--style", "style.wav", "--preset", "wise"), "unknown_preset"),
        (("frames", "song.wav", "--style", "style.wav", "--length", "0.01"), "too_short"),
        (("frames", "song.wav", "--style", "style.wav", "--preset", "paper-vgg16-best"), "weights_missing"),
        (("compare", "song.wav", "study.csv"), "not_found"),
        (("compare", "song.wav", "style.wav", "--out", "song.wav"), "forbidden_path"),
        (("frames", "song.wav", "--style", "style.wav", "--steps", "0", "--out", "song.wav"), "forbidden_path"),
        (("frames", "song.wav", "--style", "style.wav", "--steps", "0", "--out", "song.wav/here"), "forbidden_path"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line_and_leaves_nothing(
    capsys: Capture, tmp_path: Path, words: tuple[str, ...], code: str
) -> None:
    before = sorted(tmp_path.iterdir())
    assert asked(*words) == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("daw-bridge: ")]
    assert len(lines) == 1 and lines[0].endswith(f"[{code}]")
    assert sorted(tmp_path.iterdir()) == before


def test_of_two_recordings_none_is_called_a_style(capsys: Capture) -> None:
    assert asked("compare", "song.wav", "gone.wav") == 1
    assert "recording 'gone.wav' does not exist" in capsys.readouterr().err


def test_a_cancel_leaves_nothing_half_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = sorted(tmp_path.iterdir())

    def interrupted(*_: object) -> object:
        def told(step: object) -> None:
            raise KeyboardInterrupt

        return told

    monkeypatch.setattr(study, "_told", interrupted)
    assert asked("frames", "song.wav", "--style", "style.wav", *QUICK) == 130
    assert sorted(tmp_path.iterdir()) == before
