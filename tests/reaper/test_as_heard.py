"""Content that is no plain part of a file: read by an accessor or rendered by REAPER, and everything put back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.reaper.desk import RATE, Desk, new_item, song
from tests.reaper.simulator import REMIX, Reaper

TAKE = "daw_bridge_Remix as new take.lua"
LAST = "daw_bridge_Remix selected item with last settings.lua"
STEMS = "daw_bridge_Remix time selection of selected tracks.lua"


def source_of(desk: Desk) -> Any:
    return soundfile.read(desk.content)[0]


def contents(desk: Desk) -> list[Path]:
    return sorted((desk.project / "daw_bridge" / "contents").glob("*"))


def with_effect(reaper: Reaper, project: Any, **effect: bool) -> Any:
    item = project.tracks[2]["items"][1]
    item.takes[1]["effects"] = reaper.lua.table(reaper.lua.table_from({"is_enabled": True, **effect}))
    return item


def with_track_effect(reaper: Reaper, project: Any, **effect: bool) -> Any:
    track = project.tracks[2]
    track["effects"] = reaper.lua.table(reaper.lua.table_from({"is_enabled": True, **effect}))
    return track


def peculiar(kind: str, reaper: Reaper, desk: Desk) -> tuple[Any, Any]:
    """A song whose item is of that kind, and the samples that are heard of it."""
    source = source_of(desk)
    if kind == "reversed":
        project = song(reaper, desk)
        take = project.tracks[2]["items"][1].takes[1]
        take["source"] = reaper.world.add_source(reaper.world, str(desk.content), "SECTION")
        return project, source[::-1][RATE // 2 : RATE * 5 // 2]
    if kind == "looped":
        return song(reaper, desk, D_LENGTH=6.0), np.concatenate([source, source])[RATE // 2 : RATE * 13 // 2]
    project = song(reaper, desk)
    project.tracks[2]["items"][1].takes[1]["n_stretch_markers"] = 2
    return project, source[RATE // 2 : RATE * 5 // 2]


@pytest.mark.parametrize("kind", ["reversed", "looped", "stretched"])
def test_an_item_that_is_no_part_of_a_file_is_read_as_it_is_heard(kind: str, reaper: Reaper, desk: Desk) -> None:
    project, expected = peculiar(kind, reaper, desk)
    reaper.run()
    reaper.ticks(20)
    ticket = desk.take()
    assert ticket["start_seconds"] == 0 and Path(ticket["content"]).stem.startswith("vocal take ")
    heard, rate = soundfile.read(ticket["content"])
    assert rate == RATE and heard.shape == expected.shape
    assert np.allclose(heard, expected, atol=1e-6)
    assert contents(desk) == [Path(ticket["content"])] and reaper.world.n_accessors == 0
    desk.answer({**ticket, "length_seconds": len(heard) / rate})
    reaper.ticks(3)
    values = new_item(project).takes[1]["values"]
    assert (values["D_PLAYRATE"], values["D_STARTOFFS"]) == (1.0, 0.0)
    assert new_item(project)["values"]["D_POSITION"] == 12.3456789
    assert contents(desk) == [], "what was read goes when its remix is there"
    assert reaper.violations == [] and reaper.boxes[1:] == []


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_what_was_read_stays_for_a_job_that_is_tried_again_until_its_remix_is_there(
    state: str, reaper: Reaper, desk: Desk
) -> None:
    project, expected = peculiar("reversed", reaper, desk)
    reaper.run()
    reaper.ticks(20)
    ticket = desk.take()
    desk.answer({**ticket, "length_seconds": len(expected) / RATE}, state=state)
    reaper.ticks(3)
    assert contents(desk) == [Path(ticket["content"])] and reaper.tick() == 0
    assert not list((desk.project / "daw_bridge" / "results").iterdir())
    desk.answer({**ticket, "length_seconds": len(expected) / RATE})
    project.tracks[2]["items"][1]["is_selected"] = False
    reaper.run()
    reaper.ticks(5)
    assert "Vocal remix" in reaper.tracks(project) and contents(desk) == [] and reaper.violations == []


def test_what_was_read_for_a_request_that_is_refused_goes(reaper: Reaper, desk: Desk) -> None:
    peculiar("reversed", reaper, desk)
    reaper.run()
    reaper.ticks(20)
    desk.answer({**desk.take(), "length_seconds": 1.0}, state="failed", job="")
    reaper.ticks(3)
    assert contents(desk) == [] and "failed" in reaper.boxes[-1]


def test_a_stretched_item_is_not_stretched_twice(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk, D_PLAYRATE=2.0, D_PITCH=3.0, B_PPITCH=0, D_LENGTH=1.0)
    project.tracks[2]["items"][1].takes[1]["n_stretch_markers"] = 2
    reaper.run()
    reaper.ticks(20)
    ticket = desk.take()
    assert soundfile.info(ticket["content"]).frames == RATE
    desk.answer({**ticket, "length_seconds": 1.0})
    reaper.ticks(3)
    values = new_item(project).takes[1]["values"]
    assert (values["D_PLAYRATE"], values["D_PITCH"], values["B_PPITCH"]) == (1.0, 0.0, 1.0)


def test_reading_is_spread_over_ticks(reaper: Reaper, desk: Desk) -> None:
    peculiar("looped", reaper, desk)
    clock = iter(range(10**9))
    reaper.world.host["seconds"] = lambda: 2000.0 + next(clock)
    reaper.run()
    before, sizes = reaper.world.calls["GetAudioAccessorSamples"] or 0, []
    while not (desk.state / "tickets").exists():
        assert reaper.tick()
        reads = reaper.world.calls["GetAudioAccessorSamples"] or 0
        sizes.append(reads - before)
        before = reads
    assert max(sizes) == 1 and sum(sizes) == -(-6 * RATE // 2048)


@pytest.mark.parametrize("trouble", ["changed", "deleted", "unreadable", "stopped"])
def test_a_reading_that_cannot_go_on_leaves_nothing(trouble: str, reaper: Reaper, desk: Desk) -> None:
    project, _ = peculiar("looped", reaper, desk)
    clock = iter(range(10**9))
    reaper.world.host["seconds"] = lambda: 2000.0 + next(clock)
    reaper.run()
    while not reaper.world.calls["GetAudioAccessorSamples"]:
        assert reaper.tick()
    assert len(contents(desk)) == 1 and reaper.world.n_accessors == 1
    if trouble == "changed":
        project.tracks[2]["items"][1].takes[1]["has_changed"] = True
    elif trouble == "deleted":
        project.tracks[2]["items"] = reaper.lua.table()
    elif trouble == "unreadable":
        reaper.world["accessor_fails"] = True
    else:
        reaper.world.stop_script(reaper.world)
    reaper.ticks(10)
    assert contents(desk) == [] and reaper.world.n_accessors == 0 and reaper.violations == []
    assert ("could not be taken out" in reaper.boxes[-1]) == (trouble != "stopped")
    assert not (desk.state / "tickets").exists() and reaper.tick() == 0


def test_effects_are_rendered_by_reaper_without_the_item_s_own_volume_and_fades(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk, D_VOL=0.3, D_FADEINLEN=0.2, B_MUTE=1)
    other = reaper.add_item(project.tracks[1], desk.style, D_LENGTH=1.0)
    other["is_selected"] = False
    item = with_effect(reaper, project)
    reaper.run()
    ticket = desk.take()
    heard, rate = soundfile.read(ticket["content"])
    assert rate == RATE and np.allclose(heard, 0.5 * source_of(desk)[RATE // 2 : RATE * 5 // 2], atol=1e-6)
    desk.answer({**ticket, "length_seconds": 2.0})
    reaper.ticks(3)
    assert new_item(project)["values"]["D_VOL"] == 0.3 and new_item(project)["values"]["D_FADEINLEN"] == 0.2
    assert item["is_selected"] and not other["is_selected"]
    assert reaper.violations == [] and reaper.undo_labels(project) == ["Remix of vocal take"]


def test_a_track_s_effects_are_heard_and_the_other_items_of_the_track_are_not(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk, D_VOL=0.5, B_MUTE=1)
    track = with_track_effect(reaper, project)
    for position in (13.0, 30.0):
        other = reaper.add_item(track, desk.style, D_POSITION=position, D_LENGTH=1.0)
        other["is_selected"] = False
    reaper.run()
    assert next(iter(reaper.world.menus.values())).endswith("||#REAPER renders 1 of them first; its window shows meanwhile")
    ticket = desk.take()
    heard, rate = soundfile.read(ticket["content"])
    assert rate == RATE and np.allclose(heard, 0.25 * source_of(desk)[RATE // 2 : RATE * 5 // 2], atol=1e-6)
    assert [item["values"]["B_MUTE"] for item in track["items"].values()] == [1, 0, 0]
    desk.answer({**ticket, "length_seconds": 2.0})
    reaper.ticks(3)
    item = new_item(project)
    assert item["values"]["D_VOL"] == 1, "its volume is in the sound"
    assert item["values"]["D_POSITION"] == 12.3456789 and item.takes[1]["values"]["D_STARTOFFS"] == 0
    assert reaper.violations == [] and reaper.undo_labels(project) == ["Remix of vocal take"]


@pytest.mark.parametrize("reason", ["off", "offline", "all bypassed", "folder", "bus", "take"])
def test_a_track_s_effects_that_are_not_heard_or_heard_anyway_need_no_render(reason: str, reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    track = with_track_effect(reaper, project, is_enabled=reason != "off", is_offline=reason == "offline")
    if reason == "all bypassed":
        track["values"]["I_FXEN"] = 0
    elif reason == "folder":
        track["values"]["I_FOLDERDEPTH"] = 1
    elif reason == "bus":
        track["n_receives"] = 1
    reaper.run(TAKE if reason == "take" else REMIX)
    assert desk.take()["content"] == str(desk.content) and reaper.violations == []
    assert "#" not in next(iter(reaper.world.menus.values()))


def test_with_last_settings_a_render_is_announced_in_the_help_line(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    reaper.run()
    with_track_effect(reaper, project)
    reaper.run(LAST)
    hints = list(reaper.world.hints.values())
    assert hints[-2].startswith("REAPER renders 1 of them first") and "asked for" in hints[-1]


def test_what_programs_begin_at_different_samples_is_read_as_reaper_plays_it(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    project.tracks[2]["items"][1].takes[1].source["type"] = "MP3"
    reaper.run()
    reaper.ticks(20)
    ticket = desk.take()
    assert Path(ticket["content"]).parent.name == "contents"
    assert np.allclose(soundfile.read(ticket["content"])[0], source_of(desk)[RATE // 2 : RATE * 5 // 2], atol=1e-6)


def test_an_item_that_no_wav_can_hold_is_refused(reaper: Reaper, desk: Desk) -> None:
    song(reaper, desk, D_LENGTH=5 * 3600.0)
    reaper.run()
    assert "too long for one WAV file" in reaper.boxes[0] and reaper.tick() == 0


@pytest.mark.parametrize("effect", [{"is_enabled": False}, {"is_offline": True}])
def test_an_effect_that_is_off_needs_no_render(effect: dict[str, bool], reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    with_effect(reaper, project, **effect)
    reaper.run()
    assert desk.take()["content"] == str(desk.content)


@pytest.mark.parametrize("is_active", [True, False])
def test_an_envelope_counts_where_it_is_active(is_active: bool, reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    envelope = reaper.lua.table_from({"kind": "TrackEnvelope", "is_active": is_active})
    project.tracks[2]["items"][1].takes[1]["envelopes"] = reaper.lua.table(envelope)
    reaper.run()
    assert (desk.take()["content"] != str(desk.content)) == is_active


def test_a_render_that_the_user_cancels_asks_for_nothing(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    with_effect(reaper, project)
    reaper.world["render_is_cancelled"] = True
    reaper.run()
    assert "cancelled or wrote no file" in reaper.boxes[-1] and not (desk.state / "tickets").exists()
    assert reaper.violations == [] and reaper.tick() == 0


def _extraction(lua_version: str, desk: Desk, kind: str, fail_at: int | None) -> Reaper:
    reaper = Reaper(lua_version, desk.env)
    if kind == "effect":
        with_effect(reaper, song(reaper, desk))
    elif kind == "track":
        track = with_track_effect(reaper, song(reaper, desk))
        reaper.add_item(track, desk.style, D_POSITION=13.0, D_LENGTH=1.0)["is_selected"] = False
    elif kind == "stem":
        project = song(reaper, desk)
        project["selection_start"], project["selection_stop"] = 12.0, 12.5
        project.tracks[2]["is_selected"] = True
    else:
        peculiar(kind, reaper, desk)
    reaper.world["fail_call"] = fail_at
    reaper.run(STEMS) if kind == "stem" else reaper.run()
    reaper.ticks(2)
    reaper.world.stop_script(reaper.world)
    return reaper


@pytest.mark.parametrize("kind", ["effect", "track", "stem", "reversed"])
def test_whatever_call_fails_while_the_sound_is_taken_out_everything_is_put_back(kind: str, lua_version: str, desk: Desk) -> None:
    names = list(_extraction(lua_version, desk, kind, None).world.calls.values())
    names = [name for name in names if isinstance(name, str)]
    first = names.index("RecursiveCreateDirectory")
    last = names.index("RecursiveCreateDirectory", first + 1)
    brackets = {"PreventUIRefresh", "DestroyAudioAccessor"}
    failing = [n for n in range(first + 1, last + 1) if names[n - 1] not in brackets]
    assert len(failing) > (20 if kind != "reversed" else 10)
    for fail_at in failing[:: 1 if kind != "reversed" and lua_version == "lua54" else 5]:
        reaper = _extraction(lua_version, desk, kind, fail_at)
        assert reaper.violations == [], (fail_at, names[fail_at - 1])


def test_each_selected_track_s_time_selection_becomes_a_stem_in_order(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    reaper.add_item(project.tracks[3], desk.style, D_POSITION=12.0, D_LENGTH=2.0)
    project["selection_start"], project["selection_stop"] = 12.5, 13.5
    for number in (2, 3):
        project.tracks[number]["is_selected"] = True
    reaper.run(STEMS)
    reaper.ticks(1)
    tickets = sorted(desk.tickets(), key=lambda ticket: str(ticket["reqid"]))
    assert [Path(ticket["content"]).stem.split(" ")[0] for ticket in tickets] == ["Vocal", "Bass"]
    assert all(soundfile.info(ticket["content"]).frames == 48_000 for ticket in tickets), "at the project's own rate"
    vocal = soundfile.read(tickets[0]["content"])[0]
    assert np.any(vocal) and reaper.violations == []
    for ticket in tickets:
        desk.answer({**ticket, "length_seconds": 1.0})
    reaper.ticks(3)
    assert reaper.tracks(project) == ["Drums", "Vocal", "Vocal remix", "Bass", "Bass remix"]
    assert [new_item(project, n)["values"]["D_POSITION"] for n in (3, 5)] == [12.5, 12.5]
    assert contents(desk) == [] and reaper.violations == []


@pytest.mark.parametrize(("stop", "is_selected", "word"), [(0.0, True, "time selection"), (2.0, False, "Select the tracks")])
def test_stems_need_a_time_selection_and_tracks(stop: float, is_selected: bool, word: str, reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    project["selection_stop"], project.tracks[2]["is_selected"] = stop, is_selected
    reaper.run(STEMS)
    assert word in reaper.boxes[0] and reaper.tick() == 0


def test_of_several_items_each_is_asked_for_in_order_and_lands(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    for position in (20.0, 30.0):
        reaper.add_item(project.tracks[2], desk.content, name="vocal take", D_POSITION=position, D_LENGTH=1.0)
    reaper.run()
    reaper.tick()
    tickets = sorted(desk.tickets(), key=lambda ticket: str(ticket["reqid"]))
    assert [ticket["reaper"]["position_seconds"] for ticket in tickets] == [12.3456789, 20.0, 30.0]
    assert len({ticket["reqid"] for ticket in tickets}) == 3
    for ticket in reversed(tickets):
        desk.answer(ticket)
    reaper.ticks(3)
    places = sorted(new_item(project, n)["values"]["D_POSITION"] for n in (3, 4, 5))
    assert places == [12.3456789, 20.0, 30.0] and reaper.violations == []


def test_last_settings_ask_nothing(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    reaper.run(LAST)
    assert "run 'Remix selected item' once" in reaper.boxes[0] and not (desk.state / "tickets").exists()
    reaper.run()
    first = desk.take()
    n_boxes, n_menus = len(reaper.boxes), len(reaper.world.menus)
    reaper.add_item(project.tracks[2], desk.content, name="second", D_POSITION=40.0, D_LENGTH=1.0)
    reaper.world["file_answer"] = None
    reaper.run(LAST)
    reaper.tick()
    tickets = desk.tickets()
    assert len(tickets) == 2, "two items are two contents: the style is the one of last time"
    assert {(t["style"], t["preset"]) for t in tickets} == {(first["style"], first["preset"])}
    assert (len(reaper.boxes), len(reaper.world.menus)) == (n_boxes, n_menus) and reaper.violations == []


def test_a_remix_as_a_take_is_heard_at_once_and_undone_at_once(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    reaper.run(TAKE)
    item = project.tracks[2]["items"][1]
    item["values"]["D_POSITION"], item.takes[1]["values"]["D_STARTOFFS"] = 20.0, 0.75  # moved and trimmed meanwhile
    remix = desk.answer(desk.take())
    reaper.ticks(3)
    assert reaper.tracks(project) == ["Drums", "Vocal", "Bass"] and item["active"] == 2
    take = item.takes[2]
    assert take.source.path == str(desk.project / "Media" / remix.name) and take.source.has_peaks
    assert take["values"]["D_STARTOFFS"] == 0.25 and take.strings["P_NAME"] == "vocal take (default)"
    assert reaper.undo_labels(project) == ["Remix of vocal take"]
    reaper.world.undo(reaper.world, project)
    assert len(project.tracks[2]["items"][1].takes) == 1 and reaper.violations == []


def test_a_take_whose_item_is_gone_lands_on_a_track(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    reaper.run(TAKE)
    project.tracks[2]["items"] = reaper.lua.table()
    desk.answer(desk.take())
    reaper.ticks(3)
    assert reaper.tracks(project) == ["Drums", "Vocal", "Vocal remix", "Bass"] and reaper.violations == []


def test_a_take_that_has_landed_does_not_land_again(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    reaper.run(TAKE)
    ticket = desk.take()
    desk.answer(ticket)
    reaper.ticks(3)
    desk.answer(ticket)
    reaper.world.stop_script(reaper.world)
    project.tracks[2]["items"][1]["is_selected"] = False
    reaper.run(TAKE)
    reaper.ticks(3)
    assert len(project.tracks[2]["items"][1].takes) == 2 and reaper.violations == []
