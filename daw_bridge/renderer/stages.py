"""The real stages of a job: copy the inputs, decode, render, keep the remix, publish it."""

from __future__ import annotations

import errno
import json
import logging
import os
import shutil
import stat
import time
from importlib import import_module
from pathlib import Path

from .. import making
from ..disk import make_folder, write_json, writing
from ..errors import DawBridgeError, ForbiddenPath, NotFound, UnsupportedFormat
from ..folders import ProjectFolders
from ..job import Published
from ..request import SourceFile
from ..scratch import Scratch
from . import first_sound, reuse
from .device import TICK_SECONDS
from .order import OnPreview, OnProgress, Order

RECIPE = "recipe.json"
KEPT_STEM = "remix"
COPY_BLOCK_BYTES = 1 << 20
WARM_SAMPLES = 22_050
PASSING = (errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.EHOSTDOWN, errno.ETIMEDOUT)  # what a share or a drive says that went
PASSING_SECONDS = (2.0, 8.0, 30.0, 120.0)  # waited before each further try

log = logging.getLogger(__name__)


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
    content, style = (copied(getattr(request, role), role, order.folder, on_progress) for role in ("content", "style"))
    sources = making.read_sources(request, content, style, Scratch(order.folder), order.styles)
    recipe = making.recipe_of(request, sources, job=order.job_id)
    earlier = None if request.is_forced else reuse.find(ProjectFolders(Path(request.project)).remixes, recipe)
    if earlier is not None:
        reuse.note(order.folder, earlier)
        return
    done = 0.0
    if first_sound.is_due(order, sources):
        done = first_sound.share(sources)
        first_sound.offer(order, sources, recipe, on_progress, on_preview)

    def on_whole(phase: str, fraction: float) -> None:
        on_progress(phase, done + fraction * (1.0 - done))

    made = making.make(request, sources, recipe, device=order.device, on_progress=on_whole, memory_scale=order.memory_scale)
    kept = order.folder / f"{KEPT_STEM}{suffix_of(made.audio)}"
    kept.unlink(missing_ok=True)
    write_audio(kept, made.audio)
    write_json(order.folder / RECIPE, made.recipe)


def publish(order: Order) -> Published:
    """Give the kept remix its name in the project's remixes/, or name the one made before.

    Raises:
        DawBridgeError: the disk is full or the folder cannot be written to; no version is left reserved then.
    """
    from .. import publish as publishing
    from ..audio_files import read_audio

    earlier = reuse.noted(order.folder)
    if earlier is not None:
        return earlier
    request = order.request
    kept = next(order.folder.glob(f"{KEPT_STEM}.*"))
    reservation = publishing.reserve(
        ProjectFolders(Path(request.project)).remixes,
        Path(request.content.path).stem,
        str(request.preset["id"]),
        request.style_label or Path(request.style.path).stem,
        kept.suffix,
        order.job_id,
    )
    remix = read_audio(kept, role="remix", scratch=Scratch(order.folder))
    recipe = json.loads((order.folder / RECIPE).read_text(encoding="utf-8"))
    try:
        path = publishing.publish(reservation, remix, recipe, origin=making.origin_of(recipe))
    except DawBridgeError:
        publishing.withdraw(reservation)
        raise
    return reuse.published(path, remix.length_seconds, remix.sample_rate)


def copied(source: SourceFile, role: str, folder: Path, on_progress: OnProgress = lambda phase, fraction: None) -> Path:
    """A private copy of an input, so that what happens to the original during the render does no harm.

    Args:
        source: the file as it was when it was named; it must still be that file.
        role: "content" or "style", for messages and for the name of the copy's folder.
        folder: the job's work folder.
        on_progress: called several times a second while a drive or a share that went is waited for; what it raises ends that.

    Raises:
        NotFound: it is gone, or was changed since.
        ForbiddenPath: it may not be read.
        UnsupportedFormat: it is no regular file any more, or a symlink came in its way.
        DiskFull: no room for the copy.
    """
    path = Path(source.path)
    copy = folder / role / path.name
    make_folder(copy.parent)
    pauses = iter(PASSING_SECONDS)
    while True:
        try:
            before, after = _copy(path, copy, role)
            break
        except (OSError, ForbiddenPath) as problem:
            error = problem if isinstance(problem, OSError) else problem.__cause__  # of the copy, or of reading for it
            if not isinstance(error, OSError) or (problem is not error and error.errno not in PASSING):
                raise
            seconds = next(pauses, None) if _may_pass(error, path) else None
            if seconds is None:
                raise _unreadable(error, role, path) from None
            log.warning("%s %r is waited for %g s: %s", role, path.name, seconds, error)
        _wait(seconds, on_progress)
    for status in (before, after):
        if (status.st_size, status.st_mtime_ns) != (source.size_bytes, source.mtime_ns):
            raise NotFound(f"{role} {path.name!r} was changed after it was asked for", "Ask again to render what it is now.")
    return copy


def _copy(path: Path, copy: Path, role: str) -> tuple[os.stat_result, os.stat_result]:
    """Copy a file; what it was before and after."""
    with open(path, "rb", opener=_without_waiting) as original:
        before = os.fstat(original.fileno())
        if not stat.S_ISREG(before.st_mode) or not _is_at(path, before):
            raise UnsupportedFormat(f"{role} {path.name!r} is not a regular file", "Give an audio file.")
        with writing(copy) as target:
            shutil.copyfileobj(original, target, COPY_BLOCK_BYTES)
            return before, os.fstat(original.fileno())


def _may_pass(error: OSError, path: Path) -> bool:
    """Whether the drive or the share is gone, not the file alone; an empty folder is what a mount leaves behind."""
    if error.errno in PASSING:
        return True
    try:
        return isinstance(error, FileNotFoundError) and not any(path.parent.iterdir())
    except OSError:
        return True


def _unreadable(error: OSError, role: str, path: Path) -> DawBridgeError:
    if isinstance(error, FileNotFoundError):
        return NotFound(f"{role} {path.name!r} is not there any more", "Put it back and ask again.")
    if isinstance(error, PermissionError):
        return ForbiddenPath(f"{role} {path.name!r} may not be read", "Give yourself the right to read it and ask again.")
    return NotFound(f"{role} {path.name!r} cannot be read: {error.strerror}", "Check the disk or the share that it lies on.")


def _wait(seconds: float, on_progress: OnProgress) -> None:
    since = time.monotonic()
    while time.monotonic() - since < seconds:
        on_progress("load", 0.0)
        time.sleep(min(TICK_SECONDS, seconds))


def _without_waiting(path: str, flags: int) -> int:
    """Open a file; a pipe that was put in its place would make us wait for its writer."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _is_at(path: Path, status: os.stat_result) -> bool:
    """Whether what was opened lies at its path itself: the path was resolved when the request was checked, so a symlink on
    the way was put there since, and may lead out of the project."""
    return path.resolve(strict=True) == path and os.path.samestat(path.stat(), status)
