"""Hot folders on file systems that come and go, are full of other people's files, or may not be written."""

from __future__ import annotations

import dataclasses
import os
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from daw_bridge.errors import BadArguments
from daw_bridge.service.hot_folder import HotFolder
from daw_bridge.service.intake import request_of
from tests.service.conftest import write_clip
from tests.service.mounting import memory_disk, mount, unmount, unmount_all
from tests.service.watching import Watch, drop, give_style


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    watch = Watch(tmp_path / "project", tmp_path / "drops.sqlite")
    yield watch
    watch.seen.close()
    unmount_all(tmp_path)


def test_a_share_that_is_unmounted_and_back_loses_nothing_and_asks_for_nothing_twice(watch: Watch, tmp_path: Path) -> None:
    share, at = tmp_path / "share", watch.folders.drop / "far"
    write_clip(share / "style.wav", seed=2)
    write_clip(share / "taken.wav")
    mount("--bind", str(share), at=at)
    assert watch.settled() == ["taken.wav"]
    watch.take()
    write_clip(share / "half way.wav", seed=4)
    assert watch.after(1.0) == []
    unmount(at)
    assert watch.after(5.0) == watch.after(5.0) == []
    mount("--bind", str(share), at=at)
    assert watch.after(0.1) == []
    assert [stem.path.name for stem in watch.after(2.1)] == ["half way.wav"]
    assert watch.problems == []


def test_a_watched_folder_that_is_unmounted_and_back_goes_on(watch: Watch, tmp_path: Path) -> None:
    share = tmp_path / "share"
    style = write_clip(share / "style of mine.wav", seed=2)
    at = mount("--bind", str(share), at=tmp_path / "mounted")
    watch.restart(HotFolder(at, watch.project, at / style.name))
    unmount(at)
    assert watch.after(1.0) == watch.after(1.0) == []
    mount("--bind", str(share), at=at)
    write_clip(share / "stem.wav")
    watch.after(200.0)  # the longest pause after a file that could not be looked at
    assert [stem.path.name for stem in watch.after(2.1)] == ["stem.wav"]


def test_a_source_that_may_only_be_read_is_rendered_and_stays_where_it_is(watch: Watch, tmp_path: Path) -> None:
    share = tmp_path / "share"
    write_clip(share / "style.wav", seed=2)
    write_clip(share / "stem.wav").chmod(0o444)
    (share / "folder.toml").write_text('originals = "move"\n')
    at = mount("--bind", "-o", "ro", str(share), at=watch.folders.drop / "vinyl")
    if os.access(at, os.W_OK):
        pytest.skip("bind mounts cannot be made read-only here")
    assert watch.settled() == ["stem.wav"]
    (job,) = watch.take()
    watch.hot.finished(dataclasses.replace(job, state="done"))
    assert (at / "stem.wav").exists()
    assert "stays where it is" in watch.hot.why(at / "stem.wav")


def test_an_original_never_moves_to_another_file_system(watch: Watch, tmp_path: Path) -> None:
    at = memory_disk(watch.folders.drop / "vinyl")
    give_style(watch)
    path = drop(watch)
    (at / "folder.toml").write_text('originals = "move"\n')
    watch.settled()
    (job,) = watch.take()
    watch.hot.finished(dataclasses.replace(job, state="done"))
    assert path.exists() and not list((watch.folders.done / "vinyl").glob("*"))
    assert "another file system" in watch.hot.why(path)


def test_where_second_names_cannot_be_made_an_original_still_overwrites_nothing(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:  # as FAT and many shares do
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    give_style(watch)
    path = drop(watch)
    (path.parent / "folder.toml").write_text('originals = "move"\n')
    target = watch.folders.done / "vinyl"
    target.mkdir(parents=True)
    (target / "stem.wav").write_text("an older one")
    watch.settled()
    (job,) = watch.take()
    watch.hot.finished(dataclasses.replace(job, state="done"))
    assert not path.exists()
    assert (target / "stem.wav").read_text() == "an older one" and (target / "stem (2).wav").exists()


def test_a_file_renamed_in_from_outside_is_taken_once_it_has_kept_still(watch: Watch, tmp_path: Path) -> None:
    give_style(watch)
    outside = write_clip(tmp_path / "outside.wav", seed=5)
    watch.settled()
    os.replace(outside, watch.folders.drop / "vinyl" / "stem.wav")
    assert watch.after(0.1) == []
    assert [stem.path.name for stem in watch.after(2.1)] == ["stem.wav"]


def test_a_stem_replaced_while_its_job_is_under_way_is_a_drop_of_its_own(watch: Watch) -> None:
    give_style(watch)
    path = drop(watch)
    watch.settled()
    (first,) = watch.take("rendering")
    os.replace(write_clip(watch.project / "other.wav", seconds=0.5, seed=4), path)
    assert watch.settled() == ["stem.wav"]
    (second,) = watch.take()
    assert second.request.content != first.request.content
    watch.hot.finished(dataclasses.replace(first, state="done"))
    assert watch.settled() == []


def test_an_original_that_was_replaced_meanwhile_does_not_move_in_place_of_the_old_one(watch: Watch) -> None:
    give_style(watch)
    path = drop(watch)
    (path.parent / "folder.toml").write_text('originals = "move"\n')
    watch.settled()
    (first,) = watch.take("rendering")
    os.replace(write_clip(watch.project / "other.wav", seconds=0.5, seed=4), path)
    watch.hot.finished(dataclasses.replace(first, state="done"))
    assert path.exists()
    assert watch.settled() == ["stem.wav"]


def test_a_sparse_rf64_file_over_4_gb_is_whole_and_one_byte_less_is_not(watch: Watch) -> None:
    give_style(watch)
    path = watch.folders.drop / "vinyl" / "long.wav"
    n_bytes = (5 << 30) + 6
    ds64 = struct.pack("<QQQI", 0, n_bytes, n_bytes // 6, 0)
    form = struct.pack("<HHIIHH", 1, 2, 48_000, 288_000, 6, 24)
    head = b"RF64\xff\xff\xff\xffWAVE" + b"ds64" + struct.pack("<I", len(ds64)) + ds64
    head += b"fmt " + struct.pack("<I", len(form)) + form + b"data\xff\xff\xff\xff"
    path.write_bytes(head)
    os.truncate(path, len(head) + n_bytes - 1)
    if path.stat().st_blocks * 512 > 1 << 20:
        pytest.skip("this file system makes no sparse files")
    assert watch.settled() == []
    assert "lacks 1 bytes" in watch.hot.why(path)
    os.truncate(path, len(head) + n_bytes)
    assert watch.settled() == ["long.wav"]


@pytest.mark.parametrize("name", ["čž 漢字 ' \" $( ) `x` ;&|<>.wav", " leading.wav", "a" * 240 + ".wav", "-rf.wav", "é.WAV"])
def test_odd_names_are_asked_for_as_they_are(watch: Watch, name: str) -> None:
    give_style(watch, folder="odd 'folder' \"$(x)\" é")
    path = drop(watch, name, folder="odd 'folder' \"$(x)\" é")
    assert watch.settled() == [name]
    (job,) = watch.take()
    assert job.request.content.path == str(path)
    error = {"code": "internal", "message": "it broke", "hint": ""}
    watch.hot.finished(dataclasses.replace(job, state="failed", error=error))
    assert "failed" in watch.hot.why(path)


def test_a_name_that_is_no_text_is_told_and_harms_no_other(watch: Watch) -> None:
    give_style(watch)
    path = drop(watch)
    strange = os.fsencode(path.parent) + b"/bad \xff\xfe.wav"
    try:
        shutil.copyfile(path, os.fsdecode(strange))
    except OSError:
        pytest.skip("this file system takes no such name")
    watch.after(0.1)
    problems = []
    for stem in watch.after(2.1):
        try:
            request_of(stem.ask, [watch.project], {})
        except BadArguments as error:
            problems += watch.hot.refused(stem, error, watch.now)
    assert [os.fsencode(problem.path) for problem in problems] == [strange]
    assert "Rename" in watch.hot.why(Path(os.fsdecode(strange)))


def test_two_links_to_one_file_and_a_link_that_leads_nowhere(watch: Watch) -> None:
    give_style(watch)
    path = drop(watch)
    path.with_name("second.wav").symlink_to(path)
    path.with_name("nowhere.wav").symlink_to(path.with_name("gone.wav"))
    path.with_name("round.wav").symlink_to("round.wav")
    assert sorted(watch.settled()) == ["second.wav", "stem.wav"]


def test_what_is_no_file_is_passed_over(watch: Watch) -> None:
    give_style(watch)
    folder = watch.folders.drop / "vinyl"
    os.mkfifo(folder / "pipe.wav")
    (folder / "folder.wav").mkdir()
    (folder / "device.wav").symlink_to("/dev/zero")
    assert watch.settled() == []
    assert watch.problems == []
