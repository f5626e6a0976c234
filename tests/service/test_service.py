"""The whole service as a real process: asked over UDP, by ticket and by a dropped stem; it answers and renders."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from daw_bridge.errors import BadParameter, NotFound, UnknownJob, UnknownPreset
from daw_bridge.folders import ProjectFolders
from daw_bridge.service import client
from daw_bridge.service.outbox import write_ticket
from tests.service.conftest import write_clip
from tests.service.wire import PREFIX, Osc, ServiceProcess
from tests.waiting import wait_for

RENDER_SECONDS = 90.0
FEW_STEPS = ("num_steps", 2)


def test_a_remix_is_accepted_rendered_and_lands_in_the_project(osc: Osc, project: Path) -> None:
    osc.send("/remix", "song.wav", "style.wav", "default", "asked 1", "project", project.name, *FEW_STEPS, "seed", 1)
    job, reqid, preset = osc.expect("/accepted")
    assert (reqid, preset) == ("asked 1", "default")
    osc.expect("/started", job, "default", seconds=RENDER_SECONDS)
    assert osc.expect("/progress", seconds=RENDER_SECONDS)[1] == job
    path, seconds = osc.expect("/done", job, seconds=RENDER_SECONDS)[1:]
    assert Path(path).parent == ProjectFolders(project).remixes
    assert soundfile.info(path).frames == soundfile.info(project / "song.wav").frames
    assert seconds == pytest.approx(1.0, abs=0.01)
    assert not np.array_equal(soundfile.read(path)[0], soundfile.read(project / "song.wav")[0])
    result = wait_for(lambda: json.loads((ProjectFolders(project).results / "asked 1.json").read_text()))
    assert (result["state"], result["job"]) == ("done", job)
    assert osc.ask("/job", job, answer="/done")[1] == path
    osc.send("/remix", "song.wav", "style.wav", "default", "asked 1", "project", project.name, *FEW_STEPS, "seed", 1)
    assert osc.expect("/accepted")[0] == job
    assert osc.expect("/done", job)[1] == path


@pytest.mark.parametrize(
    ("content", "style", "preset", "code"),
    [
        ("nothing.wav", "style.wav", "default", "not_found"),
        ("empty.wav", "style.wav", "default", "empty_file"),
        ("../song.wav", "style.wav", "default", "forbidden_path"),
        ("/etc/passwd", "style.wav", "default", "forbidden_path"),
        ("song.wav", "daw_bridge", "default", "unsupported_format"),
        ("song.wav", "style.wav", "defalt", "unknown_preset"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_code(
    osc: Osc, project: Path, content: str, style: str, preset: str, code: str
) -> None:
    osc.send("/remix", content, style, preset, "project", project.name)
    told, where, message = osc.expect("/error")
    assert (told, where) == (code, PREFIX + "/remix")
    assert "\n" not in message and ("Did you mean 'default'?" in message) == (code == "unknown_preset")
    osc.ping()


@pytest.mark.parametrize(
    ("content", "style", "code", "said"),
    [
        ("notes.txt", "style.wav", "unsupported_format", "content 'notes.txt' is not an audio file"),
        ("song.wav", "notes.txt", "unsupported_format", "style 'notes.txt' is not an audio file"),
        ("nan.wav", "style.wav", "not_finite", "content 'nan.wav' has NaN"),
        ("song.wav", "blink.wav", "too_short", "less than one window"),
    ],
)
def test_what_cannot_be_rendered_fails_as_a_job_and_the_service_goes_on(
    osc: Osc, project: Path, content: str, style: str, code: str, said: str
) -> None:
    osc.send("/remix", content, style, "default", "project", project.name)
    job = osc.expect("/accepted")[0]
    told, message, hint = osc.expect("/failed", job, seconds=RENDER_SECONDS)[1:]
    assert told == code and said in message and "\n" not in message and hint
    osc.ping()


def test_a_running_job_is_cancelled_and_ping_answers_meanwhile(osc: Osc, project: Path) -> None:
    osc.send("/remix", "song.wav", "style.wav", "default", "project", project.name, "num_steps", 2000, "seed", 2)
    job = osc.expect("/accepted")[0]
    osc.expect("/progress", seconds=RENDER_SECONDS)
    delays = sorted(osc.ping() for _ in range(100))
    assert delays[89] < 0.5  # 20 ms on an idle machine (tests/benchmarks/service.py); others may share this one
    osc.send("/cancel", 0.0)
    osc.send("/cancel", job)
    osc.expect("/cancelled", job)
    assert osc.ask("/cancel", job, answer="/error")[0] == "not_cancellable"
    assert osc.ask("/cancel", "nothing.1", answer="/error")[0] == "unknown_job"


def test_a_stem_dropped_beside_its_style_comes_back(osc: Osc, project: Path) -> None:
    osc.ask("/subscribe", answer="/subscribed")
    drop = ProjectFolders(project).drop / "two words"
    drop.mkdir()
    (drop / "folder.toml").write_text("[parameters]\nnum_steps = 2\n")
    shutil.copy(project / "style.wav", drop / "style.wav")
    write_clip(drop / "č lead.wav", seed=5)
    job = osc.expect("/accepted")[0]
    path = Path(osc.expect("/done", job, seconds=RENDER_SECONDS)[1])
    assert path.is_file()
    assert "two" in path.name
    lead = "daw_bridge/drop/two words/č lead.wav"
    wait_for(lambda: "done" in osc.ask("/why", lead, answer="/why")[1], what="a /why that knows")  # /done goes out first
    assert (drop / "č lead.wav").exists()


def test_a_dropped_file_that_is_no_audio_is_told(osc: Osc, project: Path) -> None:
    osc.ask("/subscribe", answer="/subscribed")
    drop = ProjectFolders(project).drop / "words"
    drop.mkdir()
    shutil.copy(project / "style.wav", drop / "style.wav")
    (drop / "notes.wav").write_text("no audio at all, only words")
    code, where, _ = osc.expect("/error")
    assert (code, where) == ("unsupported_format", "drop/words/notes.wav")


def test_send_asks_by_ticket_and_waits(service: ServiceProcess, project: Path) -> None:
    events: list[client.Event] = []
    sent = client.send(
        project / "song.wav",
        style=project / "style.wav",
        project=project,
        state=service.state,
        parameters=dict([FEW_STEPS]),
        on_event=events.append,
    )
    assert sent.path is not None
    assert sent.path.is_file()
    assert (events[0].kind, events[-1].kind, events[-1].job) == ("accepted", "done", sent.job)
    wait_for(lambda: client.status(state=service.state).state == "idle", what="an idle service")
    assert sent.job in [line.job for line in client.jobs(state=service.state)]
    assert not list(ProjectFolders(project).results.glob("cli-*"))


def test_send_raises_what_the_service_refuses(service: ServiceProcess, project: Path) -> None:
    song, style = project / "song.wav", project / "style.wav"
    with pytest.raises(UnknownPreset, match="Did you mean"):
        client.send(song, style=style, preset="defalt", project=project, state=service.state)
    with pytest.raises(BadParameter):
        client.send(song, style=style, parameters={"stregth": 1}, project=project, state=service.state)
    with pytest.raises(NotFound):
        client.send(song, style=project / "nothing.wav", project=project, state=service.state)
    with pytest.raises(UnknownJob):
        client.cancel("nothing.1", state=service.state)


def test_send_without_a_service_says_how_to_start_one(project: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="daw-bridge serve"):
        client.send(project / "song.wav", style=project / "style.wav", state=tmp_path)
    (tmp_path / "service.json").write_text('{"host": "127.0.0.1", "port": 9, "pid": 1, "version": "0"}')
    with pytest.raises(NotFound, match="daw-bridge serve"):
        client.status(state=tmp_path)


def test_a_ticket_adds_its_project_and_a_broken_one_is_set_aside(service: ServiceProcess, osc: Osc, tmp_path: Path) -> None:
    osc.ask("/subscribe", answer="/subscribed")
    tickets = service.state / "tickets"
    song, style = write_clip(tmp_path / "song.wav"), write_clip(tmp_path / "groove.wav", seed=1)
    table = {"schema": 1, "reqid": "r1", "project": str(tmp_path), "content": str(song), "style": str(style)}
    write_ticket(tickets, json.dumps({**table, "params": {"num_steps": 2}, "reaper": {"track_guid": "{1}"}}))
    job = osc.expect("/accepted")[0]
    result = ProjectFolders(tmp_path).results / "r1.json"
    assert wait_for(lambda: result.exists() and json.loads(result.read_text()), RENDER_SECONDS)["reaper"] == {"track_guid": "{1}"}
    osc.expect("/done", job)
    write_ticket(tickets, json.dumps({**table, "reqid": "r2", "preset": "defalt"}))
    assert osc.expect("/error", "unknown_preset")[1] == "ticket/r2"
    refusal = json.loads((ProjectFolders(tmp_path).results / "r2.json").read_text())
    assert (refusal["state"], refusal["error"]["code"]) == ("failed", "unknown_preset")
    (tickets / "broken.json").write_text("{")
    osc.expect("/error", "bad_args")
    assert not list(tickets.glob("*.json"))


def test_go_is_refused_before_anything_is_set(quick_osc: Osc) -> None:
    assert quick_osc.ask("/go", answer="/error")[0] == "bad_args"


def test_buttons_ask_for_what_was_set(osc: Osc, project: Path) -> None:
    osc.send("/go", 0.0)
    assert osc.ask("/content", "song.wav", answer="/content") == ("song.wav",)
    assert osc.ask("/style", "style.wav", answer="/style") == ("style.wav",)
    assert osc.ask("/preset", 1.0, answer="/preset") == ("default",)
    assert osc.ask("/param/num_steps", 0.001, answer="/param/num_steps")[0] == pytest.approx(0.001)
    assert osc.ask("/param/nothing", 0.5, answer="/error")[0] == "bad_param"
    job = osc.ask("/preset/1/go", 1.0, answer="/accepted")[0]
    assert osc.ask("/go", 1.0, answer="/accepted")[0] == job
    osc.expect("/done", job, seconds=RENDER_SECONDS)


def test_lists_end_with_their_number(osc: Osc) -> None:
    total = osc.ask("/presets", answer="/presets/end")[0]
    assert total == len([1 for address, _ in osc.heard if address == "/preset/info"]) >= 2
    total = osc.ask("/params", answer="/params/end")[0]
    assert total == len([1 for address, _ in osc.heard if address == "/param/info"]) > 5
    total = osc.ask("/jobs", answer="/jobs/end")[0]
    assert total == len([1 for address, _ in osc.heard if address == "/job/info"])
    assert osc.ask("/version", answer="/version/info")[0] == "daw-bridge"


def test_subscribers_hear_at_the_port_that_they_name_and_no_more_than_sixteen_do(service: ServiceProcess, osc: Osc) -> None:
    listener = Osc(service.port)
    port = listener.sock.getsockname()[1]
    assert osc.ask("/subscribe", port, answer="/subscribed") == (port, 60)
    osc.send("/status")
    listener.expect("/status/info")
    while osc.ask("/unsubscribe", port, answer="/subscribed") != (port, 0):
        pass
    for number in range(20):
        osc.send("/subscribe", 40_000 + number)
    assert osc.expect("/error")[0] == "queue_full"
    for number in range(20):
        osc.send("/unsubscribe", 40_000 + number)
    listener.close()


@pytest.mark.skipif(shutil.which("oscsend") is None, reason="liblo-tools is not installed")
def test_liblo_is_understood(service: ServiceProcess, osc: Osc) -> None:
    osc.ask("/subscribe", answer="/subscribed")
    subprocess.run(["oscsend", "127.0.0.1", str(service.port), PREFIX + "/status"], check=True, timeout=10)
    osc.expect("/status/info")


def test_the_service_keeps_torch_and_the_renderer_out(service: ServiceProcess) -> None:
    maps = Path(f"/proc/{service.process.pid}/maps")
    if not maps.exists():
        pytest.skip("this system has no /proc")
    assert "libtorch" not in maps.read_text()


def test_a_preset_that_breaks_is_named_and_its_last_good_version_goes_on(service: ServiceProcess, osc: Osc) -> None:
    folder = service.state / "presets"
    folder.mkdir(exist_ok=True)
    path = folder / "mine.toml"
    path.write_text('schema = 1\ntitle = "Mine"\nabout = "A."\nextends = "default"\n[transfer]\nnum_steps = 1\n')
    assert osc.ask("/preset", "mine", answer="/preset") == ("mine",)
    osc.ask("/subscribe", answer="/subscribed")
    path.write_text('schema = 1\ntitle = "Mine"\nabout = "A."\n[transfer]\nnum_stesp = 1\n')
    said = osc.expect("/error", "bad_param", "presets")[2]
    assert "mine.toml is broken and its last good version is in use" in said and "Did you mean 'num_steps'" in said
    assert osc.ask("/preset", "mine", answer="/preset") == ("mine",)
    assert osc.ask("/remix", "song.wav", "style.wav", "mine", answer="/accepted")[2] == "mine"
    path.unlink()
    assert osc.ask("/preset", "mine", answer="/error")[0] == "unknown_preset"
    assert osc.ask("/preset", "default", answer="/preset") == ("default",)


def test_send_knows_the_project_as_soon_as_the_service_listens(tmp_path: Path) -> None:
    project = tmp_path / "project"
    song, style = write_clip(project / "song.wav"), write_clip(project / "style.wav", seed=3)
    running = ServiceProcess([project], tmp_path / "state", is_quick=True)
    try:
        assert client.send(song, style=style, state=running.state, is_waiting=False).job
    finally:
        running.stop()
