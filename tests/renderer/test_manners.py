"""The renderer takes a back seat."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from daw_bridge.renderer.manners import threads_for


@pytest.mark.parametrize(("n_cores", "n_threads"), [(1, 1), (2, 2), (3, 2), (4, 3), (16, 15)])
def test_with_more_than_two_cores_one_stays_free(n_cores: int, n_threads: int) -> None:
    assert threads_for(n_cores) == n_threads


def test_the_users_own_number_of_threads_is_left_alone() -> None:
    lines = "from daw_bridge.renderer.manners import step_back", "step_back(os.environ)", "print(os.environ['OMP_NUM_THREADS'])"
    code = "; ".join(["import os", *lines])
    environment = {"OMP_NUM_THREADS": "7", "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "7\n"


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the reserve is of another C library")
def test_what_is_free_after_work_is_handed_back() -> None:
    lines = (
        "from daw_bridge.renderer.manners import give_back",
        "import psutil",
        "resident = lambda: psutil.Process().memory_info().rss",
        "blocks = [bytearray(100_000) for _ in range(1000)]",
        "pins = blocks[::100]",  # the C library gives back by itself only what lies behind all that is in use
        "del blocks",
        "before = resident()",
        "give_back()",
        "print(before - resident())",
    )
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 50_000_000


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the reserve is of another C library")
def test_during_work_the_memory_of_a_result_is_there_for_the_next() -> None:
    lines = (
        "from daw_bridge.renderer.manners import hand_memory_back",
        "import resource, torch",
        "hand_memory_back()",
        "faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt",
        "x = torch.ones(1 << 19)",  # 2 MB
        "for _ in range(10): (x * 2) + (x * 3)",
        "before = faults()",
        "for _ in range(100): (x * 2) + (x * 3)",
        "print(faults() - before)",
    )
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 5_000  # 150,000 pages where all of it is made anew
