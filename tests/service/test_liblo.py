"""liblo's own tools, which share no code with ours, ask for a remix and see it through."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.wire import PREFIX, ServiceProcess
from tests.waiting import wait_for

pytestmark = pytest.mark.skipif(shutil.which("oscdump") is None, reason="liblo-tools is not installed")
RENDER_SECONDS = 90.0


class Dump:
    """A running `oscdump`, whose lines go to a file."""

    def __init__(self, path: Path) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.path = path
        with path.open("wb") as output:
            self.process = subprocess.Popen(["oscdump", "-L", str(self.port)], stdout=output, stderr=output)

    def lines(self, address: str) -> list[str]:
        """What came to an address, without the time: its tags, then its arguments."""
        rows = (line.split(maxsplit=2) for line in self.path.read_text().split("\n")[:-1])
        return [row[2] for row in rows if len(row) == 3 and row[1] == PREFIX + address]


@pytest.fixture
def dump(tmp_path: Path, service: ServiceProcess) -> Iterator[Dump]:
    running = Dump(tmp_path / "dump.txt")
    yield running
    oscsend(service, "/unsubscribe", "i", running.port)
    running.process.terminate()
    running.process.wait(60)


def oscsend(service: ServiceProcess, address: str, *words: object) -> None:
    subprocess.run(["oscsend", "127.0.0.1", str(service.port), PREFIX + address, *map(str, words)], check=True, timeout=60)


def test_oscsend_asks_and_oscdump_sees_it_accepted_progressing_and_done(
    service: ServiceProcess, project: Path, dump: Dump
) -> None:
    def subscribed() -> list[str]:  # again and again: oscdump takes a moment to listen
        oscsend(service, "/subscribe", "i", dump.port)
        return dump.lines("/subscribed")

    wait_for(subscribed, what="the subscription")
    wish = ("song.wav", "style.wav", "default", "from liblo", "project", project.name, "num_steps", 30, "force", 1)
    oscsend(service, "/remix", "sssssssisi", *wish)
    accepted = wait_for(lambda: [line for line in dump.lines("/accepted") if '"from liblo"' in line], what="/accepted")[0]
    job = accepted.split('"')[1]
    subscribed()  # for another minute
    assert accepted == f'sss "{job}" "from liblo" "default"'
    done = wait_for(lambda: [line for line in dump.lines("/done") if job in line], RENDER_SECONDS, "/done")[0]
    assert Path(done.split('"')[3]).is_file() and done.startswith("ssf ")
    fractions = [float(line.split()[1]) for line in dump.lines("/progress") if job in line]
    assert len(fractions) >= 2 and fractions == sorted(fractions)
    assert dump.lines("/started") == [f'ss "{job}" "default"']
    assert not dump.lines("/error") and not dump.lines("/failed")
