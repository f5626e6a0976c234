"""How a job is tried again: with less memory after too little of it, and never more often than the store allows."""

from __future__ import annotations

from dataclasses import replace

from ..errors import OutOfMemory, RendererCrashed
from ..job import MAX_ATTEMPTS
from .order import Order

MEMORY_SCALES = (1.0, 0.5, 0.25, 0.25)  # the last one on the CPU
# The last is oneDNN's: what it lacks then is nearly always room for the kernel.
_SIGNS = ("out of memory", "can't allocate memory", "not enough memory", "bad_alloc", "could not create a primitive")


def attempts(order: Order, crashes: int) -> list[Order]:
    """What is left to try, each attempt asking for less memory than the one before.

    Args:
        order: as for the first attempt of all.
        crashes: attempts that cost a renderer its life, perhaps by the system's hand for want of memory.

    Raises:
        RendererCrashed: there are none left.
    """
    if crashes >= MAX_ATTEMPTS:
        name = order.request.content.path.replace("\\", "/").rpartition("/")[2]
        raise RendererCrashed(f"the renderer died {crashes} times over {name!r}", "Try a shorter part, or another preset.")
    devices = (order.device,) * (MAX_ATTEMPTS - 1) + ("cpu",)
    plan = [replace(order, memory_scale=scale, device=device) for scale, device in zip(MEMORY_SCALES, devices, strict=True)]
    left = plan[crashes:]
    return [order for number, order in enumerate(left) if number == 0 or order != left[number - 1]]


def is_out_of_memory(error: Exception) -> bool:
    """Whether Python, torch or a driver found no memory; each says it in its own words."""
    if isinstance(error, (MemoryError, OutOfMemory)):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error).lower() for sign in _SIGNS)
