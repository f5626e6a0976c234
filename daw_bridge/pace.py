"""How many optimisation steps fit into the time that there is."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

TRIALS = 2  # the first of a size is slow: plans are made, and memory is asked for


class Pace:
    """Plans the steps of each block, so that all of them end in time.

    The pace is measured on the first block before it is optimised, and again by what each block took.

    Args:
        ends_at: when the last step is to be done, by `now`.
        now: a clock in seconds.
        replayed: steps by block, as they were planned once; a render by them is the same again. Empty measures.

    Attributes:
        steps: as planned so far.
    """

    def __init__(self, ends_at: float, now: Callable[[], float], replayed: Sequence[int] = ()) -> None:
        self._ends_at, self._now, self._replayed = ends_at, now, tuple(replayed)
        self.steps: list[int] = []
        self._seconds_per_frame = 0.0  # and step
        self._began, self._n_frames, self._n_done = 0.0, 0, 0  # of the block under way
        self._block_ends_at = math.inf

    def plan(self, n_frames: int, n_left: int, num_steps: int, trial: Callable[[], object], *, is_even: bool = True) -> int:
        """How many steps the next block gets.

        Args:
            n_frames: in the block.
            n_left: in it and all that follow.
            num_steps: the most that it gets.
            trial: does the work of a step without changing anything.
            is_even: whether every step is as much work as `trial`. Steps that are not are all planned, and `is_over` ends them.
        """
        n_steps = num_steps
        if self._replayed:
            n_steps = min(self._replayed[min(len(self.steps), len(self._replayed) - 1)], num_steps)
        elif num_steps:
            self._measure(n_frames, trial)
            left = self._ends_at - self._now()
            n_steps = min(max(int(left / (self._seconds_per_frame * n_left)), 0), num_steps)
            if n_steps and not is_even:
                n_steps, self._block_ends_at = num_steps, self._now() + left * n_frames / n_left
        self._began, self._n_frames, self._n_done = self._now(), n_frames, 0
        self.steps.append(n_steps)
        return n_steps

    def is_over(self, n_done: int) -> bool:
        """Whether the block has to end after so many steps, told after each: one more, as long as they were, comes too late."""
        self._n_done = n_done
        now = self._now()
        if now + (now - self._began) / n_done <= self._block_ends_at:
            return False
        self.steps[-1] = n_done
        return True

    def _measure(self, n_frames: int, trial: Callable[[], object]) -> None:
        if self._n_done:
            self._seconds_per_frame = (self._now() - self._began) / (self._n_frames * self._n_done)
        if self._seconds_per_frame:
            return
        for _ in range(TRIALS):
            began = self._now()
            trial()
            self._seconds_per_frame = max((self._now() - began) / n_frames, 1e-12)
            if self._now() + self._seconds_per_frame * n_frames > self._ends_at:
                return
