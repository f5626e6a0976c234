"""The optimiser of the notebook that the paper's authors published: a step of one size on a picture of noise."""

from __future__ import annotations

import torch
from torch import Tensor

from daw_bridge.extractors.stack import Stack

STEP = 10.0


def published_losses(
    stack: Stack,
    content: Tensor,
    style: Tensor,
    layers: tuple[str, str],
    weights: tuple[float, float],
    num_steps: int,
) -> list[float]:
    """The whole loss by step of `picture -= 10 * gradient / std(gradient)` from `randn`.

    Args:
        stack: VGGish's convolutions.
        content, style: one example each, `(96, 64)`, of log-mel values, which span a few units.
        layers: of content and style.
        weights: of their losses.
        num_steps: steps.
    """
    of_content, of_style = layers
    with torch.no_grad():
        kept = stack.features(content[None, None], [of_content])[of_content]
        wanted = stack.features(style[None, None], [of_style])[of_style].flatten(2).float()
    picture = torch.randn(1, 1, 96, 64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    losses = []
    for _ in range(num_steps):
        found = stack.features(picture, [of_style, of_content])
        maps = found[of_style].flatten(2).float()
        gram_error = (maps @ maps.mT - wanted @ wanted.mT) / maps.shape[2]
        loss = weights[0] * (found[of_content] - kept).float().square().mean() + weights[1] * gram_error.square().mean()
        (gradient,) = torch.autograd.grad(loss, picture)
        with torch.no_grad():
            picture -= STEP * gradient / gradient.std()
        losses.append(loss.item())
    return losses
