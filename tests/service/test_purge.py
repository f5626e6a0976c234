"""What is old goes; what is not, stays."""

from __future__ import annotations

import os
from pathlib import Path

from daw_bridge.folders import ProjectFolders
from daw_bridge.service.purge import DAY_SECONDS, Age, purge_contents, purge_previews, purge_tickets

NOW = 2_000_000_000.0


def test_tickets_are_removed_after_a_week_and_nothing_else_is(tmp_path: Path) -> None:
    results = ProjectFolders(tmp_path).results
    refused = tmp_path / "refused"
    for folder in (results, refused):
        folder.mkdir(parents=True)
        for name, days in (("old.json", 7.1), ("young.json", 6.9), ("old.txt", 100.0), (".draft.tmp", 8.0)):
            (folder / name).write_text("{}")
            os.utime(folder / name, (NOW - days * DAY_SECONDS,) * 2)
    assert purge_tickets([tmp_path, tmp_path / "gone"], refused, NOW) == 4
    assert sorted(path.name for path in results.iterdir()) == ["old.txt", "young.json"]


def test_first_sounds_are_removed_after_a_day(tmp_path: Path) -> None:
    previews = ProjectFolders(tmp_path).previews
    previews.mkdir(parents=True)
    for name, days in (("old.wav", 1.1), ("old.flac", 2.0), ("young.wav", 0.9), ("note.txt", 9.0)):
        (previews / name).write_text("")
        os.utime(previews / name, (NOW - days * DAY_SECONDS,) * 2)
    assert purge_previews([tmp_path, tmp_path / "gone"], NOW) == 2
    assert sorted(path.name for path in previews.iterdir()) == ["note.txt", "young.wav"]


def test_sounds_taken_out_of_a_daw_are_removed_when_their_jobs_are_forgotten(tmp_path: Path) -> None:
    contents = ProjectFolders(tmp_path).contents
    contents.mkdir(parents=True)
    for days in (6.9, 7.1, 29.9, 30.1):
        (contents / f"{days}.wav").write_text("")
        os.utime(contents / f"{days}.wav", (NOW - days * DAY_SECONDS,) * 2)
    assert purge_contents([tmp_path, tmp_path / "gone"], 30, NOW) == 1
    assert purge_contents([tmp_path], 0, NOW) == 2
    assert [path.name for path in contents.iterdir()] == ["6.9.wav"]


def test_a_clock_that_is_set_forward_makes_nothing_old_and_one_that_is_set_back_does_not_either() -> None:
    times = {"wall": 1000.0, "steady": 50.0}
    age = Age(lambda: times["wall"], lambda: times["steady"])
    times.update(wall=1100.0, steady=150.0)
    assert age.now() == 1100.0
    times.update(wall=1100.0 + 40 * DAY_SECONDS, steady=151.0)
    assert age.now() == 1101.0
    times.update(wall=900.0, steady=160.0)
    assert age.now() == 900.0
