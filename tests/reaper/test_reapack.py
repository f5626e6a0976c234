"""The scripts as one package of ReaPack, by the rules of its indexer."""

from __future__ import annotations

import pytest

from tests.reaper.reapack import header, problems, repository
from tests.reaper.simulator import REMIX, SCRIPTS

PACKAGE = f"reaper_scripts/{REMIX}"
CANCEL = "reaper_scripts/daw_bridge_Cancel.lua"


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    return repository(SCRIPTS.parent)


def test_the_indexer_takes_the_repository_as_it_is(files: dict[str, str]) -> None:
    assert PACKAGE in files and CANCEL in files
    assert problems(files) == []


def test_one_package_brings_every_script_as_an_action_and_the_libraries_as_none(files: dict[str, str]) -> None:
    packages = [path for path, text in files.items() if path.endswith(".lua") and "noindex" not in header(text)]
    assert packages == [PACKAGE], "two packages with the same libraries would conflict"
    assert header(files[PACKAGE])["provides"].splitlines() == ["[main] daw_bridge_*.lua", "[nomain] lib/*.lua"]
    actions = {path.name for path in SCRIPTS.glob("*.lua")}
    assert all(name.startswith("daw_bridge_") for name in actions)
    assert header(files[PACKAGE])["about"].startswith("# daw_bridge\n")


@pytest.mark.parametrize(
    ("path", "old", "new", "word"),
    [
        (PACKAGE, "@version 0", "@version v0", "invalid version"),
        (PACKAGE, "-- @version", "-- @verison", "missing tag version"),
        (PACKAGE, "@author daw_bridge", "@author", "author must have a value"),
        (PACKAGE, "-- @description daw_bridge", "--\n\n-- @description daw_bridge", "no description"),
        (PACKAGE, "lib/*.lua", "libs/*.lua", "file not found libs/*.lua"),
        (PACKAGE, "[nomain]", "[no-main]", "unknown option no-main"),
        (CANCEL, "-- @noindex", "-- @description Cancel\n-- @version 1", "conflicts with"),
        ("reaper_scripts/lib/json.lua", "-- @noindex\n", "", "missing tag version"),
    ],
)
def test_what_the_indexer_refuses_is_found(path: str, old: str, new: str, word: str, files: dict[str, str]) -> None:
    assert files[path].count(old) == 1
    assert word in "\n".join(problems({**files, path: files[path].replace(old, new)}))


def test_a_header_ends_at_the_first_empty_line() -> None:
    text = "-- @version 1.0\n-- @provides\n--   a.lua\n--\n--   b.lua\n-- @noindex\n\n-- @author nobody\n"
    assert header(text) == {"version": "1.0", "provides": "a.lua\n\nb.lua", "noindex": ""}
