"""Colour planes become grey by the paper's shares, and free planes are a target like any other."""

from __future__ import annotations

import pytest
import torch

from daw_bridge.planes import grey


def test_one_plane_is_grey_already() -> None:
    plane = torch.randn(2, 1, 4, 5)
    assert torch.equal(grey(plane), plane[:, 0])


def test_red_green_and_blue_weigh_as_the_paper_says() -> None:
    planes = torch.randn(2, 3, 4, 5, dtype=torch.float64)
    torch.testing.assert_close(grey(planes), 0.3 * planes[:, 0] + 0.59 * planes[:, 1] + 0.11 * planes[:, 2])


@pytest.mark.parametrize("n_planes", [1, 3])
def test_equal_planes_are_their_own_grey(n_planes: int) -> None:
    plane = torch.randn(4, 5)
    torch.testing.assert_close(grey(plane.expand(n_planes, 4, 5)), plane)


def test_a_bound_on_every_plane_bounds_grey() -> None:
    planes = torch.randn(3, 40, 50) * 20
    assert (grey(planes.clamp(-7.0, 3.0)) <= 3.0 + 1e-5).all() and (grey(planes.clamp(-7.0, 3.0)) >= -7.0 - 1e-5).all()
