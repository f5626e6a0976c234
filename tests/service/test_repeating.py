"""A loop that is told to end ends, whatever else comes in that moment."""

from __future__ import annotations

import asyncio

import pytest

from daw_bridge.service.repeating import keep_doing
from daw_bridge.service.threads import OneThread


@pytest.mark.parametrize("n_turns", range(5))
def test_a_loop_that_is_cancelled_ends_also_as_a_hint_comes(n_turns: int) -> None:
    async def look() -> float:
        return 60.0

    async def main() -> None:
        hint = asyncio.Event()
        loop = asyncio.ensure_future(keep_doing(look, hint))
        await asyncio.sleep(0.01)
        hint.set()
        for _ in range(n_turns):
            await asyncio.sleep(0)
        loop.cancel()
        done, _ = await asyncio.wait([loop], timeout=2.0)
        assert done == {loop} and loop.cancelled()

    asyncio.run(main())


def test_a_hint_or_the_time_lets_it_look_again() -> None:
    looks = list[float]()

    async def look() -> float:
        looks.append(asyncio.get_running_loop().time())
        return 0.05 if len(looks) == 1 else 60.0

    async def main() -> None:
        hint = asyncio.Event()
        loop = asyncio.ensure_future(keep_doing(look, hint))
        while len(looks) < 2:  # by its time
            await asyncio.sleep(0.01)
        hint.set()
        while len(looks) < 3:
            await asyncio.sleep(0.01)
        loop.cancel()

    asyncio.run(asyncio.wait_for(main(), 30.0))


def test_who_waits_for_a_thread_is_cancelled_also_as_the_answer_comes() -> None:
    async def main(n_turns: int) -> None:
        waiting = asyncio.ensure_future(OneThread("work").in_time(60.0, "it", lambda: 1))
        for _ in range(n_turns):
            await asyncio.sleep(0)
        was_done = waiting.done()
        waiting.cancel()
        await asyncio.wait([waiting], timeout=2.0)
        assert was_done or waiting.cancelled()

    for n_turns in range(60):
        asyncio.run(main(n_turns))
