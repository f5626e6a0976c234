"""The script from the selection to the new track, in a simulated REAPER."""

from __future__ import annotations

from typing import Any

import pytest
import soundfile

from tests.reaper.conftest import RATE, Desk
from tests.reaper.simulator import SINCE_7_18, Reaper


def song(reaper: Reaper, desk: Desk, **values: float) -> Any:
    """A project of drums, a coloured vocal track with the content on it, and bass; the style comes from a file."""
    project = reaper.add_project(desk.project)
    reaper.add_track(project, "Drums")
    vocal = reaper.add_track(project, "Vocal", I_CUSTOMCOLOR=0x1FF8000)
    reaper.add_track(project, "Bass")
    item: dict[str, Any] = {"D_POSITION": 12.3456789, "D_LENGTH": 2.0, "D_STARTOFFS": 0.5, "I_CUSTOMCOLOR": 0x10000FF} | values
    reaper.add_item(vocal, desk.content, name="vocal take", **item)
    reaper.world["file_answer"] = str(desk.style)
    return project


def new_item(project: Any, track_number: int = 3) -> Any:
    (item,) = project.tracks[track_number]["items"].values()
    return item


def test_the_ticket_says_what_reaper_md_says(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    reaper.run()
    (ticket,) = desk.tickets()
    assert ticket["schema"] == 1 and ticket["project"] == str(desk.project)
    assert (ticket["content"], ticket["style"]) == (str(desk.content), str(desk.style))
    assert (ticket["start_seconds"], ticket["length_seconds"]) == (0.5, 2.0)
    assert (ticket["preset"], ticket["params"]) == ("default", {})
    echoed = ticket["reaper"]
    item = project.tracks[2]["items"][1]
    assert echoed["project"] == str(desk.project / "song.rpp") and echoed["track_guid"] == project.tracks[2].guid
    assert echoed["item_guid"] == item.guid and echoed["position_seconds"] == 12.3456789
    assert echoed["tempo_bpm"] == 120 and echoed["name"] == "vocal take"
    assert reaper.boxes[0].startswith("daw_bridge will keep its remixes") and len(reaper.boxes) == 1
    assert reaper.violations == []


def test_the_remix_lands_below_the_content_at_its_position(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    reaper.run()
    reaper.ticks(3)
    remix = desk.answer(desk.take())
    reaper.ticks(3)
    assert reaper.tracks(project) == ["Drums", "Vocal", "Vocal remix", "Bass"]
    track, item = project.tracks[3], new_item(project)
    take = item.takes[1]
    assert item["values"]["D_POSITION"] == 12.3456789 and item["values"]["D_LENGTH"] == 2.0
    assert take["values"]["D_STARTOFFS"] == 0.0 and take["values"]["D_PLAYRATE"] == 1.0
    assert track["values"]["I_CUSTOMCOLOR"] == 0x1FF8000 and item["values"]["I_CUSTOMCOLOR"] == 0x10000FF
    assert take.strings["P_NAME"] == "vocal take (default)"
    assert take.source.path == str(desk.project / "Media" / remix.name) and take.source.has_peaks
    assert soundfile.info(take.source.path).frames == 2 * RATE
    assert reaper.undo_labels(project) == ["Remix of vocal take"]
    assert not list((desk.project / "daw_bridge" / "results").iterdir())
    assert reaper.tick() == 0, "the script ends when nothing is outstanding"
    assert reaper.violations == []


def test_one_undo_takes_the_landing_back(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    reaper.run()
    desk.answer(desk.take())
    reaper.ticks(3)
    reaper.world.undo(reaper.world, project)
    assert reaper.tracks(project) == ["Drums", "Vocal", "Bass"]
    reaper.run()
    assert len(desk.tickets()) == 1, "and the next request is a new one"


def test_a_play_rate_asks_for_the_part_of_the_source_that_is_heard(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk, D_PLAYRATE=1.5, D_PITCH=2.0, B_PPITCH=0, D_LENGTH=1.0)
    reaper.run()
    ticket = desk.take()
    assert (ticket["start_seconds"], ticket["length_seconds"]) == (0.5, 1.5)
    desk.answer(ticket)
    reaper.ticks(3)
    values = new_item(project).takes[1]["values"]
    assert (values["D_PLAYRATE"], values["D_PITCH"], values["B_PPITCH"]) == (1.5, 2.0, 0.0)
    assert new_item(project)["values"]["D_LENGTH"] == 1.0


def test_a_second_selected_item_is_the_style(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    reaper.add_item(project.tracks[3], desk.style, D_LENGTH=1.0)
    reaper.world["file_answer"] = None
    reaper.run()
    assert desk.tickets()[0]["style"] == str(desk.style)


@pytest.mark.parametrize("hindrance", ["unsaved", "nothing", "three", "empty", "midi", "offline", "section", "no style"])
def test_what_cannot_be_done_is_refused_first_in_one_sentence(hindrance: str, reaper: Reaper, desk: Desk) -> None:
    project = reaper.add_project(desk.project, "" if hindrance == "unsaved" else "song.rpp")
    track = reaper.add_track(project, "Vocal")
    file = desk.project / "gone.wav" if hindrance == "offline" else desk.content
    kind = {"midi": "MIDI", "section": "SECTION"}.get(hindrance)
    for _ in range({"nothing": 0, "three": 3}.get(hindrance, 1)):
        reaper.add_item(track, None if hindrance == "empty" else file, kind=kind, D_LENGTH=1.0)
    reaper.run()
    (sentence,) = reaper.boxes
    word = {"unsaved": "Save the project", "nothing": "Select one", "three": "3 are selected", "section": "glue"}
    assert word.get(hindrance, {"offline": "gone.wav", "midi": "MIDI"}.get(hindrance, hindrance.split()[0])) in sentence
    assert sentence.count("\n") == 0 and not (desk.state / "tickets").exists()
    assert reaper.tick() == 0 and reaper.undo_labels(project) == [] and reaper.violations == []


@pytest.mark.parametrize(("values", "word"), [({"D_LENGTH": 9.0}, "repeats"), ({"D_STARTOFFS": 5.0, "B_LOOPSRC": 0}, "no part")])
def test_an_item_that_is_not_one_part_of_its_file_is_refused(
    values: dict[str, float], word: str, reaper: Reaper, desk: Desk
) -> None:
    song(reaper, desk, **values)
    reaper.run()
    assert word in reaper.boxes[0]


def test_nothing_is_asked_in_a_project_that_the_user_keeps_to_himself(reaper: Reaper, desk: Desk) -> None:
    song(reaper, desk)
    reaper.world["box_answer"] = 2
    reaper.run()
    assert not (desk.state / "tickets").exists() and reaper.tick() == 0
    reaper.world["box_answer"] = 1
    reaper.run()
    reaper.run()
    assert len(reaper.boxes) == 2, "once agreed, it does not ask again"


def test_it_lands_in_its_own_project_after_a_change_of_tab(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    reaper.run()
    other = reaper.add_project(desk.project, "other.rpp")
    reaper.add_track(other, "Guitar")
    desk.answer(desk.take())
    reaper.ticks(3)
    assert len(reaper.tracks(project)) == 4 and reaper.tracks(other) == ["Guitar"]
    assert reaper.world.front.file == other.file and reaper.violations == []


def test_before_reaper_7_18_it_lands_in_its_own_project_too(lua_version: str, desk: Desk) -> None:
    reaper = Reaper(lua_version, desk.env, missing=SINCE_7_18)
    test_it_lands_in_its_own_project_after_a_change_of_tab(reaper, desk)


def test_a_closed_project_gets_its_remix_when_it_is_open_again(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    reaper.run()
    other = reaper.add_project(desk.project, "other.rpp")
    reaper.world.close_project(reaper.world, project)
    desk.answer(desk.take())
    reaper.ticks(3)
    assert reaper.tracks(other) == [] and reaper.boxes[1:] == []
    reaper.world.reopen_project(reaper.world, project)
    reaper.ticks(3)
    assert reaper.tracks(project)[2] == "Vocal remix" and reaper.violations == []


def test_a_later_run_collects_what_an_earlier_one_asked_for(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    reaper.run()
    reaper.world.stop_script(reaper.world)
    desk.answer(desk.take())
    project.tracks[2]["items"][1]["is_selected"] = False
    reaper.run()
    assert "Select one" in reaper.boxes[-1]
    reaper.ticks(3)
    assert reaper.tracks(project)[2] == "Vocal remix" and reaper.violations == []


def test_two_runs_at_once_land_it_once(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    reaper.run()
    ticket = desk.take()
    project.tracks[2]["items"][1]["is_selected"] = False
    reaper.run()
    desk.answer(ticket)
    reaper.ticks(3)
    assert reaper.tracks(project) == ["Drums", "Vocal", "Vocal remix", "Bass"]
    assert len(list((desk.project / "Media").iterdir())) == 1
    assert reaper.tick() == 0 and reaper.violations == []


def test_a_moved_and_trimmed_item_keeps_its_remix_in_time(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    reaper.run()
    content = project.tracks[2]["items"][1]
    content["values"]["D_POSITION"], content.takes[1]["values"]["D_STARTOFFS"] = 20.25, 0.75
    desk.answer(desk.take())
    reaper.ticks(3)
    assert new_item(project)["values"]["D_POSITION"] == 20.0, "0.25 s were trimmed off the content's beginning"


def test_a_deleted_item_leaves_its_place(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    reaper.run()
    project.tracks[2]["items"] = reaper.lua.table()
    desk.answer(desk.take())
    reaper.ticks(3)
    assert new_item(project)["values"]["D_POSITION"] == 12.3456789


def test_a_remix_of_a_folder_s_last_track_stays_in_the_folder(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    project.tracks[1]["values"]["I_FOLDERDEPTH"], project.tracks[2]["values"]["I_FOLDERDEPTH"] = 1, -1
    reaper.run()
    desk.answer(desk.take())
    reaper.ticks(3)
    assert [track["values"]["I_FOLDERDEPTH"] for track in project.tracks.values()] == [1, 0, -1, 0]


def test_a_failure_is_shown_as_its_sentence(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    reaper.run()
    error = {"code": "too_short", "message": "style 'style.wav' has 0.01 s", "hint": "Give at least 0.1 s."}
    desk.answer(desk.take(), state="failed", error=error)
    reaper.ticks(3)
    assert reaper.boxes[-1] == "The remix of 'vocal take' failed: style 'style.wav' has 0.01 s. Give at least 0.1 s."
    assert len(reaper.tracks(project)) == 3 and reaper.undo_labels(project) == [] and reaper.tick() == 0


def test_a_cancelled_job_is_no_alarm(reaper: Reaper, desk: Desk) -> None:
    song(reaper, desk)
    reaper.run()
    desk.answer(desk.take(), state="cancelled")
    reaper.ticks(3)
    assert len(reaper.boxes) == 1 and "cancelled" in list(reaper.world.hints.values())[-1] and reaper.tick() == 0


@pytest.mark.parametrize("text", ["", "{", "[]", '{"state": 7}'])
def test_an_answer_that_is_no_answer_is_said_so(text: str, reaper: Reaper, desk: Desk) -> None:
    song(reaper, desk)
    reaper.run()
    ticket = desk.take()
    desk.answer(ticket)
    (desk.project / "daw_bridge" / "results" / f"{ticket['reqid']}.json").write_text(text)
    reaper.ticks(3)
    assert "cannot be read" in reaper.boxes[-1] and reaper.tick() == 0 and reaper.violations == []


def test_a_remix_whose_file_is_gone_or_broken_is_said_so(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    reaper.run()
    remix = desk.answer(desk.take())
    remix.write_bytes(b"no audio at all")
    reaper.ticks(3)
    assert "cannot read" in reaper.boxes[-1] and not list((desk.project / "Media").iterdir())
    remix.unlink()
    reaper.run()
    ticket = desk.take()
    desk.answer(ticket, file=str(desk.project / "nowhere.wav"))
    reaper.ticks(3)
    assert "is not there" in reaper.boxes[-1] and reaper.undo_labels(project) == [] and reaper.violations == []


def test_a_file_of_the_same_name_in_the_media_folder_is_left_alone(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    media = desk.project / "Media"
    media.mkdir()
    reaper.run()
    ticket = desk.take()
    remix = desk.answer(ticket)
    (media / remix.name).write_bytes(b"mine")
    reaper.ticks(3)
    assert (media / remix.name).read_bytes() == b"mine"
    assert new_item(project).takes[1].source.path == str(media / f"{remix.stem} (2).wav")


def test_a_request_that_nobody_takes_is_mentioned_once_and_waits(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    reaper.run()
    reaper.ticks(9)
    assert reaper.console == []
    reaper.ticks(60)
    (line,) = reaper.console
    assert "daw-bridge serve" in line
    desk.answer(desk.take())
    reaper.ticks(3)
    assert reaper.tracks(project)[2] == "Vocal remix"


def test_nothing_lands_while_the_user_records(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    reaper.run()
    project["play_state"] = 5
    desk.answer(desk.take())
    reaper.ticks(3)
    assert len(reaper.tracks(project)) == 3
    project["play_state"] = 0
    reaper.ticks(3)
    assert len(reaper.tracks(project)) == 4


def test_waiting_looks_at_the_disk_twice_a_second(reaper: Reaper, desk: Desk) -> None:
    song(reaper, desk)
    reaper.run()
    before = reaper.world.calls["EnumProjects"]
    reaper.ticks(10)
    n_looks = reaper.world.calls["EnumProjects"] - before
    assert 18 <= n_looks <= 21


def test_a_long_copy_is_spread_over_ticks(lua_version: str, desk: Desk) -> None:
    reaper = Reaper(lua_version, desk.env)
    project = song(reaper, desk)
    clock = iter(range(10**9))
    reaper.run()
    remix = desk.answer(desk.take())
    soundfile.write(remix, [[0.1, 0.1]] * (RATE * 20), RATE, subtype="PCM_24")
    reaper.world.host["seconds"] = lambda: 2000.0 + next(clock)
    reaper.tick()
    parts = []
    while len(reaper.tracks(project)) == 3:
        reaper.tick()
        parts += [path.stat().st_size for path in (desk.project / "Media").glob("*.part")]
    assert len(parts) > 3
    assert (desk.project / "Media" / remix.name).read_bytes() == remix.read_bytes()


def test_a_run_that_ends_amid_a_copy_leaves_no_part_of_it(reaper: Reaper, desk: Desk) -> None:
    song(reaper, desk)
    clock = iter(range(10**9))
    reaper.run()
    desk.answer(desk.take())
    reaper.world.host["seconds"] = lambda: 2000.0 + next(clock)
    while not list((desk.project / "Media").glob("*")):
        reaper.tick()
    reaper.world.stop_script(reaper.world)
    assert list((desk.project / "Media").iterdir()) == []


def test_the_preset_menu_remembers_the_choice_of_each_project(lua_version: str, desk: Desk) -> None:
    presets = desk.state / "presets"
    presets.mkdir(parents=True)
    (presets / "tape.toml").write_text('schema = 1\ntitle = "Tape | warm"  # short\n')
    (presets / "default.toml").write_text('title = "Mine"\n')
    reaper = Reaper(lua_version, {**desk.env, "DAW_BRIDGE_PRESETS": str(presets)})
    song(reaper, desk)
    reaper.world["menu_answer"] = 3
    reaper.run()
    reaper.world["menu_answer"] = 0
    reaper.run()
    menus = list(reaper.world.menus.values())
    assert menus == ["Mine|Paper: VGG16, cheap|Tape / warm", "Mine|Paper: VGG16, cheap|!Tape / warm"]
    assert [ticket["preset"] for ticket in desk.tickets()] == ["tape"], "a menu that is closed asks for nothing"
    assert reaper.violations == []


def test_every_call_that_fails_while_landing_leaves_the_project_as_it_was(lua_version: str, desk: Desk) -> None:
    def landing(fail_at: int | None) -> tuple[Reaper, Any, int]:
        reaper = Reaper(lua_version, desk.env)
        project = song(reaper, desk)
        reaper.run()
        desk.answer(desk.take())
        reaper.world["fail_call"] = fail_at
        reaper.ticks(2)
        return reaper, project, len(reaper.world.calls)

    reaper, _, _ = landing(None)
    names = list(reaper.world.calls.values())[: len(reaper.world.calls)]
    first = names.index("PCM_Source_CreateFromFile") + 1
    brackets = {"PreventUIRefresh", "Undo_BeginBlock2", "Undo_EndBlock2", "UpdateArrange"}
    last = names.index("Undo_EndBlock2")
    failing = [n for n in range(first, last + 1) if names[n - 1] not in brackets]
    assert len(failing) > 30
    for fail_at in failing:
        reaper, project, _ = landing(fail_at)
        assert reaper.violations == [], names[fail_at - 1]
        assert reaper.tracks(project) == ["Drums", "Vocal", "Bass"], names[fail_at - 1]
        assert reaper.undo_labels(project) == [], names[fail_at - 1]
