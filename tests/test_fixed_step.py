"""The published step is as long as it says, whatever the gradient, and so it cannot settle."""

from __future__ import annotations

from itertools import pairwise

import torch

from daw_bridge.fixed_step import FixedStep


def test_the_step_is_the_rate_times_the_gradient_over_its_deviation() -> None:
    target = torch.tensor([1.0, 2.0, 4.0], requires_grad=True)
    weights = torch.tensor([1e-9, 3e-9, 8e-9])
    FixedStep([target], lr=0.5).step(lambda: _backward((target * weights).sum()))
    expected = torch.tensor([1.0, 2.0, 4.0]) - 0.5 * weights / weights.std()
    torch.testing.assert_close(target.detach(), expected)


def test_it_circles_a_minimum_for_ever() -> None:
    target = torch.tensor([5.0, -3.0, 0.2, 1.0], requires_grad=True)
    optimizer = FixedStep([target], lr=1.0)
    losses = []
    for _ in range(50):
        optimizer.zero_grad()
        losses.append(optimizer.step(lambda: _backward(target.square().sum())).item())
    assert min(losses[10:]) > 0.1
    assert any(later > earlier for earlier, later in pairwise(losses[10:]))


def test_a_gradient_without_deviation_moves_nothing() -> None:
    target = torch.ones(3, requires_grad=True)
    FixedStep([target], lr=1.0).step(lambda: _backward(target.sum() * 0.0))
    assert (target == 1.0).all()


def _backward(loss: torch.Tensor) -> torch.Tensor:
    torch.autograd.backward(loss)
    return loss.detach()
