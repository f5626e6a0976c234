"""The `remix` command: two files in, one file out, in this process and without the service."""

from __future__ import annotations

import argparse
import os
import signal
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import FrameType

from . import making
from .errors import BadArguments, ForbiddenPath, NotFound, OutOfMemory
from .folders import default_state
from .presets import load_preset
from .progress import OnProgress, shown_progress
from .renderer.attempts import attempts, is_out_of_memory
from .renderer.manners import hand_memory_back
from .renderer.order import Order
from .request import RenderRequest, source_file
from .scratch import scratch_beside
from .weights_commands import fetch_missing


def run(asked: argparse.Namespace) -> int:
    """Run the command: the files that it leaves are printed, a line each.

    Raises:
        DawBridgeError, KeyboardInterrupt: as `remix`.
    """
    content, style = source_file(asked.content, "content"), source_file(asked.style, "style")
    preset = load_preset(asked.preset).with_parameters(dict(asked.param))
    fetch_missing(preset.transfer.depths())
    request = RenderRequest(
        project=str(Path(content.path).parent),
        content=content,
        style=style,
        preset=preset.to_table(),
        start_seconds=asked.start,
        length_seconds=asked.length,
        seed=asked.seed,
        is_forced=asked.force,
    )
    with shown_progress() as on_progress:
        options = {"out": asked.out, "picture": asked.picture, "device": asked.device, "n_takes": asked.takes}
        paths, picture = remix(request, **options, on_progress=on_progress)
    print(*paths, *filter(None, [picture]), sep="\n")
    return 0


def remix(
    request: RenderRequest, *, out: Path | None, picture: Path | None, device: str, on_progress: OnProgress, n_takes: int = 1
) -> tuple[list[Path], Path | None]:
    """Render one remix, or several takes of it, and write each with its recipe.

    Ctrl-C stops it at once while it renders; the writing at the end, a fraction of a second, is finished first.

    Args:
        request: what to make; its project is the folder that receives the result. Forced, it replaces `out` and `picture`.
        out: the file to write; None means a new one with a version number.
        picture: a PNG to draw of content, the first remix and style; None means none.
        device: "auto", "cpu", "cuda" or "mps".
        on_progress: told of the phase and the fraction of the whole.
        n_takes: how many, with the request's seed and those that follow it.

    Returns:
        the remixes' files and the picture's.

    Raises:
        DawBridgeError: anything that keeps it from being made; nothing is left behind then.
        KeyboardInterrupt: Ctrl-C; nothing is left behind either, or what is finished if it says so.
    """
    check_targets(request, out, picture, n_takes)
    on_progress("load", 0.0)
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # before torch: a thread that waits gives its core to the DAW
    hand_memory_back()
    with scratch_beside(out.absolute().parent if out else Path(request.project)) as scratch:
        files = Path(request.content.path), Path(request.style.path)
        sources = making.read_sources(request, *files, scratch, default_state().styles)
        takes = render_takes(request, sources, n_takes=n_takes, device=device, on_progress=on_progress)
        on_progress("publish", 1.0)
        paths = write_takes(request, out, takes)
        try:
            if picture is not None:
                from .figures import triptych

                names = (Path(request.content.path).name, paths[0].name, Path(request.style.path).name)
                triptych(sources.content, takes[0].audio, sources.style, picture, names)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(_finished(paths)) from None
        return paths, picture


def check_targets(request: RenderRequest, out: Path | None, picture: Path | None, n_takes: int) -> None:
    """Refuse before the render what could not be written after it.

    Raises:
        NotFound, BadArguments, ForbiddenPath, UnsupportedFormat: what is wrong with a name.
    """
    from .publish import check_free
    from .takes import take_path

    outs = [] if out is None else [take_path(out, number, n_takes) for number in range(1, n_takes + 1)]
    for path in outs:
        check_free(path, is_forced=request.is_forced)
    if picture is not None and not picture.absolute().parent.is_dir():
        raise NotFound(f"folder {str(picture.absolute().parent)!r} does not exist", "Make it first, or choose another.")
    if picture is not None and picture.suffix.lower() != ".png":
        raise BadArguments(f"picture={picture.name!r} must end in .png", "It is drawn as PNG.")
    if picture is not None and picture.exists() and not request.is_forced:
        raise ForbiddenPath(f"{str(picture)!r} exists already", "Choose another name, or say --force to replace it.")
    for target in (*outs, picture):
        if target is not None and str(target.resolve()) in (request.content.path, request.style.path):
            raise ForbiddenPath(f"{str(target)!r} is an input", "Choose another name.")


def render_takes(
    request: RenderRequest,
    sources: making.Sources,
    *,
    n_takes: int,
    device: str,
    on_progress: OnProgress,
    reference: str = "",
    memory_scale: float | None = None,
    steps: Sequence[int] = (),
) -> list[making.Made]:
    """Render a request with its seed and those that follow it, and make the takes equally loud.

    Where memory is short, a take is tried again with blocks of half the length, then a quarter, and last on the CPU.

    Args:
        request: as of `remix`.
        sources: of `making.read_sources`.
        n_takes: how many.
        device: as of `remix`.
        on_progress: told of the phase and the fraction of all takes.
        reference: what the files are to name as their origin.
        memory_scale: as in `pipeline.render`, and then nothing else is tried, for other blocks make other bytes.
        steps: as in `pipeline.render`.

    Raises:
        OutOfMemory: the least was still too much.
        DawBridgeError: as `making.make`.
    """
    from .takes import levelled

    takes = []
    for number, asked in enumerate([replace(request, seed=request.seed + number) for number in range(n_takes)]):
        recipe = {**making.recipe_of(asked, sources), "reference": reference}

        def on_take(phase: str, fraction: float, number: int = number) -> None:
            on_progress(phase, (number + fraction) / n_takes)

        make = partial(making.make, asked, sources, recipe, on_progress=on_take, steps=steps)
        takes.append(_made(_plan(asked, device, memory_scale), make, on_take))
    return levelled(takes, sources.scratch)


def _plan(request: RenderRequest, device: str, memory_scale: float | None) -> list[Order]:
    """How a render is tried, the first way first."""
    order = Order("", request, Path(request.project), device=device)
    return attempts(order, 0) if memory_scale is None else [replace(order, memory_scale=memory_scale)]


def _made(plan: Sequence[Order], make: Callable[..., making.Made], on_progress: OnProgress) -> making.Made:
    """What the first of the ways makes for which there is memory."""
    for order in plan:
        try:
            return make(device=order.device, memory_scale=order.memory_scale)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
        on_progress("memory", 0.0)
    name = Path(plan[0].request.content.path).name
    raise OutOfMemory(f"rendering {name!r} needs more memory than is free", "Close other programs, or take a shorter part.")


def write_takes(request: RenderRequest, out: Path | None, takes: list[making.Made], *, stem: str = "") -> list[Path]:
    """Write finished takes, each with its recipe, under the name that the user chose or new ones.

    Args:
        request, out: as of `remix`.
        takes: of `render_takes`.
        stem: what new names begin with; empty means the content's name.

    Raises:
        KeyboardInterrupt: Ctrl-C came while they were written; what is finished is said.
        DawBridgeError: as `publish.publish` and `publish.write_beside`.
    """
    from .takes import take_path

    paths: list[Path] = []
    with _deferred_interrupt() as interrupt:
        for number, take in enumerate(takes, 1):
            named = None if out is None else take_path(out, number, len(takes))
            paths.append(_published(request, named, take, stem or Path(request.content.path).stem))
    if interrupt.is_set():
        raise KeyboardInterrupt(_finished(paths))
    return paths


def _finished(paths: list[Path]) -> str:
    what = "the remix is" if len(paths) == 1 else "the remixes are"
    return f"stopped, but {what} finished: {', '.join(map(str, paths))}"


def _published(request: RenderRequest, out: Path | None, made: making.Made, stem: str) -> Path:
    from . import publish

    origin = making.origin_of(made.recipe)
    if out is not None:
        return publish.write_beside(out, made.audio, made.recipe, is_forced=request.is_forced, origin=origin)
    folder = Path(request.project)
    label = request.style_label or Path(request.style.path).stem
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
