"""Hot folders on a real file system, with the clock as an argument."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from daw_bridge.errors import BadArguments, DawBridgeError, EmptyFile, ForbiddenPath, NotFound, UnknownPreset, UnsupportedFormat
from daw_bridge.job import Job
from daw_bridge.service.hot_folder import HotFolder, is_ignored
from daw_bridge.service.intake import request_of
from tests.service.conftest import write_clip
from tests.service.watching import Watch, drop, give_style


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    watch = Watch(tmp_path / "project", tmp_path / "drops.sqlite")
    yield watch
    watch.seen.close()


@pytest.mark.parametrize("name", ["stem.wav", "two words.wav", "č 漢字.wav", 'it\'s "quoted" $(x).wav', "style of mine.wav"])
def test_a_stem_beside_its_style_is_ready_once_it_has_settled(watch: Watch, name: str) -> None:
    give_style(watch)
    path = drop(watch, name)
    assert watch.after(0.0) == watch.after(1.9) == []
    (stem,) = watch.after(0.2)
    request = request_of(stem.ask, [watch.project], {})
    assert (request.content.path, request.style_label, request.priority) == (str(path), "vinyl", "batch")
    assert watch.problems == []


def test_a_stem_that_was_taken_is_not_taken_again_even_after_a_restart(watch: Watch) -> None:
    give_style(watch)
    path = drop(watch)
    assert watch.settled() == ["stem.wav"]
    watch.take()
    assert watch.settled() == []
    watch.restart()
    assert watch.settled() == []
    assert "accepted" in watch.hot.why(path)
    write_clip(path, seconds=0.5, seed=5)
    assert watch.settled() == ["stem.wav"]


def test_a_slow_writer_is_waited_for(watch: Watch) -> None:
    give_style(watch)
    data = drop(watch).read_bytes()
    path = watch.folders.drop / "vinyl" / "slow.wav"
    with path.open("wb") as file:
        for at in range(0, len(data), 1024):
            file.write(data[at : at + 1024])
            file.flush()
            assert "slow.wav" not in [stem.path.name for stem in watch.after(1.0)]
    assert "slow.wav" in watch.settled()


def test_a_file_that_changes_for_a_quarter_of_an_hour_is_told_of_once_and_taken_when_it_rests(watch: Watch) -> None:
    give_style(watch)
    data = drop(watch).read_bytes()
    path = watch.folders.drop / "vinyl" / "stem.wav"
    for second in range(895):
        path.write_bytes(data + bytes(second % 2))
        assert watch.after(1.0) == [] and watch.problems == []
    for second in range(20):
        path.write_bytes(data + bytes(second % 2))
        watch.after(1.0)
    assert ["keeps changing for 15 minutes" in problem.message for problem in watch.problems] == [True]
    assert "keeps changing" in watch.hot.why(path)
    assert watch.settled() == ["stem.wav"]


def test_a_copy_that_pauses_for_twenty_seconds_is_neither_taken_nor_refused(watch: Watch) -> None:
    give_style(watch)
    path = drop(watch)
    data = path.read_bytes()
    path.write_bytes(data[:5000])
    watch.after(0.0)
    assert [watch.after(1.0) for _ in range(20)] == [[]] * 20
    assert "not complete" in watch.hot.why(path)
    path.write_bytes(data)
    assert watch.settled() == ["stem.wav"]
    assert watch.problems == []


def test_a_truncated_file_is_refused_after_a_minute_and_taken_when_it_is_exported_again(watch: Watch) -> None:
    give_style(watch)
    path = drop(watch)
    data = path.read_bytes()
    path.write_bytes(data[:-100])
    watch.after(0.0)
    assert watch.after(59.0) == [] == watch.problems
    assert watch.after(2.0) == watch.after(60.0) == []
    assert [problem.code for problem in watch.problems] == ["unsupported_format"]
    note = watch.folders.errors / "vinyl" / "stem.wav.error.txt"
    assert "truncated" in note.read_text()
    path.write_bytes(data)
    watch.settled()
    watch.take()
    assert not note.exists()


def test_an_empty_file_is_refused_after_a_minute(watch: Watch) -> None:
    give_style(watch)
    (watch.folders.drop / "vinyl" / "stem.wav").touch()
    watch.after(0.0)
    assert watch.after(30.0) == [] == watch.problems
    assert watch.after(31.0) == []
    assert [problem.code for problem in watch.problems] == ["empty_file"]
    assert not watch.hot.is_settling


def test_what_is_no_audio_is_refused_when_it_has_settled(watch: Watch) -> None:
    give_style(watch)
    path = drop(watch)
    path.write_text("only words, although its name says otherwise")
    assert watch.settled() == []
    assert [problem.code for problem in watch.problems] == ["unsupported_format"]


def test_a_stem_before_its_style_waits_and_says_so(watch: Watch) -> None:
    path = drop(watch)
    assert watch.settled() == []
    assert "style" in watch.hot.why(watch.folders.drop / "vinyl" / "stem.wav")
    assert "style" in (watch.folders.errors / "vinyl" / "stem.wav.error.txt").read_text()
    give_style(watch, name="Style.FLAC".lower())
    assert watch.settled() == [path.name]


def test_a_file_renamed_inside_the_tree_settles_at_once(watch: Watch) -> None:
    give_style(watch)
    watch.settled()
    hidden = drop(watch, ".coming.wav")
    path = hidden.rename(hidden.with_name("stem.wav"))
    watch.hot.renamed(path)
    watch.after(0.0)
    assert [stem.path for stem in watch.after(0.31)] == [path]


def test_a_stem_replaced_while_it_settles_starts_anew(watch: Watch) -> None:
    give_style(watch)
    path = drop(watch)
    watch.after(0.0)
    watch.after(1.5)
    os.replace(write_clip(watch.project / "other.wav", seed=4), path)
    assert watch.after(0.6) == []
    assert len(watch.after(2.1)) == 1


def test_remixes_are_never_picked_up_again(watch: Watch) -> None:
    style = write_clip(watch.project / "style.wav")
    write_clip(watch.folders.remixes / "stem__default__vinyl__v001.wav")
    watched = HotFolder(watch.folders.remixes, watch.project, style)
    watch.restart(watched, dataclasses.replace(watched, path=watch.project))
    (watch.project / "link.wav").symlink_to(watch.folders.remixes / "stem__default__vinyl__v001.wav")
    assert watch.settled() == []


def test_a_folder_of_the_configuration_is_watched_with_its_style(watch: Watch) -> None:
    style = write_clip(watch.project / "bounces" / "groove.wav")
    write_clip(watch.project / "bounces" / "lead.wav")
    watch.restart(HotFolder(watch.project / "bounces", watch.project, style))
    assert watch.settled() == ["lead.wav"]


@pytest.mark.parametrize(
    "name",
    [".x.wav", "._x.wav", ".DS_Store", "Thumbs.db", "x.wav~", "~$x.wav", "x.tmp", "x.wav.part", "x.reapeaks", "folder.toml"],
)
def test_nobodys_stems_are_ignored(name: str) -> None:
    assert is_ignored(name)


def test_the_folders_settings_reach_the_request_and_a_wrong_one_is_told(watch: Watch) -> None:
    give_style(watch)
    drop(watch)
    settings = watch.folders.drop / "vinyl" / "folder.toml"
    settings.write_text('preset = "paper-vgg16-cheap"\n[parameters]\nstrength = 0.5\n')
    watch.after(0.0)
    (stem,) = watch.after(2.1)
    assert (stem.ask.preset, stem.ask.parameters) == ("paper-vgg16-cheap", {"strength": 0.5})
    settings.write_text('prest = "x"\n')
    assert watch.after(0.1) == []
    assert "Did you mean 'preset'" in watch.problems[0].message


def test_a_refused_request_is_told_once_and_asked_again_later(watch: Watch) -> None:
    give_style(watch)
    drop(watch)
    watch.after(0.0)
    (stem,) = watch.after(2.1)
    assert len(watch.hot.refused(stem, UnknownPreset("preset 'x' does not exist"), watch.now)) == 1
    assert watch.after(1.0) == []
    assert len(watch.after(30.0)) == 1
    assert watch.hot.refused(stem, UnknownPreset("preset 'x' does not exist"), watch.now) == []


@pytest.mark.parametrize(
    ("kind", "is_asked_again"), [(NotFound, True), (ForbiddenPath, True), (EmptyFile, False), (UnsupportedFormat, False)]
)
def test_what_may_pass_is_asked_again_and_what_cannot_be_audio_is_not(
    watch: Watch, kind: type[DawBridgeError], is_asked_again: bool
) -> None:
    give_style(watch)
    drop(watch)
    watch.after(0.0)
    (stem,) = watch.after(2.1)
    watch.hot.refused(stem, kind("no"), watch.now)
    assert bool(watch.after(31.0)) == is_asked_again


def fail(job: Job, message: str = "it broke") -> Job:
    return dataclasses.replace(job, state="failed", error={"code": "internal", "message": message, "hint": ""})


@pytest.mark.parametrize("replaced", ["stem.wav", "style.wav"])
def test_the_failure_of_what_was_replaced_while_it_waited_is_not_told_of_what_came_after(watch: Watch, replaced: str) -> None:
    style, path = give_style(watch), drop(watch)
    (path.parent / "folder.toml").write_text('originals = "move"\n')
    watch.settled()
    (first,) = watch.take()
    write_clip(path if replaced == "stem.wav" else style, seconds=0.5, seed=5)
    watch.settled()
    (second,) = watch.take()
    watch.hot.finished(fail(first, "it was changed after it was asked for"))
    assert not watch.folders.errors.exists() and path.exists()
    assert f"job {second.id} is accepted" in watch.hot.why(path)


def test_a_note_of_a_failure_goes_when_the_remix_is_there(watch: Watch) -> None:
    give_style(watch)
    path = drop(watch)
    watch.settled()
    (job,) = watch.take()
    note = watch.folders.errors / "vinyl" / "stem.wav.error.txt"
    note.parent.mkdir(parents=True)
    note.write_text("stem.wav: an earlier service said so")
    watch.hot.finished(dataclasses.replace(job, state="done"))
    assert not note.exists() and path.exists()


@pytest.mark.parametrize("originals", ["keep", "move"])
def test_a_stem_whose_job_is_tried_again_is_that_jobs_from_then_on(watch: Watch, originals: str) -> None:
    give_style(watch)
    path = drop(watch)
    (path.parent / "folder.toml").write_text(f'originals = "{originals}"\n')
    watch.settled()
    (job,) = watch.take()
    for number in (2, 3, 4):
        watch.hot.finished(fail(job))
        moved = watch.folders.errors / "vinyl" / "stem.wav"
        assert moved.exists() == (originals == "move") and moved.with_name("stem.wav.error.txt").exists()
        first = dataclasses.replace(fail(job), id=job.id[:-1] + "1")  # whichever try is named
        watch.hot.put_back(first)
        assert path.exists() and not moved.exists()
        assert watch.settled() == []
        job = dataclasses.replace(job, id=f"{job.id[:-1]}{number}")
        watch.hot.retried(job)
        assert f"job {job.id} is accepted" in watch.hot.why(path)
        assert [drop.job for drop in watch.seen.open_jobs()] == [job.id] and not moved.parent.exists()
        watch.hot.finished(first)
        assert [drop.job for drop in watch.seen.open_jobs()] == [job.id]
    watch.hot.finished(dataclasses.replace(job, state="done"))
    assert (watch.folders.done / "vinyl" / "stem.wav").exists() == (originals == "move")
    assert path.exists() == (originals == "keep") and not (watch.folders.errors / "vinyl").exists()


def test_a_stem_that_was_replaced_is_not_tried_again_in_place_of_the_new_one(watch: Watch) -> None:
    give_style(watch)
    path = drop(watch)
    (path.parent / "folder.toml").write_text('originals = "move"\n')
    watch.settled()
    (job,) = watch.take()
    watch.hot.finished(fail(job))
    write_clip(path, seconds=0.5, seed=5)
    with pytest.raises(BadArguments, match="another file"):
        watch.hot.put_back(fail(job))
    assert watch.settled() == ["stem.wav"]


@pytest.mark.parametrize(("state", "folder"), [("done", "done"), ("failed", "errors")])
def test_originals_move_when_their_folder_says_so_and_overwrite_nothing(watch: Watch, state: str, folder: str) -> None:
    give_style(watch)
    path = drop(watch)
    (path.parent / "folder.toml").write_text('originals = "move"\n')
    target = getattr(watch.folders, folder) / "vinyl"
    target.mkdir(parents=True)
    (target / "stem.wav").write_text("an older one")
    watch.settled()
    (job,) = watch.take()
    error = {"code": "internal", "message": "it broke", "hint": ""} if state == "failed" else None
    watch.hot.finished(dataclasses.replace(job, state=state, error=error))
    assert not path.exists()
    assert (target / "stem.wav").read_text() == "an older one"
    assert (target / "stem (2).wav").exists()


def test_originals_stay_by_default_and_a_failure_leaves_a_note(watch: Watch) -> None:
    give_style(watch)
    path = drop(watch)
    watch.settled()
    (job,) = watch.take()
    watch.hot.finished(dataclasses.replace(job, state="failed", error={"code": "x", "message": "it broke", "hint": "Mend it."}))
    assert path.exists()
    assert "it broke. Mend it." in (watch.folders.errors / "vinyl" / "stem.wav.error.txt").read_text()
    assert "failed" in watch.hot.why(path)
    assert watch.settled() == []


def test_a_stem_in_drop_itself_is_told_where_to_go(watch: Watch) -> None:
    write_clip(watch.folders.drop / "lost.wav")
    assert watch.settled() == []
    assert len(watch.problems) == 1


def test_two_hundred_files_at_once_are_all_found(watch: Watch) -> None:
    give_style(watch)
    data = drop(watch).read_bytes()
    for number in range(199):
        (watch.folders.drop / "vinyl" / f"{number}.wav").write_bytes(data)
    assert len(watch.settled()) == 200


def test_a_drop_folder_that_goes_and_comes_back_does_no_harm(watch: Watch) -> None:
    give_style(watch)
    drop(watch)
    away = watch.folders.drop.rename(watch.project / "away")
    assert watch.settled() == []
    away.rename(watch.folders.drop)
    assert watch.settled() == ["stem.wav"]
