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
    if features.ndim < 3 or features[0, 0].numel() == 0:
        raise ShapeError(f"features.shape={tuple(features.shape)} must be (B, C, *) with something in *", "Use a longer clip.")
    flat = features.permute(0, *range(2, features.ndim), 1).flatten(1, -2)  # channels-last maps flatten without a copy
    gram: Tensor = flat.transpose(1, 2) @ flat if centre is None else _GramAbout.apply(flat, centre[:, None].to(flat.dtype))
    return gram.to(_sum_type(flat)) / flat.shape[1]


def _sum_type(features: Tensor) -> torch.dtype:
    """What products of features are added up in: float32 at least."""
    return torch.promote_types(features.dtype, torch.float32)


class _GramAbout(torch.autograd.Function):
    """Gram matrix about a centre that keeps no centred copy of the features for the way back: it is made again there."""

    @staticmethod
    def forward(ctx: Any, flat: Tensor, centre: Tensor) -> Tensor:
        ctx.save_for_backward(flat, centre)
        gram = flat.new_zeros(flat.shape[0], flat.shape[2], flat.shape[2], dtype=_sum_type(flat))
        for part in torch.split(flat, PLACES_AT_ONCE, dim=1):
            around = part - centre
            gram += around.transpose(1, 2) @ around
        return gram

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        flat, centre = ctx.saved_tensors
        both = (gradient + gradient.transpose(1, 2)).to(flat.dtype)
        found = torch.empty_like(flat)
        for part, room in zip(*(torch.split(t, PLACES_AT_ONCE, dim=1) for t in (flat, found)), strict=True):
            room.copy_((part - centre) @ both)
        return found, None


def relative_error(found: Tensor, wanted: Tensor) -> Tensor:
    """Mean square difference over the mean square of what is wanted: 0 = equal, 1 = as far as silence is. A scalar."""
    scale = wanted.square().mean().clamp_min(SMALLEST)
    return (found - wanted).square().mean() / scale


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
    errors = {layer: relative_error(gram_matrix(features[layer], centres[layer]), gram) for layer, gram in wanted_grams.items()}
    return _weighted_mean(errors, weights)


def _weighted_mean(errors: Mapping[str, Tensor], weights: Mapping[str, float]) -> Tensor:
    if not errors:
        return torch.zeros(())
    total = sum(weights[layer] for layer in errors)
    return torch.stack([error * (weights[layer] / total) for layer, error in errors.items()]).sum()
