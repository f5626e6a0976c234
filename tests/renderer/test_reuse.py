"""The same sound, asked for again under any name, is not rendered again; whatever differs is."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from daw_bridge.audio_files import read_audio, read_place, write_audio
from daw_bridge.errors import NotFound
from daw_bridge.presets import load_preset
from daw_bridge.renderer import stages
from daw_bridge.renderer.order import Order
from daw_bridge.request import RenderRequest, source_file
from daw_bridge.riff import Origin

RATE = 22_050


def ignore(*_: object) -> None:
    """Nobody listens."""


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[RenderRequest, str]:
    """A request and the remix that was made of it."""
    project = tmp_path_factory.mktemp("project")
    for name, seed in (("song", 1), ("groove", 2)):
        soundfile.write(project / f"{name}.wav", 0.1 * np.random.default_rng(seed).normal(size=(RATE // 2, 2)), RATE, "PCM_16")
    preset = load_preset("default").with_parameters({"num_steps": 1, "n_bands": 64}).to_table()
    content, style = (source_file(project / f"{name}.wav", "content") for name in ("song", "groove"))
    request = RenderRequest(str(project), content, style, preset)
    return request, done(request, "first.1", tmp_path_factory.mktemp("work"))


def done(request: RenderRequest, job: str, work: Path) -> str:
    """Render and publish; the remix's path."""
    folder = work / job
    folder.mkdir()
    order = Order(job, request, folder)
    stages.render(order, ignore, ignore)
    return stages.publish(order).file


def with_content(request: RenderRequest, path: Path) -> RenderRequest:
    return replace(request, content=source_file(path, "content"))


def test_the_same_sound_under_another_name_gets_the_remix_that_is_there(
    first: tuple[RenderRequest, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request, remix = first
    copy = Path(shutil.copy(request.content.path, tmp_path / "other.wav"))
    monkeypatch.setattr("daw_bridge.pipeline.render", None)  # calling it would fail
    assert done(with_content(replace(request, reqid="r9"), copy), "second.1", tmp_path) == remix


def test_a_remix_that_had_no_time_for_its_steps_is_made_anew(first: tuple[RenderRequest, str], tmp_path: Path) -> None:
    hurried = load_preset("fast").with_parameters({"num_steps": 5, "n_bands": 64, "time_budget_seconds": 500.0}).to_table()
    request = replace(first[0], preset=hurried)
    remix = done(request, "hurried.1", tmp_path)
    assert done(request, "hurried.2", tmp_path) == remix, "all steps were taken"
    path = Path(remix).with_suffix(".json")
    recipe = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**recipe, "steps": [5, 4]}), "utf-8")
    assert done(request, "hurried.3", tmp_path) != remix


def test_a_remix_with_its_tail_is_told_with_its_own_length(first: tuple[RenderRequest, str], tmp_path: Path) -> None:
    request, _ = first
    preset = load_preset("ambient-wash").with_parameters({"num_steps": 1, "n_bands": 64}).to_table()
    told = []
    for job in ("tail.1", "tail.2"):
        (tmp_path / job).mkdir()
        order = Order(job, replace(request, preset=preset), tmp_path / job)
        stages.render(order, ignore, ignore)
        told.append(stages.publish(order))
    assert told[1] == told[0]
    assert told[1].seconds == soundfile.info(told[1].file).duration > 0.5


@pytest.mark.parametrize("change", ["seed", "preset", "force", "sample format", "place on the timeline", "part"])
def test_whatever_changes_the_remix_is_rendered(first: tuple[RenderRequest, str], tmp_path: Path, change: str) -> None:
    request, remix = first
    audio, path = read_audio(Path(request.content.path)), tmp_path / "song.wav"
    if change == "sample format":
        write_audio(path, replace(audio, subtype="PCM_24"))
    if change == "place on the timeline":
        write_audio(path, audio, origin=Origin(time_reference=48_000))
    asked = {
        "seed": lambda: replace(request, seed=1),
        "preset": lambda: replace(request, preset={**request.preset, "title": "Another"}),
        "force": lambda: replace(request, is_forced=True),
        "part": lambda: replace(request, start_seconds=0.1),
    }.get(change, lambda: with_content(request, path))()
    other = done(asked, f"{change}.1", tmp_path)
    assert other != remix
    offset = {"place on the timeline": 48_000, "part": round(0.1 * RATE)}.get(change, 0)
    assert read_place(Path(other)).time_reference == offset


def test_a_remix_that_was_altered_is_rendered_anew(first: tuple[RenderRequest, str], tmp_path: Path) -> None:
    request = replace(first[0], seed=7)
    remix = Path(done(request, "a.1", tmp_path))
    data = bytearray(remix.read_bytes())
    data[-3] ^= 1
    remix.write_bytes(data)
    again = Path(done(request, "b.1", tmp_path))
    assert again != remix and np.array_equal(read_audio(again).samples.shape, read_audio(remix).samples.shape)


def test_a_remix_that_goes_before_it_is_told_fails_with_a_way_out(first: tuple[RenderRequest, str], tmp_path: Path) -> None:
    request = replace(first[0], seed=8)
    remix = Path(done(request, "a.1", tmp_path))
    order = Order("b.1", request, tmp_path)
    stages.render(order, ignore, ignore)
    remix.unlink()
    with pytest.raises(NotFound, match="Ask again"):
        stages.publish(order)


def test_foreign_and_broken_json_among_the_remixes_is_passed_over(first: tuple[RenderRequest, str], tmp_path: Path) -> None:
    request, remix = first
    folder = Path(remix).parent
    before = {str(path) for path in folder.glob("*.wav")}
    recipe = json.loads(Path(remix).with_suffix(".json").read_text())
    (folder / "z1.json").write_text(json.dumps({"content": {"sha256": recipe["content"]["sha256"]}}))
    (folder / "z2.json").write_text(f'["{recipe["content"]["sha256"]}"]')
    (folder / "z3.json").write_text(recipe["content"]["sha256"])
    (folder / "z4.json").write_text(json.dumps({**recipe, "file": {**recipe["file"], "name": "../../elsewhere.wav"}}))
    (folder / "z5.json").mkdir()
    assert done(request, "third.1", tmp_path) in before
