"""The colour planes of a target: one that is grey, or three that become grey in the end."""

from __future__ import annotations

import torch
from torch import Tensor

GREY = (0.3, 0.59, 0.11)  # shares of red, green and blue (Wang and Chu, section III.E)
N_PLANES = {"grey": 1, "colour": len(GREY)}


def grey(planes: Tensor) -> Tensor:
    """One picture out of its planes.

    The shares add up to 1: three equal planes give that plane, and a bound that holds in each plane holds for grey.

    Args:
        planes: `(*, P, M, T)`; P is 1, or 3 for red, green, blue.

    Returns:
        `(*, M, T)`, in the unit of the planes.
    """
    if planes.shape[-3] == 1:
        return planes.squeeze(-3)
    shares = torch.tensor(GREY, dtype=planes.dtype, device=planes.device)
    return torch.einsum("...pmt,p->...mt", planes, shares)
