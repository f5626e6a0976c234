"""One remix out of two files: read, render, its recipe and its place on the timeline; for the command and the renderer alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .markers import Marker, of_part
from .presets import preset_from
from .request import RenderRequest
from .scratch import Scratch

if TYPE_CHECKING:
    from .audio import Audio
    from .pipeline import Progress
    from .riff import Origin

OnProgress = Callable[[str, float], None]
LAST_PLACE = 2**32 - 1  # that a marker in a file can have
DATE = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True)
class Sources:
    """Both recordings, decoded.

    Attributes:
        content: the part that was asked for.
        style: all of it.
        time_reference: samples from midnight to the first of `content`, as far as its file knows; 0 at its start if not.
        scratch: makes room for what becomes of them.
        recorded_at: date and time of the content, `2026-05-04 03:02:01`: its own, as its file knows, or that of the file.
        markers: those of the content, as they lie in the part.
        styles: folder of what was heard of styles before; None hears each anew.
    """

    content: Audio
    style: Audio
    time_reference: int
    scratch: Scratch = Scratch()
    recorded_at: str = ""
    markers: tuple[Marker, ...] = ()
    styles: Path | None = None


@dataclass(frozen=True)
class Made:
    """A remix that has no file yet.

    Attributes:
        audio: the remix.
        recipe: what to write beside it.
    """

    audio: Audio
    recipe: dict[str, Any]


def read_sources(
    request: RenderRequest, content: Path, style: Path, scratch: Scratch = Scratch(), styles: Path | None = None
) -> Sources:
    """Read what a request asks for.

    Args:
        request: says which part of the content.
        content, style: the files, which may be copies of those that the request names.
        scratch: makes room for the samples.
        styles: as in `Sources`.

    Raises:
        FileError, BadArguments: as `audio_files.read_audio`.
    """
    from .audio_files import read_audio, read_place

    span = {"start_seconds": request.start_seconds, "length_seconds": request.length_seconds}
    part = read_audio(content, **span, role="content", scratch=scratch)
    place, first = read_place(content), round(request.start_seconds * part.sample_rate)
    recorded_at = place.made_at or datetime.fromtimestamp(request.content.mtime_ns // 10**9, UTC)
    return Sources(
        part,
        read_audio(style, role="style", scratch=scratch),
        place.time_reference + first,
        scratch,
        f"{recorded_at:{DATE}}",
        of_part(place.markers, first, part.n_samples),
        styles,
    )


def recipe_of(request: RenderRequest, sources: Sources, *, job: str = "") -> dict[str, Any]:
    """The recipe as far as it is known before the render: all that decides the remix's samples."""
    from . import recipe

    part = {"start_seconds": request.start_seconds, "length_seconds": request.length_seconds}
    content = recipe.source_table(request.content.path, sources.content, **part)
    content |= {"container": sources.content.container, "subtype": sources.content.subtype}
    return recipe.recipe_table(
        content={**content, **place_table(sources)},
        style=recipe.source_table(request.style.path, sources.style),
        preset=preset_from(request.preset, str(request.preset["id"])),
        seed=request.seed,
        report={},
        job=job,
    )


def make(
    request: RenderRequest,
    sources: Sources,
    recipe: dict[str, Any],
    *,
    device: str,
    on_progress: OnProgress,
    memory_scale: float = 1.0,
    steps: Sequence[int] = (),
) -> Made:
    """Render a request.

    Args:
        request: its preset and seed count.
        sources: of `read_sources`.
        recipe: of `recipe_of`; what the pipeline reports is added.
        device: "auto", "cpu", "cuda" or "mps".
        on_progress: told of the phase and the fraction of the whole; what it raises ends the render.
        memory_scale, steps: as in `pipeline.render`.

    Raises:
        BadParameter: pedalboard does not take the preset's chain, which is said before anything is rendered.
        DawBridgeError: as `pipeline.render`.
    """
    from .pipeline import render
    from .post import check_preset
    from .recipe import machine

    def on_step(progress: Progress) -> None:
        on_progress(progress.phase, progress.fraction)

    preset = preset_from(request.preset, str(request.preset["id"]))
    check_preset(preset)
    remix = render(
        sources.content,
        sources.style,
        preset,
        seed=request.seed,
        device=device,
        on_step=on_step,
        scratch=sources.scratch,
        cache=sources.styles,
        memory_scale=memory_scale,
        steps=steps,
    )
    return Made(remix.audio, {**recipe, **remix.report, "machine": machine()})


def place_table(sources: Sources) -> dict[str, Any]:
    """What a recipe says of the content's place."""
    markers = [[marker.position, marker.label, marker.note, marker.n_samples] for marker in sources.markers]
    return {"time_reference": sources.time_reference, "recorded_at": sources.recorded_at, "markers": markers}


def origin_of(recipe: Mapping[str, Any]) -> Origin:
    """Where a DAW spots the remix to, its places, and the job that made it."""
    from .riff import Origin

    content, made_at = recipe["content"], None
    with suppress(TypeError, ValueError):  # recipes of before have no date
        made_at = datetime.strptime(content.get("recorded_at"), DATE)
    return Origin(str(recipe["reference"]), made_at, int(content["time_reference"]), markers_of(content))


def markers_of(content: Mapping[str, Any]) -> tuple[Marker, ...]:
    """The markers that a recipe lists of its content; anything may stand there, and what is no marker is left out."""
    listed, found = content.get("markers"), []
    for entry in listed if isinstance(listed, list) else ():
        with suppress(TypeError, ValueError, OverflowError):
            position, label, note, n_samples = entry
            places = (min(max(0, int(place)), LAST_PLACE) for place in (position, n_samples))
            found.append(Marker(next(places), str(label), str(note), next(places)))
    return tuple(found)
