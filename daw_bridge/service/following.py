"""One request followed from its ticket to its end: progress by OSC, the outcome by its result ticket."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..errors import DawBridgeError, NotFound, ResourceError, by_code
from .answers import Event, Sent
from .link import GONE_SECONDS, Link
from .packets import Message
from .table import PREFIX

POLL_SECONDS = 0.2
ASK_SECONDS = 1.0
RENEW_SECONDS = 25.0
TICKET_SECONDS = 2.0  # a result ticket and the OSC message of the same end come in any order


class Request:
    """One request on its way: events come by OSC, the end by its result ticket."""

    def __init__(self, link: Link, result: Path, reqid: str, on_event: Callable[[Event], None]) -> None:
        self._link, self._result, self._reqid, self._on_event = link, result, reqid, on_event
        self._renewed = self._asked = self._heard = time.monotonic()
        self._over = 0.0
        self._ending: Event | None = None
        self._has_preview = False
        self.job = ""

    def until_accepted(self, ticket: Path, timeout_seconds: float) -> None:
        deadline = time.monotonic() + timeout_seconds
        while not self.job:
            self._listen()
            table = self._read_result()
            if table is not None:
                if not table["job"]:
                    self._forget_result()
                    raise error_of(table)
                self._accept(str(table["job"]), "")
            elif time.monotonic() > deadline:
                try:
                    ticket.unlink()
                except FileNotFoundError:
                    deadline += timeout_seconds  # it was taken: the answer is on its way
                    self._heard_or_gone()
                    continue
                raise ResourceError(
                    f"the service did not take the request within {timeout_seconds:g} s", "Ask it with: daw-bridge status"
                )

    def until_over(self) -> Sent:
        ticket_seen = 0.0
        while True:
            self._keep_in_touch()
            self._listen()
            table = self._read_result()
            now = time.monotonic()
            ticket_seen = ticket_seen or (now if table is not None else 0.0)
            # The ticket is written a moment before the store says so: who asks for the state next should hear the same.
            if table is not None and (self._ending is not None or now - ticket_seen > TICKET_SECONDS):
                self._forget_result()
                return self._end(table)
            if table is None and self._ending is not None and now - self._over > TICKET_SECONDS:
                return self._end_without_ticket(self._ending)

    def _accept(self, job: str, preset: str) -> None:
        self.job = job
        self._on_event(Event("accepted", job, detail=preset))

    def _listen(self) -> None:
        message = self._link.receive(POLL_SECONDS)
        while message is not None:
            self._heard = time.monotonic()
            self._hear(message)
            message = self._link.receive(0.0)

    def _hear(self, message: Message) -> None:
        kind, values = message.address.removeprefix(PREFIX + "/"), message.values
        if kind == "accepted" and values[1] == self._reqid and not self.job:
            self._accept(str(values[0]), str(values[2]))
        elif kind == "progress" and values[1] == self.job:
            self._on_event(Event(kind, self.job, fraction=as_float(values[0]), phase=str(values[2])))
        elif kind == "preview" and values[0] == self.job and not self._has_preview:
            self._has_preview = True  # told again with each answer to /job
            self._on_event(Event(kind, self.job, detail=str(values[1])))
        elif kind in ("queued", "started") and values[0] == self.job:
            self._on_event(Event(kind, self.job, detail=str(values[1])))
        elif kind in ("done", "failed", "cancelled") and values[0] == self.job and self._ending is None:
            self._over = self._heard
            detail = {"done": 1, "failed": 2}.get(kind)
            self._ending = Event(kind, self.job, detail=str(values[detail]) if detail else "")

    def _keep_in_touch(self) -> None:
        now = time.monotonic()
        if now - self._asked > ASK_SECONDS:
            self._asked = now
            self._link.send("/job", self.job)
        if now - self._renewed > RENEW_SECONDS:
            self._renewed = now
            self._link.send("/subscribe")
        self._heard_or_gone()

    def _heard_or_gone(self) -> None:
        if time.monotonic() - self._heard > GONE_SECONDS:
            kept = f"job {self.job or 'of this request'} is kept and goes on when it starts again"
            raise NotFound("the service has gone", f"The {kept}: daw-bridge serve PROJECT")

    def _read_result(self) -> dict[str, Any] | None:
        try:
            table = json.loads(self._result.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return table if isinstance(table, dict) else None

    def _forget_result(self) -> None:
        self._result.unlink(missing_ok=True)

    def _end(self, table: Mapping[str, Any]) -> Sent:
        if table["state"] != "done":
            error = error_of(table)
            self._on_event(Event(str(table["state"]), self.job, detail=error.message))
            raise error
        self._on_event(Event("done", self.job, fraction=1.0, detail=str(table["file"])))
        return Sent(self.job, Path(table["file"]), float(table["length_seconds"] or 0.0))

    def _end_without_ticket(self, ending: Event) -> Sent:
        """The result ticket was taken away or could not be written: what OSC said has to do."""
        self._on_event(ending)
        if ending.kind == "done":
            return Sent(self.job, Path(ending.detail), 0.0)
        raise by_code("cancelled" if ending.kind == "cancelled" else "internal")(ending.detail or f"job {self.job} was cancelled")


def as_float(value: object) -> float:
    """A number of a message; 0 for what is none."""
    return float(value) if isinstance(value, (int, float)) else 0.0


def error_of(table: Mapping[str, Any]) -> DawBridgeError:
    error = table.get("error") or {}
    if table["state"] == "cancelled":
        return by_code("cancelled")(f"job {table['job']} was cancelled")
    return by_code(str(error.get("code", "internal")))(str(error.get("message", "it failed")), str(error.get("hint", "")))
