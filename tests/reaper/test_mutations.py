"""Mistakes that must not get past the checks: each is made on purpose in a copy of the scripts."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.reaper.desk import Desk, song
from tests.reaper.script_text import wrong_calls
from tests.reaper.simulator import SCRIPTS, Reaper

# file in lib/, what stands there, what the mistake makes of it, and a word of the finding
MUTATIONS = {
    "the window is never refreshed again": ("transaction", "  reaper.PreventUIRefresh(-1)\n", "", "PreventUIRefresh was left"),
    "the refresh is counted twice": (
        "transaction", "reaper.PreventUIRefresh(1)", "reaper.PreventUIRefresh(2)", "PreventUIRefresh was left",
    ),
    "a failure skips the closing": (
        "transaction", "pcall(change)", "true, change()", "PreventUIRefresh was left",
    ),
    "the undo block stays open": (
        "transaction", "  reaper.Undo_EndBlock2(project, entry, ALL_STATE)\n", "", "undo block was left open",
    ),
    "the undo block is never begun": ("transaction", "  reaper.Undo_BeginBlock2(project)\n", "", "outside an undo block"),
    "a variable leaks": ("landing", "local track = insert_track_below", "track = insert_track_below", "leaked global track"),
    "a function is misspelled": (
        "landing", "reaper.AddMediaItemToTrack", "reaper.AddMediaItmToTrack", "no function AddMediaItmToTrack",
    ),
    "an argument is missing": ("landing", "String(item, REQID, \"\", false)", "String(item, REQID, \"\")", "takes 4"),
    "a parameter is misspelled": ("landing", '"D_POSITION"', '"D_POSITON"', "not landed"),
    "a pointer is kept across a defer": (
        "collecting",
        "  local project = projects.find(waiting.request)\n",
        "  waiting.project = waiting.project or projects.find(waiting.request)\n  local project = waiting.project\n",
        "kept across a defer",
    ),
    "a take is kept across a defer": (
        "landing",
        "  local take = reaper.GetMediaItemTakeByGUID(project, guid)\n",
        "  state.take = state.take or reaper.GetMediaItemTakeByGUID(project, guid)\n  local take = state.take\n",
        "kept across a defer",
    ),
    "the deferred tick is unguarded": (
        "ticks", "xpcall(guarded, debug.traceback)", "true, guarded()", "a script died",
    ),
    "the mark against landing twice is forgotten": (
        "landing", "  reaper.GetSetMediaItemInfo_String(item, REQID, request.reqid, true)\n", "", "no mark",
    ),
    "a line break in what persists": (
        "projects", "PENDING .. request.reqid, text)", 'PENDING .. request.reqid, text .. "\\n")', "line break",
    ),
}  # fmt: skip


def findings(version: str, scripts: Path, desk: Desk) -> str:
    """Everything the checks have to say about some scripts: their text, one landing, and two that fail."""
    found = [wrong for path in scripts.rglob("*.lua") for wrong in wrong_calls(path.read_text(encoding="utf-8"))]
    for fails in ("", "SetMediaItemTake_Source", "time_precise"):
        reaper = Reaper(version, desk.env, scripts=scripts)
        project = song(reaper, desk)
        reaper.run()
        desk.answer(desk.take())
        reaper.world["fail_name"] = fails
        reaper.ticks(3)
        found += reaper.violations
        tracks = len(reaper.tracks(project))
        found += ["not landed"] if not fails and tracks != 4 else ["left a track behind"] if fails and tracks != 3 else []
        if not fails and tracks == 4:
            items = project.tracks[3]["items"].values()
            found += ["no mark"] if not any(item.strings["P_EXT:daw_bridge_reqid"] for item in items) else []
        found += [line for line in reaper.console if "defect" in line and not fails]
    return "\n".join(found)


def test_the_scripts_as_they_are_pass(lua_version: str, desk: Desk) -> None:
    assert findings(lua_version, SCRIPTS, desk) == ""


@pytest.mark.parametrize("mistake", MUTATIONS)
def test_a_mistake_is_caught(mistake: str, lua_version: str, desk: Desk, tmp_path: Path) -> None:
    name, old, new, word = MUTATIONS[mistake]
    scripts = tmp_path / "scripts"
    shutil.copytree(SCRIPTS, scripts)
    path = scripts / "lib" / f"{name}.lua"
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, "the mutation no longer fits the script"
    path.write_text(text.replace(old, new), encoding="utf-8")
    assert word in findings(lua_version, scripts, desk)
