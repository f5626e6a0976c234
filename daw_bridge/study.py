"""The `study` commands: the paper's experiments, on recordings of one's own, each as a picture and its numbers."""

from __future__ import annotations

import argparse
import csv
import io
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import disk
from .errors import BadArguments, ForbiddenPath, WeightsMissing
from .networks import NETWORKS, Network
from .presets import load_preset
from .progress import OnProgress, shown_progress
from .request import source_file
from .scratch import scratch_beside
from .settings import Layers, TransferSettings
from .weights_here import check_here

if TYPE_CHECKING:
    from .experiment import Heard, Tried
    from .transfer import Step

LAYERS_AFTER = 10  # iterations, as in the paper
FLAT_AFTER = 60  # iterations, as the paper says
MOST_STEPS = 2000
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Found:
    """What an experiment came to.

    Attributes:
        rows: its numbers; the keys are the columns.
        draw: draws its picture to a file.
        notes: what could not be done, a sentence each.
    """

    rows: Sequence[Row]
    draw: Callable[[Path], None]
    notes: Sequence[str] = ()


def run(asked: argparse.Namespace) -> int:
    """Run an experiment and print the picture's file and the numbers'.

    Raises:
        DawBridgeError: what keeps it from being made; nothing is written then.
    """
    if asked.study == "compare":
        named = [(asked.first, "recording"), (asked.second, "recording")]
    else:
        named = [(asked.content, "content"), (asked.style, "style")]
    inputs = [Path(source_file(path, role).path) for path, role in named]
    targets = [asked.out / f"{asked.study}{suffix}" for suffix in (".png", ".csv")]
    nearest = next(path for path in (asked.out, *asked.out.absolute().parents) if os.path.lexists(path))
    if not nearest.is_dir():
        raise ForbiddenPath(f"{str(nearest)!r} is no folder", "Choose another --out.")
    if nearest == asked.out:
        disk.check_targets(targets, inputs, is_forced=asked.force)
    with shown_progress() as on_progress:
        on_progress("load", 0.0)
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
        found = compare(inputs, asked) if asked.study == "compare" else _transferred(inputs, asked, on_progress)
        write(found, targets, is_forced=asked.force)
        on_progress("write", 1.0)
    for note in found.notes:
        print(f"daw-bridge: left out: {note}", file=sys.stderr)
    print(*targets, sep="\n")
    return 0


def write(found: Found, targets: Sequence[Path], *, is_forced: bool) -> None:
    """Write picture and numbers, both or none.

    Raises:
        ForbiddenPath, DiskFull: they cannot be written.
    """
    disk.make_folder(targets[0].parent)
    with scratch_beside(targets[0].parent) as scratch:
        staged = [Path(str(scratch.folder)) / target.name for target in targets]
        found.draw(staged[0])
        text = io.StringIO()
        table = csv.DictWriter(text, list(found.rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(found.rows)
        with disk.writing(staged[1]) as file:
            file.write(text.getvalue().encode())
        disk.place(dict(zip(staged, targets, strict=True)), is_forced=is_forced)


def compare(recordings: Sequence[Path], asked: argparse.Namespace) -> Found:
    """Two recordings' spectrograms and long-term spectra (the paper's figures 20 and 21)."""
    from . import study_figure
    from .audio_files import read_audio
    from .figures import highest_of
    from .mel_picture import centres_hz, mean_levels

    part = {"start_seconds": asked.start, "length_seconds": asked.length}
    sounds = [read_audio(path, **part, role="recording") for path in recordings]
    highest_hz = highest_of(sounds)
    levels = [mean_levels(audio, highest_hz) for audio in sounds]
    columns = ("band_hz", "first_db", "second_db", "difference_db")
    values = zip(centres_hz(highest_hz), *levels, levels[1] - levels[0], strict=True)
    rows = [dict(zip(columns, (round(float(value), 2) for value in row), strict=True)) for row in values]
    titles = [path.name for path in recordings]
    return Found(rows, lambda path: study_figure.compare(sounds, levels, titles, path))


def _transferred(inputs: Sequence[Path], asked: argparse.Namespace, on_progress: OnProgress) -> Found:
    """The experiments that transfer."""
    from .audio_files import read_audio
    from .experiment import LONGEST_SECONDS, listen

    if not 0 < asked.length <= LONGEST_SECONDS:
        rule = f"length={asked.length:g} must be over 0 and at most {LONGEST_SECONDS:g} seconds"
        raise BadArguments(rule, "A study looks at one stretch that is optimised in one piece.")
    if not 1 <= asked.steps <= MOST_STEPS:
        raise BadArguments(f"steps={asked.steps} must lie from 1 to {MOST_STEPS}", "The paper did 10, 500 and 60.")
    settings = load_preset(asked.preset).with_parameters(dict(asked.param)).transfer
    content = read_audio(inputs[0], start_seconds=asked.start, length_seconds=asked.length)
    style = read_audio(inputs[1], role="style")
    heard = listen(content, style, settings, seed=asked.seed, device=asked.device)
    experiment = {"layers": layers, "losses": losses, "frames": frames}[asked.study]
    return experiment(heard, settings, asked.steps, on_progress)


@dataclass(frozen=True)
class _Candidate:
    """Layers that might serve as content or as style; `is_single` tells one layer from a run of them."""

    role: str
    layers: tuple[str, ...]
    settings: TransferSettings

    @property
    def is_single(self) -> bool:
        return len(self.layers) == 1


def layers(heard: Heard, settings: TransferSettings, steps: int, on_progress: OnProgress) -> Found:
    """The loss after 10 iterations for each candidate layer, as the paper chose its layers.

    The target is grey here, whatever the preset says: then what some layers have made is also what all of them hear.
    """
    from . import study_figure
    from .experiment import style_loss_of, tried

    settings = replace(settings, planes="grey")
    candidates, notes = _candidates(settings)
    whole = _all_layers(settings)
    rows = []
    for number, candidate in enumerate(candidates):
        share, began = 1 / len(candidates), time.perf_counter()
        told = _told(on_progress, f"{candidate.role} {candidate.layers[-1]}", number * share, share)
        found = tried(heard, replace(candidate.settings, num_steps=steps), keep=(steps,), on_step=told)
        rows.append(
            {
                "role": candidate.role,
                "layers": " ".join(candidate.layers),
                "n_layers": len(candidate.layers),
                "iterations": steps,
                "content_loss_at_start": _figures(found.content_losses[0]),
                "content_loss": _figures(found.content_losses[steps]),
                "style_loss_at_start": _figures(found.style_losses[0]),
                "style_loss": _figures(found.style_losses[steps]),
                "style_loss_in_all_layers": _figures(style_loss_of(heard, found.levels[steps], whole)),
                "seconds": round(time.perf_counter() - began, 2),
            }
        )
    return Found(rows, lambda path: study_figure.layers(rows, steps, notes, path), notes)


def _candidates(settings: TransferSettings) -> tuple[list[_Candidate], list[str]]:
    """Every layer as content, every layer and every run of layers from the first as style; and what is left out, and why."""
    known, notes = _layers_here(settings)
    anchored = settings if settings.content_weight else replace(settings, content_weight=1.0)
    found = [_Candidate("content", (layer,), replace(anchored, content_layers=_plain((layer,)))) for layer in known]
    runs = [(layer,) for layer in known] + [known[: n + 1] for n in range(1, len(known))]
    fixed = [layer for layer, _ in settings.content_layers if layer in known]
    own = replace(settings, content_layers=_plain(fixed or known[-1:]))
    found += [_Candidate("style", run, replace(own, style_layers=_plain(run))) for run in runs]
    return found, notes


def _plain(names: Sequence[str]) -> Layers:
    return tuple((name, 1.0) for name in names)


def _all_layers(settings: TransferSettings) -> TransferSettings:
    return replace(settings, content_weight=0.0, style_layers=_plain(_layers_here(settings)[0]))


def _layers_here(settings: TransferSettings) -> tuple[tuple[str, ...], list[str]]:
    """The layers of the preset's networks whose weights are on this machine, and a sentence for those whose are not."""
    here: list[str] = []
    notes = []
    for network in (network for network in NETWORKS.values() if network in settings.depths()):
        n_here, note = _depth_here(network)
        here += network.layers[:n_here]
        if note:
            notes.append(f"{network.layers[n_here]} to {network.layers[-1]}: {note}")
    if not here:
        raise WeightsMissing(notes[0], "Or choose another preset.")
    return tuple(here), notes


def _depth_here(network: Network) -> tuple[int, str]:
    """How many layers can be had, and why not more."""
    note = ""
    for n_layers in range(len(network.layers), 0, -1):
        try:
            check_here({network: n_layers})
        except WeightsMissing as error:
            note = note or str(error)
        else:
            return n_layers, note
    return 0, note


def losses(heard: Heard, settings: TransferSettings, steps: int, on_progress: OnProgress) -> Found:
    """Content and style loss over 500 iterations (figures 14 and 15), beside the published step that never settles (22 to 25)."""
    from . import study_figure
    from .experiment import tried
    from .fixed_step import PUBLISHED_STEP_DB
    from .transfer import STEP_UNIT_DB

    check_here(settings.depths())
    fixed = replace(settings, optimizer="fixed_step", learning_rate=PUBLISHED_STEP_DB / STEP_UNIT_DB)
    n_fixed = min(steps, FLAT_AFTER)
    shares = (steps / (steps + n_fixed), n_fixed / (steps + n_fixed))
    own = tried(heard, replace(settings, num_steps=steps), on_step=_told(on_progress, settings.optimizer, 0.0, shares[0]))
    told = _told(on_progress, "fixed step", *shares)
    published = tried(heard, replace(fixed, num_steps=n_fixed), on_step=told)
    rows = [*_curve(settings.optimizer, own, settings), *_curve("fixed_step", published, settings)]
    return Found(rows, lambda path: study_figure.losses(rows, settings.optimizer, FLAT_AFTER, path))


def _curve(optimizer: str, found: Tried, settings: TransferSettings) -> Iterator[Row]:
    for iteration, (content, style) in enumerate(zip(found.content_losses, found.style_losses, strict=True)):
        total = settings.content_weight * content + settings.style_weight * style
        values = {"content_loss": _figures(content), "style_loss": _figures(style), "total_loss": _figures(total)}
        yield {"optimizer": optimizer, "iteration": iteration, **values}


def frames(heard: Heard, settings: TransferSettings, steps: int, on_progress: OnProgress) -> Found:
    """The target at iterations 0, 30, 45 and 60 beside content and style (figures 16 to 19)."""
    from . import study_figure
    from .experiment import tried

    check_here(settings.depths())
    moments = sorted({steps // 2, 3 * steps // 4, steps} - {0})
    found = tried(heard, replace(settings, num_steps=steps), keep=moments, on_step=_told(on_progress, "transfer", 0.0, 1.0))
    targets = {0: found.start, **found.levels}
    content, bands = heard.content.bands(slice(None)), heard.bands
    rows = [
        {
            "iteration": moment,
            "content_loss": _figures(found.content_losses[moment]),
            "style_loss": _figures(found.style_losses[moment]),
            "rms_from_content_db": _figures((levels - content).square().mean().sqrt()),
            "rms_from_style_band_means_db": _figures((levels.mean(1, keepdim=True) - bands.mean.cpu()).square().mean().sqrt()),
        }
        for moment, levels in targets.items()
    ]
    return Found(rows, lambda path: study_figure.frames(heard, targets, path))


def _figures(value: Any) -> float:
    """A number as the tables have it: six significant digits."""
    return float(f"{float(value):.6g}")


def _told(on_progress: OnProgress, what: str, first: float, share: float) -> Callable[[Step], None]:
    """Progress of one transfer out of several."""
    return lambda step: on_progress(what, first + share * step.step / step.num_steps)
