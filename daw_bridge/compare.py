"""The `compare` command: a content and its remix in one picture, and in one file that switches between them."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import disk
from .progress import OnProgress, shown_progress
from .request import source_file
from .scratch import scratch_beside
from .settings import is_number

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .audio import Audio

MOST_SECONDS = 86_400.0


@dataclass(frozen=True)
class Compared:
    """What was written.

    Attributes:
        picture: the PNG.
        sound: the WAV, which begins with the content.
        remix_gain_db: by which the remix was turned against the content to be as loud.
    """

    picture: Path
    sound: Path
    remix_gain_db: float


def run(asked: argparse.Namespace) -> int:
    """Run the command and print what it wrote.

    Raises:
        DawBridgeError: as `compare`.
    """
    with shown_progress() as on_progress:
        files = {"content": asked.content, "remix": asked.remix, "style": asked.style}
        found = {role: Path(source_file(path, role).path) for role, path in files.items() if path is not None}
        prefix = asked.out or asked.remix.with_name(f"{asked.remix.stem}-compared")
        done = compare(**found, prefix=prefix, is_forced=asked.force, on_progress=on_progress)
    print(done.picture, done.sound, sep="\n")
    return 0


def compare(
    content: Path, remix: Path, style: Path | None = None, *, prefix: Path, is_forced: bool = False, on_progress: OnProgress
) -> Compared:
    """Draw and interleave a content and its remix; both files are written, or none.

    Args:
        content, remix: recordings of any rate, channels and length. Where the remix's recipe lies beside it, the content is
            taken from where the remix begins, and the losses of its render are drawn.
        style: drawn beside them if given.
        prefix: what the names of the two files begin with.
        is_forced: replace what is there.
        on_progress: told of the phase and the fraction of the whole.

    Raises:
        ForbiddenPath: a file exists already or is an input.
        NotFound, FileError, DiskFull: as reading and writing say.
    """
    targets = {suffix: prefix.with_name(prefix.name + suffix) for suffix in (".png", ".wav")}
    disk.check_targets(list(targets.values()), (content, remix, style), is_forced=is_forced)
    on_progress("load", 0.0)
    with scratch_beside(prefix.absolute().parent) as scratch:
        from .audio_files import read_audio, write_audio
        from .compare_figure import Shown, draw
        from .switching import matched, switched

        recipe = disk.read_json(remix.with_suffix(".json"))
        original = read_audio(content, start_seconds=_start(recipe), scratch=scratch)
        published = read_audio(remix, role="remix", scratch=scratch)
        others = [] if style is None else [read_audio(style, role="style", scratch=scratch)]
        on_progress("match", 0.3)
        pair = matched(original, published, scratch)
        staged = Path(str(scratch.folder)) / "compared"
        on_progress("draw", 0.5)
        names = [path.name for path in (content, remix, style) if path is not None]
        shown = Shown(pair, others, names, loudness_of([original, published]), _losses(recipe))
        draw(shown, staged.with_suffix(".png"))
        on_progress("write", 0.8)
        write_audio(staged.with_suffix(".wav"), switched(pair, scratch))
        disk.place({staged.with_suffix(suffix): target for suffix, target in targets.items()}, is_forced=is_forced)
    on_progress("write", 1.0)
    return Compared(targets[".png"], targets[".wav"], pair.remix_gain_db - pair.content_gain_db)


def _start(recipe: Mapping[str, Any]) -> float:
    """Where in the content the remix begins, as its recipe says; the start without one."""
    content = recipe.get("content")
    start = content.get("start_seconds") if isinstance(content, Mapping) else None
    return float(start) if start is not None and is_number(start) and 0 <= start < MOST_SECONDS else 0.0


def loudness_of(recordings: Sequence[Audio]) -> list[NDArray[np.float64]]:
    """Short-term loudness of each as it is, not as it was matched; none where the standard has no say."""
    from .errors import ShapeError
    from .loudness import short_term_lufs

    try:
        return [short_term_lufs(audio) for audio in recordings]
    except ShapeError:
        return []


def _losses(recipe: Mapping[str, Any]) -> dict[str, list[float]]:
    """The curves that a recipe holds and that say something: a loss that was left out is 0 all along."""
    table = recipe.get("losses")
    found = {}
    for name in ("content", "style"):
        curve = table.get(name) if isinstance(table, Mapping) else None
        if not isinstance(curve, list) or len(curve) < 2:
            continue
        if all(is_number(value) for value in curve) and any(curve):
            found[name] = [float(value) for value in curve]
    return found
