"""The simulated REAPER is stricter than the real one, so that what passes here has a chance there."""

from __future__ import annotations

import pytest

from tests.reaper.desk import Desk
from tests.reaper.simulator import SINCE_7_18, Reaper


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("reaper.ShowMesageBox('a', 'b', 0)", "no function ShowMesageBox"),
        ("reaper.ShowMessageBox('a', 'b')", "takes 3 arguments, not 2"),
        ("reaper.CountTracks(0, 1)", "takes 1 arguments, not 2"),
        ("reaper.ShowConsoleMsg(nil)", "must be string, not nil"),
        ("reaper.EnumProjects(0.5)", "must be integer"),
        ("reaper.GetTrackGUID(reaper.EnumProjects(-1))", "takes 1 arguments, not 2"),
        ("reaper.GetTrackGUID((reaper.EnumProjects(-1)))", "must be MediaTrack, not ReaProject"),
        ("reaper.GetMediaTrackInfo_Value(reaper.GetTrack(0, 0), 'D_VOLUM')", "no parameter D_VOLUM"),
        ("reaper.Main_OnCommand(1, 0)", "not simulated"),
        ("reaper.mine = 1", "assigned reaper.mine"),
        ("local t = reaper.GetTrack(0, 0); t.name = 'x'", "pointer has no fields"),
    ],
)
def test_a_wrong_call_is_an_error(code: str, word: str, reaper: Reaper, desk: Desk) -> None:
    reaper.add_track(reaper.add_project(desk.project), "Vocal")
    is_fine, message = reaper.lua.execute("return pcall(load(...))", code)
    assert not is_fine and word in message


def test_an_old_reaper_lacks_what_came_later(lua_version: str, desk: Desk) -> None:
    reaper = Reaper(lua_version, desk.env, missing=SINCE_7_18)
    assert reaper.lua.eval("reaper.InsertTrackInProject") is None
    assert reaper.lua.eval("reaper.APIExists('InsertTrackInProject')") is False


def test_undo_brings_the_arrangement_back(reaper: Reaper, desk: Desk) -> None:
    project = reaper.add_project(desk.project)
    track = reaper.add_track(project, "Vocal")
    reaper.add_item(track, desk.content, D_POSITION=1.0)
    reaper.lua.execute("""
        reaper.PreventUIRefresh(1) reaper.Undo_BeginBlock2(0)
        reaper.SetMediaItemInfo_Value(reaper.GetMediaItem(0, 0), "D_POSITION", 5.0)
        reaper.InsertTrackInProject(0, 0, 0)
        reaper.Undo_EndBlock2(0, "move", -1) reaper.PreventUIRefresh(-1)
    """)
    assert reaper.tracks(project) == ["", "Vocal"] and reaper.undo_labels(project) == ["move"]
    reaper.lua.execute("reaper.Undo_DoUndo2(0)")
    assert reaper.tracks(project) == ["Vocal"]
    assert project.tracks[1]["items"][1]["values"]["D_POSITION"] == 1.0 and reaper.violations == []
