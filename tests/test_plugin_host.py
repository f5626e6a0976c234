"""A real VST3 plugin in its own process: what it makes, its delay, its crash and its hang."""

from __future__ import annotations

import contextlib
import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from numpy.typing import NDArray

from daw_bridge import disk, plugin_host, plugins
from daw_bridge.audio import Audio
from daw_bridge.errors import Cancelled, DiskFull, PluginFailed
from daw_bridge.pipeline import Progress, render
from daw_bridge.plugins import Allowed, allow
from daw_bridge.post import apply_chain, chain_delay_samples, check_chain
from daw_bridge.preset import Plugin
from daw_bridge.presets import load_preset
from daw_bridge.scratch import Scratch
from tests.command import TREE
from tests.plugin.building import NAME
from tests.waiting import wait_for

RATE = 44_100


@pytest.fixture
def allowed(vst3: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Allowed:
    monkeypatch.setenv("DAW_BRIDGE_PLUGINS", str(tmp_path / "plugins.json"))
    found, _ = plugin_host.described(vst3, limit_seconds=60.0)
    allow(found)
    return found


def noise(n_channels: int = 2, n_samples: int = 3 * RATE) -> NDArray[np.float32]:
    return np.random.default_rng(0).uniform(-0.3, 0.3, (n_channels, n_samples)).astype(np.float32)


def step(state: str = "", **parameters: Any) -> Plugin:
    return Plugin("vst3", parameters, NAME, state)


def test_a_plugin_tells_what_it_is(allowed: Allowed) -> None:
    assert (allowed.format, allowed.name, allowed.version) == ("vst3", NAME, "1.2.3")
    gain, crash = allowed.settings["gain_db"], allowed.settings["crash"]
    assert (gain.standard, gain.low, gain.high) == (0.0, -60.0, 20.0)
    assert (crash.standard, crash.low, crash.high) == (0.0, 0.0, 1.0)
    assert plugins.allowed_plugins() == [allowed]


def test_a_gain_is_a_gain_and_a_reported_delay_is_taken_out(allowed: Allowed, tmp_path: Path) -> None:
    audio = Audio(noise(), RATE)
    wet = apply_chain(audio, (step(gain_db=-6.0, delay=1024.0),), scratch=Scratch(tmp_path))
    assert wet.samples.shape == audio.samples.shape
    np.testing.assert_allclose(wet.samples, audio.samples * 10 ** (-6 / 20), atol=1e-5)
    assert [path.name for path in tmp_path.iterdir()] == ["plugins.json"], "nothing of the plugin's process stays"


def test_a_delay_that_is_not_reported_is_found_by_correlation_and_taken_out(allowed: Allowed) -> None:
    late = step(delay=1024.0, reports=0.0)
    assert chain_delay_samples((late,), RATE) == pytest.approx(1024, abs=1)
    audio = Audio(noise(), RATE)
    wet = apply_chain(audio, (late, Plugin("Gain", {"gain_db": 6.0})))
    delay = 1024 - chain_delay_samples((late,), RATE)
    kept = slice(10, audio.n_samples - 10)
    expected = np.roll(audio.samples, delay, axis=1) * 10 ** (6 / 20)
    np.testing.assert_allclose(wet.samples[:, kept], expected[:, kept], atol=1e-5)


@pytest.mark.parametrize(("n_channels", "n_samples"), [(1, 5000), (3, 5000), (2, 7)])
def test_any_number_of_channels_and_any_length_comes_back(allowed: Allowed, n_channels: int, n_samples: int) -> None:
    audio = Audio(noise(n_channels, n_samples), 48_000)
    wet = apply_chain(audio, (step(gain_db=-6.0),))
    np.testing.assert_allclose(wet.samples, audio.samples * 10 ** (-6 / 20), atol=1e-5)


def test_a_state_sets_what_the_parameters_do_not(allowed: Allowed, vst3: Path, tmp_path: Path) -> None:
    import pedalboard

    plugin: Any = pedalboard.VST3Plugin(str(vst3))
    plugin.gain_db = -20.0
    plugin.process(noise(), RATE)  # DPF saves what its processor has heard of
    (tmp_path / "quiet.vstpreset").write_bytes(plugin.preset_data)
    _, state = plugin_host.described(vst3, limit_seconds=60.0, preset_file=str(tmp_path / "quiet.vstpreset"))
    audio = Audio(noise(), RATE)
    quiet = apply_chain(audio, (step(state),))
    np.testing.assert_allclose(quiet.samples, audio.samples * 0.1, atol=1e-4)
    loud = apply_chain(audio, (step(state, gain_db=6.0),))
    np.testing.assert_allclose(loud.samples, audio.samples * 10 ** (6 / 20), atol=1e-4)


def test_a_crash_is_an_error_of_one_sentence(allowed: Allowed) -> None:
    check_chain((step(crash=1.0),))
    with pytest.raises(PluginFailed, match=rf"^plugin '{NAME}' crashed \(SIGABRT\)\. Update it"):
        apply_chain(Audio(noise(), RATE), (step(crash=1.0),))


def test_a_plugin_that_hangs_is_ended(allowed: Allowed) -> None:
    allow(dataclasses.replace(allowed, limit_seconds=4.0))
    with pytest.raises(PluginFailed, match=rf"plugin '{NAME}' did nothing for 4 s.*--limit"):
        apply_chain(Audio(noise(), RATE), (step(hang=1.0),))


def plugin_processes() -> list[psutil.Process]:
    found = []
    for process in psutil.Process().children():
        with contextlib.suppress(psutil.Error):  # ended meanwhile
            found += [process] if "daw_bridge.plugin_process" in " ".join(process.cmdline()) else []
    return found


def test_whoever_is_told_of_progress_may_end_it(allowed: Allowed) -> None:
    found: list[psutil.Process] = []

    def stop(share: float) -> None:
        assert 0.0 <= share <= 1.0
        found.extend(plugin_processes())
        if found:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        plugin_host.process(step(hang=1.0), noise(), 3 * RATE, RATE, on_part=stop)
    assert found and not plugin_processes()


def test_no_room_for_the_sound_is_found_out_before_the_plugin_starts(allowed: Allowed, tmp_path: Path) -> None:
    with pytest.raises(DiskFull, match="no room on the disk for 'plugin-"):
        plugin_host.process(step(), noise(), 1 << 50, RATE, Scratch(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["plugins.json"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not say how many blocks a file has")
def test_the_sound_has_all_its_room_before_the_plugin_starts(allowed: Allowed, tmp_path: Path) -> None:
    found: dict[str, tuple[int, int]] = {}

    def look(share: float) -> None:
        files = {path.name: path.stat() for path in tmp_path.glob("plugin-*/*.f32")}
        found.update({name: (stat.st_blocks * 512, stat.st_size) for name, stat in files.items()})
        raise Cancelled("seen")

    with pytest.raises(Cancelled):
        plugin_host.process(step(hang=1.0), noise(), 3 * RATE, RATE, Scratch(tmp_path), look)
    assert found.keys() == {"in.f32", "out.f32"}
    assert all(has_bytes >= n_bytes == 2 * 3 * RATE * 4 for has_bytes, n_bytes in found.values()), found


def test_the_search_for_a_delay_can_be_ended_and_works_in_the_jobs_own_folder(allowed: Allowed, tmp_path: Path) -> None:
    allow(dataclasses.replace(allowed, limit_seconds=4.0))

    def stop(share: float) -> None:
        assert share == 0.0 and list(tmp_path.glob("plugin-*/in.f32"))
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        apply_chain(Audio(noise(), RATE), (step(hang=1.0),), scratch=Scratch(tmp_path), on_part=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["plugins.json"] and not plugin_processes()


def test_the_trial_runs_for_a_time_budget_can_be_ended_and_work_in_the_jobs_own_folder(allowed: Allowed, tmp_path: Path) -> None:
    allow(dataclasses.replace(allowed, limit_seconds=4.0))
    preset = load_preset("fast").with_parameters({"time_budget_seconds": 10.0, "n_bands": 64})
    preset = dataclasses.replace(preset, post=(step(hang=1.0),))

    def stop(progress: Progress) -> None:
        assert progress.phase == "listen"
        if list(tmp_path.glob("plugin-*/in.f32")):
            raise Cancelled("enough")

    content, style = Audio(noise(2, RATE), RATE), Audio(noise(1, RATE), RATE)
    with pytest.raises(Cancelled):
        render(content, style, preset, device="cpu", on_step=stop, scratch=Scratch(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["plugins.json"] and not plugin_processes()


RENDERS = """
import numpy as np
from daw_bridge import plugin_host
from daw_bridge.preset import Plugin
plugin_host.process(Plugin("vst3", {"hang": 1.0}, "Bridge Test"), np.zeros((2, 44_100), np.float32), 44_100, 44_100)
"""


def test_a_plugin_that_hangs_goes_with_the_renderer_that_is_killed(allowed: Allowed) -> None:
    renderer = subprocess.Popen([sys.executable, "-c", RENDERS], cwd=TREE)
    try:
        children = wait_for(lambda: psutil.Process(renderer.pid).children(), what="the plugin's process")
    finally:
        renderer.kill()
        renderer.wait()
    wait_for(lambda: not any(map(is_at_work, children)), what="the end of the plugin's process")


def test_a_plugin_that_hangs_goes_when_its_input_ends(allowed: Allowed, tmp_path: Path) -> None:
    order = {"task": "render", "path": allowed.path, "name": NAME, "parameters": {"hang": 1.0}, "state": ""}
    disk.write_json(tmp_path / "order.json", {**order, "shape": [1, 9], "n_wanted": 9, "sample_rate": RATE})
    for name in ("in.f32", "out.f32"):
        (tmp_path / name).write_bytes(bytes(4 * 9))
    with plugin_host._started(tmp_path) as process:
        wait_for((tmp_path / "beat").exists, what="the plugin at work")
        assert process.stdin is not None, "a pipe, which ends with the renderer on every system"
        process.stdin.close()
        assert process.wait(60.0) == 1


def is_at_work(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_a_file_that_is_no_plugin_inside_is_said(tmp_path: Path, vst3: Path) -> None:
    library = next(vst3.glob("Contents/*/*.so"))
    broken = tmp_path / "Broken.vst3" / "Contents" / library.parent.name / "Broken.so"
    broken.parent.mkdir(parents=True)
    broken.write_text("no code at all")
    with pytest.raises(PluginFailed, match=r"plugin 'Broken\.vst3': "):
        plugin_host.described(tmp_path / "Broken.vst3", limit_seconds=60.0)
    broken.write_bytes(library.read_bytes()[:1000])
    with pytest.raises(PluginFailed, match=r"plugin 'Broken\.vst3'"):
        plugin_host.described(tmp_path / "Broken.vst3", limit_seconds=60.0)
    with pytest.raises(PluginFailed, match="holds no plugin 'Other'"):
        plugin_host.described(vst3, "Other", limit_seconds=60.0)
