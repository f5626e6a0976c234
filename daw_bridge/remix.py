"""The `remix` command: two files in, one file out, in this process and without the service."""

from __future__ import annotations

import signal
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from .errors import BadArguments, ForbiddenPath, NotFound
from .presets import preset_from
from .progress import OnProgress
from .request import RenderRequest

if TYPE_CHECKING:
    from .audio import Audio
    from .pipeline import Progress


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
        KeyboardInterrupt: Ctrl-C; nothing is left behind either.
    """
    for target in (out, picture):
        if target is not None:
            _check_target(target, request)
    on_progress("load", 0.0)
    from .audio_files import read_audio

    part = {"start_seconds": request.start_seconds, "length_seconds": request.length_seconds}
    content = read_audio(Path(request.content.path), role="content", **part)
    style = read_audio(Path(request.style.path), role="style")
    suffix = ".flac" if content.container == "FLAC" else ".wav"
    if out is not None and out.suffix.lower() != suffix:
        raise BadArguments(f"out={out.name!r} must end in {suffix}", "A remix keeps the sample format of its content.")
    from . import recipe
    from .pipeline import render

    def on_step(progress: Progress) -> None:
        on_progress(progress.phase, progress.fraction)

    preset = preset_from(request.preset, request.preset["id"])
    made = render(content, style, preset, seed=request.seed, device=device, on_step=on_step)
    table = recipe.recipe_table(
        content=recipe.source_table(request.content.path, content, **part),
        style=recipe.source_table(request.style.path, style),
        preset=preset,
        seed=request.seed,
        report=made.report,
    )
    on_progress("publish", 1.0)
    with _deferred_interrupt():
        path = _published(request, out, suffix, made.audio, table)
    if picture is not None:
        from .figures import triptych

        triptych(content, made.audio, style, picture, (Path(request.content.path).name, path.name, Path(request.style.path).name))
    return path, picture


def _check_target(target: Path, request: RenderRequest) -> None:
    """Refuse before the render what could not be written after it."""
    if not target.absolute().parent.is_dir():
        raise NotFound(f"folder {str(target.absolute().parent)!r} does not exist", "Make it, or write elsewhere.")
    if str(target.resolve()) in (request.content.path, request.style.path):
        raise ForbiddenPath(f"{str(target)!r} is an input", "Give the result another name.")
    if target.exists() and not request.is_forced:
        raise ForbiddenPath(f"{str(target)!r} exists already", "Give another name, or --force to replace it.")


def _published(request: RenderRequest, out: Path | None, suffix: str, audio: Audio, table: dict[str, Any]) -> Path:
    from . import publish

    if out is not None:
        publish.write_beside(out, audio, table)
        return out
    stem, label = Path(request.content.path).stem, request.style_label or Path(request.style.path).stem
    reservation = publish.reserve(Path(request.project), stem, request.preset["id"], label, suffix, f"cli-{uuid.uuid4().hex}")
    return publish.publish(reservation, audio, table)


@contextmanager
def _deferred_interrupt() -> Iterator[None]:
    """Hold Ctrl-C back until the block is over."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals reach the main thread alone
        return
    is_asked = False

    def remember(number: int, frame: FrameType | None) -> None:
        nonlocal is_asked
        is_asked = True

    before = signal.signal(signal.SIGINT, remember)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if is_asked:
        raise KeyboardInterrupt
