"""`python -m tests.renderer.quick`: the real renderer around stages that take no torch, told what to do by the content."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from pathlib import Path

import numpy as np
import psutil

from daw_bridge.disk import nothing, writing
from daw_bridge.errors import DiskFull, TooShort
from daw_bridge.folders import ProjectFolders
from daw_bridge.job import Published
from daw_bridge.renderer import entry, hand, porter, publication, worker
from daw_bridge.renderer.order import OnPreview, OnProgress, Order
from daw_bridge.renderer.stages import copied
from tests.renderer.quick_porter import moved

STEP_SECONDS = 0.02
SILENT_SECONDS = 2.0  # of a share that can hang
HANGING = "QUICK_HANGING"  # names a folder whose share can hang: see tests/renderer/quick_porter.py
CLOCK = "QUICK_CLOCK"  # names a file with the seconds by which the wall clock is to be wrong


def set_wrong() -> None:
    """From now on this process's wall clock goes by the file."""
    told, true_time = os.environ.get(CLOCK), time.time
    if told is not None:
        path = Path(told)
        time.time = lambda: true_time() + float(path.read_text())


def load() -> None:
    """Do as the file that QUICK_BROKEN names says, if it is there: "refuse" or "die", or "wait" until it says another thing."""
    broken = Path(os.environ.get("QUICK_BROKEN", "nowhere"))
    while broken.exists() and broken.read_text() == "wait":
        time.sleep(STEP_SECONDS)
    if broken.exists():
        if broken.read_text() == "die":
            os.abort()
        raise ImportError("libtorch.so: cannot open shared object file")


def warm(device: str) -> None:
    """Nothing to load."""


def render(order: Order, on_progress: OnProgress, on_preview: OnPreview) -> None:
    """Do as the content says: `{"seconds": 0.2, "do": "crash"}`; with "preview" a first sound comes at once.

    It waits at its begin while the project holds a file named hold, and half way while it holds the file that "hold" names.
    """
    on_progress("load", 0.0)
    copy = copied(order, "content", on_progress)
    asked = json.loads(copy.read_text()) if copy.suffix == ".json" else {"seconds": STEP_SECONDS}
    project = Path(order.request.project)
    with (project / "renders.log").open("a") as lines:
        lines.write(f"{order.job_id} {order.memory_scale} {order.device}\n")
    with (project / "copies.log").open("a") as lines:
        lines.write(hashlib.sha256(copy.read_bytes()).hexdigest() + "\n")
    if asked.get("do") == "early":
        _keep(order)
    while (project / "hold").exists():
        on_progress("transfer", 0.5)
        time.sleep(STEP_SECONDS)
    if "preview" in asked and order.request.has_preview:
        previews = ProjectFolders(project).previews
        previews.mkdir(parents=True, exist_ok=True)
        (previews / f"{order.job_id}.wav").write_text("sound")
        on_preview(previews / f"{order.job_id}.wav")
    do, n_steps = asked.get("do", ""), max(1, int(asked.get("seconds", 0.1) / STEP_SECONDS))
    for step in range(n_steps):
        while step == n_steps // 2 and "hold" in asked and (project / str(asked["hold"])).exists():
            on_progress("transfer", step / n_steps)
            time.sleep(STEP_SECONDS)
        if do != "deaf":
            on_progress("transfer", (step + 1) / n_steps)
        time.sleep(STEP_SECONDS)
        if do == "crash":
            psutil.Process().kill()
    if do == "stick":  # in a call that no kill ends
        (Path(str(asked["where"])) / "stuck").write_text("here")
    if do == "refuse":
        raise TooShort("it is too short", "Give a longer one.")
    if (project / "full midway").exists():
        raise DiskFull("no room on the disk for 'scratch'", "Free some.")
    if do == "defect":
        raise ZeroDivisionError("of the kind that nobody thought of")
    if do == "memory" and order.memory_scale > 0.3:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")
    if do == "hog":
        _hog(int(asked["needs_bytes"] * order.memory_scale), int(asked["limit_bytes"]))
    if do == "glutton":
        raise MemoryError
    if do != "early":
        _keep(order)


def _keep(order: Order) -> None:
    with writing(order.folder / "remix.wav") as file:
        file.write(order.job_id.encode())


def _hog(n_bytes: int, limit_bytes: int) -> None:
    """Use memory under a limit of the system's own, so much above what the process has already."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (psutil.Process().memory_info().vms + limit_bytes, before[1]))
    try:
        np.ones(n_bytes, np.uint8)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def publish(order: Order) -> Published:
    """Rename, and note each rename that really happened: twice for one job would be a defect."""
    project = Path(order.request.project)
    return order.carry(project, moved, order.folder / "remix.wav", project, order.job_id, on_block=nothing)


class Quick:
    """The functions above as stages."""

    load = staticmethod(load)
    warm = staticmethod(warm)
    render = staticmethod(render)
    publish = staticmethod(publish)


if __name__ == "__main__":
    set_wrong()
    worker.AWAKE_SECONDS = float(os.environ.get("QUICK_AWAKE_SECONDS", worker.AWAKE_SECONDS))
    worker.LOOK_SECONDS = float(os.environ.get("QUICK_LOOK_SECONDS", worker.LOOK_SECONDS))
    publication.ROOM_SECONDS = 0.3
    hand.STRAY_SECONDS = 2.0
    entry.LEAVING_SECONDS = float(os.environ.get("QUICK_LEAVING_SECONDS", entry.LEAVING_SECONDS))
    if HANGING in os.environ:
        porter.SILENT_SECONDS, porter.PAUSE_SECONDS = SILENT_SECONDS, (0.5, 1.0) * int(os.environ.get("QUICK_TRIES", 100))
        porter.Porters.__init__.__defaults__ = ((sys.executable, "-m", "tests.renderer.quick_porter"),)
    worker.UNLOAD_SECONDS = float(os.environ.get("QUICK_UNLOAD_SECONDS", worker.UNLOAD_SECONDS))
    entry.main(Quick())
