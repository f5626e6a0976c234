"""Low priority for CPU and disk, a core left free, and memory handed back: the DAW's audio goes first."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import logging
import os
import platform
import sys
from collections.abc import MutableMapping

NICENESS = 10
MAPPED_FROM_BYTES = 8 << 20
KEPT_BYTES = 64 << 20  # during work; `give_back` hands them back, too
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_IOPRIO_SET = {"x86_64": 251, "aarch64": 30, "arm64": 30, "riscv64": 30}
_WHO_PROCESS, _CLASS_IDLE, _CLASS_SHIFT = 1, 3, 13

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3

log = logging.getLogger(__name__)


def step_back(environment: MutableMapping[str, str]) -> None:
    """Take a back seat. For the first thread before it starts others, and before torch is imported: both inherit.

    Args:
        environment: of this process; the user's own number of threads is left alone.
    """
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    hand_memory_back()
    if not _idle_io():
        log.info("no idle disk priority on this system")
    n_threads = str(threads_for(n_cores()))
    for name in THREAD_VARIABLES:
        environment.setdefault(name, n_threads)
    environment.setdefault("OMP_WAIT_POLICY", "passive")  # a thread that waits for another gives its core to the DAW


def hand_memory_back() -> None:
    """Have large blocks mapped one by one and returned when they are freed, and smaller ones kept for the next.

    The C library of Linux else keeps all of them and splits them up, so that a long render takes more and more; or, told
    which blocks are large, it keeps none, and the system makes each result of a step's products anew, page by page.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # another C library
            c_library = ctypes.CDLL(None)
            c_library.mallopt(_MMAP_THRESHOLD, MAPPED_FROM_BYTES)
            c_library.mallopt(_TRIM_THRESHOLD, KEPT_BYTES)


def give_back() -> None:
    """Hand back what is free after work; what the C library of Linux keeps in reserve for each thread, too."""
    gc.collect()
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # another C library
            ctypes.CDLL(None).malloc_trim(0)


def n_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads_for(n_cores: int) -> int:
    """How many of them to compute on: with more than two, one stays free."""
    return n_cores - 1 if n_cores > 2 else n_cores


def _idle_io() -> bool:
    """Ask Linux for the idle class of disk priority; Python has no function for it."""
    number = _IOPRIO_SET.get(platform.machine())
    if sys.platform != "linux" or number is None:
        return False
    return bool(ctypes.CDLL(None).syscall(number, _WHO_PROCESS, 0, _CLASS_IDLE << _CLASS_SHIFT) == 0)
