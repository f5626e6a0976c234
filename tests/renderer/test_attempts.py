"""What is tried after too little memory, and when nothing is left to try."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from daw_bridge.errors import OutOfMemory, RendererCrashed
from daw_bridge.renderer.attempts import attempts, is_out_of_memory
from daw_bridge.renderer.order import Order
from daw_bridge.request import RenderRequest, SourceFile

SOURCE = SourceFile("/songs/song.wav", 1, 1)
ORDER = Order("a.1", RenderRequest("/p", SOURCE, SOURCE, {}), Path("work"))


def plan(device: str, crashes: int) -> list[tuple[float, str]]:
    return [(order.memory_scale, order.device) for order in attempts(replace(ORDER, device=device), crashes)]


def test_a_gpu_falls_back_to_smaller_blocks_and_then_to_the_cpu() -> None:
    assert plan("cuda", 0) == [(1.0, "cuda"), (0.5, "cuda"), (0.25, "cuda"), (0.25, "cpu")]


def test_on_the_cpu_nothing_is_tried_twice_in_the_same_way() -> None:
    assert plan("cpu", 0) == [(1.0, "cpu"), (0.5, "cpu"), (0.25, "cpu")]


@pytest.mark.parametrize(("crashes", "first"), [(1, (0.5, "cuda")), (2, (0.25, "cuda")), (3, (0.25, "cpu"))])
def test_each_dead_renderer_costs_one_attempt(crashes: int, first: tuple[float, str]) -> None:
    assert plan("cuda", crashes)[0] == first


def test_four_dead_renderers_are_enough() -> None:
    with pytest.raises(RendererCrashed, match=r"died 4 times over 'song\.wav'"):
        attempts(ORDER, 4)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OutOfMemory("no"),
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes."),
        RuntimeError("could not create a primitive"),
        RuntimeError("std::bad_alloc"),
    ],
)
def test_the_words_for_too_little_memory_are_known(error: Exception) -> None:
    assert is_out_of_memory(error)


@pytest.mark.parametrize("error", [RuntimeError("shapes do not match"), ValueError("out of memory")])
def test_other_errors_are_not_taken_for_it(error: Exception) -> None:
    assert not is_out_of_memory(error)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sets no such limit")
def test_torch_under_a_real_limit_of_memory_says_it_in_words_that_are_known() -> None:
    lines = (
        "import resource, psutil, torch",
        "from daw_bridge.renderer.attempts import is_out_of_memory",
        "limit = psutil.Process().memory_info().vms + 200_000_000",
        "resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))",
        "try: torch.ones(1_000_000_000)",
        "except Exception as error: print(is_out_of_memory(error))",
    )
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n", done.stderr
