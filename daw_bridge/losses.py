"""How far a target is from the content and from the style, as a network hears it."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from .errors import ShapeError

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
    if centre is not None:
        flat = flat - centre[:, None].to(flat.dtype)
    gram = flat.transpose(1, 2) @ flat
    return gram.to(torch.promote_types(gram.dtype, torch.float32)) / flat.shape[1]


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
