"""Gram matrices and losses: closed forms, NumPy beside them, gradients."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from daw_bridge import losses
from daw_bridge.errors import ShapeError
from daw_bridge.losses import content_loss, gram_matrix, style_loss

pytestmark = pytest.mark.usefixtures("one_thread")


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def slow_gram(features: NDArray[np.float64], centre: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    flat = features.reshape(*features.shape[:2], -1)
    gram = np.zeros((flat.shape[0], flat.shape[1], flat.shape[1]))
    for b in range(flat.shape[0]):
        for i in range(flat.shape[1]):
            for j in range(flat.shape[1]):
                one, other = flat[b, i], flat[b, j]
                if centre is not None:
                    one, other = one - centre[b, i], other - centre[b, j]
                gram[b, i, j] = np.mean(one * other)
    return gram


def test_the_gram_of_ones_is_ones() -> None:
    assert torch.equal(gram_matrix(torch.ones(2, 3, 5, 7)), torch.ones(2, 3, 3))


def test_channels_that_never_sound_together_do_not_correlate() -> None:
    features = torch.tensor([[[1.0, 0.0, 2.0, 0.0], [0.0, 3.0, 0.0, 1.0]]])
    assert torch.equal(gram_matrix(features), torch.tensor([[[1.25, 0.0], [0.0, 2.5]]]))


@given(n_batch=st.integers(1, 3), n_channels=st.integers(1, 6), sizes=st.lists(st.integers(1, 5), min_size=1, max_size=3))
@settings(max_examples=40, deadline=None)
def test_the_gram_equals_its_definition(n_batch: int, n_channels: int, sizes: list[int]) -> None:
    features, centre = random(n_batch, n_channels, *sizes), random(n_batch, n_channels, seed=1)
    np.testing.assert_allclose(gram_matrix(features).numpy(), slow_gram(features.numpy()), atol=1e-12)
    np.testing.assert_allclose(gram_matrix(features, centre).numpy(), slow_gram(features.numpy(), centre.numpy()), atol=1e-12)


@pytest.mark.parametrize("places_at_once", [1, 7, 1000])
def test_the_gram_and_its_gradient_do_not_depend_on_the_parts_it_is_made_of(
    places_at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(losses, "PLACES_AT_ONCE", places_at_once)
    features, centre = random(2, 3, 4, 5).requires_grad_(), random(2, 3, seed=1)
    np.testing.assert_allclose(
        gram_matrix(features, centre).detach().numpy(), slow_gram(features.detach().numpy(), centre.numpy()), atol=1e-12
    )
    assert torch.autograd.gradcheck(lambda x: gram_matrix(x, centre), features)


def test_the_gram_is_symmetric_and_positive_semi_definite() -> None:
    gram = gram_matrix(random(2, 8, 3, 5))
    torch.testing.assert_close(gram, gram.transpose(1, 2))
    assert torch.linalg.eigvalsh(gram).min() > -1e-12


def test_the_gram_forgets_when_and_how_long() -> None:
    features = random(1, 4, 6, 10)
    shuffled = features.flatten(2)[..., torch.randperm(60, generator=torch.Generator().manual_seed(0))]
    torch.testing.assert_close(gram_matrix(shuffled), gram_matrix(features))
    torch.testing.assert_close(gram_matrix(torch.cat([features, features], -1)), gram_matrix(features))


def test_the_memory_layout_does_not_matter() -> None:
    features = random(2, 4, 6, 10)
    channels_last = features.contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(gram_matrix(channels_last), gram_matrix(features))


def test_the_gram_of_half_precision_comes_in_single() -> None:
    assert gram_matrix(torch.ones(1, 2, 8, dtype=torch.bfloat16)).dtype == torch.float32


@pytest.mark.parametrize("shape", [(3, 5), (1, 3, 0), (1, 3, 5, 0)])
def test_nothing_to_average_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"must be \(B, C, \*\)"):
        gram_matrix(torch.ones(shape))


def test_gradients_of_the_gram_are_right() -> None:
    assert torch.autograd.gradcheck(gram_matrix, random(2, 3, 2, 4).requires_grad_())
    assert torch.autograd.gradcheck(gram_matrix, (random(2, 3, 5).requires_grad_(), random(2, 3)))


LAYERS = {"one": (1, 3, 7), "two": (1, 4, 3, 5)}
WEIGHTS = {"one": 2.0, "two": 0.5}


def features_of(seed: int) -> dict[str, Tensor]:
    return {layer: random(*shape, seed=seed + place) for place, (layer, shape) in enumerate(LAYERS.items())}


def style_of(seed: int) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    centres = {layer: found.flatten(2).mean(2) for layer, found in features_of(seed).items()}
    return {layer: gram_matrix(found, centres[layer]) for layer, found in features_of(seed).items()}, centres


def test_nothing_is_lost_on_what_is_wanted() -> None:
    features, (grams, centres) = features_of(0), style_of(0)
    assert content_loss(features, features, WEIGHTS).item() == 0.0
    assert style_loss(features, grams, centres, WEIGHTS).item() == pytest.approx(0.0, abs=1e-12)


def test_silence_is_one_away_whatever_the_recording() -> None:
    silence = {layer: torch.zeros(shape, dtype=torch.float64) for layer, shape in LAYERS.items()}
    nowhere = {layer: torch.zeros(1, shape[1], dtype=torch.float64) for layer, shape in LAYERS.items()}
    for loudness in (0.1, 1.0, 1e3):
        wanted = {layer: found * loudness for layer, found in features_of(3).items()}
        grams = {layer: gram_matrix(found) for layer, found in wanted.items()}
        assert content_loss(silence, wanted, WEIGHTS).item() == pytest.approx(1.0, rel=1e-6)
        assert style_loss(silence, grams, nowhere, WEIGHTS).item() == pytest.approx(1.0, rel=1e-6)


def test_the_content_loss_equals_its_definition() -> None:
    found, wanted = features_of(0), features_of(10)
    by_layer = {
        layer: np.mean((found[layer] - wanted[layer]).numpy() ** 2) / np.mean(wanted[layer].numpy() ** 2) for layer in LAYERS
    }
    expected = (2.0 * by_layer["one"] + 0.5 * by_layer["two"]) / 2.5
    assert content_loss(found, wanted, WEIGHTS).item() == pytest.approx(expected, rel=1e-5)


def test_the_style_loss_equals_its_definition() -> None:
    found, (grams, centres) = features_of(0), style_of(10)
    by_layer = {
        layer: np.mean((slow_gram(found[layer].numpy(), centres[layer].numpy()) - grams[layer].numpy()) ** 2)
        / np.mean(grams[layer].numpy() ** 2)
        for layer in LAYERS
    }
    expected = (2.0 * by_layer["one"] + 0.5 * by_layer["two"]) / 2.5
    assert style_loss(found, grams, centres, WEIGHTS).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("places_at_once", [7, 1000])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_the_error_of_a_gram_and_its_gradient_are_those_of_its_parts_in_any_layout(
    layout: torch.memory_format, places_at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(losses, "PLACES_AT_ONCE", places_at_once)
    features = random(2, 3, 4, 5).contiguous(memory_format=layout).requires_grad_()
    centre, wanted = random(2, 3, seed=1), gram_matrix(random(1, 3, 9, seed=2))
    around = (features - centre[:, :, None, None]).flatten(2)
    plain = losses.relative_error(around @ around.transpose(1, 2) / around.shape[2], wanted)
    found = losses.gram_error(features, wanted, centre)
    torch.testing.assert_close(found, plain)
    (expected,), (gradient,) = (torch.autograd.grad(3.0 * loss, features) for loss in (plain, found))
    torch.testing.assert_close(gradient, expected)


def test_only_the_ratio_of_weights_counts() -> None:
    found, wanted = features_of(0), features_of(10)
    tenfold = {layer: 10 * weight for layer, weight in WEIGHTS.items()}
    torch.testing.assert_close(content_loss(found, wanted, tenfold), content_loss(found, wanted, WEIGHTS))


def test_without_layers_there_is_no_loss() -> None:
    assert content_loss(features_of(0), {}, {}).item() == 0.0
    assert style_loss(features_of(0), {}, {}, {}).item() == 0.0


def test_gradients_of_the_losses_are_right() -> None:
    (grams, centres), weights = style_of(10), {"one": 2.0}
    wanted = {"one": grams["one"]}

    def by_style(features: Tensor) -> Tensor:
        return style_loss({"one": features}, wanted, centres, weights)

    assert torch.autograd.gradcheck(by_style, random(*LAYERS["one"]).requires_grad_())


def test_the_gradient_of_the_content_loss_is_right_in_the_precision_that_it_keeps() -> None:
    wanted = {"one": random(*LAYERS["one"], seed=10)}
    features = random(*LAYERS["one"]).requires_grad_()
    content_loss({"one": features}, wanted, {"one": 1.0}).backward()  # type: ignore[no-untyped-call]
    expected = 2 * (features.detach() - wanted["one"]) / wanted["one"].square().sum()
    assert features.grad is not None
    torch.testing.assert_close(features.grad, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("is_silent_style", [False, True])
def test_gradients_are_finite_on_digital_silence(is_silent_style: bool) -> None:
    grams, centres = style_of(10)
    if is_silent_style:
        grams, centres = ({layer: torch.zeros_like(value) for layer, value in table.items()} for table in (grams, centres))
    silence = {layer: torch.zeros(shape, dtype=torch.float64, requires_grad=True) for layer, shape in LAYERS.items()}
    wanted = {layer: found.detach() for layer, found in silence.items()}
    for loss in (partial(content_loss, silence, wanted), partial(style_loss, silence, grams, centres)):
        value = loss(WEIGHTS)
        value.backward()  # type: ignore[no-untyped-call]
        assert value.isfinite()
        assert all(found.grad is not None and found.grad.isfinite().all() for found in silence.values())
