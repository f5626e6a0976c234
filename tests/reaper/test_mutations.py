"""Mistakes that must not get past the checks: each is made on purpose in a copy of the scripts."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import soundfile

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
    "an argument is missing": ("landing", "_String(take, \"GUID\", \"\", false)", "_String(take, \"GUID\", \"\")", "takes 4"),
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
        "landing", "  reaper.GetSetMediaItemInfo_String(item, REQID, request.reqid, true)\n", "", "landed twice",
    ),
    "the take that it became is not noted": (
        "landing", "  projects.note_landed(project, request, guid)\n", "", "landed twice",
    ),
    "a line break in what persists": (
        "projects", "PENDING .. request.reqid, text)", 'PENDING .. request.reqid, text .. "\\n")', "line break",
    ),
}  # fmt: skip

# The same for the way from an item with effects, or a reversed one, to its content.
MUTATIONS_OF_SOUND = {
    "the settings are not put back": ("held", "  put_back(kept)\n", "", "was left changed"),
    "a failure skips the putting back": (
        "held", "  put_back(kept)\n", "  if is_done then put_back(kept) end\n", "was left changed",
    ),
    "a setting that cannot be put back keeps the others": (
        "held", "if not pcall(restore) then pcall(restore) end", "restore()", "left",
    ),
    "one setting is put back only": (
        "held", "for index = #kept, 1, -1 do", "for index = #kept, #kept, -1 do", "was left changed",
    ),
    "the render adds to the project": ("rendering", '"RENDER_ADDTOPROJ", 0', '"RENDER_ADDTOPROJ", 1', "RENDER_ADDTOPROJ = 1"),
    "the user's tail is rendered": ("rendering", '    number(project, "RENDER_TAILFLAG", 0),\n', "", "RENDER_TAILFLAG = 18"),
    "all but the item is selected": (
        "rendering", "ipairs(wanted) do select_one(thing, true)", "ipairs(wanted) do select_one(thing, false)",
        "0 items were rendered",
    ),
    "the window is not refreshed after a render": (
        "rendering", "    reaper.PreventUIRefresh(-1)\n", "", "PreventUIRefresh was left",
    ),
    "the accessor is not let go of": (
        "reading", "  reaper.DestroyAudioAccessor(state.accessor)\n  return wave", "  return wave", "accessor was left behind",
    ),
    "the array holds what it held before": ("reading", "  state.buffer.clear() --", "  --", "another sound"),
}  # fmt: skip


def findings(version: str, scripts: Path, desk: Desk) -> str:
    """Everything the checks have to say about some scripts: their text, one landing, and two that fail."""
    found = [wrong for path in scripts.rglob("*.lua") for wrong in wrong_calls(path.read_text(encoding="utf-8"))]
    for fails in ("", "SetMediaItemTake_Source", "time_precise"):
        reaper = Reaper(version, desk.env, scripts=scripts)
        project = song(reaper, desk)
        reaper.run()
        ticket = desk.take()
        desk.answer(ticket)
        reaper.world["fail_name"] = fails
        reaper.ticks(3)
        found += reaper.violations
        tracks = len(reaper.tracks(project))
        found += ["not landed"] if not fails and tracks != 4 else ["left a track behind"] if fails and tracks != 3 else []
        if not fails and tracks == 4:
            project.tracks[2]["items"][1]["is_selected"] = False
            desk.answer(ticket)
            reaper.run()
            reaper.ticks(3)
            found += ["landed twice"] if len(reaper.tracks(project)) != 4 else []
        found += [line for line in reaper.console if "defect" in line and not fails]
    return "\n".join(found)


def _content(version: str, scripts: Path, desk: Desk, kind: str, fails: str, fail_at: int | None) -> Reaper:
    reaper = Reaper(version, desk.env, scripts=scripts)
    project = song(reaper, desk, D_STARTOFFS=-0.1, B_LOOPSRC=0, D_LENGTH=0.3)
    take = project.tracks[2]["items"][1].takes[1]
    if kind == "effect":
        take["effects"] = reaper.lua.table(reaper.lua.table_from({"is_enabled": True}))
    else:
        take["source"] = reaper.world.add_source(reaper.world, str(desk.content), "SECTION")
    reaper.world["fail_name"], reaper.world["fail_call"] = fails, fail_at
    reaper.run()
    reaper.ticks(2)
    reaper.world.stop_script(reaper.world)
    return reaper


def findings_of_sound(version: str, scripts: Path, desk: Desk) -> str:
    """What the checks say of getting the sound out: rendered and read, with some calls that fail."""
    found = [wrong for path in scripts.rglob("*.lua") for wrong in wrong_calls(path.read_text(encoding="utf-8"))]
    cases: list[tuple[str, str, int | None]] = [
        ("effect", "", None),
        ("reversed", "", None),
        ("effect", "Main_OnCommandEx", None),
    ]
    names = [name for name in _content(version, scripts, desk, "effect", "", None).world.calls.values() if isinstance(name, str)]
    after = names.index("Main_OnCommandEx") if "Main_OnCommandEx" in names else len(names)
    cases += [("effect", "", after + n) for n in (2, 5, 8)]
    for kind, fails, fail_at in cases:
        for path in (desk.state / "tickets").glob("*"):
            path.unlink()
        reaper = _content(version, scripts, desk, kind, fails, fail_at)
        found += reaper.violations + [line for line in reaper.console if "defect" in line]
        if not fails and fail_at is None:
            paths = [ticket["content"] for ticket in desk.tickets()]
            heard = [soundfile.read(path)[0] for path in paths]
            found += [] if heard and abs(heard[0]).max() < 10 else ["another sound"]
    return "\n".join(found)


def test_the_scripts_as_they_are_pass(lua_version: str, desk: Desk) -> None:
    assert findings(lua_version, SCRIPTS, desk) == ""
    assert findings_of_sound(lua_version, SCRIPTS, desk) == ""


@pytest.mark.parametrize("mistake", MUTATIONS)
def test_a_mistake_is_caught(mistake: str, lua_version: str, desk: Desk, tmp_path: Path) -> None:
    assert MUTATIONS[mistake][3] in findings(lua_version, mutated(*MUTATIONS[mistake][:3], tmp_path), desk)


@pytest.mark.parametrize("mistake", MUTATIONS_OF_SOUND)
def test_a_mistake_with_sounds_is_caught(mistake: str, desk: Desk, tmp_path: Path) -> None:
    name, old, new, word = MUTATIONS_OF_SOUND[mistake]
    assert word in findings_of_sound("lua54", mutated(name, old, new, tmp_path), desk)


def mutated(name: str, old: str, new: str, tmp_path: Path) -> Path:
    """A copy of the scripts with a mistake in it."""
    scripts = tmp_path / "scripts"
    shutil.copytree(SCRIPTS, scripts)
    path = scripts / "lib" / f"{name}.lua"
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, "the mutation no longer fits the script"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return scripts
