"""Ten thousand paths that mean harm: none is read or written outside the project."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from daw_bridge.disk import nothing
from daw_bridge.errors import DawBridgeError, UnsupportedFormat
from daw_bridge.renderer.errands import copy
from daw_bridge.request import SourceFile, source_file
from daw_bridge.service.intake import Ask, request_of
from daw_bridge.service.paths import confined
from tests.soaks.paths import REFUSALS, SECRET, SECRET_HASH, ask_for_paths, flipping, hostile_paths, lay_traps

N_PATHS = 10_000


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return lay_traps(tmp_path)


def test_of_ten_thousand_none_leads_out(project: Path, tmp_path: Path) -> None:
    paths, n_found = hostile_paths(5), 0
    before = sorted(path for path in tmp_path.rglob("*"))
    for _ in range(N_PATHS):
        text = next(paths)
        try:
            found = source_file(confined(text, "content", project, {}), "content").path
        except DawBridgeError:
            continue
        n_found += 1
        assert Path(found).is_relative_to(project)
        assert Path(found).resolve().read_bytes() != SECRET
    assert n_found > 10  # what is harmless is taken
    assert sorted(path for path in tmp_path.rglob("*")) == before


def test_over_the_wire_none_is_read_or_written_outside_while_symlinks_flip(tmp_path: Path) -> None:
    seen = ask_for_paths(tmp_path, 150, seed=7)
    assert set(seen.answers) <= {"accepted", *REFUSALS} and sum(seen.answers.values()) == 150
    assert seen.answers["accepted"] == len(seen.jobs) > 3
    inside = tmp_path / "world" / "project"
    assert all(Path(path).is_relative_to(inside) for pair in seen.jobs for path in pair)
    assert seen.copies and SECRET_HASH not in seen.copies
    assert seen.is_untouched


@pytest.mark.parametrize("swap", ["file", "folder", "pipe"])
def test_what_is_swapped_after_it_was_checked_is_not_read(project: Path, tmp_path: Path, swap: str) -> None:
    source = source_file(project / "stems" / "a.wav", "content")
    secret = tmp_path / "secret" / "a.wav"
    secret.write_bytes(SECRET[: source.size_bytes])
    os.utime(secret, ns=(source.mtime_ns, source.mtime_ns))
    if swap == "folder":
        (project / "stems").rename(project / "was")
        (project / "stems").symlink_to(tmp_path / "secret")
    else:
        (project / "stems" / "a.wav").unlink()
        if swap == "file":
            (project / "stems" / "a.wav").symlink_to(secret)
        else:
            os.mkfifo(project / "stems" / "a.wav")
    with pytest.raises(UnsupportedFormat):
        copy(source, "content", tmp_path / "copy.wav", on_block=nothing)
    assert not (tmp_path / "copy.wav").exists()


def test_a_symlink_that_flips_all_the_time_never_gets_a_secret_copied(project: Path, tmp_path: Path) -> None:
    secret, inside = tmp_path / "secret" / "a.wav", project / "stems" / "a.wav"
    for file, data in ((secret, b"secret"), (inside, b"a stem")):
        file.write_bytes(data)
        os.utime(file, ns=(1, 1))
    n_copied = 0
    with flipping(project):
        for number in range(200):
            try:  # as checked a moment ago, and not resolved, which is the worst case
                name = request_of(Ask("flip/a.wav", "song.wav"), [project], {}).content
                for path in (name.path, str(project / "flip" / "a.wav")):
                    target = tmp_path / f"{number}.wav"
                    copy(SourceFile(path, 6, 1), "content", target, on_block=nothing)
                    assert target.read_bytes() == b"a stem"
                    n_copied += 1
            except DawBridgeError:
                continue
    assert n_copied > 0
