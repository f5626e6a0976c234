"""`python -m tests.benchmarks.service`: how quickly the service answers, starts and rests; prints JSON."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import soundfile

from tests.service.conftest import write_clip
from tests.service.wire import Osc, ServiceProcess
from tests.waiting import wait_for

READY_SECONDS, RENDER_SECONDS = 60.0, 180.0
SPARSE_BYTES = 1 << 30


SONG_SECONDS, SONG_RATE = 200, 44_100


def write_song(path: Path) -> None:
    """Three minutes and twenty seconds of stereo: tones and noise that swell every eight seconds."""
    times = np.arange(SONG_SECONDS * SONG_RATE) / SONG_RATE
    chance = np.random.default_rng(5)
    swell = 0.3 + 0.7 * np.sin(np.pi * times / 8.0) ** 2
    tones = sum(np.sin(2 * np.pi * tone_hz * times) / n for n, tone_hz in enumerate((110.0, 277.0, 660.0, 1870.0), 1))
    sound = swell * (0.2 * tones + 0.02 * chance.standard_normal((2, len(times))))
    soundfile.write(path, sound.T, SONG_RATE, subtype="PCM_16")


def percentiles(seconds: list[float]) -> dict[str, float]:
    """Median, 99th percentile and worst, in milliseconds."""
    ordered = sorted(1000 * value for value in seconds)
    return {
        "n": len(ordered),
        "p50_ms": round(ordered[len(ordered) // 2], 2),
        "p99_ms": round(ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))], 2),
        "max_ms": round(ordered[-1], 2),
    }


class Bench:
    """One service on a project of its own, and what is measured on it.

    Args:
        folder: an empty one.
    """

    def __init__(self, folder: Path) -> None:
        self.project = folder / "project"
        write_clip(self.project / "song.wav", seconds=2.0)
        write_clip(self.project / "style.wav", seconds=2.0, seed=3)
        write_song(self.project / "long.wav")
        with (self.project / "big.wav").open("wb") as big:
            big.truncate(SPARSE_BYTES)  # sparse: nothing but its header is ever read before it is rendered
        if hasattr(os, "sync"):
            os.sync()  # or the first commits wait for what was just written here
        self.service = ServiceProcess([self.project], folder / "state")
        self.osc = Osc(self.service.port)
        self.number = 0

    def wait_until(self, state: str) -> None:
        wait_for(lambda: self.osc.ask("/status", answer="/status/info")[0] == state, READY_SECONDS, f"a service that is {state}")

    def ask(self, content: str, **pairs: object) -> tuple[str, float]:
        """Ask for something new; the job, and the seconds until it was acknowledged."""
        self.number += 1
        words = [word for pair in {"seed": self.number, "force": 1, **pairs}.items() for word in pair]
        began = time.perf_counter()
        self.osc.send("/remix", content, "style.wav", "default", "project", self.project.name, *words)
        return str(self.osc.expect("/accepted", seconds=30.0)[0]), time.perf_counter() - began

    def cancel(self, job: str) -> None:
        self.osc.send("/cancel", job)
        self.osc.expect("/cancelled", job)

    def warm_start(self, n: int) -> dict[str, float]:
        """From the request to /started, with the model loaded and nothing before it."""
        seconds = []
        for _ in range(n):
            began = time.perf_counter()
            job, _ = self.ask("song.wav", num_steps=1)
            self.osc.expect("/started", job, seconds=RENDER_SECONDS)
            seconds.append(time.perf_counter() - began)
            self.osc.expect("/done", job, seconds=RENDER_SECONDS)
        return percentiles(seconds)

    def first_sound(self, n: int, is_batch_rendering: bool) -> dict[str, float]:
        """From the request for a whole song to its first sound; a batch renders another one meanwhile, or nothing does."""
        batch = ""
        if is_batch_rendering:
            batch, _ = self.ask("long.wav", priority="batch", num_steps=400)
            self.osc.expect("/started", batch, seconds=RENDER_SECONDS)
        seconds = []
        for _ in range(n):
            if batch:
                wait_for(lambda: self.osc.expect("/progress", seconds=60.0)[1:] == (batch, "transfer"), READY_SECONDS, "a batch")
            began = time.perf_counter()
            job, _ = self.ask("long.wav")
            self.osc.expect("/preview", job, seconds=RENDER_SECONDS)
            seconds.append(time.perf_counter() - began)
            self.cancel(job)
        if batch:
            self.cancel(batch)
        return percentiles(seconds)

    def pings_under_a_render(self, n: int) -> dict[str, float]:
        job, _ = self.ask("song.wav", num_steps=2000)
        self.osc.expect("/progress", seconds=RENDER_SECONDS)
        seconds = []
        for _ in range(n):
            seconds.append(self.osc.ping())
            time.sleep(0.006)  # a peer may send 200 messages a second
        self.cancel(job)
        return percentiles(seconds)

    def acknowledged(self, content: str, n: int) -> dict[str, float]:
        """From the request to /accepted while another job renders; the jobs are cancelled."""
        blocker, _ = self.ask("song.wav", num_steps=2000)
        self.osc.expect("/progress", seconds=RENDER_SECONDS)
        seconds = []
        for _ in range(n):
            job, taken = self.ask(content)
            seconds.append(taken)
            self.cancel(job)
        self.cancel(blocker)
        return percentiles(seconds)

    def idle(self, seconds: float) -> dict[str, dict[str, float]]:
        """Memory and CPU of both processes while nothing is asked."""
        service = psutil.Process(self.service.process.pid)
        processes = {"service": service, "renderer": max(service.children(), key=lambda child: child.memory_info().rss)}
        before = {name: sum(process.cpu_times()[:2]) for name, process in processes.items()}
        began = time.monotonic()
        time.sleep(seconds)
        passed = time.monotonic() - began
        return {
            name: {
                "resident_mb": round(process.memory_info().rss / 2**20, 1),
                "private_mb": round(_private_bytes(process) / 2**20, 1),
                "cpu_percent": round(100 * (sum(process.cpu_times()[:2]) - before[name]) / passed, 2),
            }
            for name, process in processes.items()
        }

    def close(self) -> None:
        self.osc.close()
        self.service.stop()


def starts(folder: Path, n: int) -> dict[str, float]:
    """Seconds from the start of the process to its first pong and to its first /accepted: on a new database, then on that.

    Args:
        folder: an empty one.
        n: how many starts on the prepared database; the medians are told.
    """
    project = folder / "project"
    write_clip(project / "song.wav")
    write_clip(project / "style.wav", seed=3)
    seconds = []
    for number in range(n + 1):
        began = time.perf_counter()
        service = ServiceProcess([project], folder / "state")
        osc = Osc(service.port)
        try:
            osc.ping()
            pong = time.perf_counter() - began
            osc.send("/remix", "song.wav", "style.wav", "default", "seed", number)
            job = osc.expect("/accepted", seconds=READY_SECONDS)[0]
            seconds.append((pong, time.perf_counter() - began))
            osc.ask("/cancel", job, answer="/cancelled")
        finally:
            osc.close()
            service.stop()
    pongs, accepts = (sorted(values)[n // 2] for values in zip(*seconds[1:], strict=True))
    return {"to_pong": round(pongs, 3), "to_accepted": round(accepts, 3), "to_accepted_the_first_time": round(seconds[0][1], 3)}


def _private_bytes(process: psutil.Process) -> int:
    full = process.memory_full_info()
    return int(getattr(full, "uss", full.rss))


def measure(
    folder: Path, *, n_pings: int, n_asks: int, idle_seconds: float, rest_seconds: float, on_line: Callable[[str], None]
) -> dict[str, Any]:
    """Everything, one after the other.

    Args:
        folder: an empty one.
        n_pings, n_asks: how many of each.
        idle_seconds: how long the idle processes are watched, soon after the last job and later.
        rest_seconds: how long they get in between to fall asleep.
        on_line: told what is measured next.
    """
    found: dict[str, Any] = {"cpus": os.cpu_count(), "load_before": round(os.getloadavg()[0], 2)}
    on_line("start")
    found["start_seconds"] = starts(folder / "starts", 5)
    bench = Bench(folder)
    try:
        bench.wait_until("idle")
        on_line("warm start")
        bench.warm_start(1)
        found["request_to_started_warm"] = bench.warm_start(10)
        on_line("first sound")
        bench.first_sound(1, False)
        found["ask_to_first_sound"] = bench.first_sound(3, False)
        found["ask_to_first_sound_over_a_batch"] = bench.first_sound(3, True)
        on_line("ping under a render")
        found["ping_under_a_render"] = bench.pings_under_a_render(n_pings)
        on_line("acknowledgement")
        found["acknowledged"] = bench.acknowledged("song.wav", n_asks)
        found["acknowledged_1_gb"] = bench.acknowledged("big.wav", n_asks)
        on_line("idle")
        bench.wait_until("idle")
        found["idle_soon_after"] = bench.idle(idle_seconds)
        time.sleep(rest_seconds)
        found["idle"] = bench.idle(idle_seconds)
        found["request_to_started_asleep"] = bench.warm_start(1)
    finally:
        bench.close()
    return {**found, "load_after": round(os.getloadavg()[0], 2)}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="tests.benchmarks.service")
    parser.add_argument("--pings", type=int, default=1000)
    parser.add_argument("--asks", type=int, default=300)
    parser.add_argument("--idle-seconds", type=float, default=20.0)
    parser.add_argument("--rest-seconds", type=float, default=65.0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="daw-bridge-bench-", ignore_cleanup_errors=True) as folder:
        found = measure(
            Path(folder),
            n_pings=asked.pings,
            n_asks=asked.asks,
            idle_seconds=asked.idle_seconds,
            rest_seconds=asked.rest_seconds,
            on_line=lambda line: print(line, file=sys.stderr),
        )
    print(json.dumps(found, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
