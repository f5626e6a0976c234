"""When rendering rests: because somebody said so, or for a lease of seconds while a DAW records."""

from __future__ import annotations

import math
from collections.abc import Callable

from .audience import Audience
from .board import Board
from .desk import Desk
from .osc import Peer
from .threads import OneThread

LEASE_SECONDS = 5.0
MAX_LEASES = 64


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
        self._leases: dict[Peer, float] = {}

    @property
    def is_due(self) -> bool:
        """Whether rendering should rest now."""
        return self._is_asked or self._clock() < max(self._leases.values(), default=-math.inf)

    async def pause(self) -> None:
        """Rest until `resume`."""
        self._is_asked = True
        await self.apply()

    async def resume(self) -> None:
        """Go on, whatever the reason to rest was; a DAW that still records renews its lease within a second."""
        self._is_asked = False
        self._leases.clear()
        await self.apply()

    async def recording(self, peer: Peer, is_on: bool) -> None:
        """A DAW says whether it records: rest for a lease of its own, or give that one back."""
        self._leases.pop(peer, None)
        if is_on:
            if len(self._leases) >= MAX_LEASES:
                del self._leases[next(iter(self._leases))]  # the one that ends first: those that stay keep the rest as long
            self._leases[peer] = self._clock() + LEASE_SECONDS
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
