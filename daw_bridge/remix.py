"""The `remix` command: two files in, one file out, in this process and without the service."""

from __future__ import annotations

import os
import signal
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

from . import making
from .disk import reported
from .errors import BadArguments, ForbiddenPath, NotFound
from .progress import OnProgress
from .request import RenderRequest
from .scratch import Scratch


def remix(
    request: RenderRequest, *, out: Path | None, picture: Path | None, device: str, on_progress: OnProgress
) -> tuple[Path, Path | None]:
    """Render one remix and write it with its recipe.

    Ctrl-C stops it at once while it renders; the writing at the end, a fraction of a second, is finished first.

    Args:
        request: what to make; its project is the folder that receives the result. Forced, it replaces `out` and `picture`.
        out: the file to write; None means a new one with a version number.
        picture: a PNG to draw of content, remix and style; None means none.
        device: "auto", "cpu", "cuda" or "mps".
        on_progress: told of the phase and the fraction of the whole.

    Returns:
        the remix's file and the picture's.

    Raises:
        DawBridgeError: anything that keeps it from being made; nothing is left behind then.
        KeyboardInterrupt: Ctrl-C; nothing is left behind either, or the whole remix if it says so.
    """
    _check_targets(request, out, picture)
    on_progress("load", 0.0)
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # before torch: a thread that waits gives its core to the DAW
    with _scratch_beside(out.absolute().parent if out else Path(request.project)) as scratch:
        sources = making.read_sources(request, Path(request.content.path), Path(request.style.path), scratch)
        recipe = making.recipe_of(request, sources)
        made = making.make(request, sources, recipe, device=device, on_progress=on_progress)
        on_progress("publish", 1.0)
        with _deferred_interrupt() as interrupt:
            path = _published(request, out, made)
        try:
            if interrupt.is_set():
                raise KeyboardInterrupt
            if picture is not None:
                from .figures import triptych

                names = (Path(request.content.path).name, path.name, Path(request.style.path).name)
                triptych(sources.content, made.audio, sources.style, picture, names)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"stopped, but the remix is finished: {path}") from None
        return path, picture


@contextmanager
def _scratch_beside(folder: Path) -> Iterator[Scratch]:
    """Room in a private folder beside the result, where there must be room for it anyway; gone after the block."""
    with reported(folder):
        private = TemporaryDirectory(prefix=".daw_bridge-", dir=folder, ignore_cleanup_errors=True)
    with private as name:
        yield Scratch(Path(name))


def _check_targets(request: RenderRequest, out: Path | None, picture: Path | None) -> None:
    """Refuse before the render what could not be written after it."""
    from .publish import check_free

    if out is not None:
        check_free(out, is_forced=request.is_forced)
    if picture is not None and not picture.absolute().parent.is_dir():
        raise NotFound(f"folder {str(picture.absolute().parent)!r} does not exist", "Make it first, or choose another.")
    if picture is not None and picture.suffix.lower() != ".png":
        raise BadArguments(f"picture={picture.name!r} must end in .png", "It is drawn as PNG.")
    if picture is not None and picture.exists() and not request.is_forced:
        raise ForbiddenPath(f"{str(picture)!r} exists already", "Choose another name, or say --force to replace it.")
    for target in (out, picture):
        if target is not None and str(target.resolve()) in (request.content.path, request.style.path):
            raise ForbiddenPath(f"{str(target)!r} is an input", "Choose another name.")


def _published(request: RenderRequest, out: Path | None, made: making.Made) -> Path:
    from . import publish

    origin = making.origin_of(made.recipe)
    if out is not None:
        return publish.write_beside(out, made.audio, made.recipe, is_forced=request.is_forced, origin=origin)
    folder = Path(request.project)
    stem, label = Path(request.content.path).stem, request.style_label or Path(request.style.path).stem
    name = f"cli-{uuid.uuid4().hex}"
    reservation = publish.reserve(folder, stem, request.preset["id"], label, publish.suffix_of(made.audio), name)
    try:
        return publish.publish(reservation, made.audio, made.recipe, origin=origin)
    finally:
        publish.withdraw(reservation)  # nothing to withdraw once it is published
        with suppress(OSError):
            (folder / publish.STAGING).rmdir()  # beside the user's own file it would only puzzle; kept while others use it


@contextmanager
def _deferred_interrupt() -> Iterator[threading.Event]:
    """Hold Ctrl-C back until the block is over; the event tells whether it came."""
    is_asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield is_asked  # signals reach the main thread alone
        return

    def remember(number: int, frame: FrameType | None) -> None:
        is_asked.set()

    before = signal.signal(signal.SIGINT, remember)
    try:
        yield is_asked
    finally:
        signal.signal(signal.SIGINT, before)
