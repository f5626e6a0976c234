"""Wyse's one-dimensional random network: bands are channels, time is the only axis that is convolved."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from daw_bridge.extractors.wyse import Wyse
from daw_bridge.networks import WYSE
from tests.hearing import features, only_levels

pytestmark = pytest.mark.usefixtures("one_thread")


def levels(n_bands: int = 16, n_frames: int = 50, seed: int = 1) -> Tensor:
    return torch.randn(1, n_bands, n_frames, generator=torch.Generator().manual_seed(seed)) * 15 - 40


def network(n_bands: int = 16, seed: int = 0) -> Wyse:
    return Wyse(torch.full((n_bands, 1), -40.0), seed, torch.float32)


def test_every_layer_is_what_its_name_says_frames_pooled_into_one() -> None:
    found = features(network(), levels(n_frames=50), WYSE.layers)
    n_frames = {layer: f.shape[2] for layer, f in found.items()}
    assert n_frames == {"wyse_1": 50, "wyse_2": 25, "wyse_4": 13, "wyse_8": 7}
    assert all((f >= 0).all() and f.shape[0] == 1 for f in found.values())


@pytest.mark.parametrize("n_frames", [1, 2, 8, 11])
def test_few_frames_still_give_features(n_frames: int) -> None:
    found = features(network(), levels(n_frames=n_frames), WYSE.layers)
    assert all(f.shape[2] == -(-n_frames // int(layer[5:])) and f.isfinite().all() for layer, f in found.items())


def test_the_same_seed_gives_the_same_filters_and_another_gives_others() -> None:
    x = levels()
    first, again, other = (features(network(seed=seed), x, ["wyse_1"])["wyse_1"] for seed in (3, 3, 4))
    assert torch.equal(first, again) and not torch.equal(first, other)


@pytest.mark.parametrize("layer", WYSE.layers)
def test_features_move_in_time_with_the_sound(layer: str) -> None:
    pooling = int(layer[5:])
    x = levels(n_frames=400)
    found = features(network(), x, [layer])[layer]
    moved = features(network(), x.roll(3 * pooling, 2), [layer])[layer]
    inner = slice(10, -10)
    torch.testing.assert_close(moved.roll(-3, 2)[..., inner], found[..., inner])


def test_bands_are_told_apart() -> None:
    x = levels()
    assert not torch.allclose(features(network(), x.flip(1), ["wyse_1"])["wyse_1"], features(network(), x, ["wyse_1"])["wyse_1"])


def test_a_frame_is_heard_through_eleven_frames_of_all_bands() -> None:
    x = levels().requires_grad_()
    features(network(), x, ["wyse_1"])["wyse_1"][0, :, 25].sum().backward()  # type: ignore[no-untyped-call]
    assert x.grad is not None
    heard = np.flatnonzero(x.grad[0].abs().sum(0).numpy())
    assert heard.tolist() == list(range(20, 31)) and (x.grad[0, :, 20:31] != 0).all()


def test_what_counts_is_the_distance_from_the_styles_mean() -> None:
    x = levels()
    tilt = torch.linspace(-20, 20, 16)[:, None]
    tilted = features(Wyse(torch.full((16, 1), -40.0) + tilt, 0, torch.float32), x + tilt, ["wyse_4"])["wyse_4"]
    torch.testing.assert_close(tilted, features(network(), x, ["wyse_4"])["wyse_4"], atol=1e-4, rtol=1e-4)


def test_colour_planes_are_heard_as_the_grey_that_they_become() -> None:
    planes = torch.cat([levels(seed=seed) for seed in (1, 2, 3)])[None]
    seen = network().features(planes, ["wyse_2"], only_levels(planes[0, 0]))["wyse_2"]
    mixed = 0.3 * planes[:, 0] + 0.59 * planes[:, 1] + 0.11 * planes[:, 2]
    torch.testing.assert_close(seen, features(network(), mixed, ["wyse_2"])["wyse_2"], atol=1e-4, rtol=1e-4)


def test_gradients_reach_every_cell_and_are_finite() -> None:
    x = levels().requires_grad_()
    sum(f.square().sum() for f in features(network(), x, WYSE.layers).values()).backward()  # type: ignore[union-attr]
    assert x.grad is not None and x.grad.isfinite().all() and (x.grad != 0).all()
