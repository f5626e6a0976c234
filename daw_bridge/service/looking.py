"""Looks at the files that are asked for, those of each place in a thread of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path

from ..request import RenderRequest
from .intake import Ask, project_of
from .threads import ByPlace

LOOK_SECONDS = 5.0  # whoever asks hears by then that a share hangs


class Looking:
    """Lives in the event loop.

    Args:
        look: makes a request of an ask; it blocks.
        projects: the service's; it grows.
        roots: named roots for OSC paths.
        is_hanging: whether a project's share does not answer.
        has_opened: the store; the projects are known by then. No share is to blame for what comes before.
    """

    def __init__(
        self,
        look: Callable[[Ask, Sequence[Path]], RenderRequest],
        projects: Sequence[Path],
        roots: Mapping[str, Path],
        is_hanging: Callable[[Path], bool],
        has_opened: asyncio.Event,
    ) -> None:
        self._has_opened = has_opened
        self._look, self._projects, self._roots, self._is_hanging = look, projects, roots, is_hanging
        self._threads = ByPlace("looks")

    async def request_of(self, ask: Ask, is_patient: bool = False) -> RenderRequest:
        """Look at an ask.

        Args:
            ask: what is asked.
            is_patient: whether to wait for a share that hangs.

        Raises:
            DawBridgeError: what is wrong with it.
        """
        await self._has_opened.wait()
        projects = self._candidates(ask)
        thread = self._threads.of(self._place(ask, projects))
        if is_patient:
            return await thread(self._look, ask, projects)
        return await thread.in_time(LOOK_SECONDS, f"the folder of {ask.content[:200]!r}", self._look, ask, projects)

    def _candidates(self, ask: Ask) -> tuple[Path, ...]:
        """The projects that may be meant; one that hangs holds up nobody who names none."""
        projects = tuple(self._projects)
        if ask.origin != "osc" or ask.project or len(projects) < 2:
            return projects
        return tuple(project for project in projects if not self._is_hanging(project)) or projects

    def _place(self, ask: Ask, projects: Sequence[Path]) -> Hashable:
        """What the ask's files have in common with those that would hang with them. Whatever comes over the wire names one of
        a few."""
        if ask.origin != "osc":
            return ask.project, str(Path(ask.content).parent), str(Path(ask.style).parent)
        roots = (text[1:].replace("\\", "/").partition("/")[0] for text in (ask.content, ask.style) if text.startswith("@"))
        known = tuple(sorted(set(roots) & set(self._roots)))
        return (project_of(ask, projects) if ask.project else tuple(projects)), known

    def close(self) -> None:
        """Let go of the threads."""
        self._threads.close()
