"""The step that the paper's authors published for VGGish: as long at the end as at the start, so it can never settle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

PUBLISHED_STEP_DB = 86.9  # ten of the log-mel units in the authors' notebook: ten times 20 log10(e) dB


class FixedStep(torch.optim.Optimizer):
    """Moves a target by `lr` times its gradient over the gradient's deviation, however small the gradient is.

    Args:
        targets: what to change.
        lr: the step, in units of the target.

    Source:
        The notebook that the paper's authors published, `10 * gradient / std(gradient)`.
    """

    def __init__(self, targets: list[Tensor], lr: float) -> None:
        super().__init__(targets, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        """See `torch.optim.Optimizer.step`; the closure computes the loss and its gradient."""
        with torch.enable_grad():
            loss = closure()
        for group in self.param_groups:
            for target in group["params"]:
                deviation = target.grad.std()
                if deviation > 0:
                    target.sub_(target.grad / deviation, alpha=group["lr"])
        return loss
