"""The jobs as they were last told, who asked for them, and the telling of what is new."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from ..job import Job
from .audience import Audience
from .events import Event, Told, accepted, changes, in_words, latest, summary
from .osc import Peer
from .packets import is_word

log = logging.getLogger(__name__)
LOGGED = ("/started", "/done", "/failed", "/cancelled")
PAUSED = "rendering rests: somebody paused it, or a DAW records. Let it go on with daw-bridge resume"


@dataclass
class Pace:
    """How fast the running job goes: where it was when it was first heard of, and when (monotonic seconds)."""

    job: str = ""
    fraction: float = 0.0
    since: float = 0.0

    def seconds_left(self, job: str, fraction: float, now: float) -> float:
        """What is left at the pace so far; 0 while there is none yet."""
        if job != self.job:
            self.job, self.fraction, self.since = job, fraction, now
        done = fraction - self.fraction
        return (now - self.since) * (1.0 - fraction) / done if done > 0 else 0.0


@dataclass
class Board:
    """Lives in the event loop; its numbers answer /status without asking the store.

    Attributes:
        audience: whom to tell.
        clock: monotonic seconds.
        state: "starting", "ready" or "stopping".
        is_paused: rendering rests.
    """

    audience: Audience
    clock: Callable[[], float]
    state: str = "starting"
    is_paused: bool = False
    _told: dict[str, Told] = field(default_factory=dict)
    _askers: dict[str, set[Peer]] = field(default_factory=dict)
    _pace: Pace = field(default_factory=lambda: Pace())
    _summary: tuple[int, int, str] = (0, 0, "")
    _waits: str = ""
    _held: str = ""
    _away: dict[str, str] = field(default_factory=dict)
    _presets: dict[str, str] = field(default_factory=dict)
    _lamps: dict[str, float] = field(default_factory=dict)

    def status(self) -> tuple[str, int, int, str]:
        """The arguments of /status/info: state, queued, running, running job."""
        n_queued, n_running, job = self._summary
        doing = "paused" if self.is_paused or self._waits else "rendering" if n_running else "idle"
        return doing if self.state == "ready" else self.state, n_queued, n_running, job

    def why(self) -> str:
        """What holds rendering up, or a job whose drive or share does not answer, in a sentence; empty where nothing does."""
        return self._waits or (PAUSED if self.is_paused else "") or next(iter(self._away.values()), "")

    def why_not(self, job_id: str) -> str:
        """What holds one job up, in a sentence; empty where nothing does. Any thread may ask."""
        return self._away.get(job_id) or self._waits or (PAUSED if self.is_paused else "")

    @property
    def is_busy(self) -> bool:
        return bool(self._told)

    def n_asked_by(self, peer: Peer) -> int:
        """How many jobs that are not over the peer asked for."""
        return sum(peer in askers for askers in self._askers.values())

    def accepted(self, job: Job, is_new: bool, asker: Peer | None) -> None:
        """Tell that a job was accepted; of one that existed, how it stands."""
        also = [asker] if asker else []
        self.audience.publish("/accepted", *accepted(job).arguments, also=also)
        if asker and not job.is_final:
            self.follow(job.id, asker)
        if is_new:
            log.info("job %s accepted: %s", job.id, job.request.content.path)
            self._told.setdefault(job.id, Told())
            self._light(job)
        else:
            self._publish(latest(job), also)

    def follow(self, job_id: str, peer: Peer) -> None:
        """Let a peer hear what becomes of a job."""
        self._askers.setdefault(job_id, set()).add(peer)

    def show(self, active: tuple[Job, ...], ended: tuple[Job, ...], trouble: str = "") -> None:
        """Tell what is new about the jobs, and what keeps the renderers from them."""
        now = self.clock()
        before = self.status()
        self._summary = summary(active)
        for job in ended:
            self._tell(job, now)
            self._told.pop(job.id, None)
            self._askers.pop(job.id, None)
            self._presets.pop(job.id, None)
        for job in active:
            self._tell(job, now)
        self._hold(active, trouble)
        if self.status() != before:
            self.audience.publish("/ui/busy", float(self._summary[1] > 0))
        self._light(*active)

    def _hold(self, active: tuple[Job, ...], trouble: str) -> None:
        """Say what holds the queue up, once, and when nothing does any more; and which folder puts its jobs off."""
        held = next((job for job in active if job.waits), None)
        before, was_held, known = self.why(), (self._waits, self._held), set(self._away.values())
        self._waits, self._held = (held.waits, held.id) if held else (trouble, "")
        self._away = {job.id: job.away for job in active if job.away}
        if self.why() != before or (self._waits, self._held) != was_held:
            self.audience.publish("/status/why", self.why())
        for job_id, away in self._away.items():
            if away not in known:
                known.add(away)
                self.audience.publish("/error", "not_found", f"job/{job_id}", away)
                self.audience.publish("/ui/status", f"put off: {away}")
        if (self._waits, self._held) == was_held:
            return
        self.audience.publish("/status/info", *self.status())
        self.audience.publish("/ui/status", f"paused: {self._waits}" if self._waits else "goes on")
        if held:
            self.audience.publish("/error", "disk_full", f"job/{held.id}", self._waits)
        elif self._waits:
            self.audience.publish("/error", "renderer_crashed", "renderer", self._waits)

    def greet(self, target: Peer) -> None:
        """Let a target that has just come show what is going on."""
        self.audience.greet(target, "/ui/busy", float(self._summary[1] > 0))
        for preset_id, value in self._lamps.items():
            self.audience.greet(target, "/ui/lamp/<preset>", value, word=preset_id)

    def _light(self, *jobs: Job) -> None:
        self._presets |= {job.id: str(job.request.preset.get("id", "")) for job in jobs}
        busy = set(self._presets.values())
        for preset_id in sorted(busy | set(self._lamps)):
            value = float(preset_id in busy)
            if is_word(preset_id) and self._lamps.get(preset_id, 0.0) != value:
                self._lamps[preset_id] = value
                self.audience.publish("/ui/lamp/<preset>", value, word=preset_id)

    def _tell(self, job: Job, now: float) -> None:
        for event in changes(self._told.setdefault(job.id, Told()), job, now):
            self._publish(event, list(self._askers.get(job.id, ())))
            if event.address in LOGGED:
                log.info("job %s %s", job.id, in_words(event))

    def _publish(self, event: Event, also: list[Peer]) -> None:
        self.audience.publish(event.address, *event.arguments, also=also)
        self.audience.publish("/ui/status", in_words(event))
        if event.address == "/progress":
            fraction = float(event.arguments[0])
            self.audience.publish("/ui/progress", fraction)
            self.audience.publish("/ui/eta", self._pace.seconds_left(str(event.arguments[1]), fraction, self.clock()))
