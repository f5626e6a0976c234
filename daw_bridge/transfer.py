"""The one optimisation loop: change a target's band levels until a frozen network hears the content in the style."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from . import starts
from .band_statistics import BandStatistics, band_parts, band_statistics
from .extractors.base import Extractor, Sound
from .fixed_step import FixedStep
from .level_losses import envelope_loss, frame_levels_db, rhythm_loss, spectrum_loss, total_variation
from .losses import content_loss, style_loss
from .noise_guard import noise_ceiling
from .pace import Pace
from .planes import N_PLANES, grey
from .resolutions import features_at, weight_of
from .scratch import Scratch
from .settings import TransferSettings
from .sounding import BLOCK_FRAMES, BLOCK_OVERLAP, FEWEST_FRAMES, FLOOR_DB, Sounding, blocks_of
from .style_target import StyleTarget

STEP_UNIT_DB = 60.0  # what the optimiser's step is measured in
ANCHOR_UNIT_DB = 20.0
TOP_DB = 60.0  # of the target, relative to the programme's level
FINAL_STEP_SHARE = 0.2  # Adam's last step over its first: large steps first, fine ones last
SMALLEST_START_ERROR = 0.05
PLATEAU_STEPS = 10
SEARCHES = ("lbfgs",)  # whose steps hear the target as often as they need to; nothing hangs on how many there will be
MOST_HEARD = 25  # by a search in one step; unless told, torch 2.14 allows one, which is no search
BURST_DB = 6.0  # by which a band may get louder than its start ever is: attacks may, bursts may not
REST_DB = 2.0  # by which rests are lowered: meters differ in what the programme's level is, and rests may rather fall than rise


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
        steps: steps done, by block.
    """

    levels: Tensor
    ceiling: Tensor
    quiet_db: Tensor
    content_losses: list[float]
    style_losses: list[float]
    steps: list[int]


def transfer(
    content: Sounding,
    style: StyleTarget,
    extractor: Extractor,
    settings: TransferSettings,
    *,
    frames_per_second: float,
    seed: int = 0,
    block_frames: int = BLOCK_FRAMES,
    pace: Pace | None = None,
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
        pace: says how many steps each block gets; None gives all of them.
        scratch: makes room for whatever is as long as the content.
        on_step: told of each step; whatever it raises ends the transfer.

    Returns:
        Levels as long as the content's; frames in which the content is silent are the content's own.
    """
    if content.n_frames < FEWEST_FRAMES:
        unbound = torch.full((content.levels.shape[0], 1), torch.inf)
        return Transferred(content.levels, unbound.expand_as(content.levels), unbound, [], [], [])
    ceiling, quiet_db, start = _bounds(content, style, frames_per_second, settings, seed, scratch)
    levels = torch.from_numpy(scratch.empty(tuple(content.levels.shape)))
    for part in band_parts(*content.levels.shape):
        levels[part] = content.levels[part]
    spans = blocks_of(content.n_frames, block_frames)
    curves, device = Curves(), style.bands.mean.device
    n_done: list[int] = []
    for number, (first, last) in enumerate(spans):
        frames = content.frames[first:last]
        sound = content.block(first, last, device)
        block = _Block(sound, start[..., first:last].to(device), ceiling[:, frames].to(device), style, extractor, settings)
        n_steps = settings.num_steps
        if pace:
            n_left, is_even = sum(b - a for a, b in spans[number:]), settings.optimizer not in SEARCHES
            n_steps = pace.plan(last - first, n_left, settings.num_steps, block.backward, is_even=is_even)
        n_done.append(0)
        for step, losses in enumerate(block.steps(n_steps)):
            n_done[-1] += 1
            curves.add(step, losses, last - first)
            if on_step:
                done = number * settings.num_steps + (step + 1) * settings.num_steps // n_steps
                on_step(Step(done, len(spans) * settings.num_steps, *losses, block.levels))
            if pace and pace.is_over(step + 1):
                break
        share = _fades(first, last, content.n_frames) * content.presence[frames]
        levels[:, frames] += (block.levels() - sound.levels).cpu() * share
    return Transferred(levels, ceiling, quiet_db, *curves.means(), n_done)


class Curves:
    """Losses by step, mean over those blocks that got so far, longer ones weighing more."""

    def __init__(self) -> None:
        self._sums: list[tuple[float, float, float]] = []

    def add(self, step: int, losses: tuple[float, float], weight: float) -> None:
        """Add content and style loss of a block's step."""
        if step == len(self._sums):
            self._sums.append((0.0, 0.0, 0.0))
        content, style, weights = self._sums[step]
        self._sums[step] = (content + losses[0] * weight, style + losses[1] * weight, weights + weight)

    def means(self) -> tuple[list[float], list[float]]:
        """Content and style losses."""
        return [c / weights for c, _, weights in self._sums], [s / weights for _, s, weights in self._sums]


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
    own = band_statistics(n_bands, content.n_frames, content.bands) if settings.start in ("noise", "blend") else None
    generators = [torch.Generator().manual_seed(seed + plane) for plane in range(n_planes)]
    for part in band_parts(*content.levels.shape):
        wanted, sounding = style.bands.on(torch.device("cpu")).rows(part), content.bands(part)
        relative = content.relative(content.levels[part])
        allowed = noise_ceiling(relative, wanted, frames_per_second, settings.noise_lift_db)
        limits = allowed[:, content.frames]
        quiet_db[part] = limits.amin(1, keepdim=True)
        ceiling[part] = torch.where(content.presence > 0, allowed, relative - REST_DB)
        for plane, generator in enumerate(generators):
            found = _start(sounding, wanted, own, settings, generator)
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
        if settings.is_spread_kept:
            ceiling = ceiling.minimum(start.amax((0, 2))[:, None] + BURST_DB)  # at the first attack after a rest
        self._start, self._ceiling, self._style = start, ceiling / STEP_UNIT_DB, style
        self._sound, self._extractor, self._settings = content, extractor, settings
        content_layers = [layer for layer, _ in settings.content_layers] if settings.content_weight else []
        self._layers = tuple(dict.fromkeys((*content_layers, *(layer for layer, _ in settings.style_layers))))
        self._dynamics = frame_levels_db(content.levels)
        with torch.no_grad():
            wanted = self._heard(content.levels[None, None], content_layers) if content_layers else {}
            self._wanted = {layer: found.clone() for layer, found in wanted.items()}
        self._target = (start[None] / STEP_UNIT_DB).clone().requires_grad_()
        self._content_weights = {layer: weight_of(layer, dict(settings.content_layers)) for layer in self._wanted}
        plain = {layer: weight_of(layer, dict(settings.style_layers)) for layer in style.grams}
        self._style_weights = self._balanced(plain) if settings.is_style_balanced else plain
        self._style_scale = sum(self._style_weights.values()) / sum(plain.values())

    def levels(self) -> Tensor:
        return grey(self._target.detach()[0]) * STEP_UNIT_DB

    def _heard(self, planes: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        is_multiresolution = self._settings.is_multiresolution
        return features_at(self._extractor, planes, layers, self._sound, is_multiresolution=is_multiresolution)

    def _balanced(self, plain: dict[str, float]) -> dict[str, float]:
        """Weights that are less the farther a layer starts from the style, so that no style shouts down the anchor."""
        with torch.no_grad():
            features = self._heard(self._start[None], [layer for layer, _ in self._settings.style_layers])
            errors = {
                layer: style_loss(features, {layer: gram}, self._style.centres, {layer: 1.0}).item()
                for layer, gram in self._style.grams.items()
            }
        return {layer: weight / max(errors[layer], SMALLEST_START_ERROR) ** 0.5 for layer, weight in plain.items()}

    def losses(self) -> tuple[Tensor, Tensor]:
        """Content and style loss, before weighting."""
        features = self._heard(self._target * STEP_UNIT_DB, self._layers)
        content = content_loss(features, self._wanted, self._content_weights)
        style = style_loss(features, self._style.grams, self._style.centres, self._style_weights)
        return content, style * self._style_scale

    def _of_levels(self) -> Tensor:
        """The weighted losses of the levels themselves, without a network."""
        settings, planes = self._settings, self._target[0] * STEP_UNIT_DB
        total = planes.new_zeros(())
        if settings.anchor_weight:
            total = total + settings.anchor_weight * ((planes - self._start) / ANCHOR_UNIT_DB).square().mean()
        weights = (settings.total_variation_weight, settings.envelope_weight, settings.spectrum_weight, settings.rhythm_weight)
        if any(weights):
            levels, bands = grey(planes), self._style.bands
            terms: tuple[Callable[[], Tensor], ...] = (
                lambda: total_variation(levels),
                lambda: envelope_loss(levels, self._dynamics),
                lambda: spectrum_loss(levels, bands.power_db),
                lambda: rhythm_loss(levels, bands.rhythm),
            )
            for weight, term in zip(weights, terms, strict=True):
                total = total + weight * term() if weight else total
        return total

    def backward(self) -> tuple[float, float, float]:
        """Leave the gradient of the target; content loss, style loss and the weighted sum of all."""
        self._target.grad = None
        content, style = self.losses()
        total = self._settings.content_weight * content + self._settings.style_weight * style + self._of_levels()
        total.backward()  # type: ignore[no-untyped-call]
        return content.item(), style.item(), total.item()

    def steps(self, n_steps: int) -> Iterator[tuple[float, float]]:
        """Optimise; yields content and style loss of each step."""
        optimizer, schedule = _optimizer(self._target, self._settings, n_steps)
        heard: list[tuple[float, float, float]] = []
        totals: list[float] = []

        def closure() -> float:
            heard.append(self.backward())
            return heard[-1][2]

        for _ in range(n_steps):
            heard.clear()
            optimizer.step(closure)
            schedule.step()
            with torch.no_grad():
                if self._settings.is_spread_kept:
                    self._target.copy_(starts.with_spread_of(self._target, self._start / STEP_UNIT_DB))
                self._target.clamp_(FLOOR_DB / STEP_UNIT_DB, TOP_DB / STEP_UNIT_DB)
                self._target.copy_(self._target.minimum(self._ceiling))
            yield heard[0][:2]  # of the target as it was; a search goes on to hear others, and may reject the last of them
            totals.append(heard[0][2])
            if is_flat(totals, self._settings.plateau_stop):
                return


def is_flat(totals: Sequence[float], least_share: float) -> bool:
    """Whether the last ten losses hold no new least one that is lower by at least this share; never for 0."""
    if not least_share or len(totals) <= PLATEAU_STEPS:
        return False
    return min(totals[-PLATEAU_STEPS:]) > (1.0 - least_share) * min(totals[:-PLATEAU_STEPS])


def _optimizer(
    target: Tensor, settings: TransferSettings, n_steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    if settings.optimizer == "lbfgs":
        search = "strong_wolfe"
        lbfgs = torch.optim.LBFGS([target], max_iter=1, max_eval=MOST_HEARD, history_size=10, line_search_fn=search)
        return lbfgs, torch.optim.lr_scheduler.ConstantLR(lbfgs, factor=1.0)
    if settings.optimizer == "fixed_step":
        fixed = FixedStep([target], lr=settings.learning_rate)
        return fixed, torch.optim.lr_scheduler.ConstantLR(fixed, factor=1.0)
    adam = torch.optim.Adam([target], lr=settings.learning_rate, betas=(0.9, 0.99))
    linear = torch.optim.lr_scheduler.LinearLR(adam, 1.0, FINAL_STEP_SHARE, total_iters=max(n_steps, 1))
    return adam, linear


def _start(
    content: Tensor, style: BandStatistics, own: BandStatistics | None, settings: TransferSettings, generator: torch.Generator
) -> Tensor:
    if own is not None:
        noise = starts.noise_start(content, *own.overall(), generator)
        return noise if settings.start == "noise" else torch.lerp(content, noise, settings.noise_share)
    if settings.start == "band_stats":
        return starts.band_stats_start(content, style)
    if settings.start == "band_histogram":
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
