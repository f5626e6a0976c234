"""Asks on their way to the disk: those that come while one lot is written down are the next lot."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ..request import RenderRequest
from .desk import Accepted, Desk
from .intake import Ask
from .looking import Looking
from .threads import OneThread

MAX_LOT = 50  # a lot is answered as a whole, so it must not take long


class Accepting:
    """Lives in the event loop. Waiting for the disk is what costs time, and a lot waits once.

    Args:
        desk: writes the lots down.
        looking: makes requests of asks.
        run: the thread that accepts.
    """

    def __init__(self, desk: Desk, looking: Looking, run: OneThread) -> None:
        self._desk, self._looking, self._run = desk, looking, run
        self._waiting: list[tuple[RenderRequest, asyncio.Future[Accepted]]] = []
        self._task: asyncio.Task[None] | None = None

    async def submit(self, ask: Ask) -> Accepted:
        """Check an ask and put it on disk; the job, and whether it is new.

        Raises:
            DawBridgeError: what is wrong with it.
        """
        return await self.put(await self._looking.request_of(ask))

    async def put(self, request: RenderRequest) -> Accepted:
        """Put what has been looked at on disk; the job, and whether it is new.

        Raises:
            DiskFull: there is no room.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Accepted] = loop.create_future()
        self._waiting.append((request, answer))
        if self._task is None:
            self._task = loop.create_task(self._work())
        return await answer

    async def _work(self) -> None:
        while self._waiting:
            wanted = [(request, future) for request, future in self._waiting if not future.done()]  # some have been sent away
            lot, self._waiting = wanted[:MAX_LOT], wanted[MAX_LOT:]
            answers: Sequence[Accepted | Exception]
            try:
                answers = await self._run(self._desk.submit_all, [request for request, _ in lot])
            except Exception as error:
                answers = [error] * len(lot)
            for (_, future), answer in zip(lot, answers, strict=True):
                if future.done():
                    continue
                if isinstance(answer, Exception):
                    future.set_exception(answer)
                else:
                    future.set_result(answer)
        self._task = None

    async def close(self) -> None:
        """Wait until what was begun is written down."""
        if self._task is not None:
            await self._task
