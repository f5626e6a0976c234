"""The comparison of a remix with its content: both files or none, in step by the recipe, and a picture with something in it."""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
import soundfile

from daw_bridge import cli
from daw_bridge.audio_files import read_audio
from daw_bridge.compare import compare

RATE = 22_050
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A song, a style, and a remix of the song from 1.5 s on: the same notes, half as loud."""
    rng = np.random.default_rng(2)
    song = 0.1 * rng.standard_normal((10 * RATE, 2))
    soundfile.write(tmp_path / "song.wav", song, RATE, subtype="PCM_24")
    soundfile.write(tmp_path / "style.flac", 0.2 * rng.standard_normal(2 * RATE), RATE, subtype="PCM_16")
    soundfile.write(tmp_path / "remix.wav", 0.5 * song[round(1.5 * RATE) :], RATE, subtype="PCM_24")
    losses = {"content": [0.0, 0.0, 0.0], "style": [0.9, 0.4, 0.2]}
    (tmp_path / "remix.json").write_text(json.dumps({"content": {"start_seconds": 1.5}, "losses": losses}), encoding="utf-8")
    return tmp_path


def quiet(phase: str, fraction: float) -> None:
    """Nobody watches."""


def test_a_picture_and_a_file_lie_beside_the_remix(folder: Path, capsys: Capture) -> None:
    words = [str(folder / name) for name in ("song.wav", "remix.wav", "style.flac")]
    assert cli.main(["compare", *words]) == 0
    picture, sound = folder / "remix-compared.png", folder / "remix-compared.wav"
    assert capsys.readouterr().out.splitlines() == [str(picture), str(sound)]
    image = matplotlib.image.imread(picture)
    assert image.shape == (1200, 1600, 4)
    for rows in np.array_split(image[:, :, :3], 3):  # spectrograms, difference, curves: none is empty
        assert rows.std() > 0.05
    assert cli.main(["compare", *words]) == 1
    assert "[forbidden_path]" in capsys.readouterr().err
    assert cli.main(["compare", *words[:2], "--force"]) == 0
    assert len(list(folder.iterdir())) == 6


def test_the_recipe_says_where_in_the_song_the_remix_begins(folder: Path) -> None:
    done = compare(folder / "song.wav", folder / "remix.wav", prefix=folder / "ab", on_progress=quiet)
    assert done.remix_gain_db == pytest.approx(6.02, abs=0.05)
    heard = read_audio(done.sound).samples
    expected = read_audio(folder / "song.wav", start_seconds=1.5).samples  # both are the same sound, if in step
    gain = np.vdot(heard, expected) / np.vdot(expected, expected)
    assert np.abs(heard - gain * expected).max() < 1e-3 * np.abs(heard).max()


def test_a_recipe_that_is_junk_does_no_harm(folder: Path) -> None:
    (folder / "remix.json").write_text('{"content": {"start_seconds": "x"}, "losses": {"style": [1, null], "content": 5}}')
    compare(folder / "song.wav", folder / "remix.wav", prefix=folder / "ab", on_progress=quiet)
    assert (folder / "ab.png").is_file()


@pytest.mark.parametrize("phase", ["load", "match", "draw", "write"])
def test_a_cancel_at_any_moment_leaves_nothing_half_done(folder: Path, phase: str) -> None:
    before = sorted(folder.iterdir())

    def give_up(now: str, fraction: float) -> None:
        if now == phase and fraction < 1.0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compare(folder / "song.wav", folder / "remix.wav", prefix=folder / "ab", on_progress=give_up)
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("song.wav", "gone.wav"), "not_found"),
        (("song.wav", "remix.json"), "unsupported_format"),
        (("song.wav", "remix.wav", "--out", "nowhere/ab"), "not_found"),
        (("song.wav", "remix.wav", "--out", "song", "--force"), "forbidden_path"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture, words: tuple[str, ...], code: str
) -> None:
    monkeypatch.chdir(folder)
    before = sorted(folder.iterdir())
    assert cli.main(["compare", *words]) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("daw-bridge: ") and said.endswith(f"[{code}]")
    assert sorted(folder.iterdir()) == before
