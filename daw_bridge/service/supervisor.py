"""Keeps one renderer process a device alive, and knows which job it had in hand when it died."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import DawBridgeError
from ..folders import StateFolders
from ..job import UNABLE, UNLOADED, Job
from ..jobs import JobStore
from ..names import portable
from ..results import write_result
from .threads import ByPlace

RENDERER = (sys.executable, "-m", "daw_bridge.renderer")
PATIENCE_SECONDS = 2.0  # from a cancel that was asked for to one that is enforced
FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 30.0
HEALTHY_SECONDS = 30.0  # who lived this long, or took a job, starts again at once
NUDGE_PAUSE_SECONDS = 0.05
KILLED_SECONDS = 2.0
MAX_LOG_BYTES = 1_000_000
LAST_WORDS_BYTES, MAX_LAST_WORDS = 4096, 200
GRACEFUL_CODES = (0, UNLOADED)

log = logging.getLogger(__name__)


@dataclass
class _Renderer:
    """The process of one device, dead or alive, and what is known of its health."""

    device: str
    process: subprocess.Popen[bytes] | None = None
    run: str = ""
    started: float = 0.0
    not_before: float = 0.0
    n_deaths: int = 0
    is_condemned: bool = False
    killed: float = 0.0
    is_cold: bool = False
    log_start: int = 0
    trouble: str = ""

    @property
    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def say(self, words: bytes) -> None:
        """Write a line to the process, if it is there to read it."""
        if self.is_alive and self.process and self.process.stdin:
            try:
                self.process.stdin.write(words)
            except (OSError, ValueError):  # gone, or just being buried by another thread
                log.info("renderer of %s died before it was told %r", self.device, words)


@dataclass
class _Cancel:
    """A cancel that was asked for and may have to be enforced; `deadline` is set at the next tick."""

    job_id: str
    deadline: float | None = None


@dataclass
class Supervisor:
    """Starts the renderers, starts them again when they die, and gives up nothing that was accepted.

    Call `tick` a few times a second; only `stop` waits for anything.

    Args:
        state: the service's state folder.
        store: the jobs.
        devices: one renderer for each.
        command: how to start one; it understands `--state`, `--device`, `--run` and `--cold`.
    """

    state: StateFolders
    store: JobStore
    devices: Sequence[str] = ("cpu",)
    command: Sequence[str] = RENDERER
    _renderers: list[_Renderer] = field(default_factory=list)
    _tellers: ByPlace = field(default_factory=lambda: ByPlace("results"))
    _cancels: list[_Cancel] = field(default_factory=list)
    _forsaken: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _is_paused: bool = False
    _last_nudge: float = 0.0
    _is_nudge_due: bool = False

    def start(self) -> None:
        """Start the renderers, and tell of the cancels that a killed service left untold."""
        self._renderers = [_Renderer(device) for device in self.devices]
        for renderer in self._renderers:
            self._spawn(renderer, time.monotonic())
        for job in self.store.jobs(("cancelled",), limit=50):
            if not job.is_told:
                self.tell(job)

    def tick(self, now: float) -> None:
        """Look after everything once.

        Args:
            now: seconds of a monotonic clock, the same clock every time.
        """
        for renderer in self._renderers:
            if renderer.process is not None and not renderer.is_alive:
                self._bury(renderer, now)
            if renderer.process is not None and renderer.is_condemned and now - renderer.killed > KILLED_SECONDS:
                self._forsake(renderer)
            if renderer.process is None and now >= renderer.not_before:
                self._spawn(renderer, now)
            if renderer.trouble and renderer.is_alive and self._is_healthy(renderer, now):
                log.info("renderer of %s works again", renderer.device)
                renderer.trouble = ""
        self._enforce_cancels(now)
        if self._is_nudge_due:
            self.nudge()

    def nudge(self) -> None:
        """Tell the renderers that a job was accepted, at most twenty times a second; the rest is made up by `tick`."""
        self._is_nudge_due = time.monotonic() - self._last_nudge < NUDGE_PAUSE_SECONDS
        if self._is_nudge_due:
            return
        self._last_nudge = time.monotonic()
        for renderer in self._renderers:
            renderer.say(b"nudge\n")

    def set_paused(self, is_paused: bool) -> None:
        """Let the renderers rest, within a step of what they are at, or go on."""
        self._is_paused = is_paused
        for renderer in self._renderers:
            renderer.say(b"pause\n" if is_paused else b"resume\n")

    def cancel(self, job_id: str) -> Job:
        """Give a job up now; a renderer that does not let go of it within two seconds is killed.

        Raises:
            UnknownJob, NotCancellable: as of the store.
        """
        job = self.store.cancel(job_id)
        self._cancels.append(_Cancel(job_id))
        self.tell(job)
        return job

    @property
    def trouble(self) -> str:
        """Why nothing is rendered, in a sentence: a renderer that cannot start; empty where all is well."""
        return next((renderer.trouble for renderer in self._renderers if renderer.trouble), "")

    def stop(self, timeout: float) -> None:
        """Send the renderers away. What they had in hand is rendered again at the next start.

        Args:
            timeout: seconds until they are killed.
        """
        deadline = time.monotonic() + timeout
        for renderer in self._renderers:
            if renderer.process and renderer.process.stdin:
                renderer.process.stdin.close()  # the end of its input is the sign to leave
        for renderer in self._renderers:
            if renderer.process is None:
                continue
            try:
                renderer.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                renderer.process.kill()
                self._see_off(renderer.process)
            renderer.process = None
        self._renderers = []
        self._tellers.close()

    def _see_off(self, process: subprocess.Popen[bytes]) -> None:
        try:
            process.wait(KILLED_SECONDS)
        except subprocess.TimeoutExpired:
            log.warning("renderer %d was killed and does not end: a share or a driver holds it", process.pid)

    def _spawn(self, renderer: _Renderer, now: float) -> None:
        renderer.run = uuid.uuid4().hex
        renderer.started, renderer.is_condemned = now, False
        words = ["--state", str(self.state.root), "--device", renderer.device, "--run", renderer.run]
        low_priority = getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0) | getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
        try:
            with _log_file(self._log_of(renderer)).open("ab") as output:
                renderer.log_start = output.tell()
                renderer.process = subprocess.Popen(
                    [*self.command, *words, *(["--cold"] if renderer.is_cold else [])],
                    stdin=subprocess.PIPE,
                    stdout=output,
                    stderr=output,
                    bufsize=0,
                    start_new_session=os.name == "posix",  # Ctrl-C in the terminal is for the service alone
                    creationflags=low_priority,
                )
            if self._is_paused:
                renderer.say(b"pause\n")
        except OSError as error:
            self._put_off(renderer, now)
            self._despair(renderer, str(error))

    def _bury(self, renderer: _Renderer, now: float) -> None:
        """Count a death that nobody asked for against the job in hand, and say when to start again."""
        assert renderer.process is not None
        code = renderer.process.returncode
        if renderer.process.stdin:
            renderer.process.stdin.close()
        renderer.process = None
        renderer.is_cold = code == UNLOADED
        if renderer.is_condemned or code == UNLOADED:
            return
        self._put_off(renderer, now)
        if code in GRACEFUL_CODES:
            return
        job = self._job_of(renderer)
        if job is not None:
            log.error("renderer of %s died with code %s over job %s", renderer.device, code, job.id)
            self.store.note(job.id, crashes=job.crashes + 1)
            return
        log.error("renderer of %s died with code %s", renderer.device, code)
        renderer.is_cold = code != UNABLE  # should warming kill it, let it get along without
        if code == UNABLE or renderer.n_deaths > 1:
            words = "" if code < 0 else _last_words(self._log_of(renderer), renderer.log_start)
            self._despair(renderer, words or (f"ended by signal {-code}" if code < 0 else f"ended with code {code}"))

    def _forsake(self, renderer: _Renderer) -> None:
        """Go on without a process that was killed and does not end; its memory comes back when the system lets go of it."""
        assert renderer.process is not None
        log.error("renderer %d of %s was killed and does not end: a driver holds it", renderer.process.pid, renderer.device)
        if renderer.process.stdin:
            renderer.process.stdin.close()
        self._forsaken.append(renderer.process)
        renderer.process = None

    def _job_of(self, renderer: _Renderer) -> Job | None:
        """The job that a renderer has in hand, or had when it died."""
        return next((job for job in self.store.jobs(("rendering", "publishing")) if job.run == renderer.run), None)

    def _is_healthy(self, renderer: _Renderer, now: float) -> bool:
        return now - renderer.started > HEALTHY_SECONDS or self._job_of(renderer) is not None

    def _put_off(self, renderer: _Renderer, now: float) -> None:
        renderer.n_deaths = 1 if self._is_healthy(renderer, now) else renderer.n_deaths + 1
        renderer.not_before = now + min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** (renderer.n_deaths - 1))

    def _despair(self, renderer: _Renderer, why: str) -> None:
        """Keep why a renderer does not start, for whoever wonders; it is started again and again all the same."""
        remedy = f"Ask daw-bridge doctor; {self._log_of(renderer).name} in the state folder says more"
        renderer.trouble = f"the renderer of {renderer.device} cannot start: {why}. {remedy}"
        log.error("%s", renderer.trouble)

    def _log_of(self, renderer: _Renderer) -> Path:
        return self.state.root / f"renderer-{portable(renderer.device)}.log"

    def _enforce_cancels(self, now: float) -> None:
        for cancel in list(self._cancels):
            cancel.deadline = now + PATIENCE_SECONDS if cancel.deadline is None else cancel.deadline
            if now < cancel.deadline:
                continue
            self._cancels.remove(cancel)
            run = self.store.get(cancel.job_id).run
            for renderer in self._renderers:
                if renderer.run == run and renderer.is_alive and renderer.process:
                    log.warning("renderer of %s did not let go of cancelled job %s and is killed", renderer.device, cancel.job_id)
                    renderer.is_condemned, renderer.killed = True, now
                    renderer.process.kill()

    def tell(self, job: Job) -> None:
        """Write the result ticket of a job that is over, if anybody waits for it; its folder may lie on a share that hangs."""
        if not job.request.reqid:
            return
        self._tellers.of(job.request.project).begin(self._write_result, job)

    def _write_result(self, job: Job) -> None:
        try:
            write_result(job)
        except (OSError, DawBridgeError) as error:
            log.warning("job %s: no result ticket: %s", job.id, error)
        if job.state == "cancelled":
            self.store.note(job.id, is_told=True)


def _log_file(path: Path) -> Path:
    """The log to append to, the former one set aside once it is long."""
    if path.exists() and path.stat().st_size > MAX_LOG_BYTES:
        os.replace(path, path.with_suffix(".log.1"))
    return path


def _last_words(path: Path, start: int) -> str:
    """The last line that a process wrote to its log, without time and level; empty where it wrote none."""
    try:
        with path.open("rb") as file:
            file.seek(max(start, path.stat().st_size - LAST_WORDS_BYTES))
            lines = file.read().decode("utf-8", "replace").split("\n")
    except OSError:
        return ""
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return (last.split(" ERROR ", 1)[-1])[:MAX_LAST_WORDS]
