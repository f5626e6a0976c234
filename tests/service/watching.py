"""Hot folders of one project, scanned by hand at times of a test's choosing."""

from __future__ import annotations

from pathlib import Path

from daw_bridge.folders import ProjectFolders
from daw_bridge.job import Job
from daw_bridge.service.hot_folder import HotFolder
from daw_bridge.service.intake import request_of
from daw_bridge.service.layout import init_project
from daw_bridge.service.seen import Seen
from daw_bridge.service.stems import Problem, Ready
from daw_bridge.service.watcher import HotFolders
from tests.service.conftest import write_clip


class Watch:
    """Hot folders of one project, scanned by hand at times of the test's choosing."""

    def __init__(self, project: Path, database: Path) -> None:
        self.project, self.folders = project, ProjectFolders(project)
        self.database = database
        self.now = 0.0
        self.problems: list[Problem] = []
        init_project(project)
        self.seen = Seen(database)
        self.restart()

    def restart(self, *watched: HotFolder) -> None:
        self.seen.close()
        self.seen = Seen(self.database)
        self.hot = HotFolders(self.seen, [self.project], watched, [self.project])

    def after(self, seconds: float) -> list[Ready]:
        """Time passes; what a scan finds then."""
        self.now += seconds
        ready, problems = self.hot.scan(self.now)
        self.problems += problems
        return ready

    def settled(self) -> list[str]:
        """Names of the stems that are ready two seconds after a first look."""
        self.after(0.1)
        return [stem.path.name for stem in self.after(2.1)]

    def take(self, state: str = "queued") -> list[Job]:
        """Accept whatever is ready."""
        jobs = []
        for stem in self.after(0.1):
            request = request_of(stem.ask, [self.project], {})
            job = Job(f"{request.key[:24]}.1", state, request)
            self.hot.accepted(stem, job)
            jobs.append(job)
        return jobs


def drop(watch: Watch, name: str = "stem.wav", folder: str = "vinyl") -> Path:
    return write_clip(watch.folders.drop / folder / name)


def give_style(watch: Watch, folder: str = "vinyl", name: str = "style.wav") -> Path:
    return write_clip(watch.folders.drop / folder / name, seed=2)
