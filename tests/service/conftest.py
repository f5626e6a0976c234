"""One real service for the tests of the wire, with a project of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.service.wire import Osc, ServiceProcess
from tests.waiting import wait_for

RATE = 22_050


def write_clip(path: Path, seconds: float = 1.0, seed: int = 0) -> Path:
    """A short stereo clip of a tone in noise."""
    times = np.arange(int(seconds * RATE)) / RATE
    tone = 0.2 * np.sin(2 * np.pi * (220 + 110 * seed) * times)
    noise = 0.05 * np.random.default_rng(seed).standard_normal((2, len(times)))
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, (tone + noise).T, RATE, subtype="PCM_16")
    return path


@pytest.fixture(scope="package")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a song, a style, and files that are neither."""
    folder = tmp_path_factory.mktemp("song project")
    write_clip(folder / "song.wav")
    write_clip(folder / "style.wav", seed=3)
    write_clip(folder / "blink.wav", seconds=0.02)
    soundfile.write(folder / "nan.wav", np.full(RATE, np.nan), RATE, subtype="FLOAT")
    (folder / "empty.wav").touch()
    (folder / "notes.txt").write_text("no audio at all, only words")
    return folder


@pytest.fixture(scope="package")
def service(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """A running service that is ready."""
    running = ServiceProcess([project], tmp_path_factory.mktemp("wire") / "state")
    client = Osc(running.port)
    wait_for(lambda: client.ask("/status", answer="/status/info")[0] != "starting", what="a service that is ready")
    client.close()
    yield running
    code, output = running.stop()
    assert (code, output) == (0, "")


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """A running service, its own for the module, whose renderer takes no torch and does as the content says."""
    project = tmp_path_factory.mktemp("quick project")
    running = ServiceProcess([project], tmp_path_factory.mktemp("quick") / "state", is_quick=True)
    client = Osc(running.port)
    wait_for(lambda: client.ask("/status", answer="/status/info")[0] != "starting", what="a service that is ready")
    client.close()
    yield running
    assert running.stop() == (0, "")


@pytest.fixture
def quick_osc(quick: ServiceProcess) -> Iterator[Osc]:
    """A client of the quick service."""
    client = Osc(quick.port)
    yield client
    client.close()


@pytest.fixture
def osc(service: ServiceProcess) -> Iterator[Osc]:
    """A client of the running service."""
    client = Osc(service.port)
    yield client
    client.close()
