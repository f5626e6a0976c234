"""How far a target is from the content and from the style, as a network hears it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from .errors import ShapeError

PLACES_AT_ONCE = 1 << 15  # of a feature map
SMALLEST = 1e-12  # keeps a target of digital silence from dividing by zero


def gram_matrix(features: Tensor, centre: Tensor | None = None) -> Tensor:
    """Correlate the channels of a feature map with each other.

    Which channels sound together is kept; when and where is forgotten. That is what makes it a description of style.

    Args:
        features: `(B, C, *)`, real. The trailing axes flatten to N.
        centre: `(B, C)`, features to count from; with the style's mean, texture is not drowned by level.

    Returns:
        `(B, C, C)`, float32 at least, symmetric, positive semi-definite; a mean over N, so a long clip weighs no more
        than a short one.

    Raises:
        ShapeError: `features` has fewer than three axes, or nothing to average.

    Source:
        Gatys, Ecker and Bethge 2015, eq. 3. Differs: the paper sums; we divide by N here, once.
    """
    flat = _by_place(features)
    if centre is None:
        return (flat.transpose(1, 2) @ flat).to(_sum_type(flat)) / flat.shape[1]
    gram: Tensor = _GramAbout.apply(flat, centre[:, None].to(flat.dtype))
    return gram


def _by_place(features: Tensor) -> Tensor:
    """`(B, C, *)` as `(B, N, C)`; channels-last maps flatten without a copy."""
    if features.ndim < 3 or features[0, 0].numel() == 0:
        raise ShapeError(f"features.shape={tuple(features.shape)} must be (B, C, *) with something in *", "Use a longer clip.")
    return features.permute(0, *range(2, features.ndim), 1).flatten(1, -2)


def _sum_type(features: Tensor) -> torch.dtype:
    """What products of features are added up in: float32 at least."""
    return torch.promote_types(features.dtype, torch.float32)


class _GramAbout(torch.autograd.Function):
    """Gram matrix about a centre that keeps no centred copy of the features for the way back: it is made again there."""

    @staticmethod
    def forward(ctx: Any, flat: Tensor, centre: Tensor) -> Tensor:
        ctx.save_for_backward(flat, centre)
        return _mean_products(flat, centre)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        flat, centre = ctx.saved_tensors
        both = (gradient + gradient.transpose(1, 2)).div_(flat.shape[1])
        return _weighted_places(flat, centre, both.to(flat.dtype)), None


class _GramError(torch.autograd.Function):
    """Relative error of a Gram matrix about a centre, in as few passes over memory as there can be.

    What is small and elementwise costs as much as a product of matrices here: new memory for each result, and two
    threads that wait for each other. So the difference is made where the Gram matrix lies, and kept for the way back.
    """

    @staticmethod
    def forward(ctx: Any, flat: Tensor, centre: Tensor, wanted: Tensor) -> Tensor:
        difference = _mean_products(flat, centre).sub_(wanted)
        scale = _mean_square(wanted).clamp_min(SMALLEST)
        ctx.save_for_backward(flat, centre, difference, scale)
        return _mean_square(difference) / scale

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        flat, centre, difference, scale = ctx.saved_tensors
        slope = gradient * (4.0 / (difference.numel() * flat.shape[1])) / scale
        return _weighted_places(flat, centre, (difference * slope).to(flat.dtype)), None, None


def _mean_products(flat: Tensor, centre: Tensor) -> Tensor:
    """Gram matrix `(B, C, C)` of `(B, N, C)` about `(B, 1, C)`."""
    sums: Tensor | None = None
    for part in torch.split(flat, PLACES_AT_ONCE, dim=1):
        around = part - centre
        products = torch.bmm(around.transpose(1, 2), around).to(_sum_type(flat))  # matmul copies
        sums = products if sums is None else sums.add_(products)
    assert sums is not None
    return sums.div_(flat.shape[1])


def _weighted_places(flat: Tensor, centre: Tensor, weights: Tensor) -> Tensor:
    """`(flat - centre) @ weights` for symmetric weights `(B, C, C)`, laid out in memory as `flat` is."""
    found = torch.empty_like(flat)
    for part, room in zip(*(torch.split(t, PLACES_AT_ONCE, dim=1) for t in (flat, found)), strict=True):
        around = part - centre
        if around.stride(1) == 1:  # channels first, as the layer before wants the gradient
            torch.bmm(weights, around.transpose(1, 2), out=room.transpose(1, 2))
        else:
            torch.bmm(around, weights, out=room)
    return found


def _mean_square(x: Tensor) -> Tensor:
    """A scalar, in one pass."""
    square: Tensor = torch.linalg.vector_norm(x).square() / x.numel()
    return square


def relative_error(found: Tensor, wanted: Tensor) -> Tensor:
    """Mean square difference over the mean square of what is wanted: 0 = equal, 1 = as far as silence is. A scalar."""
    scale = wanted.square().mean().clamp_min(SMALLEST)
    return (found - wanted).square().mean() / scale


def gram_error(features: Tensor, wanted: Tensor, centre: Tensor) -> Tensor:
    """How far the Gram matrix of a feature map is from the one that is wanted.

    Args:
        features: `(B, C, *)`, real.
        wanted: `(1, C, C)` or `(B, C, C)`, symmetric, float32 at least; without a gradient.
        centre: `(1, C)` or `(B, C)`, without a gradient.

    Returns:
        `relative_error(gram_matrix(features, centre), wanted)`, a scalar, with less to be done for its gradient.
    """
    flat = _by_place(features)
    error: Tensor = _GramError.apply(flat, centre[:, None].to(flat.dtype), wanted)
    return error


def content_loss(features: Mapping[str, Tensor], wanted: Mapping[str, Tensor], weights: Mapping[str, float]) -> Tensor:
    """Weighted mean over layers of how far the features are from the content's.

    Args:
        features: `{layer: (B, C, *)}` of the target.
        wanted: the same of the content; without any layer the loss is 0.
        weights: of the layers.

    Returns:
        A scalar, at least 0; 1 is as far as silence.

    Source:
        Gatys, Ecker and Bethge 2015, eq. 1. Differs: divided by the content's own mean square, so that one weight means
        the same for any recording and any layer.
    """
    errors = {layer: relative_error(features[layer].float(), target.float()) for layer, target in wanted.items()}
    return _weighted_mean(errors, weights)


def style_loss(
    features: Mapping[str, Tensor],
    wanted_grams: Mapping[str, Tensor],
    centres: Mapping[str, Tensor],
    weights: Mapping[str, float],
) -> Tensor:
    """Weighted mean over layers of how far the Gram matrices are from the style's.

    Args:
        features: `{layer: (B, C, *)}` of the target.
        wanted_grams: `{layer: (1, C, C)}` of the style.
        centres: `{layer: (1, C)}` that they were taken about.
        weights: of the layers.

    Returns:
        A scalar, at least 0.

    Source:
        Gatys, Ecker and Bethge 2015, eq. 4 and 5. Differs: divided by the target's mean square, layer by layer.
    """
    errors = {layer: gram_error(features[layer], gram, centres[layer]) for layer, gram in wanted_grams.items()}
    return _weighted_mean(errors, weights)


def _weighted_mean(errors: Mapping[str, Tensor], weights: Mapping[str, float]) -> Tensor:
    if not errors:
        return torch.zeros(())
    total = sum(weights[layer] for layer in errors)
    return torch.stack([error * (weights[layer] / total) for layer, error in errors.items()]).sum()
