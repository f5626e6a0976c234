"""Where to compute, and in which type."""

from __future__ import annotations

import torch

from .errors import BadArguments


def pick_device(name: str = "auto") -> torch.device:
    """The device of that name; "auto" is cuda, then mps, then cpu.

    Raises:
        BadArguments: this torch has no such device.
    """
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(device for device, is_present in present.items() if is_present)
    kind = name.partition(":")[0]
    if not present.get(kind, False):
        have = ", ".join(device for device, is_present in present.items() if is_present)
        raise BadArguments(f"device={name!r} is not available to torch {torch.__version__}", f"This machine has: {have}.")
    return torch.device(name)


def pick_dtype(device: torch.device) -> torch.dtype:
    """bfloat16 where the hardware multiplies it, float32 elsewhere."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    has_bf16 = device.type == "cpu" and (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
    return torch.bfloat16 if has_bf16 else torch.float32
