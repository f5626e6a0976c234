"""The one optimisation loop: change a target's band levels until a frozen network hears the content in the style."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from .errors import TooShort
from .extractors.base import Extractor
from .losses import content_loss, gram_matrix, style_loss
from .settings import TransferSettings

STEP_UNIT_DB = 60.0  # what the optimiser's step is measured in
FLOOR_DB = -70.0  # levels are kept this far under the programme's at least
BLOCK_FRAMES, BLOCK_OVERLAP = 1024, 64
FEWEST_FRAMES = 8


@dataclass(frozen=True)
class Step:
    """Where the optimisation stands.

    Attributes:
        step, num_steps: steps done and to do, over all blocks.
        content_loss, style_loss: of the step just done, before weighting.
    """

    step: int
    num_steps: int
    content_loss: float
    style_loss: float


@dataclass(frozen=True)
class BandStatistics:
    """Mean and standard deviation of each band's level over sounding frames, `(M, 1)` each, in dB."""

    mean: Tensor
    deviation: Tensor


@dataclass(frozen=True)
class StyleTarget:
    """What is kept of a style: nothing that says when or where anything sounded.

    Attributes:
        grams: `{layer: (1, C, C)}`.
        statistics: of its bands.
    """

    grams: dict[str, Tensor]
    statistics: BandStatistics


@dataclass(frozen=True)
class Transferred:
    """What the optimisation found.

    Attributes:
        levels: `(M, T)` in dB relative to the content's programme level.
        content_losses, style_losses: by step, mean over blocks; empty without steps.
    """

    levels: Tensor
    content_losses: list[float]
    style_losses: list[float]


def programme_level_db(levels: Tensor) -> float:
    """Level of all bands together, averaged as power over the frames within 60 dB of the loudest. `levels` is `(M, T)`."""
    power = torch.pow(10.0, levels / 10.0).sum(0)
    return float(10.0 * torch.log10(power[power >= power.max() * 1e-6].mean()))


def sounding_frames(levels: Tensor, gate_db: float) -> Tensor:
    """Frames in which something sounds, `(T,)` of bool: all bands together less than `gate_db` under the programme.

    This is the paper's unbuilt idea: a threshold on what is read, and transfer only to what is not silent.
    """
    power_db = 10.0 * torch.log10(torch.pow(10.0, levels / 10.0).sum(0))
    return power_db > max(programme_level_db(levels) + gate_db, -95.0)


def band_statistics(levels: Tensor) -> BandStatistics:
    """Mean and deviation of `(M, T)` levels in dB over time."""
    return BandStatistics(levels.mean(1, keepdim=True), levels.std(1, keepdim=True, correction=0))


def style_target(levels: Tensor, extractor: Extractor, settings: TransferSettings) -> StyleTarget:
    """Listen to a style once.

    Args:
        levels: `(M, T)`, band levels in dB.
        extractor: the frozen network.
        settings: says which layers.

    Raises:
        TooShort: fewer than 8 sounding frames, about a tenth of a second.
    """
    relative = (levels - programme_level_db(levels)).clamp_min(FLOOR_DB)
    relative = relative[:, sounding_frames(levels, settings.gate_db)]
    if relative.shape[1] < FEWEST_FRAMES:
        raise TooShort(f"the style sounds for {relative.shape[1]} frames, fewer than {FEWEST_FRAMES}", "Give a longer or louder style.")
    grams: dict[str, Tensor] = {}
    with torch.no_grad():
        for first, last in blocks_of(relative.shape[1]):
            features = extractor.features(relative[None, :, first:last], settings.style_layers)
            for layer, found in features.items():
                share = gram_matrix(found) * ((last - first) / relative.shape[1])
                grams[layer] = grams[layer] + share if layer in grams else share
    return StyleTarget(grams, band_statistics(relative))


def transfer(
    content_levels: Tensor,
    style: StyleTarget,
    extractor: Extractor,
    settings: TransferSettings,
    *,
    seed: int = 0,
    on_step: Callable[[Step], None] | None = None,
) -> Transferred:
    """Find the levels that keep the content's features and take on the style's Gram matrices.

    Args:
        content_levels: `(M, T)`, band levels in dB.
        style: what is kept of the style.
        extractor: the frozen network.
        settings: layers, weights, start, optimiser, steps.
        seed: of the noise that `start = "noise"` begins with.
        on_step: told of each step; whatever it raises ends the transfer.

    Returns:
        Levels as long as the content's; frames in which the content is silent are the content's own.
    """
    programme_db = programme_level_db(content_levels)
    relative = content_levels - programme_db
    is_sounding = sounding_frames(content_levels, settings.gate_db)
    content = relative[:, is_sounding].clamp_min(FLOOR_DB)
    if content.shape[1] < FEWEST_FRAMES:
        return Transferred(content_levels, [], [])
    start = _start(content, style.statistics, settings.start, torch.Generator().manual_seed(seed))
    spans = blocks_of(content.shape[1]) if settings.num_steps else []
    found = torch.zeros_like(start) if spans else start
    curves = torch.zeros(2, settings.num_steps)
    for number, (first, last) in enumerate(spans):
        block = _Block(content[:, first:last], start[:, first:last], style, extractor, settings)
        for step, losses in enumerate(block.steps()):
            curves[:, step] += torch.tensor(losses) * ((last - first) / sum(b - a for a, b in spans))
            if on_step:
                on_step(Step(number * settings.num_steps + step + 1, len(spans) * settings.num_steps, *losses))
        found[:, first:last] += block.levels() * _fades(first, last, content.shape[1]).to(found)
    levels = content_levels.clone()
    levels[:, is_sounding] = found + programme_db
    return Transferred(levels, *(curve.tolist() for curve in curves))


class _Block:
    """One stretch of the target, small enough to be optimised in one piece."""

    def __init__(
        self, content: Tensor, start: Tensor, style: StyleTarget, extractor: Extractor, settings: TransferSettings
    ) -> None:
        self._style, self._extractor, self._settings = style, extractor, settings
        self._layers = tuple(dict.fromkeys((*settings.content_layers, *settings.style_layers)))
        with torch.no_grad():
            self._wanted = {k: v.clone() for k, v in extractor.features(content[None], settings.content_layers).items()}
        self._target = (start[None] / STEP_UNIT_DB).clone().requires_grad_()

    def levels(self) -> Tensor:
        return self._target.detach()[0] * STEP_UNIT_DB

    def losses(self) -> tuple[Tensor, Tensor]:
        features = self._extractor.features(self._target * STEP_UNIT_DB, self._layers)
        return content_loss(features, self._wanted), style_loss(features, self._style.grams)

    def steps(self) -> Iterator[tuple[float, float]]:
        """Optimise; yields content and style loss of each step."""
        settings = self._settings
        last: list[tuple[float, float]] = []

        def closure() -> Tensor:
            optimizer.zero_grad(set_to_none=True)
            content, style = self.losses()
            total = settings.content_weight * content + settings.style_weight * style
            total.backward()  # type: ignore[no-untyped-call]
            last[:] = [(float(content.detach()), float(style.detach()))]
            return total

        optimizer: torch.optim.Optimizer = (
            torch.optim.LBFGS([self._target], lr=1.0, max_iter=1, history_size=10, line_search_fn="strong_wolfe")
            if settings.optimizer == "lbfgs"
            else torch.optim.Adam([self._target], lr=settings.learning_rate)
        )
        for _ in range(settings.num_steps):
            optimizer.step(closure)  # type: ignore[arg-type]
            with torch.no_grad():
                self._target.clamp_(FLOOR_DB / STEP_UNIT_DB, 1.0)
            yield last[0]


def _start(content: Tensor, style: BandStatistics, name: str, generator: torch.Generator) -> Tensor:
    own = band_statistics(content)
    if name == "noise":
        noise = torch.randn(content.shape, generator=generator).to(content)
        return (own.mean.mean() + own.deviation.mean() * noise).clamp_min(FLOOR_DB)
    if name == "band_stats":
        shaped = (content - own.mean) / (own.deviation + 1.0) * (style.deviation + 1.0) + style.mean
        return shaped.clamp_min(FLOOR_DB)
    return content


def blocks_of(n_frames: int) -> list[tuple[int, int]]:
    """Cut frames into blocks of equal length, about `BLOCK_FRAMES`, that share `BLOCK_OVERLAP` frames with the next."""
    n_blocks = max(1, -(-(n_frames - BLOCK_OVERLAP) // (BLOCK_FRAMES - BLOCK_OVERLAP)))
    stride = -(-(n_frames - BLOCK_OVERLAP) // n_blocks)
    return [(first, min(first + stride + BLOCK_OVERLAP, n_frames)) for first in range(0, n_blocks * stride, stride)]


def _fades(first: int, last: int, n_frames: int) -> Tensor:
    """Linear crossfade weights `(last - first,)` that add up to 1 over the blocks."""
    weight = torch.ones(last - first)
    ramp = (torch.arange(BLOCK_OVERLAP) + 0.5) / BLOCK_OVERLAP
    if first > 0:
        weight[:BLOCK_OVERLAP] = ramp
    if last < n_frames:
        weight[-BLOCK_OVERLAP:] = ramp.flip(0)
    return weight
