"""The one optimisation loop: change a target's band levels until a frozen network hears the content in the style."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from . import starts
from .errors import BadArguments, TooShort
from .extractors.base import Extractor, Sound
from .losses import content_loss, gram_matrix, style_loss
from .noise_guard import noise_ceiling
from .planes import N_PLANES, grey
from .settings import TransferSettings
from .spectrogram import programme_level_db

STEP_UNIT_DB = 60.0  # what the optimiser's step is measured in
ANCHOR_UNIT_DB = 20.0
FLOOR_DB, TOP_DB = -90.0, 60.0  # of the target, relative to the programme's level
GATE_FADE_DB = 20.0  # a transfer fades in over this range above the gate, so that a dying note dies
SILENCE_DBFS = -95.0
FINAL_STEP_SHARE = 0.2  # Adam's last step over its first: large steps first, fine ones last
BLOCK_FRAMES, BLOCK_OVERLAP = 2048, 64
FEWEST_FRAMES = 8
SMALLEST_START_ERROR = 0.05


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
class StyleTarget:
    """What is wanted of the style.

    Attributes:
        levels: `(M, S)`, sounding frames in dB relative to the programme's level; only their statistics are used.
        grams: `{layer: (1, C, C)}`.
        centres: `{layer: (1, C)}`, the features that Gram matrices are taken about; 0 unless `is_gram_centred`.
    """

    levels: Tensor
    grams: dict[str, Tensor]
    centres: dict[str, Tensor]


@dataclass(frozen=True)
class Transferred:
    """What the optimisation found.

    Attributes:
        levels: `(M, T)` in dB, the target.
        ceiling: `(M, T)` in dB, the highest level that the noise guard allows.
        content_losses, style_losses: by step, mean over blocks; empty without steps.
    """

    levels: Tensor
    ceiling: Tensor
    content_losses: list[float]
    style_losses: list[float]


def presence(levels: Tensor, gate_db: float) -> Tensor:
    """How far each frame of `(M, T)` levels takes part, `(T,)`: 0 in silence, 1 where the content sounds, a fade between.

    This is the paper's unbuilt idea: a threshold on what is read, and transfer only to what is not silent. Silence is
    what lies `gate_db` under the programme, or under -95 dBFS.
    """
    power_db = 10.0 * torch.log10(torch.pow(10.0, levels / 10.0).sum(0))
    gate = max(programme_level_db(levels) + gate_db, SILENCE_DBFS)
    return ((power_db - gate) / GATE_FADE_DB).clamp(0.0, 1.0)


def sounding_levels(levels: Tensor, gate_db: float) -> Tensor:
    """Frames of `(M, S)` in which something sounds, in dB relative to the programme's level: L2 normalisation in dB.

    Raises:
        TooShort: fewer than 8 of them, about a tenth of a second.
    """
    sounding = levels[:, presence(levels, gate_db) > 0]
    if sounding.shape[1] < FEWEST_FRAMES:
        raise TooShort(
            f"the style sounds for {sounding.shape[1]} frames, fewer than {FEWEST_FRAMES}", "Give a longer or louder style."
        )
    return (sounding - programme_level_db(levels)).clamp_min(FLOOR_DB)


Read = Callable[[Tensor], Tensor]


def unheard(frames: Tensor) -> Tensor:
    """The spectra of levels that belong to no recording: there are none, for a network that looks at levels alone."""
    raise BadArguments(f"{len(frames)} frames have no sound", "Give `read`: this network listens.")


def sounding_frames(levels: Tensor, gate_db: float, read: Read = unheard) -> Sound:
    """The frames in which something sounds, of `sounding_levels`.

    Args:
        levels: `(M, S)` in dB, of a whole recording.
        gate_db: as in `presence`.
        read: gives the spectra of the frames of these numbers, `(T, F)`, complex, mean of the channels.

    Raises:
        TooShort: as `sounding_levels`.
    """
    return _sound(levels, sounding_levels(levels, gate_db), presence(levels, gate_db) > 0, read)


def _sound(levels: Tensor, relative: Tensor, is_sounding: Tensor, read: Read) -> Sound:
    frames, scale = is_sounding.nonzero()[:, 0], 10.0 ** (-programme_level_db(levels) / 20.0)
    return Sound(relative, lambda first, last: read(frames[first:last]) * scale)


def style_target(sound: Sound, extractor: Extractor, settings: TransferSettings) -> StyleTarget:
    """Listen to a style once.

    Args:
        sound: of `sounding_frames`.
        extractor: the frozen network.
        settings: says which layers, and what Gram matrices are taken about.
    """
    layers = [layer for layer, _ in settings.style_layers]
    spans = blocks_of(sound.levels.shape[1])

    def mean_of(what: Callable[[str, Tensor], Tensor]) -> dict[str, Tensor]:
        sums: dict[str, Tensor] = {}
        for first, last in spans:
            part = sound.part(first, last)
            for layer, found in extractor.features(part.levels[None, None], layers, part).items():
                share = what(layer, found) * ((last - first) / sum(b - a for a, b in spans))
                sums[layer] = sums[layer] + share if layer in sums else share
        return sums

    with torch.no_grad():
        centres = mean_of(lambda _, found: found.float().flatten(2).mean(2))
        if not settings.is_gram_centred:
            centres = {layer: torch.zeros_like(centre) for layer, centre in centres.items()}
        grams = mean_of(lambda layer, found: gram_matrix(found, centres[layer]))
    return StyleTarget(sound.levels, grams, centres)


def transfer(
    content_levels: Tensor,
    style: StyleTarget,
    extractor: Extractor,
    settings: TransferSettings,
    *,
    frames_per_second: float,
    read: Read = unheard,
    seed: int = 0,
    on_step: Callable[[Step], None] | None = None,
) -> Transferred:
    """Find the levels that keep the content's features and take on the style's Gram matrices.

    Args:
        content_levels: `(M, T)`, band levels in dB.
        style: what is wanted of the style.
        extractor: the frozen network.
        settings: layers, weights, start, optimiser, steps.
        frames_per_second: of the levels.
        read: gives the spectra of the content's frames of these numbers, as in `sounding_frames`.
        seed: of the noise that `start = "noise"` begins with.
        on_step: told of each step; whatever it raises ends the transfer.

    Returns:
        Levels as long as the content's; frames in which the content is silent are the content's own.
    """
    programme_db = programme_level_db(content_levels)
    relative = content_levels - programme_db
    present = presence(content_levels, settings.gate_db)
    sounding = present > 0
    content = relative[:, sounding].clamp_min(FLOOR_DB)
    if content.shape[1] < FEWEST_FRAMES:
        return Transferred(content_levels, torch.full_like(content_levels, torch.inf), [], [])
    ceiling = noise_ceiling(relative.clamp_min(FLOOR_DB), style.levels, frames_per_second, settings.noise_lift_db)
    planes = [_start(content, style.levels, settings.start, seed + plane) for plane in range(N_PLANES[settings.planes])]
    start = torch.stack(planes).clamp(FLOOR_DB, TOP_DB).minimum(ceiling[:, sounding])
    sound = _sound(content_levels, content, sounding, read)
    spans = blocks_of(content.shape[1]) if settings.num_steps else []
    found = torch.zeros_like(content) if spans else grey(start)
    curves = torch.zeros(2, settings.num_steps)
    for number, (first, last) in enumerate(spans):
        part = slice(first, last)
        limits = ceiling[:, sounding][:, part]
        block = _Block(sound.part(first, last), start[..., part], limits, style, extractor, settings)
        for step, losses in enumerate(block.steps()):
            curves[:, step] += torch.tensor(losses) * ((last - first) / sum(b - a for a, b in spans))
            if on_step:
                on_step(Step(number * settings.num_steps + step + 1, len(spans) * settings.num_steps, *losses, block.levels))
        found[:, part] += block.levels() * _fades(first, last, content.shape[1]).to(found)
    levels = content_levels.clone()
    levels[:, sounding] += (found - content) * present[sounding]
    return Transferred(levels, ceiling + programme_db, *(curve.tolist() for curve in curves))


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
    adam = torch.optim.Adam([target], lr=settings.learning_rate, betas=(0.9, 0.99))
    linear = torch.optim.lr_scheduler.LinearLR(adam, 1.0, FINAL_STEP_SHARE, total_iters=max(settings.num_steps, 1))
    return adam, linear


def _start(content: Tensor, style: Tensor, name: str, seed: int) -> Tensor:
    if name == "noise":
        return starts.noise_start(content, seed)
    if name == "band_stats":
        return starts.band_stats_start(content, style)
    if name == "band_histogram":
        return starts.band_histogram_start(content, style)
    return content


def blocks_of(n_frames: int) -> list[tuple[int, int]]:
    """Cut frames into blocks of equal length, about `BLOCK_FRAMES`, that share `BLOCK_OVERLAP` frames with the next."""
    n_blocks = max(1, -(-(n_frames - BLOCK_OVERLAP) // (BLOCK_FRAMES - BLOCK_OVERLAP)))
    stride = max(1, -(-(n_frames - BLOCK_OVERLAP) // n_blocks))
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
