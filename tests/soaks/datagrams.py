"""Hostile datagrams against a real service: it must not hang, not grow, and answer every ping meanwhile."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from itertools import islice, repeat
from pathlib import Path

import psutil

from tests.service.wire import Osc, ServiceProcess
from tests.soaks.guided import guided
from tests.soaks.hostile import hostile
from tests.waiting import wait_for

BATCH = 50  # between two looks at how far the service is
WARM_UP = 2000
PING_EVERY = 1000
N_BRED = 5000
MAX_WAITING_BYTES = 64 << 10  # in the service's socket, which holds 400 kB where Linux is left as it comes
PAUSE_SECONDS = 0.001


@dataclass
class Outcome:
    """What was seen.

    Attributes:
        n_sent, n_counted: datagrams sent, and those that reached the parser by the service's own count.
        ping_seconds: delays of the pings in between.
        growth_bytes: of the service's memory from after the first ones to the end.
        seconds: in all.
        code: the service's exit code.
    """

    n_sent: int = 0
    n_counted: int = 0
    ping_seconds: list[float] = field(default_factory=list)
    growth_bytes: int = 0
    seconds: float = 0.0
    code: int = -1


def storm(root: Path, n_datagrams: int, seed: int, is_unlimited: bool, same: bytes = b"") -> Outcome:
    """Send so many hostile datagrams, no faster than they are taken.

    Args:
        root: an empty folder.
        n_datagrams: how many.
        seed: of what is sent.
        is_unlimited: whether the service takes any number of messages a second.
        same: sent instead, every time, where it is given.
    """
    project = root / "project"
    project.mkdir(parents=True)
    service = ServiceProcess([project], root / "state", *(["--unlimited"] if is_unlimited else []), is_quick=True)
    outcome, osc, enemy = Outcome(), Osc(service.port), Osc(service.port)
    try:
        wait_for(lambda: osc.ask("/status", answer="/status/info")[0] == "idle", what="an idle service")
        process, began, memory = psutil.Process(service.process.pid), time.monotonic(), 0
        enemy.sock.setblocking(False)
        packets = repeat(same) if same else hostile(seed, guided(seed, min(N_BRED, n_datagrams // 4))[0])
        while outcome.n_sent < n_datagrams:
            for data in islice(packets, BATCH):
                enemy.raw(data)
                outcome.n_sent += 1
            _drain(enemy)
            if outcome.n_sent % PING_EVERY == 0:
                _drain(osc)
                outcome.ping_seconds.append(osc.ping())
            while _waiting_bytes(service.port) > MAX_WAITING_BYTES:
                time.sleep(PAUSE_SECONDS)
            if outcome.n_sent == min(WARM_UP, n_datagrams // 2):
                memory = process.memory_info().rss
        outcome.growth_bytes = process.memory_info().rss - memory
        outcome.seconds = time.monotonic() - began
    finally:
        osc.close()
        enemy.close()
        outcome.code, _ = service.stop()
    outcome.n_counted = _counted(root / "state" / "service.log")
    return outcome


def _waiting_bytes(port: int) -> int:
    """What the system holds for a port that its program has not taken yet; 0 where it does not tell."""
    try:
        lines = Path("/proc/net/udp").read_text().splitlines()[1:]
    except OSError:
        return 0
    rows = [line.split() for line in lines]
    return sum(int(row[4].partition(":")[2], 16) for row in rows if int(row[1].rpartition(":")[2], 16) == port)


def _drain(osc: Osc) -> None:
    osc.sock.setblocking(False)
    try:
        while True:
            osc.sock.recv(65536)
    except (BlockingIOError, ConnectionError):
        return


def _counted(log: Path) -> int:
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    texts = [line["message"] for line in lines if line["message"].startswith("datagrams taken: ")]
    return int(texts[-1].split()[2].rstrip(","))
