"""The listener, the status window and the cancel script, over files as the service writes them."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import soundfile
from pythonosc.osc_message import OscMessage

from daw_bridge.service.progress_file import text as progress_text
from tests.reaper.desk import RATE, Desk, new_item, song
from tests.reaper.simulator import Reaper

LISTENER, STATUS, CANCEL = "daw_bridge_Listener (toggle).lua", "daw_bridge_Status.lua", "daw_bridge_Cancel.lua"
LAST = "daw_bridge_Remix selected item with last settings.lua"
TOGGLE = "0:0"
FRESH_SECONDS = 600.0


def say(desk: Desk, *jobs: dict[str, Any], state: str = "rendering", age: float = -FRESH_SECONDS) -> None:
    """Write the service's address and its progress file, which stays fresh for as long as a slow machine may take."""
    desk.state.mkdir(exist_ok=True)
    (desk.state / "tickets").mkdir(exist_ok=True)
    (desk.state / "service.json").write_text(json.dumps({"host": "127.0.0.1", "port": 9, "lan": False}))
    (desk.state / "progress.json").write_text(progress_text(state, jobs, time.time() - age))


def foreign(desk: Desk, **values: Any) -> dict[str, Any]:
    """A job that somebody else asked for, done, with its file."""
    remix = desk.project / "daw_bridge" / "remixes" / "vocal take__tape__style__v001.wav"
    remix.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(remix, [[0.25, 0.25]] * RATE, RATE, subtype="PCM_24")
    job = {
        "job": "77.1",
        "reqid": "",
        "project": str(desk.project),
        "content": str(desk.content),
        "preset": "tape",
        "state": "done",
    }
    return {
        **job,
        "start_seconds": 1.0,
        "length_seconds": 1.0,
        "file": str(remix),
        "ended": time.time() + FRESH_SECONDS,
        "fraction": 1,
        **values,
    }


def slips(desk: Desk) -> list[tuple[str, list[Any]]]:
    """The messages that wait as files, taken away."""
    found = []
    for path in sorted((desk.state / "tickets").glob("*.osc"), key=lambda path: path.stat().st_mtime_ns):
        message = OscMessage(path.read_bytes())
        found.append((message.address, list(message.params)))
        path.unlink()
    return found


@pytest.fixture
def quiet(reaper: Reaper, desk: Desk) -> Any:
    """A song with nothing selected."""
    project = song(reaper, desk)
    project.tracks[2]["items"][1]["is_selected"] = False
    return project


def test_what_somebody_else_asked_for_lands_below_the_item_that_plays_its_content(reaper: Reaper, quiet: Any, desk: Desk) -> None:
    say(desk)
    reaper.run(LISTENER)
    reaper.ticks(1)
    say(desk, foreign(desk))
    reaper.ticks(3)
    assert reaper.tracks(quiet) == ["Drums", "Vocal", "Vocal remix", "Bass"]
    item = new_item(quiet)
    assert item["values"]["D_POSITION"] == pytest.approx(12.8456789) and item["values"]["D_LENGTH"] == 1.0
    assert item.takes[1].strings["P_NAME"] == "vocal take (tape)" and item.takes[1].source.has_peaks
    reaper.ticks(3)
    assert len(reaper.tracks(quiet)) == 4, "once"
    reaper.world.stop_script(reaper.world)
    reaper.run(LISTENER)
    reaper.ticks(3)
    assert len(reaper.tracks(quiet)) == 4 and reaper.violations == [] and reaper.boxes == []


def test_what_belongs_to_no_item_stands_at_its_own_time(reaper: Reaper, quiet: Any, desk: Desk) -> None:
    job = foreign(desk, content="/elsewhere/kick.wav")
    copy = str(desk.project / "Media" / Path(job["file"]).name)
    reaper.time_references[copy] = 3 * RATE
    say(desk)
    reaper.run(LISTENER)
    say(desk, job)
    reaper.ticks(3)
    assert reaper.tracks(quiet)[-1] == "kick remix"
    assert new_item(quiet, 4)["values"]["D_POSITION"] == 3.0 and reaper.violations == []


def test_a_project_that_changes_while_its_items_are_looked_at_is_looked_at_anew(reaper: Reaper, quiet: Any, desk: Desk) -> None:
    content = quiet.tracks[2]["items"][1]
    others = [reaper.add_item(quiet.tracks[1], desk.style, D_LENGTH=1.0) for _ in range(9)]
    clock = iter(range(10**9))  # no time is ever left: one item a tick
    reaper.world.host["seconds"] = lambda: 2000.0 + next(clock)
    say(desk)
    reaper.run(LISTENER)
    say(desk, foreign(desk))
    while not (reaper.world.calls["GetMediaItem"] or 0) >= 9:
        assert reaper.tick()
    quiet.tracks[1]["items"] = reaper.lua.table_from(others[:3])  # what was the tenth item is the fourth
    quiet["n_changes"] += 1
    for _ in range(60):
        reaper.tick()
    assert reaper.tracks(quiet) == ["Drums", "Vocal", "Vocal remix", "Bass"] and content.takes[2] is None
    assert reaper.violations == []


def test_answers_that_are_nobody_s_are_read_once(reaper: Reaper, quiet: Any, desk: Desk) -> None:
    results = desk.project / "daw_bridge" / "results"
    results.mkdir(parents=True)
    for n in range(5):
        request = {"reqid": f"reaper-{n}", "look": {}, "project_file": "/elsewhere/other.rpp"}
        (results / f"reaper-{n}.json").write_text(json.dumps({"state": "done", "file": "/x.wav", "reaper": request}))
    opened = reaper.lua.execute(
        "local n, open = 0, io.open io.open = function(path, ...) if path:find('/reaper%-') then n = n + 1 end "
        "return open(path, ...) end return function() return n end"
    )
    reaper.run(LISTENER)
    reaper.ticks(20)
    assert opened() == 5 and len(reaper.tracks(quiet)) == 3 and reaper.violations == []


@pytest.mark.parametrize("change", [{"ended": 5.0}, {"project": "/another"}, {"state": "failed"}, {"reqid": "reaper-1"}])
def test_what_is_not_for_this_project_or_not_new_stays_out(
    change: dict[str, Any], reaper: Reaper, quiet: Any, desk: Desk
) -> None:
    say(desk, foreign(desk, **change))
    reaper.run(LISTENER)
    reaper.ticks(3)
    assert len(reaper.tracks(quiet)) == 3 and reaper.violations == []


def test_the_listener_shows_as_a_toggle_and_stays_until_it_is_ended(reaper: Reaper, quiet: Any, desk: Desk) -> None:
    reaper.run(LISTENER)
    reaper.ticks(60)
    assert reaper.world.toggles[TOGGLE] == 1 and reaper.tick() == 1 and reaper.world.action_options == 1
    reaper.world.stop_script(reaper.world)
    assert reaper.world.toggles[TOGGLE] == 0 and reaper.violations == []


def test_requests_of_other_runs_land_through_the_listener(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    reaper.run(LISTENER)
    listening = reaper.world.deferred
    reaper.run()
    reaper.world["deferred"] = listening  # the run that asked is ended; the listener stays
    desk.answer(desk.take())
    reaper.ticks(3)
    assert len(reaper.tracks(project)) == 4 and reaper.violations == []


def test_a_project_that_was_closed_unsaved_gets_its_remix_by_the_answer(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    reaper.run()
    desk.answer(desk.take())
    reaper.world.stop_script(reaper.world)
    project["remembered"] = reaper.lua.table()
    reaper.run(LISTENER)
    reaper.ticks(3)
    assert len(reaper.tracks(project)) == 4 and not list((desk.project / "daw_bridge" / "results").iterdir())
    assert reaper.violations == []


def test_the_service_hears_each_second_that_reaper_records_and_once_that_it_ended(reaper: Reaper, quiet: Any, desk: Desk) -> None:
    say(desk)
    reaper.run(LISTENER)
    reaper.ticks(5)
    assert slips(desk) == [], "silence says that nothing is recorded"
    quiet["play_state"] = 5
    reaper.ticks(5)
    said = slips(desk)
    assert 4 <= len(said) <= 6 and set(map(str, said)) == {"('/daw_bridge/transport', [1])"}
    quiet["play_state"] = 0
    reaper.ticks(5)
    assert slips(desk) == [("/daw_bridge/transport", [0])]
    quiet["play_state"] = 4
    reaper.ticks(2)
    slips(desk)
    reaper.world.stop_script(reaper.world)
    assert slips(desk) == [("/daw_bridge/transport", [0])] and reaper.violations == []


def test_without_a_service_nothing_is_said(reaper: Reaper, quiet: Any, desk: Desk) -> None:
    reaper.run(LISTENER)
    quiet["play_state"] = 4
    reaper.ticks(3)
    assert not (desk.state / "tickets").exists() and reaper.violations == []


@pytest.fixture
def port(reaper: Reaper, desk: Desk) -> Iterator[socket.socket]:
    """A real socket in the service's place, and Lua sockets for the scripts over a real one of Python's."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as service, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours:
        service.bind(("127.0.0.1", 0))
        service.settimeout(60)
        say(desk)
        (desk.state / "service.json").write_text(
            json.dumps({"host": "127.0.0.1", "port": service.getsockname()[1], "lan": False})
        )
        reaper.give_sockets(ours)
        yield service


def test_with_lua_sockets_it_says_each_second_how_things_are_over_udp(
    reaper: Reaper, quiet: Any, desk: Desk, port: socket.socket
) -> None:
    reaper.run(LISTENER)
    messages = []
    for state in (0, 0, 5, 5, 0):
        quiet["play_state"] = state
        reaper.ticks(1.0)
        message = OscMessage(port.recv(2048))
        messages.append((message.address, message.params[0]))
    assert [value for _, value in messages] == [0, 0, 1, 1, 0] or [value for _, value in messages] == [0, 0, 0, 1, 1]
    assert {address for address, _ in messages} == {"/daw_bridge/transport"}
    assert slips(desk) == [] and reaper.violations == []


def test_a_service_open_to_the_network_gets_its_token(reaper: Reaper, quiet: Any, desk: Desk, port: socket.socket) -> None:
    (desk.state / "token").write_text("a-token-of-some-length\n")
    address = {"host": "127.0.0.1", "port": port.getsockname()[1], "lan": True}
    (desk.state / "service.json").write_text(json.dumps(address))
    reaper.run(LISTENER)
    assert OscMessage(port.recv(2048)).params == ["a-token-of-some-length", 0]


def test_a_file_needs_no_token(reaper: Reaper, quiet: Any, desk: Desk) -> None:
    say(desk)
    (desk.state / "token").write_text("a-token-of-some-length\n")
    (desk.state / "service.json").write_text(json.dumps({"host": "127.0.0.1", "port": 9, "lan": True}))
    quiet["play_state"] = 5
    reaper.run(LISTENER)
    assert slips(desk) == [("/daw_bridge/transport", [1])] and reaper.violations == []


def texts(reaper: Reaper) -> list[str]:
    return [drawn.text for drawn in reaper.world.drawn.values() if drawn.text]


def bars(reaper: Reaper) -> list[int]:
    return [drawn.width for drawn in reaper.world.drawn.values() if drawn.height == 8][1::2]


def test_the_window_shows_each_remix_and_how_far_it_is(reaper: Reaper, desk: Desk) -> None:
    song(reaper, desk)
    say(desk)
    reaper.run()
    ticket = desk.take()
    say(desk, {"job": "1.1", "reqid": ticket["reqid"], "state": "rendering", "fraction": 0.5, "phase": "transfer"})
    reaper.ticks(1)
    assert texts(reaper) == ["vocal take", "transfer, 50 %", "x"] and bars(reaper) == [192]
    say(desk, {"job": "1.1", "reqid": ticket["reqid"], "state": "queued", "fraction": 0, "position": 2})
    reaper.ticks(1)
    assert "queued, place 2" in texts(reaper)
    say(desk, age=60)
    reaper.ticks(1)
    assert "waits for daw-bridge serve" in texts(reaper)
    desk.answer(ticket)
    reaper.ticks(3)
    assert not reaper.world.has_window and reaper.tick() == 0 and reaper.violations == []


def test_of_a_long_queue_only_the_jobs_that_are_shown_are_decoded(reaper: Reaper, desk: Desk) -> None:
    song(reaper, desk)
    say(desk)
    reaper.run()
    ticket = desk.take()
    say(desk, {"job": "1.1", "reqid": ticket["reqid"], "state": "queued", "fraction": 0, "position": 7})
    path = desk.state / "progress.json"
    head, line, *rest = path.read_text().splitlines()
    path.write_text("\n".join([head, "{ no JSON at all },", line, *rest]))
    reaper.ticks(1)
    assert "queued, place 7" in texts(reaper) and reaper.violations == []


def test_closing_the_window_cancels_nothing(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    reaper.run()
    reaper.world["keys"] = reaper.lua.table_from([27])
    reaper.ticks(1)
    assert not reaper.world.has_window
    desk.answer(desk.take())
    reaper.ticks(3)
    assert len(reaper.tracks(project)) == 4 and reaper.violations == []


def click(reaper: Reaper, row: int, from_the_right: int = 10) -> None:
    gfx = reaper.lua.globals().gfx
    gfx.mouse_x, gfx.mouse_y, gfx.mouse_cap = gfx.w - from_the_right, 8 + 40 * (row - 1) + 5, 1
    reaper.ticks(0.2)
    gfx.mouse_cap = 0
    reaper.ticks(0.2)


def test_a_click_on_the_cross_cancels_what_the_service_has(reaper: Reaper, desk: Desk) -> None:
    song(reaper, desk)
    reaper.run()
    ticket = desk.take()
    say(desk, {"job": "1.1", "reqid": ticket["reqid"], "state": "rendering", "fraction": 0.5, "phase": "transfer"})
    reaper.ticks(1)
    click(reaper, 1)
    assert slips(desk) == [("/daw_bridge/cancel", ["1.1"])]
    desk.answer(ticket, state="cancelled")
    reaper.ticks(2)
    assert reaper.tick() == 0 and "was cancelled" in list(reaper.world.hints.values())[-1] and reaper.violations == []


def test_a_first_sound_is_played_where_there_is_one(reaper: Reaper, desk: Desk) -> None:
    song(reaper, desk)
    reaper.run()
    job = {"job": "1.1", "reqid": desk.take()["reqid"], "state": "rendering", "fraction": 0.1, "phase": "transfer"}
    say(desk, job | {"preview": None})
    reaper.ticks(1)
    click(reaper, 1, from_the_right=40)
    assert "hear" not in texts(reaper) and not reaper.world.explored
    say(desk, job | {"preview": str(desk.style)})
    reaper.ticks(1)
    assert "hear" in texts(reaper)
    click(reaper, 1, from_the_right=40)
    assert reaper.world.explored == str(desk.style) and slips(desk) == [] and reaper.violations == []


def test_status_stays_and_says_whether_a_service_is_there(reaper: Reaper, quiet: Any, desk: Desk) -> None:
    reaper.run(STATUS)
    reaper.ticks(2)
    assert texts(reaper) == ["No remix is on its way. Service: not running."]
    say(desk, state="idle")
    reaper.ticks(2)
    assert texts(reaper) == ["No remix is on its way. Service: idle."] and reaper.tick() == 1
    reaper.world["keys"] = reaper.lua.table_from([-1])
    reaper.ticks(2)
    assert reaper.tick() == 0 and reaper.violations == []


def test_a_request_that_was_not_taken_is_cancelled_at_once(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    reaper.run()
    reaper.run(CANCEL)
    assert desk.tickets() == [] and "was cancelled" in list(reaper.world.hints.values())[-1]
    reaper.ticks(1)
    assert reaper.tick() == 0, "neither the script that asked nor the one that cancelled waits on"
    assert not list((desk.project / "daw_bridge" / "results").iterdir()) and len(reaper.boxes) == 1
    assert not any("PENDING" in key for key in project.remembered) and reaper.violations == []


def test_of_several_requests_a_menu_asks_which(reaper: Reaper, desk: Desk) -> None:
    song(reaper, desk)
    reaper.run()
    reaper.run(LAST)
    before = len(desk.tickets())
    reaper.world["menu_answers"] = reaper.lua.table_from([1])
    reaper.run(CANCEL)
    assert (before, len(desk.tickets())) == (2, 1)
    reaper.ticks(1)
    reaper.run(LAST)
    reaper.world["menu_answers"] = reaper.lua.table_from([3])
    reaper.run(CANCEL)
    reaper.ticks(1)
    assert desk.tickets() == [] and list(reaper.world.menus.values())[-1] == "vocal take|vocal take||All of them"
    reaper.run(CANCEL)
    assert reaper.boxes[-1] == "No remix is on its way." and reaper.violations == []


def test_what_the_service_does_not_know_is_said_so(reaper: Reaper, desk: Desk) -> None:
    song(reaper, desk)
    reaper.run()
    desk.take()
    reaper.run(CANCEL)
    assert "not cancelled: the service does not know it now" in list(reaper.world.hints.values())[-1]
