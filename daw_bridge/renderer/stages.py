"""The real stages of a job: copy the inputs, decode, render, keep the remix, publish it."""

from __future__ import annotations

import time
from importlib import import_module
from pathlib import Path

from .. import disk, making
from ..folders import ProjectFolders
from ..job import Published
from ..scratch import Scratch
from . import errands, first_sound, reuse
from .errands import KEPT_STEM, RECIPE
from .order import OnPreview, OnProgress, Order

WARM_SAMPLES = 22_050
PACES = first_sound.Paces()


def load() -> None:
    """Import what every job needs."""
    for name in ("audio_files", "pipeline", "publish"):
        import_module(f"..{name}", __package__)


def warm(device: str) -> None:
    """Load all that a job needs, by rendering half a second of noise in one step."""
    import numpy as np

    from ..audio import Audio
    from ..pipeline import render as render_audio
    from ..presets import load_preset

    noise = np.random.default_rng(0).normal(0.0, 0.1, (1, WARM_SAMPLES)).astype(np.float32)
    content, style = Audio(noise, WARM_SAMPLES * 2), Audio(noise, WARM_SAMPLES)  # of two rates: resampling is loaded, too
    render_audio(content, style, load_preset("default").with_parameters({"num_steps": 1}), device=device)


def render(order: Order, on_progress: OnProgress, on_preview: OnPreview) -> None:
    """Leave the remix and its recipe in the work folder, or a note of the same remix made before; a first sound before it.

    Raises:
        DawBridgeError: the inputs cannot be used, or what the pipeline says of them; Cancelled out of `on_progress`.
    """
    from ..audio_files import write_audio
    from ..publish import suffix_of

    request = order.request
    on_progress("load", 0.0)
    content, style = (copied(order, role, on_progress) for role in ("content", "style"))
    sources = making.read_sources(request, content, style, Scratch(order.folder), order.styles)
    recipe = making.recipe_of(request, sources, job=order.job_id)
    if not request.is_forced:
        project = Path(request.project)
        remixes = ProjectFolders(project).remixes
        earlier = order.carry(project, errands.find, remixes, recipe, on_block=lambda: on_progress("load", 0.0))
        if earlier is not None:
            reuse.note(order.folder, earlier)
            return
    done = 0.0
    if first_sound.is_due(order, sources, PACES):
        done = first_sound.share(sources)
        first_sound.offer(order, sources, recipe, on_progress, on_preview)

    def on_whole(phase: str, fraction: float) -> None:
        on_progress(phase, done + fraction * (1.0 - done))

    began = time.monotonic()
    made = making.make(request, sources, recipe, device=order.device, on_progress=on_whole, memory_scale=order.memory_scale)
    PACES.note(order, sources, time.monotonic() - began)
    kept = order.folder / f"{KEPT_STEM}{suffix_of(made.audio)}"
    kept.unlink(missing_ok=True)
    write_audio(kept, made.audio)
    disk.write_json(order.folder / RECIPE, made.recipe)


def publish(order: Order) -> Published:
    """Give the kept remix its name in the project's remixes/, or name the one made before.

    Raises:
        DawBridgeError: as `errands.publish`.
    """
    request = order.request
    project = Path(request.project)
    label = request.style_label or Path(request.style.path).stem
    names = Path(request.content.path).stem, str(request.preset["id"]), label
    return order.carry(project, errands.publish, order.folder, project, *names, order.job_id, on_block=disk.nothing)


def copied(order: Order, role: str, on_progress: OnProgress = lambda phase, fraction: None) -> Path:
    """A private copy of an input.

    Args:
        order: names it.
        role: "content" or "style", also the name of the copy's folder.
        on_progress: called several times a second; what it raises ends the copying.

    Raises:
        DawBridgeError: as `errands.copy`.
    """
    source = getattr(order.request, role)
    copy: Path = order.folder / role / Path(source.path).name
    disk.make_folder(copy.parent)
    order.carry(place_of(order, Path(source.path)), errands.copy, source, role, copy, on_block=lambda: on_progress("load", 0.0))
    return copy


def place_of(order: Order, path: Path) -> Path:
    """The folder that hangs when a file does, as far as its name tells: the project, or its own."""
    project = Path(order.request.project)
    return project if path.is_relative_to(project) else path.parent
