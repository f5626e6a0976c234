"""Where things lie in a project's folder and in the user's state folder; paths only, nothing is made here."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

DEFAULT_PORT = 9710


@dataclass(frozen=True)
class ProjectFolders:
    """The folders of one project: `<project>/daw_bridge/…` (hot-folder layout).

    Attributes:
        project: absolute path of the DAW project's own folder.
    """

    project: Path

    @property
    def root(self) -> Path:
        return self.project / "daw_bridge"

    @property
    def drop(self) -> Path:
        return self.root / "drop"

    @property
    def remixes(self) -> Path:
        return self.root / "remixes"

    @property
    def staging(self) -> Path:
        """On the file system of the results, so that publishing is a rename."""
        return self.remixes / ".daw_bridge"

    @property
    def previews(self) -> Path:
        return self.root / "previews"

    @property
    def results(self) -> Path:
        return self.root / "results"

    @property
    def contents(self) -> Path:
        """Sounds that a script took out of its DAW."""
        return self.root / "contents"

    @property
    def done(self) -> Path:
        return self.root / "done"

    @property
    def errors(self) -> Path:
        return self.root / "errors"


@dataclass(frozen=True)
class StateFolders:
    """What the one service of a user keeps: job store, tickets, work copies, its lock and its address.

    Attributes:
        root: absolute path of the state folder.
    """

    root: Path

    @property
    def job_database(self) -> Path:
        return self.root / "jobs.sqlite"

    @property
    def tickets(self) -> Path:
        return self.root / "tickets"

    @property
    def work(self) -> Path:
        return self.root / "work"

    @property
    def styles(self) -> Path:
        """What was heard of styles, so that the next render in one need not hear it again; may be thrown away any time."""
        return self.root / "styles"

    @property
    def lock(self) -> Path:
        return self.root / "service.lock"

    @property
    def address(self) -> Path:
        """JSON `{"host", "port", "pid", "version"}` of the running service."""
        return self.root / "service.json"

    @property
    def progress(self) -> Path:
        """JSON of the service's state and its jobs, while it runs."""
        return self.root / "progress.json"

    @property
    def projects(self) -> Path:
        """JSON list of the project folders that the service watches."""
        return self.root / "projects.json"

    @property
    def token(self) -> Path:
        """What lets a message in from the network; for its owner's eyes alone."""
        return self.root / "token"

    @property
    def log(self) -> Path:
        return self.root / "service.log"


def default_state() -> StateFolders:
    """The user's state folder: `$DAW_BRIDGE_STATE`, or the place that the system gives to such things."""
    named = os.environ.get("DAW_BRIDGE_STATE")
    if named:
        return StateFolders(Path(named).expanduser().resolve())
    from platformdirs import user_state_dir

    return StateFolders(Path(user_state_dir("daw-bridge", appauthor=False)))
