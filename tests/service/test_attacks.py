"""What an attacker, or a program gone mad, would put into tickets, folders and messages."""

from __future__ import annotations

import json
import os
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daw_bridge.errors import BadArguments, DawBridgeError, Internal
from daw_bridge.folders import ProjectFolders
from daw_bridge.results import write_refusal
from daw_bridge.service.hot_folder import read_folder
from daw_bridge.service.intake import ask_from_pairs, request_of
from daw_bridge.service.outbox import write_ticket
from daw_bridge.service.slips import take_slips
from daw_bridge.service.tickets import TICKET_KEYS, ask_from_ticket, read_ticket
from tests.service.conftest import write_clip
from tests.service.wire import Osc, ServiceProcess
from tests.waiting import wait_for

HUGE = 10**400
SUPPRESSED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
ODD: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    2**31,
    2**63,
    HUGE,
    -HUGE,
    1e308,
    float("nan"),
    float("inf"),
    "",
    "\x00",
    "\ud800",
    "../../etc/passwd",
)
MORE: tuple[Any, ...] = (
    "/etc/passwd",
    "a" * 5000,
    "default",
    "batch",
    [],
    [1],
    {},
    {"strength": HUGE},
    {"a": {"b": [1]}},
    {"strength": "\ud800"},
)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A ticket that is well."""
    project = tmp_path_factory.mktemp("attacked")
    content = write_clip(project / "song.wav")
    return {"schema": 1, "reqid": "r", "project": str(project), "content": str(content), "style": str(content)}


@settings(max_examples=400, deadline=None, suppress_health_check=SUPPRESSED)
@given(st.dictionaries(st.sampled_from(sorted(TICKET_KEYS)), st.sampled_from(ODD + MORE), min_size=1, max_size=3))
def test_no_ticket_is_met_with_a_defect(sound: dict[str, Any], change: dict[str, Any]) -> None:
    try:
        ask = ask_from_ticket(read_ticket(json.dumps(sound | change)), "ticket")
        request = request_of(ask, [Path(sound["project"])], {})
    except Internal:
        raise
    except DawBridgeError:
        return
    assert request.key and json.loads(json.dumps(request.to_table()))


@settings(max_examples=300, deadline=None, suppress_health_check=SUPPRESSED)
@given(
    st.sampled_from(("song.wav", "", "../x", "\ud800", "a" * 2000)),
    st.sampled_from(("default", "../default", "/etc/passwd", "a\x00b", "", "..", "x" * 5000, "default.toml")),
    st.lists(st.sampled_from(("seed", "start", "strength", "force", "reqid", "project", 1, 1e30, float("nan"), -1.0, True, "x"))),
)
def test_no_message_is_met_with_a_defect(sound: dict[str, Any], content: str, preset: str, rest: list[Any]) -> None:
    try:
        request_of(ask_from_pairs(content, "song.wav", preset, rest), [Path(sound["project"])], {})
    except Internal:
        raise
    except DawBridgeError:
        return


def test_half_a_character_is_refused_and_a_refusal_can_be_written(sound: dict[str, Any], tmp_path: Path) -> None:
    ask = ask_from_ticket(read_ticket(json.dumps(sound | {"reaper": {"track": "\ud800"}})), "ticket")
    with pytest.raises(BadArguments, match="no text"):
        request_of(ask, [Path(sound["project"])], {})
    path = write_refusal(tmp_path, "r", BadArguments("no text", ""), {"track": "\ud800"})
    assert json.loads(path.read_text(encoding="utf-8"))["reaper"] == {"track": "\ud800"}


def test_a_pipe_in_place_of_a_file_makes_nobody_wait(tmp_path: Path) -> None:
    folder = tmp_path / "hot"
    write_clip(folder / "style.wav")
    os.mkfifo(folder / "folder.toml")
    assert read_folder(folder, tmp_path).preset == "default"
    os.mkfifo(tmp_path / "pipe.osc")
    (tmp_path / "folder.osc").mkdir()
    assert take_slips(tmp_path) == []


def test_a_drop_whose_name_is_no_text_is_told_of_and_holds_up_nothing(quick: ServiceProcess, quick_osc: Osc) -> None:
    project = Path(json.loads((quick.state / "projects.json").read_text())[0])
    hot = ProjectFolders(project).drop / "strange"
    write_clip(hot / ".made.wav", seconds=0.05)
    quick_osc.ask("/subscribe", answer="/subscribed")
    try:
        shutil.copyfile(hot / ".made.wav", os.fsdecode(os.fsencode(hot) + b"/bad \xff\xfe.wav"))
    except OSError:
        pytest.skip("this file system takes no such name")
    shutil.copyfile(hot / ".made.wav", hot / "sound.wav")
    shutil.copyfile(hot / ".made.wav", hot / "style.wav")
    code, _, message = quick_osc.expect("/error")
    assert code == "bad_args" and "Rename" in message
    quick_osc.expect("/done", quick_osc.expect("/accepted")[0])
    wait_for(lambda: "is done" in quick_osc.ask("/why", str(hot / "sound.wav"), answer="/why")[1], what="its end told")


def test_mad_tickets_hold_up_no_sound_one(quick: ServiceProcess, quick_osc: Osc) -> None:
    project = Path(json.loads((quick.state / "projects.json").read_text())[0])
    (project / "t.json").write_text('{"seconds": 0.02}')
    sound = {"schema": 1, "project": str(project), "content": str(project / "t.json"), "style": str(project / "t.json")}
    quick_osc.ask("/subscribe", answer="/subscribed")
    for text in (
        "[" * 60_000,
        '{"schema": 1, "start_seconds": 1' + "0" * 400 + "}",
        json.dumps(sound | {"start_seconds": HUGE}),
        json.dumps(sound | {"params": {"strength": HUGE}}),
        json.dumps(sound | {"content": "\ud800"}),
        json.dumps(sound | {"reqid": "half", "reaper": {"x": "\ud800"}}),
    ):
        write_ticket(quick.state / "tickets", text)
    os.mkfifo(quick.state / "tickets" / "pipe.json")
    (quick.state / "tickets" / "folder.json").mkdir()
    (quick.state / "tickets" / "loop.json").symlink_to("loop.json")
    write_ticket(quick.state / "tickets", json.dumps(sound | {"reqid": "sound"}))
    quick_osc.expect("/done", quick_osc.expect("/accepted")[0])
    results = ProjectFolders(project).results
    for name, state in (("half", "failed"), ("sound", "done")):
        wait_for(partial(_is_told, results / f"{name}.json", state), 30.0, f"{name} {state}")


def _is_told(ticket: Path, state: str) -> bool:
    return ticket.exists() and bool(json.loads(ticket.read_text(encoding="utf-8"))["state"] == state)
