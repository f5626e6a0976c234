"""The demo, whole: the real service, real OSC, one remix and its picture."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile

from tests.command import run, start
from tests.waiting import wait_for


def services_of(folder: Path) -> list[int]:
    """Process ids of services that watch a folder."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if "serve" in words and str(folder) in words and process.status() != psutil.STATUS_ZOMBIE:
            found.append(int(process.pid))
    return found


def test_the_demo_makes_a_remix_and_a_picture_and_tidies_up(tmp_path: Path) -> None:
    folder, temporary = tmp_path / "demo", tmp_path / "temporary"
    temporary.mkdir()
    done = run("demo", "--folder", folder, TMPDIR=str(temporary), TEMP=str(temporary))
    assert done.returncode == 0, done.stderr
    told = dict(line.split(maxsplit=1) for line in done.stdout.splitlines() if line.startswith(("remix", "picture")))
    remix, rate = soundfile.read(told["remix"], always_2d=True)
    song, _ = soundfile.read(folder / "song.wav", always_2d=True)
    assert remix.shape == song.shape
    assert not remix[round(4.3 * rate) : round(4.7 * rate)].any(), "the song's rest must stay silent"
    assert np.abs(remix - song).max() > 0.05
    assert Path(told["picture"]).read_bytes().startswith(b"\x89PNG")
    assert "transferring" in done.stderr
    assert re.search(r"Done in \d+ s", done.stdout)
    assert services_of(folder) == []
    assert list(temporary.glob("daw-bridge-*")) == [], "the state folder must be gone"


@pytest.mark.skipif(os.name == "nt", reason="a process of its own cannot be sent Ctrl-C alone there")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_demo_that_is_stopped_takes_its_service_with_it(tmp_path: Path, number: signal.Signals) -> None:
    folder, temporary = tmp_path / "demo", tmp_path / "temporary"
    temporary.mkdir()
    with start("demo", "--folder", folder, TMPDIR=str(temporary)) as demo:
        wait_for(lambda: services_of(folder), what="the demo's service")
        demo.send_signal(number)
        _, said = demo.communicate(timeout=120)
    assert demo.returncode == 130
    assert said.strip().splitlines()[-1] == "daw-bridge: stopped"
    assert services_of(folder) == []
    assert list(temporary.glob("daw-bridge-*")) == []
