"""A first sound is told of while the whole goes on; a batch that stands aside is told of as it is."""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path

import pytest

from daw_bridge.folders import ProjectFolders
from daw_bridge.service import client
from tests.service.wire import Osc, ServiceProcess
from tests.waiting import wait_for


def ask(quick: ServiceProcess, osc: Osc, name: str, content: dict[str, object], *pairs: object) -> str:
    (project_of(quick) / name).write_text(json.dumps(content))
    osc.send("/remix", name, name, "default", *pairs)
    return str(osc.expect("/accepted")[0])


def project_of(quick: ServiceProcess) -> Path:
    return Path(json.loads((quick.state / "projects.json").read_text())[0])


def held(quick: ServiceProcess, name: str = "switch") -> Path:
    """A file that holds the job up which names it, until it is removed."""
    switch = project_of(quick) / name
    switch.touch()
    return switch


def jobs_in(path: Path) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(path.read_text())["jobs"]
    return found


def test_a_first_sound_is_told_of_kept_for_who_asks_and_shown_by_the_commands(quick: ServiceProcess, quick_osc: Osc) -> None:
    switch = held(quick)
    job = ask(quick, quick_osc, "long.json", {"seconds": 0.2, "preview": 1, "hold": switch.name})
    path = quick_osc.expect("/preview", job)[1]
    assert Path(path).parent == ProjectFolders(project_of(quick)).previews and Path(path).is_file()
    quick_osc.send("/job", job)
    assert quick_osc.expect("/preview", job) == (job, path)
    quick_osc.expect("/progress")
    shown = {line.job: line.preview for line in client.jobs(state=quick.state)}
    assert shown[job] == path
    entries = wait_for(lambda: [e for e in jobs_in(quick.state / "progress.json") if e["preview"]], what="the progress file")
    assert [(entry["job"], entry["preview"]) for entry in entries] == [(job, path)]
    switch.unlink()
    quick_osc.expect("/done", job)
    quick_osc.send("/job", job)
    quick_osc.expect("/done", job)
    assert ("/preview", (job, path)) not in quick_osc.heard[-2:], "the remix is there"


def test_who_sends_a_request_hears_of_the_first_sound(quick: ServiceProcess) -> None:
    song = project_of(quick) / "sent.json"
    switch = held(quick)
    song.write_text(json.dumps({"seconds": 0.2, "preview": 1, "hold": switch.name}))
    heard = list[client.Event]()

    def hear(event: client.Event) -> None:
        heard.append(event)
        if event.kind == "preview":
            switch.unlink()

    sent = client.send(song, style=song, state=quick.state, on_event=hear)
    kinds = [event.kind for event in heard]
    assert kinds.count("preview") == 1 and kinds.index("preview") < kinds.index("done")
    assert next(event.detail for event in heard if event.kind == "preview").endswith(f"{sent.job}.wav")


@pytest.mark.parametrize("has_preview", [0, 1])
def test_a_request_can_do_without_a_first_sound(quick: ServiceProcess, quick_osc: Osc, has_preview: int) -> None:
    switch = held(quick)
    content: dict[str, object] = {"seconds": 0.2, "preview": 1, "hold": switch.name}
    job = ask(quick, quick_osc, f"plain {has_preview}.json", content, "preview", has_preview)
    if has_preview:
        quick_osc.expect("/preview", job)
    else:
        wait_for(lambda: quick_osc.expect("/progress")[2] == "transfer", what="a render without it")
    switch.unlink()
    quick_osc.expect("/done", job)
    assert any(address == "/preview" for address, _ in quick_osc.heard) == bool(has_preview)


def test_the_configuration_can_do_without_first_sounds(tmp_path: Path) -> None:
    project, state = tmp_path / "project", tmp_path / "state"
    project.mkdir()
    state.mkdir()
    (state / "config.toml").write_text("previews = false\n")
    service = ServiceProcess([project], state, is_quick=True)
    osc = Osc(service.port)
    try:
        wait_for((state / "projects.json").exists, what="a service that is ready")
        job = ask(service, osc, "long.json", {"seconds": 0.5, "preview": 1})
        osc.expect("/done", job)
        assert not any(address == "/preview" for address, _ in osc.heard)
    finally:
        osc.close()
        assert service.stop() == (0, "")


def test_a_batch_that_stands_aside_is_told_of_as_queued_and_as_started_again(quick: ServiceProcess, quick_osc: Osc) -> None:
    quick_osc.ask("/subscribe", answer="/subscribed")
    switches = [held(quick, name) for name in ("batch", "urgent")]
    batch = ask(quick, quick_osc, "batch.json", {"seconds": 0.4, "hold": switches[0].name}, "priority", "batch")
    quick_osc.expect("/started", batch)
    wait_for(lambda: quick_osc.expect("/progress")[0] > 0.1, what="a batch that has come some way")
    now = ask(quick, quick_osc, "now.json", {"seconds": 0.4, "hold": switches[1].name})
    wait_for(lambda: quick_osc.ask("/status", answer="/status/info") == ("rendering", 1, 1, now), what="the urgent one")
    switches[1].unlink()
    quick_osc.expect("/done", now)
    wait_for(lambda: quick_osc.expect("/started")[0] == batch, what="the batch that goes on")
    switches[0].unlink()
    quick_osc.expect("/done", batch)
    states = [(address, values[0]) for address, values in quick_osc.heard if address in ("/queued", "/started", "/done")]
    told = [address for address, _ in groupby(address for address, job in states if job == batch)]  # places change meanwhile
    assert told[-4:] == ["/started", "/queued", "/started", "/done"]
    assert states.index(("/done", now)) < states.index(("/done", batch))
    again = [n for n, (address, values) in enumerate(quick_osc.heard) if address == "/started" and values[0] == batch][1]
    fractions = [values[0] for address, values in quick_osc.heard[again:] if address == "/progress" and values[1] == batch]
    assert fractions[0] > 0.1 and fractions == sorted(fractions), "it goes on where it was"
