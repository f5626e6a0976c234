"""Steps planned into a time, on a clock that the tests turn."""

from __future__ import annotations

from daw_bridge.pace import Pace


class Clock:
    def __init__(self, seconds_per_frame: float) -> None:
        self.now, self.seconds_per_frame = 100.0, seconds_per_frame

    def step(self, n_frames: int) -> None:
        self.now += n_frames * self.seconds_per_frame


def spent(budget_seconds: float, clock: Clock, blocks: list[int], num_steps: int = 60) -> tuple[list[int], float]:
    began = clock.now
    pace = Pace(began + budget_seconds, lambda: clock.now)
    for number, n_frames in enumerate(blocks):
        for _ in range(pace.plan(n_frames, sum(blocks[number:]), num_steps, lambda n=n_frames: clock.step(n))):  # type: ignore[misc]
            clock.step(n_frames)
    return pace.steps, clock.now - began


def test_the_time_is_used_and_kept() -> None:
    for budget_seconds in (10.0, 40.0, 100.0):
        steps, seconds = spent(budget_seconds, Clock(0.001), [1000, 1000, 500])
        assert 0.8 * budget_seconds <= seconds <= budget_seconds, (steps, seconds)


def test_a_rest_of_few_steps_done_is_measured_by_those_alone() -> None:
    clock = Clock(0.001)
    pace = Pace(clock.now + 40.0, lambda: clock.now)
    pace.plan(1000, 2000, 60, lambda: clock.step(1000))
    for n_done in (1, 2):  # and no more of those planned: the loss was flat
        clock.step(1000)
        assert not pace.is_over(n_done)
    assert pace.plan(1000, 1000, 60, lambda: clock.step(1000)) in (35, 36)


def test_with_time_enough_all_steps_are_taken() -> None:
    steps, _ = spent(1e6, Clock(0.001), [1000, 500])
    assert steps == [60, 60]


def test_a_machine_that_gets_slower_gets_fewer_steps_for_the_rest() -> None:
    clock = Clock(0.001)
    pace = Pace(clock.now + 40.0, lambda: clock.now)
    first = pace.plan(1000, 2000, 60, lambda: clock.step(1000))
    clock.seconds_per_frame = 0.002
    for _ in range(first):
        clock.step(1000)
    assert 0 <= pace.plan(1000, 1000, 60, lambda: clock.step(1000)) < first / 2


def test_without_time_there_are_no_steps() -> None:
    steps, seconds = spent(0.0, Clock(0.001), [1000, 1000])
    assert steps == [0, 0] and seconds <= 1.0, "one trial to know the pace"


def test_replayed_steps_are_taken_whatever_the_clock_says() -> None:
    pace = Pace(-1e9, lambda: 0.0, [7, 3])
    found = [pace.plan(1000, 2000, 60, lambda: None), pace.plan(500, 500, 60, lambda: None)]
    assert found == [7, 3] == pace.steps
