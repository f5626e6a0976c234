"""Loops that wait for a hint or for their time, whichever is first."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

COALESCE_SECONDS = 0.05  # many events of one copy become one look
FAULT_SECONDS = 2.0

log = logging.getLogger(__name__)


async def keep_doing(what: Callable[[], Awaitable[float]], hint: asyncio.Event) -> None:
    """Call something again and again; it gives the seconds until the next time, a hint makes it sooner."""
    while True:
        hint.clear()
        try:
            seconds = await what()
        except Exception:
            log.exception("a loop met a defect and goes on")
            seconds = FAULT_SECONDS
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):  # `wait_for` of Python 3.11 loses a cancel that comes with the hint
                await hint.wait()
            await asyncio.sleep(COALESCE_SECONDS)
