"""The one optimisation loop: change a target's band levels until a frozen network hears the content in the style."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from . import starts
from .band_statistics import BandStatistics, band_parts, band_statistics
from .extractors.base import Extractor, Sound
from .fixed_step import FixedStep
from .losses import content_loss, style_loss
from .noise_guard import noise_ceiling
from .planes import N_PLANES, grey
from .scratch import Scratch
from .settings import TransferSettings
from .sounding import BLOCK_FRAMES, BLOCK_OVERLAP, FEWEST_FRAMES, FLOOR_DB, Sounding, blocks_of
from .style_target import StyleTarget

STEP_UNIT_DB = 60.0  # what the optimiser's step is measured in
ANCHOR_UNIT_DB = 20.0
TOP_DB = 60.0  # of the target, relative to the programme's level
FINAL_STEP_SHARE = 0.2  # Adam's last step over its first: large steps first, fine ones last
SMALLEST_START_ERROR = 0.05
REST_DB = 1.0  # by which rests are lowered: meters differ in what the programme's level is, and rests may rather fall than rise


@dataclass(frozen=True)
class Step:
    """Where the optimisation stands.

    Attributes:
        step, num_steps: steps done and to do, over all blocks.
        content_loss, style_loss: of the step just done, before weighting.
        levels: gives the block's target as it is now, `(M, t)` in dB relative to the programme's level.
    """

    step: int
    num_steps: int
    content_loss: float
    style_loss: float
    levels: Callable[[], Tensor]


@dataclass(frozen=True)
class Transferred:
    """What the optimisation found.

    Attributes:
        levels: `(M, T)` in dB, the target.
        ceiling: `(M, T)` in dB relative to the programme's level, the highest that the noise guard allows.
        quiet_db: `(M, 1)`, the same of the quiet end of each band.
        content_losses, style_losses: by step, mean over blocks; empty without steps.
    """

    levels: Tensor
    ceiling: Tensor
    quiet_db: Tensor
    content_losses: list[float]
    style_losses: list[float]


def transfer(
    content: Sounding,
    style: StyleTarget,
    extractor: Extractor,
    settings: TransferSettings,
    *,
    frames_per_second: float,
    seed: int = 0,
    block_frames: int = BLOCK_FRAMES,
    scratch: Scratch = Scratch(),
    on_step: Callable[[Step], None] | None = None,
) -> Transferred:
    """Find the levels that keep the content's features and take on the style's Gram matrices.

    Args:
        content: its sounding frames.
        style: what is wanted of the style, on the device to compute on.
        extractor: the frozen network.
        settings: layers, weights, start, optimiser, steps.
        frames_per_second: of the levels.
        seed: of the noise that `start = "noise"` begins with.
        block_frames: frames optimised at once.
        scratch: makes room for whatever is as long as the content.
        on_step: told of each step; whatever it raises ends the transfer.

    Returns:
        Levels as long as the content's; frames in which the content is silent are the content's own.
    """
    if content.n_frames < FEWEST_FRAMES:
        unbound = torch.full((content.levels.shape[0], 1), torch.inf)
        return Transferred(content.levels, unbound.expand_as(content.levels), unbound, [], [])
    ceiling, quiet_db, start = _bounds(content, style, frames_per_second, settings, seed, scratch)
    levels = torch.from_numpy(scratch.empty(tuple(content.levels.shape)))
    for part in band_parts(*content.levels.shape):
        levels[part] = content.levels[part]
    spans = blocks_of(content.n_frames, block_frames)
    curves = torch.zeros(2, settings.num_steps)
    device = style.bands.mean.device
    for number, (first, last) in enumerate(spans):
        frames = content.frames[first:last]
        sound = content.block(first, last, device)
        block = _Block(sound, start[..., first:last].to(device), ceiling[:, frames].to(device), style, extractor, settings)
        for step, losses in enumerate(block.steps()):
            curves[:, step] += torch.tensor(losses) * ((last - first) / sum(b - a for a, b in spans))
            if on_step:
                on_step(Step(number * settings.num_steps + step + 1, len(spans) * settings.num_steps, *losses, block.levels))
        share = _fades(first, last, content.n_frames) * content.presence[frames]
        levels[:, frames] += (block.levels() - sound.levels).cpu() * share
    return Transferred(levels, ceiling, quiet_db, *(curve.tolist() for curve in curves))


def _bounds(
    content: Sounding,
    style: StyleTarget,
    frames_per_second: float,
    settings: TransferSettings,
    seed: int,
    scratch: Scratch,
) -> tuple[Tensor, Tensor, Tensor]:
    """Ceiling `(M, T)` and its least `(M, 1)`, start `(P, M, S)` of the sounding frames, relative to the programme's level.

    What is not transferred may not come nearer to the programme, either: there, the ceiling lies a little under what is.
    """
    n_bands, n_planes = content.levels.shape[0], N_PLANES[settings.planes]
    ceiling = torch.from_numpy(scratch.empty(tuple(content.levels.shape)))
    start = torch.from_numpy(scratch.empty((n_planes, n_bands, content.n_frames)))
    quiet_db = torch.full((n_bands, 1), torch.inf)
    own = band_statistics(n_bands, content.n_frames, content.bands) if settings.start == "noise" else None
    generators = [torch.Generator().manual_seed(seed + plane) for plane in range(n_planes)]
    for part in band_parts(*content.levels.shape):
        wanted, sounding = style.bands.on(torch.device("cpu")).rows(part), content.bands(part)
        relative = content.relative(content.levels[part])
        allowed = noise_ceiling(relative, wanted, frames_per_second, settings.noise_lift_db)
        limits = allowed[:, content.frames]
        quiet_db[part] = limits.amin(1, keepdim=True)
        ceiling[part] = torch.where(content.presence > 0, allowed, relative - REST_DB * settings.strength)
        for plane, generator in enumerate(generators):
            found = _start(sounding, wanted, own, settings.start, generator)
            start[plane, part] = found.clamp(FLOOR_DB, TOP_DB).minimum(limits)
    return ceiling, quiet_db, start


class _Block:
    """One stretch of the target, small enough to be optimised in one piece."""

    def __init__(
        self,
        content: Sound,
        start: Tensor,
        ceiling: Tensor,
        style: StyleTarget,
        extractor: Extractor,
        settings: TransferSettings,
    ) -> None:
        self._start, self._ceiling, self._style = start, ceiling / STEP_UNIT_DB, style
        self._sound, self._extractor, self._settings = content, extractor, settings
        content_layers = [layer for layer, _ in settings.content_layers] if settings.content_weight else []
        self._layers = tuple(dict.fromkeys((*content_layers, *style.grams)))
        with torch.no_grad():
            wanted = extractor.features(content.levels[None, None], content_layers, content) if content_layers else {}
            self._wanted = {layer: found.clone() for layer, found in wanted.items()}
        self._target = (start[None] / STEP_UNIT_DB).clone().requires_grad_()
        self._style_weights = self._balanced() if settings.is_style_balanced else dict(settings.style_layers)
        self._style_scale = sum(self._style_weights.values()) / sum(weight for _, weight in settings.style_layers)

    def levels(self) -> Tensor:
        return grey(self._target.detach()[0]) * STEP_UNIT_DB

    def _balanced(self) -> dict[str, float]:
        """Weights that are less the farther a layer starts from the style, so that no style shouts down the anchor."""
        with torch.no_grad():
            features = self._extractor.features(self._start[None], tuple(self._style.grams), self._sound)
            errors = {
                layer: style_loss(features, {layer: gram}, self._style.centres, {layer: 1.0}).item()
                for layer, gram in self._style.grams.items()
            }
        return {layer: weight / max(errors[layer], SMALLEST_START_ERROR) ** 0.5 for layer, weight in self._settings.style_layers}

    def losses(self) -> tuple[Tensor, Tensor]:
        features = self._extractor.features(self._target * STEP_UNIT_DB, self._layers, self._sound)
        content = content_loss(features, self._wanted, dict(self._settings.content_layers))
        style = style_loss(features, self._style.grams, self._style.centres, self._style_weights)
        return content, style * self._style_scale

    def steps(self) -> Iterator[tuple[float, float]]:
        """Optimise; yields content and style loss of each step."""
        settings = self._settings
        optimizer, schedule = _optimizer(self._target, settings)
        last: list[tuple[float, float]] = []

        def closure() -> Tensor:
            optimizer.zero_grad(set_to_none=True)
            content, style = self.losses()
            total = settings.content_weight * content + settings.style_weight * style
            if settings.anchor_weight:
                away = (self._target[0] * STEP_UNIT_DB - self._start) / ANCHOR_UNIT_DB
                total = total + settings.anchor_weight * away.square().mean()
            total.backward()  # type: ignore[no-untyped-call]
            last[:] = [(content.item(), style.item())]
            return total

        for _ in range(settings.num_steps):
            optimizer.step(closure)  # type: ignore[arg-type]
            schedule.step()
            with torch.no_grad():
                self._target.clamp_(FLOOR_DB / STEP_UNIT_DB, TOP_DB / STEP_UNIT_DB)
                self._target.copy_(self._target.minimum(self._ceiling))
            yield last[0]


def _optimizer(target: Tensor, settings: TransferSettings) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    if settings.optimizer == "lbfgs":
        lbfgs = torch.optim.LBFGS([target], lr=1.0, max_iter=1, history_size=10, line_search_fn="strong_wolfe")
        return lbfgs, torch.optim.lr_scheduler.ConstantLR(lbfgs, factor=1.0)
    if settings.optimizer == "fixed_step":
        fixed = FixedStep([target], lr=settings.learning_rate)
        return fixed, torch.optim.lr_scheduler.ConstantLR(fixed, factor=1.0)
    adam = torch.optim.Adam([target], lr=settings.learning_rate, betas=(0.9, 0.99))
    linear = torch.optim.lr_scheduler.LinearLR(adam, 1.0, FINAL_STEP_SHARE, total_iters=max(settings.num_steps, 1))
    return adam, linear


def _start(content: Tensor, style: BandStatistics, own: BandStatistics | None, name: str, noise: torch.Generator) -> Tensor:
    if own is not None:
        return starts.noise_start(content, *own.overall(), noise)
    if name == "band_stats":
        return starts.band_stats_start(content, style)
    if name == "band_histogram":
        return starts.band_histogram_start(content, style)
    return content


def _fades(first: int, last: int, n_frames: int) -> Tensor:
    """Linear crossfade weights `(last - first,)` that add up to 1 over the blocks."""
    weight = torch.ones(last - first)
    ramp = (torch.arange(BLOCK_OVERLAP) + 0.5) / BLOCK_OVERLAP
    if first > 0:
        weight[:BLOCK_OVERLAP] = ramp
    if last < n_frames:
        weight[-BLOCK_OVERLAP:] = ramp.flip(0)
    return weight
