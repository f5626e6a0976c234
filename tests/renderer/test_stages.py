"""The real stages, and the real renderer around them, on clips of half a second."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from daw_bridge import disk, making, plugin_host, plugins, publish
from daw_bridge.audio_files import read_audio, read_place
from daw_bridge.errors import Away, Cancelled, DiskFull, NotFound
from daw_bridge.folders import ProjectFolders, StateFolders
from daw_bridge.job import Job
from daw_bridge.jobs import JobStore
from daw_bridge.presets import load_preset, preset_from
from daw_bridge.renderer import first_sound, stages
from daw_bridge.renderer.device import Device
from daw_bridge.renderer.order import Order
from daw_bridge.request import RenderRequest, source_file
from daw_bridge.service.supervisor import Supervisor
from tests.waiting import wait_for

RATE = 22_050


def ignore(*_: object) -> None:
    """Nobody listens."""


@pytest.fixture
def asked(tmp_path: Path) -> RenderRequest:
    project = tmp_path / "project"
    project.mkdir()
    chance = np.random.default_rng(1)
    for name, tone_hz in (("song", 330.0), ("groove", 90.0)):
        seconds = np.arange(RATE) / RATE
        tone = 0.3 * np.sin(2 * np.pi * tone_hz * seconds)
        soundfile.write(
            project / f"{name}.wav", np.stack([tone, 0.5 * tone], 1) + 0.01 * chance.normal(size=(RATE, 2)), RATE, "PCM_24"
        )
    preset = load_preset("default").with_parameters({"num_steps": 2, "n_bands": 64})
    content, style = (source_file(project / f"{name}.wav", "content") for name in ("song", "groove"))
    return RenderRequest(str(project), content, style, preset.to_table(), start_seconds=0.25, length_seconds=0.5, reqid="r1")


@pytest.fixture
def order(asked: RenderRequest, tmp_path: Path) -> Order:
    folder = tmp_path / "work"
    folder.mkdir()
    return Order("job.1", asked, folder)


def test_render_and_publish_make_a_file_like_the_part_asked_for_with_its_recipe(order: Order) -> None:
    seen = list[tuple[str, float]]()
    stages.render(order, lambda phase, fraction: seen.append((phase, fraction)), ignore)
    published = stages.publish(order)
    info = soundfile.info(published.file)
    assert (info.samplerate, info.channels, info.frames, info.subtype) == (RATE, 2, RATE // 2, "PCM_24")
    assert Path(published.file).name == "song__default__groove__v001.wav" and published.seconds == pytest.approx(0.5, abs=1e-4)
    recipe = json.loads(Path(published.recipe).read_text())
    assert recipe["job"] == "job.1" and recipe["content"]["path"] == order.request.content.path
    assert [fraction for _, fraction in seen] == sorted(fraction for _, fraction in seen) and seen[0] == ("load", 0.0)


def test_publishing_again_after_a_kill_gives_the_same_file_and_no_second_version(order: Order) -> None:
    stages.render(order, ignore, ignore)
    first = stages.publish(order)
    assert stages.publish(order) == first
    assert len(list(ProjectFolders(Path(order.request.project)).remixes.glob("*.wav"))) == 1


def test_what_is_kept_between_the_steps_loses_no_bit(order: Order) -> None:
    stages.render(order, ignore, ignore)
    kept = read_audio(order.folder / "remix.wav")
    published = read_audio(Path(stages.publish(order).file))
    assert np.array_equal(kept.samples, published.samples)


def test_a_cancel_stops_the_render_and_leaves_nothing_to_publish(order: Order) -> None:
    def give_up(phase: str, fraction: float) -> None:
        if phase == "transfer":
            raise Cancelled("given up")

    with pytest.raises(Cancelled):
        stages.render(order, give_up, ignore)
    assert not list(order.folder.glob("remix*")) and not ProjectFolders(Path(order.request.project)).remixes.exists()


def test_a_failed_publish_gives_its_version_back(order: Order, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> Path:
        raise DiskFull("no room")

    stages.render(order, ignore, ignore)
    with monkeypatch.context() as patch:
        patch.setattr(publish, "publish", full)
        with pytest.raises(DiskFull):
            stages.publish(order)
    assert not list(ProjectFolders(Path(order.request.project)).remixes.glob("*.json"))
    assert stages.publish(order).file.endswith("__v001.wav")


def test_an_input_that_changed_or_went_is_refused_by_its_role_and_name(order: Order) -> None:
    path = Path(order.request.content.path)
    os.utime(path, ns=(1, 1))
    with pytest.raises(NotFound, match=r"content 'song\.wav' was changed after it was asked for"):
        stages.copied(order, "content")
    path.unlink()
    with pytest.raises(NotFound, match=r"content 'song\.wav' is not there any more") as raised:
        stages.copied(order, "content")
    assert not isinstance(raised.value, Away), "it is not waited for"


def test_an_input_whose_drive_went_is_told_from_one_that_was_taken_away(order: Order, tmp_path: Path) -> None:
    project = Path(order.request.project)
    project.rename(tmp_path / "away")
    with pytest.raises(Away, match=r"content 'song\.wav' cannot be reached: its drive or share has gone"):
        stages.copied(order, "content")
    project.mkdir()  # as an empty mount point
    with pytest.raises(Away):
        stages.copied(order, "content")


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE])
def test_a_share_that_fails_in_the_middle_counts_as_away(order: Order, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise OSError(number, "the share is away")

    monkeypatch.setattr(disk, "pour", fails)
    with pytest.raises(Away, match="cannot be reached"):
        stages.copied(order, "content")
    assert not any((order.folder / "content").iterdir())


def test_no_folder_is_made_in_the_place_of_a_project_that_was_moved(order: Order, tmp_path: Path) -> None:
    stages.render(order, ignore, ignore)
    project = Path(order.request.project)
    project.rename(tmp_path / "renamed")
    with pytest.raises(Away, match="is not there any more"):
        stages.publish(order)
    assert not project.exists()
    (tmp_path / "renamed").rename(project)
    assert Path(stages.publish(order).file).is_file()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[tuple[JobStore, Supervisor]]:
    state = StateFolders(tmp_path / "state")
    store = JobStore(state.job_database)
    supervisor = Supervisor(state, store)
    supervisor.start()
    yield store, supervisor
    supervisor.stop(5.0)
    store.close()


def until_final(store: JobStore, supervisor: Supervisor, job: Job) -> Job:
    def look() -> Job | None:
        supervisor.tick(time.monotonic())
        now = store.get(job.id)
        return now if now.is_final else None

    return wait_for(look, 180.0, "the end of the job")


def test_the_real_renderer_killed_in_the_middle_publishes_exactly_once(
    asked: RenderRequest, service: tuple[JobStore, Supervisor]
) -> None:
    store, supervisor = service
    job, _ = store.submit(asked)
    supervisor.nudge()
    wait_for(lambda: store.get(job.id).run, what="the start")
    process = supervisor._renderers[0].process
    assert process is not None
    process.kill()
    done = until_final(store, supervisor, job)
    assert done.state == "done", done.error
    folders = ProjectFolders(Path(asked.project))
    assert [path.name for path in folders.remixes.glob("*.wav")] == ["song__default__groove__v001.wav"]
    assert not any(folders.staging.iterdir()) and not any(supervisor.state.work.iterdir())
    ticket = json.loads((folders.results / "r1.json").read_text())
    assert ticket["state"] == "done" and ticket["file"] == done.result_path and Path(ticket["recipe"]).exists()


def test_a_file_that_is_no_audio_fails_with_its_code_and_the_next_job_is_done(
    asked: RenderRequest, service: tuple[JobStore, Supervisor]
) -> None:
    store, supervisor = service
    broken = Path(asked.project) / "broken.wav"
    broken.write_bytes(b"this is no audio at all" * 9)
    job, _ = store.submit(replace(asked, content=source_file(broken, "content"), reqid="r2"))
    following, _ = store.submit(asked)
    supervisor.nudge()
    failed = until_final(store, supervisor, job)
    assert failed.error and failed.error["code"] == "unsupported_format" and "broken.wav" in failed.error["message"]
    assert until_final(store, supervisor, following).state == "done"


def test_a_plugin_that_crashes_and_one_that_hangs_cost_their_jobs_alone(
    asked: RenderRequest, service: tuple[JobStore, Supervisor], vst3: Path
) -> None:
    store, supervisor = service
    allowed, _ = plugin_host.described(vst3, limit_seconds=60.0)
    jobs, renderer = list[Job](), supervisor._renderers[0].process
    # Of those that come back, a busy machine may take long over the start alone.
    for parameters, limit_seconds in (({"crash": 1.0}, 60.0), ({"hang": 1.0}, 5.0), ({"gain_db": -6.0}, 60.0)):
        plugins.allow(replace(allowed, limit_seconds=limit_seconds))
        step = {"plugin": "vst3", "name": allowed.name, "parameters": parameters}
        job, _ = store.submit(replace(asked, preset={**asked.preset, "post": [step]}, reqid=f"r{len(jobs)}"))
        supervisor.nudge()
        jobs.append(until_final(store, supervisor, job))
    crashed, hung, done = jobs
    plugins.forget(allowed.name)
    assert [job.error and job.error["code"] for job in (crashed, hung, done)] == ["plugin_failed", "plugin_failed", None]
    assert crashed.error and "crashed (SIGABRT)" in crashed.error["message"]
    assert hung.error and "did nothing for 5 s" in hung.error["message"]
    assert done.state == "done"
    assert supervisor._renderers[0].process is renderer and supervisor._renderers[0].is_alive, "no renderer was lost"


def test_warming_loads_what_a_render_needs() -> None:
    stages.warm("cpu")


@pytest.fixture
def long_order(order: Order, monkeypatch: pytest.MonkeyPatch) -> Order:
    """Of a song that is loud from the seventh second on, in a renderer that knows of no pace yet."""
    monkeypatch.setattr(stages, "PACES", first_sound.Paces())
    path = Path(order.request.content.path)
    seconds = np.arange(17 * RATE) / RATE
    tone = np.where(seconds > 7, 0.3, 0.01) * np.sin(2 * np.pi * 330.0 * seconds)
    soundfile.write(path, tone + 1e-3 * np.random.default_rng(2).normal(size=tone.shape), RATE, "PCM_16")
    content = source_file(path, "content")
    return replace(order, request=replace(order.request, content=content, start_seconds=1.0, length_seconds=15.0))


def test_a_long_job_offers_its_loudest_seconds_first(long_order: Order) -> None:
    seen, heard = list[tuple[str, float]](), list[Path]()
    stages.render(long_order, lambda phase, fraction: seen.append((phase, fraction)), heard.append)
    previews = ProjectFolders(Path(long_order.request.project)).previews
    assert heard == [previews / "song__default__groove__job.1.wav"] == list(previews.iterdir())
    info = soundfile.info(str(heard[0]))
    assert (info.frames, info.samplerate, info.channels, info.subtype) == (8 * RATE, RATE, 1, "PCM_16")
    assert read_place(heard[0]).time_reference == pytest.approx(7 * RATE, abs=RATE / 4), "a DAW spots it to its place in the song"
    phases = [phase for phase, _ in seen if phase != "load"]
    first_of_whole = phases.index("listen")
    assert set(phases[:first_of_whole]) == {"preview"} and "preview" not in phases[first_of_whole:]
    assert [fraction for _, fraction in seen] == sorted(fraction for _, fraction in seen)


def test_the_style_is_heard_once_for_the_first_sound_and_the_whole(long_order: Order, tmp_path: Path) -> None:
    stages.render(replace(long_order, styles=tmp_path / "styles"), ignore, ignore)
    assert len(list((tmp_path / "styles").glob("*.safetensors"))) == 1


@pytest.mark.parametrize(("asked_seconds", "given_seconds"), [(0.0, 3.0), (2.5, 2.5), (60.0, 3.0)])
def test_a_first_sound_takes_as_many_steps_as_there_is_time_for(asked_seconds: float, given_seconds: float) -> None:
    preset = load_preset("default").with_parameters({"time_budget_seconds": asked_seconds}).to_table()
    changed = preset_from(first_sound._in_time(preset), "default").transfer
    assert changed.time_budget_seconds == given_seconds
    assert replace(changed, time_budget_seconds=asked_seconds) == preset_from(preset, "default").transfer


def test_a_first_sound_is_made_once_for_a_job_that_runs_again(long_order: Order, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = list[Path]()
    for _ in range(2):
        monkeypatch.setattr(stages, "PACES", first_sound.Paces())
        stages.render(long_order, ignore, heard.append)
    first, again = heard
    assert first == again and len(list(first.parent.iterdir())) == 1


@pytest.mark.parametrize("change", [{"priority": "batch"}, {"has_preview": False}, {"length_seconds": 11.0}])
def test_batches_short_parts_and_who_says_no_get_none(long_order: Order, change: dict[str, Any]) -> None:
    stages.render(replace(long_order, request=replace(long_order.request, **change)), ignore, _never)
    assert not ProjectFolders(Path(long_order.request.project)).previews.exists()


def test_a_long_job_gets_none_where_wholes_were_made_quickly_and_gets_it_again_where_they_no_longer_are(
    long_order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    paces = first_sound.Paces()
    monkeypatch.setattr(stages, "PACES", paces)
    content, style = (stages.copied(long_order, role) for role in ("content", "style"))
    sources = making.read_sources(long_order.request, content, style)
    paces.note(long_order, sources, 0.9 * first_sound.WHOLE_SECONDS)
    stages.render(long_order, ignore, _never)
    assert 0 < paces.seconds_of(long_order, sources) < float("inf"), "the whole was measured"
    paces.note(long_order, sources, 1.1 * first_sound.WHOLE_SECONDS)
    heard = list[Path]()
    stages.render(long_order, ignore, heard.append)
    assert len(heard) == 1
    other = replace(long_order, request=replace(long_order.request, preset={**long_order.request.preset, "title": "Another"}))
    assert paces.seconds_of(other, sources) == float("inf"), "nobody knows yet"


def _never(path: Path) -> None:
    raise AssertionError(path)


def test_a_first_sound_that_fails_does_the_job_no_harm(long_order: Order) -> None:
    previews = ProjectFolders(Path(long_order.request.project)).previews
    previews.parent.mkdir()
    previews.write_text("no folder")
    stages.render(long_order, ignore, _never)
    assert soundfile.info(stages.publish(long_order).file).frames == 15 * RATE


def test_a_cancel_ends_the_first_sound_and_the_job(long_order: Order) -> None:
    def give_up(phase: str, fraction: float) -> None:
        if phase == "preview" and fraction > 0.1:
            raise Cancelled("given up")

    with pytest.raises(Cancelled):
        stages.render(long_order, give_up, _never)
    assert not ProjectFolders(Path(long_order.request.project)).previews.exists() and not list(long_order.folder.glob("remix*"))


def test_a_warm_renderer_has_resampled_and_has_loaded_nothing_that_is_slow_to_load_and_not_needed() -> None:
    slow = {"librosa", "torchvision", "numba", "sklearn"}
    lines = (
        "import sys",
        "from daw_bridge.renderer import stages",
        "stages.load()",
        "stages.warm('cpu')",
        f"print('soxr' in sys.modules, sorted({slow} & set(sys.modules)))",
    )
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=True)
    assert done.stdout == "True []\n"


def test_a_render_that_stood_aside_for_another_gives_the_same_samples(order: Order, tmp_path: Path) -> None:
    device, is_aside, may_go_on = Device(), threading.Event(), threading.Event()

    def wait() -> bool:
        is_aside.set()
        assert may_go_on.wait(120.0)
        return True

    def on_progress(phase: str, _: float) -> None:
        if phase == "transfer" and not is_aside.is_set():
            device.stand_aside(wait)

    orders = [replace(order, folder=tmp_path / name) for name in ("plain", "aside")]
    other = replace(order, folder=tmp_path / "other", request=replace(order.request, seed=5))
    for each in (*orders, other):
        each.folder.mkdir()
    device.call(lambda: stages.render(orders[0], ignore, ignore))
    call = device.begin(lambda: stages.render(orders[1], on_progress, ignore))
    assert is_aside.wait(120.0)
    device.call(lambda: stages.render(other, ignore, ignore))
    may_go_on.set()
    assert call.is_over(120.0)
    call.result()
    plain, aside, third = (next(each.folder.glob("remix.*")).read_bytes() for each in (*orders, other))
    assert plain == aside != third
