"""The first sound of a job: its loudest seconds, rendered with the same preset and seed ahead of the whole."""

from __future__ import annotations

import hashlib
import json
import logging
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from .. import making
from ..disk import OnBlock
from ..errors import Cancelled
from ..folders import ProjectFolders
from ..making import Sources
from ..markers import of_part
from ..names import portable
from . import errands
from .order import OnPreview, OnProgress, Order

PREVIEW_SECONDS = 8.0
LEAST_SECONDS = 12.0  # what is shorter is there as a whole about as soon
BUDGET_SECONDS = 3.0  # for all the work: a preset of many steps takes fewer for the first sound
PHASE = "preview"
WHOLE_SECONDS = 2.5  # what is there so soon needs none, even on a machine that has just become half as fast

log = logging.getLogger(__name__)


class Paces:
    """How quickly whole remixes were made in this process, by preset and device: seconds of work for each of audio."""

    def __init__(self) -> None:
        self._paces: dict[str, float] = {}

    def note(self, order: Order, sources: Sources, seconds: float) -> None:
        """Keep how long a whole took, pauses included; the latest counts, since a laptop grows hot."""
        self._paces[_way(order)] = seconds / sources.content.length_seconds

    def seconds_of(self, order: Order, sources: Sources) -> float:
        """How long a whole will take; infinite where none was made in its way yet."""
        return self._paces.get(_way(order), math.inf) * sources.content.length_seconds


def _way(order: Order) -> str:
    way = json.dumps([order.device, order.memory_scale, dict(order.request.preset)], sort_keys=True)
    return hashlib.sha256(way.encode()).hexdigest()


def is_due(order: Order, sources: Sources, paces: Paces) -> bool:
    """Whether somebody waits for a job, and would wait long for the whole of it."""
    request = order.request
    is_wanted = request.has_preview and request.priority != "batch" and sources.content.length_seconds > LEAST_SECONDS
    return is_wanted and paces.seconds_of(order, sources) > WHOLE_SECONDS


def share(sources: Sources) -> float:
    """The first sound's part of all the work, by seconds of audio."""
    return PREVIEW_SECONDS / (PREVIEW_SECONDS + sources.content.length_seconds)


def offer(order: Order, sources: Sources, recipe: Mapping[str, Any], on_progress: OnProgress, on_preview: OnPreview) -> None:
    """Render the first sound and put it into the project's previews/; a job that runs again finds its own there.

    Its name holds the job's id, so it is never anybody else's. A first sound that cannot be made is a line in the log: the
    job goes on without.

    Args:
        order: of the whole.
        sources, recipe: of the whole.
        on_progress: told of the phase "preview" and fractions from 0 to `share`; what it raises ends the job.
        on_preview: told of the file.
    """
    from ..publish import suffix_of

    project = Path(order.request.project)
    target = ProjectFolders(project).previews / _name(order, suffix_of(sources.content))

    def at(fraction: float) -> OnBlock:
        return lambda: on_progress(PHASE, fraction)

    try:
        if not order.carry(project, errands.is_there, target, on_block=at(0.0)):
            made = order.folder / f"first{target.suffix}"
            _render(order, sources, recipe, made, on_progress)
            order.carry(project, errands.place_first_sound, made, target, on_block=at(share(sources)))
        on_preview(target)
    except Cancelled:
        raise
    except Exception as error:
        log.warning("job %s has no first sound: %s: %s", order.job_id, type(error).__name__, error)


def _name(order: Order, suffix: str) -> str:
    request = order.request
    style = request.style_label or Path(request.style.path).stem
    parts = (Path(request.content.path).stem, str(request.preset["id"]), style, order.job_id)
    return "__".join(portable(part) for part in parts) + suffix


def _in_time(preset: Mapping[str, Any]) -> dict[str, Any]:
    """The preset with a limit to the time that its steps may take."""
    transfer = preset["transfer"]
    budget = min(transfer.get("time_budget_seconds") or BUDGET_SECONDS, BUDGET_SECONDS)
    return {**preset, "transfer": {**transfer, "time_budget_seconds": budget}}


def _render(order: Order, sources: Sources, recipe: Mapping[str, Any], target: Path, on_progress: OnProgress) -> None:
    from ..audio_files import write_audio
    from ..loudest import loudest_start

    content = sources.content
    first = loudest_start(content, PREVIEW_SECONDS)
    part = content.with_samples(content.samples[:, first : first + round(PREVIEW_SECONDS * content.sample_rate)])
    places = of_part(sources.markers, first, part.n_samples)
    heard = replace(sources, content=part, time_reference=sources.time_reference + first, markers=places)
    whole = share(sources)
    made = making.make(
        replace(order.request, preset=_in_time(order.request.preset)),
        heard,
        {**recipe, "content": {**recipe["content"], **making.place_table(heard)}},
        device=order.device,
        on_progress=lambda _, fraction: on_progress(PHASE, fraction * whole),
        memory_scale=order.memory_scale,
    )
    write_audio(target, made.audio, origin=making.origin_of(made.recipe))
