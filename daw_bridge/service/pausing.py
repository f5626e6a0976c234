"""When rendering rests: because somebody said so, or for a lease of seconds while a DAW records."""

from __future__ import annotations

import math
from collections.abc import Callable

from .audience import Audience
from .board import Board
from .desk import Desk
from .threads import OneThread

LEASE_SECONDS = 5.0


class Pausing:
    """The two reasons to rest, and the one switch that they turn. Lives in the event loop; forgotten at a restart.

    Args:
        audience, board, desk: whom to tell, what is shown, what obeys.
        run: the desk's thread.
        clock: monotonic seconds.
    """

    def __init__(self, audience: Audience, board: Board, desk: Desk, run: OneThread, clock: Callable[[], float]) -> None:
        self._audience, self._board, self._desk, self._run, self._clock = audience, board, desk, run, clock
        self._is_asked = False
        self._lease_end = -math.inf

    @property
    def is_due(self) -> bool:
        """Whether rendering should rest now."""
        return self._is_asked or self._clock() < self._lease_end

    async def pause(self) -> None:
        """Rest until `resume`."""
        self._is_asked = True
        await self.apply()

    async def resume(self) -> None:
        """Go on, whatever the reason to rest was; a DAW that still records renews its lease within a second."""
        self._is_asked, self._lease_end = False, -math.inf
        await self.apply()

    async def recording(self, is_on: bool) -> None:
        """A DAW says whether it records: rest for a lease, or give the lease back."""
        self._lease_end = self._clock() + LEASE_SECONDS if is_on else -math.inf
        await self.apply()

    async def apply(self) -> None:
        """Turn the switch where it is not as it should be; called now and then, so that a lease ends."""
        is_due = self.is_due
        if is_due == self._board.is_paused:
            return
        self._board.is_paused = is_due
        await self._run(self._desk.set_paused, is_due)
        self._audience.publish("/status/info", *self._board.status())
        self._audience.publish("/ui/status", "paused" if is_due else "goes on")
