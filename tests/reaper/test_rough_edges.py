"""What a real REAPER, its user's haste and Windows do that a tidy simulation would not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.reaper.desk import Desk, song
from tests.reaper.simulator import Reaper
from tests.reaper.test_listener import foreign, say

LAST = "daw_bridge_Remix selected item with last settings.lua"
LISTENER = "daw_bridge_Listener (toggle).lua"
STATUS = "daw_bridge_Status.lua"


def two_items(reaper: Reaper, desk: Desk, **values: float) -> tuple[Any, Any, Any]:
    """A song with last settings and two items, the first of which is selected."""
    project = song(reaper, desk, **values)
    first = project.tracks[2]["items"][1]
    second = reaper.add_item(project.tracks[2], desk.content, name="second", D_POSITION=40.0, D_LENGTH=1.0)
    second["is_selected"] = False
    project.remembered["daw_bridge\0STYLE"], project.remembered["daw_bridge\0PRESET"] = str(desk.style), "default"
    return project, first, second


def again(reaper: Reaper, first: Any, second: Any) -> None:
    """Select the second item and press the key again: REAPER ends the earlier run and starts another."""
    first["is_selected"], second["is_selected"] = False, True
    reaper.world.stop_script(reaper.world)
    reaper.start(LAST)


def names(desk: Desk) -> list[str]:
    return sorted(ticket["reaper"]["name"] for ticket in desk.tickets())


def test_a_key_that_is_pressed_twice_before_a_tick_asks_for_both(reaper: Reaper, desk: Desk) -> None:
    _, first, second = two_items(reaper, desk)
    reaper.start(LAST)
    again(reaper, first, second)
    reaper.ticks(1)
    assert names(desk) == ["second", "vocal take"] and reaper.violations == []


def test_a_key_that_is_pressed_amid_a_reading_begins_that_anew(reaper: Reaper, desk: Desk) -> None:
    _, first, second = two_items(reaper, desk, D_LENGTH=6.0)
    clock = iter(range(10**9))
    reaper.world.host["seconds"] = lambda: 2000.0 + next(clock)
    reaper.start(LAST)
    while not reaper.world.calls["GetAudioAccessorSamples"]:
        assert reaper.tick()
    again(reaper, first, second)
    assert not (desk.state / "tickets").exists() and list((desk.project / "daw_bridge" / "contents").iterdir()) == []
    reaper.world.host["seconds"] = lambda: 1e6 + reaper.world.seconds
    reaper.ticks(10)
    assert names(desk) == ["second", "vocal take"] and reaper.violations == []


def test_what_breaks_a_run_is_not_left_to_the_next(reaper: Reaper, desk: Desk) -> None:
    song(reaper, desk)
    reaper.start()
    reaper.world["fail_name"] = "time_precise"
    reaper.tick()
    reaper.world["fail_name"] = None
    reaper.world.stop_script(reaper.world)
    assert list(reaper.world.session.values()) == []


def test_wishes_that_cannot_be_left_are_told(reaper: Reaper, desk: Desk) -> None:
    song(reaper, desk)
    reaper.start()
    reaper.lua.execute("require('json').encode = function() return nil, 'it cannot be written' end")
    reaper.world.stop_script(reaper.world)
    assert "was not asked for: it cannot be written" in reaper.console[-1]


def test_a_request_longer_than_reaper_lists_it_is_found_again(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    project.tracks[2].strings["P_NAME"] = "Vocal " * 300
    reaper.run()
    desk.answer(desk.take())
    reaper.world.stop_script(reaper.world)
    reaper.run(STATUS)
    reaper.ticks(3)
    assert len(reaper.tracks(project)) == 4 and reaper.violations == []


@pytest.mark.parametrize("seconds", [1.0, 9.0])
def test_a_remix_that_another_program_holds_is_waited_for_a_while(seconds: float, reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    reaper.run()
    desk.answer(desk.take())
    reaper.lua.execute(
        """
        local world, seconds = ...
        local rename, since = os.rename, nil
        os.rename = function(from, to)
          if not from:match("%.part$") then return rename(from, to) end
          since = since or world.seconds
          if world.seconds - since >= seconds then return rename(from, to) end
          return nil, "Permission denied"
        end
        """,
        reaper.world,
        seconds,
    )
    reaper.ticks(12)
    names_in_media = [path.name for path in (desk.project / "Media").iterdir()]
    assert reaper.violations == [] and reaper.tick() == 0
    if seconds < 5:
        assert len(reaper.tracks(project)) == 4 and names_in_media == ["vocal take__default__style__v001.wav"]
    else:
        assert len(reaper.tracks(project)) == 3 and names_in_media == []
        assert "Permission denied. It is kept at" in reaper.boxes[-1]


def test_a_run_that_ends_while_a_remix_is_held_leaves_no_part_of_it(reaper: Reaper, desk: Desk) -> None:
    song(reaper, desk)
    reaper.run()
    desk.answer(desk.take())
    reaper.lua.execute("os.rename = function() return nil, 'Permission denied' end")
    reaper.ticks(2)
    assert [path.suffix for path in (desk.project / "Media").iterdir()] == [".part"]
    reaper.world.stop_script(reaper.world)
    assert list((desk.project / "Media").iterdir()) == [] and reaper.violations == []


def test_windows_knows_one_file_by_several_spellings(load: Callable[[str], Any]) -> None:
    plain = load("folders").plain
    assert plain("C:\\Songs\\Kick.wav", "windows") == plain("c:/songs/kick.WAV", "windows")
    assert plain("C:\\Songs\\", "windows") == plain("C:/Songs", "windows")
    assert plain("/a/Kick.wav", "linux") != plain("/a/kick.wav", "linux")
    assert plain("/a/b\\c", "linux") == "/a/b\\c" and plain("/a/", "linux") == "/a" and plain("/", "linux") == "/"


CODE_PAGE = """
local resource, value = ...
local folders = require("folders")
local env = { LOCALAPPDATA = value:gsub("%?", "\\248") }
return folders.state("windows", folders.environment(function(name) return env[name] end, resource))
"""


@pytest.mark.parametrize(
    ("value", "state"),
    [
        ("C:\\Users\\Ji?\\AppData\\Local", "C:\\Users\\Jiří\\AppData\\Local\\daw-bridge"),
        ("D:\\Zoë\\Local", "D:\\Zoë\\Local\\daw-bridge"),
    ],
)
def test_a_name_in_a_code_page_of_windows_is_made_out_by_reaper_s_folder(
    value: str, state: str, reaper: Reaper
) -> None:  # "?" stands for a byte that is no UTF-8
    assert reaper.lua.execute(CODE_PAGE, "C:\\Users\\Jiří\\AppData\\Roaming\\REAPER", value) == state


def test_the_listener_finds_its_project_and_item_by_another_spelling(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    project.tracks[2]["items"][1]["is_selected"] = False
    reaper.world["os_name"] = "Win64"
    say(desk)
    reaper.run(LISTENER)
    reaper.ticks(1)
    job = foreign(desk)
    other = {name: job[name].replace("/", "\\").replace("Song", "SONG") for name in ("project", "content")}
    say(desk, {**job, **other})
    reaper.ticks(3)
    assert reaper.tracks(project) == ["Drums", "Vocal", "Vocal remix", "Bass"]
