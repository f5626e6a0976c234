"""Paths that mean harm, over the wire and with symlinks that flip meanwhile: nothing outside the project is read or written."""

from __future__ import annotations

import hashlib
import os
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from daw_bridge.jobs import JobStore
from tests.service.wire import Osc, ServiceProcess
from tests.waiting import wait_for

SECRET = b"what nobody may read"
PARTS = (
    *(
        "..",
        ".",
        "",
        "...",
        "․․",
        "．．",
        "%2e%2e",
        "..\\",
        "\\..",
        "~",
        "~root",
        "$HOME",
        "%APPDATA%",
        "@samples",
        "@",
        "@../..",
    ),
    *(
        "C:",
        "c:\\",
        "\\\\host",
        "//host",
        "\\\\?\\C:",
        "\\\\.\\PhysicalDrive0",
        "CON",
        "nul.wav",
        "COM1",
        "aux",
        "LPT9.wav",
        "file:",
    ),
    *("etc", "passwd", "secret", "secret.wav", "out", "out.wav", "up", "loop", "pipe", "dev", "zero", "null", "proc", "self"),
    *("root", "environ", "song.wav", "stems", "a.wav", "a.wav:stream", "a\x00b", "a\nb", "\u202e", "\u2215", "\u2044", "\uff0f"),
    *("é", "e\u0301", " ", "a" * 300),
)
TRAPS = {"out": "../secret", "out.wav": "../secret.wav", "up": "..", "root": "/", "dev": "/dev", "loop": "loop"}
REFUSALS = ("forbidden_path", "not_found", "unsupported_format", "empty_file", "rate_limited")
JOINTS = ("/", "\\", "//", "/./", "/../", "\\..\\", "")


def hostile_paths(seed: int) -> Iterator[str]:
    """Paths without end, made of what has hurt somebody."""
    chance = random.Random(seed)
    while True:
        words = [chance.choice(PARTS) for _ in range(chance.randint(1, 6))]
        yield chance.choice(("", "", "/", "../")) + chance.choice(JOINTS).join(words)


def lay_traps(folder: Path) -> Path:
    """A project full of traps, with secrets beside it.

    Args:
        folder: an empty one; the project is made in it.
    """
    project = folder / "project"
    (project / "stems").mkdir(parents=True)
    (project / "song.wav").write_bytes(b"a song")
    (project / "stems" / "a.wav").write_bytes(b"a stem")
    (folder / "secret").mkdir()
    (folder / "secret" / "secret.wav").write_bytes(SECRET)
    (folder / "secret" / "a.wav").write_bytes(SECRET)
    (folder / "secret.wav").write_bytes(SECRET)
    for name, target in TRAPS.items():
        (project / name).symlink_to(target)
    if sys.platform != "win32":
        os.mkfifo(project / "pipe")
    return project


@contextmanager
def flipping(project: Path) -> Iterator[None]:
    """Meanwhile `flip` in the project leads to its stems and to the secret by turns."""
    link, draft, stop = project / "flip", project / "draft", threading.Event()
    link.symlink_to("stems")

    def flip() -> None:
        while not stop.is_set():
            for target in (project.parent / "secret", project / "stems"):
                draft.symlink_to(target)
                draft.replace(link)
            time.sleep(0.0005)  # both see the processor

    flipper = threading.Thread(target=flip)
    flipper.start()
    try:
        yield
    finally:
        stop.set()
        flipper.join()


@dataclass
class Outcome:
    """What came of the paths.

    Attributes:
        answers: how often each code came; "accepted" for those that became a job.
        jobs: content and style of each job.
        copies: SHA-256 of what the renderer copied.
        is_untouched: whether everything outside the project and the state folder is as it was.
    """

    answers: Counter[str] = field(default_factory=Counter)
    jobs: list[tuple[str, str]] = field(default_factory=list)
    copies: set[str] = field(default_factory=set)
    is_untouched: bool = False


def ask_for_paths(root: Path, n_paths: int, seed: int) -> Outcome:
    """Ask a quick service for so many of them, as content or as style, one after the other.

    Args:
        root: an empty folder.
        n_paths: how many.
        seed: of what is asked.
    """
    outcome, chance = Outcome(), random.Random(seed)
    (root / "world").mkdir(parents=True)
    project = lay_traps(root / "world")
    before = _seen(root / "world", project)
    service = ServiceProcess([project], root / "state", "--unlimited", is_quick=True)
    osc = Osc(service.port)
    try:
        wait_for(lambda: osc.ask("/status", answer="/status/info")[0] == "idle", what="an idle service")
        with flipping(project):
            for number, text in zip(range(n_paths), hostile_paths(seed), strict=False):
                path = "flip/a.wav" if number % 10 == 0 else text.replace("\x00", "")
                pair = (path, "song.wav") if chance.random() < 0.7 else ("song.wav", path)
                osc.send("/remix", *pair, "default", f"path-{number}")
                outcome.answers[_answer(osc)] += 1
        wait_for(lambda: osc.ask("/status", answer="/status/info")[0] == "idle", 120.0, "the end of the jobs")
    finally:
        osc.close()
        assert service.stop()[0] == 0
    store = JobStore(root / "state" / "jobs.sqlite")
    outcome.jobs = [(job.request.content.path, job.request.style.path) for job in store.jobs(limit=100_000)]
    store.close()
    log = project / "copies.log"
    outcome.copies = set(log.read_text().split()) if log.exists() else set()
    outcome.is_untouched = _seen(root / "world", project) == before
    return outcome


def _answer(osc: Osc) -> str:
    """The next answer to a request; each job is seen through, so that its own events are out of the way."""
    while True:
        heard = osc.receive(30.0)
        if heard is None:
            raise AssertionError("a request was not answered within 30 s")
        if heard[0] == "/error":
            return str(heard[1][0])
        if heard[0] == "/accepted":
            while heard is None or heard[0] not in ("/done", "/failed"):
                heard = osc.receive(60.0)
            return "accepted"


def _seen(world: Path, project: Path) -> dict[str, str]:
    """Every file outside the project, with the hash of what is in it."""
    files = [path for path in world.rglob("*") if path.is_file() and not path.is_relative_to(project)]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


SECRET_HASH = hashlib.sha256(SECRET).hexdigest()
