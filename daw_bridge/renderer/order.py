"""What the worker asks of the stages, without saying which stages they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from ..disk import OnBlock
from ..job import Published
from ..request import RenderRequest

OnProgress = Callable[[str, float], None]
OnPreview = Callable[[Path], None]
ResultT = TypeVar("ResultT")


class Carry(Protocol):
    """Whoever goes to the user's folders."""

    def __call__(self, place: Path, errand: Callable[..., ResultT], *values: Any, on_block: OnBlock) -> ResultT:
        """Do an errand and give what it returned; what it raised is raised here.

        Args:
            place: the folder that it touches, which may hang.
            errand: called as `errand(*values, on_block=…)`, perhaps in another process.
            values: that can be pickled, as must be what comes back.
            on_block: called several times a second meanwhile; what it raises ends the errand.
        """


def in_person(place: Path, errand: Callable[..., ResultT], *values: Any, on_block: OnBlock) -> ResultT:
    """Do an errand here and now, for who has no service to keep alive."""
    return errand(*values, on_block=on_block)


@dataclass(frozen=True)
class Order:
    """One attempt at one job.

    Attributes:
        job_id: goes into the reserved recipe, so that a job that runs again finds its own.
        request: what to make.
        folder: the job's private work folder, there already; what is kept between render and publish lies in it.
        device: "cpu", "cuda" or "mps".
        memory_scale: 1, 1/2 or 1/4: how much of the usual memory to take, after an attempt that found too little.
        styles: folder of what was heard of styles; None hears each anew.
        carry: goes to the user's folders.
    """

    job_id: str
    request: RenderRequest
    folder: Path
    device: str = "cpu"
    memory_scale: float = 1.0
    styles: Path | None = None
    carry: Carry = in_person


class Stages(Protocol):
    """The work itself. Each stage may run again after a kill -9 at any point; a module with these functions will do."""

    def load(self) -> None:
        """Import what every job needs; what it raises means that this installation renders nothing."""

    def warm(self, device: str) -> None:
        """Load the rest that the first job would wait for."""

    def render(self, order: Order, on_progress: OnProgress, on_preview: OnPreview) -> None:
        """Leave the remix in the work folder.

        Args:
            order: what to make.
            on_progress: `on_progress(phase, fraction)` takes as long as something else is to be done first, and raises
                Cancelled to stop the render.
            on_preview: told of the file of a first sound.
        """

    def publish(self, order: Order) -> Published:
        """Publish what `render` left; publishing it a second time changes nothing."""
