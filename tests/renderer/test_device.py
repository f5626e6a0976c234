"""One thread for the device, whoever calls."""

from __future__ import annotations

import threading
import weakref

import pytest

from daw_bridge.renderer.device import Device


def test_all_work_is_done_on_one_thread_that_is_not_the_callers() -> None:
    device = Device()
    names = {device.call(threading.get_ident, lambda: None) for _ in range(3)}
    assert len(names) == 1 and threading.get_ident() not in names


def test_the_caller_is_ticked_in_its_own_thread_while_it_waits() -> None:
    ticks, enough = list[int](), threading.Event()

    def tick() -> None:
        ticks.append(threading.get_ident())
        enough.set()

    Device().call(lambda: enough.wait(10), tick)
    assert set(ticks) == {threading.get_ident()}


def test_what_the_work_raises_is_raised_at_the_caller_and_the_next_work_is_done() -> None:
    device = Device()
    with pytest.raises(ZeroDivisionError):
        device.call(lambda: 1 // 0, lambda: None)
    assert device.call(lambda: 5, lambda: None) == 5


def test_what_was_worked_on_is_let_go_of_although_the_error_is_kept() -> None:
    made: list[weakref.ref[Sound]] = []

    def fail() -> None:
        sound = Sound()
        made.append(weakref.ref(sound))
        raise ZeroDivisionError

    call = Device().begin(fail)
    assert call.is_over(20.0)
    with pytest.raises(ZeroDivisionError):
        call.result()
    assert made[0]() is None


class Sound:
    """What takes a lot of memory."""
