"""A remix rendered again: the same bytes in another process, or what differs; inputs found by their sound."""

from __future__ import annotations

import json
import math
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from daw_bridge import cli
from daw_bridge.again import differences
from daw_bridge.folders import ProjectFolders
from daw_bridge.job import Published
from daw_bridge.presets import load_preset
from daw_bridge.renderer import stages
from daw_bridge.renderer.order import Order
from daw_bridge.request import RenderRequest, source_file
from tests.command import run

RATE = 22_050
Capture = pytest.CaptureFixture[str]
QUICK = ("--param", "num_steps=1")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a song, a style and a remix of a part of the song."""
    folder = tmp_path_factory.mktemp("made")
    rng = np.random.default_rng(11)
    times = np.arange(RATE) / RATE
    song = 0.3 * np.stack([np.sin(2 * np.pi * 330 * times), np.sin(2 * np.pi * 440 * times)])
    soundfile.write(folder / "song.wav", song.T, RATE, subtype="PCM_16")
    soundfile.write(folder / "style.wav", 0.2 * rng.standard_normal((RATE, 2)), RATE, subtype="PCM_16")
    done = run("remix", "song.wav", "--style", "style.wav", "--start", "0.1", "--seed", "5", *QUICK, folder=folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A copy of it, whose recipe names inputs that lie elsewhere."""
    return Path(shutil.copytree(made, tmp_path / "copy"))


def remix_in(folder: Path, version: int = 1) -> Path:
    return folder / f"song__default__style__v{version:03d}.wav"


def table_of(remix: Path) -> dict[str, Any]:
    table: dict[str, Any] = json.loads(remix.with_suffix(".json").read_text(encoding="utf-8"))
    return table


def altered(remix: Path, **values: Any) -> None:
    remix.with_suffix(".json").write_text(json.dumps({**table_of(remix), **values}), encoding="utf-8")


def again(capsys: Capture, *words: object) -> tuple[int, str, str]:
    """Exit code, output and errors of the command, in this process."""
    code = cli.main(["again", *map(str, words)])
    out, err = capsys.readouterr()
    return code, out, err


def test_another_process_with_other_threads_writes_the_same_bytes_as_a_new_version(folder: Path) -> None:
    threads = table_of(remix_in(folder))["machine"]["threads"]
    done = run("again", remix_in(folder), folder=folder, OMP_NUM_THREADS="2" if threads == 1 else "1")
    assert (done.returncode, done.stdout) == (0, f"{remix_in(folder, 2)}\n"), done.stderr
    assert done.stderr.endswith("the same bytes\n")
    assert remix_in(folder).read_bytes() == remix_in(folder, 2).read_bytes()
    tables = [table_of(remix_in(folder, version)) for version in (1, 2)]
    assert tables[0]["sound_sha256"] == tables[1]["sound_sha256"]
    assert tables[0]["job"] != tables[1]["job"]
    assert tables[0]["machine"] == tables[1]["machine"]  # its number of threads, too, which decides the last bits


def test_what_the_service_published_comes_again_byte_for_byte(made: Path, tmp_path: Path, capsys: Capture) -> None:
    project = tmp_path / "project"
    (project / "audio").mkdir(parents=True)
    for name in ("song.wav", "style.wav"):
        shutil.copy(made / name, project / "audio" / name)
    request = RenderRequest(
        project=str(project),
        content=source_file(project / "audio" / "song.wav", "content"),
        style=source_file(project / "audio" / "style.wav", "style"),
        preset=load_preset("default").with_parameters({"num_steps": 1}).to_table(),
        style_label="tape",
    )
    work = tmp_path / "work"
    work.mkdir()
    order = Order("0123456789abcdef.1", request, work)
    stages.render(order, lambda phase, fraction: None, lambda *_: None)
    published = stages.publish(order)
    assert isinstance(published, Published)
    first = Path(published.file)
    assert first == ProjectFolders(project).remixes / "song__default__tape__v001.wav"
    assert b"0123456789abcdef.1" in first.read_bytes()  # the job's id, in the bext chunk
    (project / "audio" / "song.wav").rename(project / "audio" / "renamed.wav")  # found by its sound all the same
    second = first.with_name("song__default__tape__v002.wav")
    assert again(capsys, first.with_suffix(".json"))[:2] == (0, f"{second}\n")
    assert first.read_bytes() == second.read_bytes()


def test_a_flac_comes_again_with_the_same_sound(folder: Path, capsys: Capture) -> None:
    mine, other = folder / "mine.flac", folder / "other.flac"
    words = (folder / "song.wav", "--style", folder / "style.wav", "--out", mine, *QUICK)
    assert cli.main(["remix", *map(str, words)]) == 0
    capsys.readouterr()
    told = json.loads(again(capsys, mine, "--out", other, "--json")[1])
    assert (told["files"], told["is_same_sound"], told["is_same_file"]) == ([str(other)], True, True)
    assert told["differs"] == []


def test_a_flac_of_a_wav_in_float_comes_again_as_a_flac(folder: Path, capsys: Capture) -> None:
    samples, _ = soundfile.read(folder / "song.wav")
    soundfile.write(folder / "float.wav", samples, RATE, subtype="FLOAT")
    mine, other = folder / "mine.flac", folder / "float__default__style__v001.flac"
    words = (folder / "float.wav", "--style", folder / "style.wav", "--out", mine, *QUICK)
    assert cli.main(["remix", *map(str, words)]) == 0
    capsys.readouterr()
    code, out, err = again(capsys, mine)
    assert (code, out) == (0, f"{other}\n")
    assert err.endswith("the same bytes\n")
    assert mine.read_bytes() == other.read_bytes()


def test_other_versions_are_said_even_where_the_bytes_are_the_same(folder: Path, capsys: Capture) -> None:
    altered(remix_in(folder), versions={**table_of(remix_in(folder))["versions"], "scipy": "0.1"})
    code, _, err = again(capsys, remix_in(folder))
    assert code == 0
    assert err.splitlines()[-1].startswith("the same bytes, although scipy was 0.1, now ")


def test_strength_and_parameters_make_another_remix_that_its_recipe_tells(folder: Path, capsys: Capture) -> None:
    options = ("--strength", "0.6", "--param", "wet=0.9", "--seed", "9", "--json")
    told = json.loads(again(capsys, remix_in(folder), *options)[1])
    assert told["files"] == [str(remix_in(folder, 2))]
    assert told["is_same_sound"] is None
    table = table_of(remix_in(folder, 2))
    assert (table["preset"]["transfer"]["strength"], table["preset"]["output"]["wet"], table["seed"]) == (0.6, 0.9, 9)
    assert (table["preset"]["transfer"]["num_steps"], table["content"]["start_seconds"]) == (1, 0.1)
    assert table["sound_sha256"] != table_of(remix_in(folder))["sound_sha256"]


def test_takes_are_variations_with_the_seeds_that_follow(folder: Path, capsys: Capture) -> None:
    paths = [remix_in(folder, version) for version in (2, 3, 4)]
    assert again(capsys, remix_in(folder), "--takes", "3")[1].splitlines() == [str(path) for path in paths]
    assert [table_of(path)["seed"] for path in paths] == [6, 7, 8]
    assert len({table_of(path)["sound_sha256"] for path in paths}) == 3


def test_an_input_is_found_beside_the_recipe_when_its_place_is_gone(folder: Path, capsys: Capture) -> None:
    content = table_of(remix_in(folder))["content"]
    altered(remix_in(folder), content={**content, "path": "C:\\Users\\x\\song.wav"})
    os.utime(folder / "song.wav", (1e9, 1e9))  # a copy from elsewhere may have another date
    assert again(capsys, remix_in(folder))[0] == 0
    assert remix_in(folder).read_bytes() == remix_in(folder, 2).read_bytes()


def test_a_missing_or_changed_input_is_refused_in_one_line(folder: Path, capsys: Capture) -> None:
    content = table_of(remix_in(folder))["content"]
    altered(remix_in(folder), content={**content, "path": str(folder / "gone.wav")})
    code, out, err = again(capsys, remix_in(folder), "--json")
    assert json.loads(out)["error"]["code"] == "not_found"
    assert (code, err.count("daw-bridge: ")) == (1, 1)
    assert "content 'gone.wav' is not at" in err
    changed = folder / "song.wav"
    altered(remix_in(folder), content={**content, "path": str(changed)})
    samples, _ = soundfile.read(changed)
    soundfile.write(changed, 0.5 * samples, RATE, subtype="PCM_16")
    code, out, err = again(capsys, remix_in(folder))
    assert (code, out) == (1, "")
    assert "was changed since" in err
    assert not remix_in(folder, 2).exists()


def test_another_sound_is_published_and_said_with_what_differs(folder: Path, capsys: Capture) -> None:
    table = table_of(remix_in(folder))
    altered(remix_in(folder), sound_sha256="0" * 64, versions={**table["versions"], "torch": "1.0"})
    code, out, err = again(capsys, remix_in(folder), "--json")
    assert code == 1
    assert json.loads(out)["is_same_sound"] is False
    assert "not the same sound: torch was 1.0, now" in err
    assert remix_in(folder, 2).is_file()


@pytest.mark.parametrize("junk", [b"\0" * 10_000_000, b"[" * 3_000_000, b"{}", b'{"content": 1}', b""])
def test_junk_is_refused_at_once_in_one_line(tmp_path: Path, capsys: Capture, junk: bytes) -> None:
    path = tmp_path / "song__default__style__v001.json"
    path.write_bytes(junk)
    code, out, err = again(capsys, path)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.endswith("[unsupported_format]\n")


def test_a_remix_without_recipe_says_what_is_needed(folder: Path, capsys: Capture) -> None:
    remix_in(folder).with_suffix(".json").unlink()
    _, _, err = again(capsys, remix_in(folder))
    assert "[not_found]" in err
    assert ".json" in err


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes there")
def test_a_pipe_in_place_of_a_recipe_is_not_waited_for(tmp_path: Path, capsys: Capture) -> None:
    os.mkfifo(tmp_path / "r.json")
    assert "not a regular file" in again(capsys, tmp_path / "r.json")[2]


def test_markers_and_dates_of_any_kind_do_no_harm(folder: Path, capsys: Capture) -> None:
    markers = [[1e99, "a", "", 1], [-5, None, 3, math.inf], "junk", [1, 2], [7, "verse", "", 0]]
    content = {**table_of(remix_in(folder))["content"], "markers": markers, "recorded_at": "yesterday"}
    altered(remix_in(folder), content=content)
    assert again(capsys, remix_in(folder), "--json")[0] == 0


def test_differences_are_told_in_words() -> None:
    then = {
        "versions": {"torch": "2.9"},
        "machine": {"capability": "AVX2", "threads": 4},
        "device": "cpu",
        "dtype": "torch.float32",
    }
    now = {**then, "machine": {"capability": "AVX512", "threads": 4}, "device": "cuda"}
    assert list(differences(then, now)) == ["capability was AVX2, now AVX512", "device was cpu, now cuda"]
    assert list(differences({"versions": "junk"}, {"versions": {"torch": "2.9"}})) == ["torch was not recorded, now 2.9"]
