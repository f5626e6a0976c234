"""Hot folders: the scan that finds dropped stems, and what is said of each of them."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ..errors import BadArguments, BadParameter, DawBridgeError, EmptyFile, UnsupportedFormat
from ..folders import ProjectFolders
from ..job import Job
from ..riff import check_header
from .hot_folder import HotFolder, drop_folders, is_ours, is_style, read_folder
from .originals import bring_back, move_away, tell, untell
from .seen import Drop, Seen
from .settle import RENAMED_SECONDS, TRUNCATED_SECONDS, Look, Patience, look_at, missing_part, settle_seconds
from .stems import Problem, Ready, drop_key, stem_ask, stem_files

BUSY_SECONDS = (2.0, 8.0, 30.0, 120.0)
ASK_AGAIN_SECONDS = 30.0  # a preset that was missing may have been installed, a right given, a share mounted


class HotFolders:
    """Hot folders that are scanned together. Called from one thread at a time, but for `why` and `owns`; blocks on files.

    Args:
        seen: the table of drops.
        scanned: projects whose drop/ is scanned.
        watched: folders of the configuration that are scanned besides.
        projects: all that the service has, whose remixes are nobody's stems.
    """

    def __init__(self, seen: Seen, scanned: Sequence[Path], watched: Sequence[HotFolder], projects: Sequence[Path]) -> None:
        self._seen = seen
        self._scanned, self._watched = tuple(scanned), tuple(watched)
        self._projects = projects
        self._patience: dict[Path, Patience] = {}
        self._renamed: set[Path] = set()
        self._busy: dict[Path, tuple[int, float]] = {}
        self._refused: dict[str, float] = {}
        self._words: dict[Path, str] = {}
        self._problems: list[Problem] = []
        self._visited: set[Path] = set()
        self._n_unsettled = 0

    @property
    def is_settling(self) -> bool:
        """Whether the last scan left files that may settle soon, so that the next one should not be far."""
        return self._n_unsettled > 0

    def renamed(self, path: Path) -> None:
        """A file came to this name by a rename inside the tree: it is complete already."""
        self._renamed.add(path)

    def scan(self, now: float) -> tuple[list[Ready], list[Problem]]:
        """Look at every hot folder.

        Args:
            now: monotonic seconds.

        Returns:
            stems to ask a remix for (again at each scan until `accepted` or `refused`), and problems not told before.
        """
        self._problems, self._visited, self._n_unsettled = [], set(), 0
        ready = [stem for folder in self._folders(now) for stem in self._scan_folder(folder, now)]
        for gone in self._patience.keys() - self._visited:
            del self._patience[gone]
            self._words.pop(gone, None)
        self._renamed &= self._visited
        return ready, self._problems

    def _folders(self, now: float) -> Iterator[HotFolder]:
        for project in self._scanned:
            self._scan_loose(project)
            for path in drop_folders(project):
                try:
                    yield read_folder(path, project)
                except BadParameter as error:
                    for stem in stem_files(path):
                        self._say(stem, HotFolder(path, project, None), error.code, str(error))
                except OSError as error:
                    self._wait_busy(path, error, now)
        yield from (folder for folder in self._watched if not is_ours(folder.path, self._projects))

    def _scan_loose(self, project: Path) -> None:
        drop = ProjectFolders(project).drop
        for path in stem_files(drop):
            reason = "it lies in drop/ itself: put it into a folder there, beside a file named style.wav"
            self._say(path, HotFolder(drop, project, None), "bad_args", reason)

    def _scan_folder(self, folder: HotFolder, now: float) -> Iterator[Ready]:
        stems = [path for path in stem_files(folder.path) if not is_style(path.name) and path != folder.style]
        stems = [path for path in stems if not is_ours(path.resolve(), self._projects)]
        if not stems and folder.style is None:
            return
        style_look = None
        reason = "it waits for a style: put a recording named style.wav beside it"
        if folder.style is not None:
            style_look, reason = self._settled(folder.style, folder, now)
        for path in stems:
            look, _ = self._settled(path, folder, now)
            if look is None:
                continue
            if style_look is None or folder.style is None:
                if reason:
                    self._say(path, folder, "not_found", reason)
                continue
            key = drop_key(path, look, folder, style_look)
            drop = self._seen.find(key)
            if drop is not None:
                self._words.pop(path, None)  # what became of it is known better than how it settled
            elif self._refused.get(key, 0.0) <= now:
                yield Ready(path, folder, key, stem_ask(path, folder))

    def _settled(self, path: Path, folder: HotFolder, now: float) -> tuple[Look | None, str]:
        """The look of a complete audio file; else None and, where a user should know, the reason."""
        self._visited.add(path)
        if self._busy.get(path, (0, 0.0))[1] > now:
            return None, ""
        try:
            look = look_at(path)
            patience = self._patience.get(path)
            if patience is None:
                seconds = RENAMED_SECONDS if path in self._renamed else settle_seconds(path.parent)
                patience = self._patience[path] = Patience(look, now, now, seconds)
            if not patience.see(look, now):
                return None, self._unsettled(path, folder, patience, now)
            is_complete, reason = self._completeness(path, folder, patience, now)
        except OSError as error:
            self._wait_busy(path, error, now)
            return None, ""
        self._busy.pop(path, None)
        return (look, "") if is_complete else (None, reason)

    def _unsettled(self, path: Path, folder: HotFolder, patience: Patience, now: float) -> str:
        if patience.look.size_bytes == 0 and patience.is_truncated(now):
            return self._say(path, folder, "empty_file", f"it has 0 bytes, for {TRUNCATED_SECONDS:.0f} s: export it again")
        self._n_unsettled += 1
        if patience.is_restless(now):
            return self._say(
                path, folder, "unsupported_format", "it keeps changing for 15 minutes: it is looked at once it rests"
            )
        self._words[path] = "it is being written; a file counts as complete when it has not changed for a moment"
        return ""

    def _completeness(self, path: Path, folder: HotFolder, patience: Patience, now: float) -> tuple[bool, str]:
        """Whether a settled file is a whole audio file; if not, the reason where a user should know."""
        if patience.is_complete:
            return True, ""
        missing = missing_part(path)
        if missing and patience.is_truncated(now):
            return False, self._say(path, folder, "unsupported_format", f"it is truncated, it lacks {missing}: export it again")
        if missing:
            self._n_unsettled += 1
            self._words[path] = f"it is not complete yet, it lacks {missing}"
            return False, ""
        try:
            with path.open("rb") as file:
                check_header(file, repr(path.name))
        except UnsupportedFormat as error:
            return False, self._say(path, folder, error.code, str(error))
        patience.is_complete = True
        return True, ""

    def _wait_busy(self, path: Path, error: OSError, now: float) -> None:
        n_tries = self._busy.get(path, (0, 0.0))[0]
        pause = BUSY_SECONDS[min(n_tries, len(BUSY_SECONDS) - 1)]
        self._busy[path] = (n_tries + 1, now + pause)
        self._words[path] = f"it cannot be read now ({error.strerror}); tried again in {pause:.0f} s"

    def _say(self, path: Path, folder: HotFolder, code: str, message: str) -> str:
        """Tell the user once, in errors/ and as a problem; the message comes back."""
        self._visited.add(path)
        if self._words.get(path) != message:
            self._words[path] = message
            self._problems.append(Problem(path, code, message))
            tell(folder, path, message)
        return message

    def accepted(self, stem: Ready, job: Job) -> None:
        """The store took the stem's request."""
        self._await(Drop(stem.key, str(stem.path), job.id, "accepted", ""), stem.folder, job)

    def _await(self, drop: Drop, folder: HotFolder, job: Job) -> None:
        path = Path(drop.path)
        self._seen.put(drop)
        self._words.pop(path, None)
        if self._is_latest(drop, job):
            untell(folder, path)
        if job.is_final:
            self.finished(job)

    def refused(self, stem: Ready, error: DawBridgeError, now: float) -> list[Problem]:
        """The intake refused the stem's request; it is asked again after a while, unless another file must come first."""
        is_for_good = isinstance(error, (EmptyFile, UnsupportedFormat))
        self._refused[stem.key] = math.inf if is_for_good else now + ASK_AGAIN_SECONDS
        self._problems = []
        self._say(stem.path, stem.folder, error.code, str(error))
        return self._problems

    def finished(self, job: Job) -> None:
        """A job ended, whoever asked for it first: say why it failed, or take that back, and move the original if its folder
        wants that."""
        for drop in self._seen.open_of(job.id):
            if self.owns(Path(drop.path)):
                self._finish(drop, job)

    def _finish(self, drop: Drop, job: Job) -> None:
        path = Path(drop.path)
        message = _sentence(job)
        if job.state in ("done", "failed") and self._is_latest(drop, job):
            folder = self._folder_of(path, Path(job.request.project))
            if job.state == "failed":
                tell(folder, path, message)
            else:
                untell(folder, path)
            if folder.is_moving and os.path.exists(path):  # Path.exists raises where a share has gone
                message = move_away(folder, path, job.state) or message
        self._seen.put(Drop(drop.key, drop.path, drop.job, job.state, message))

    def put_back(self, job: Job) -> None:
        """Before a job is tried again: its original lies where it was dropped, although the failure moved it to errors/.

        Raises:
            BadArguments: another file lies there now.
        """
        drop = self._seen.of_job(job.id)
        if drop is None or job.state not in ("failed", "cancelled"):
            return
        path = Path(drop.path)
        bring_back(self._folder_of(path, Path(job.request.project)), path, job.request.content)
        if _is_replaced(path, job):
            raise BadArguments(f"{path.name!r} is another file than job {job.id} was about", "It has a job of its own.")

    def retried(self, job: Job) -> None:
        """The store took the job that tries another again."""
        drop = self._seen.of_job(job.id)
        if drop is not None:
            folder = self._folder_of(Path(drop.path), Path(job.request.project))
            self._await(Drop(drop.key, drop.path, job.id, "accepted", ""), folder, job)

    def _is_latest(self, drop: Drop, job: Job) -> bool:
        """Whether nothing newer was dropped under the name; a new file, or the same beside another style, has its own job."""
        latest = self._seen.latest_of(drop.path)
        return latest is not None and latest.key == drop.key and not _is_replaced(Path(drop.path), job)

    def _folder_of(self, path: Path, project: Path) -> HotFolder:
        for folder in self._watched:
            if folder.path == path.parent:
                return folder
        try:
            return read_folder(path.parent, project)
        except (BadParameter, OSError):
            return HotFolder(path.parent, project, None)

    def owns(self, path: Path) -> bool:
        """Whether a file is a drop of these folders; looks at none."""
        is_dropped = any(path.is_relative_to(ProjectFolders(project).drop) for project in self._scanned)
        return is_dropped or any(path.parent == folder.path for folder in self._watched)

    def why(self, path: Path, held: Callable[[str], str] = lambda job: "") -> str:
        """What became of a dropped file, in words; empty where no hot folder has seen it.

        Args:
            path: absolute.
            held: gives what holds a job up now.
        """
        if words := self._words.get(path):
            return words
        drop = self._seen.latest_of(str(path))
        if drop is None:
            return ""
        message = held(drop.job) if drop.outcome == "accepted" else drop.message
        return f"job {drop.job} is {drop.outcome}. {message}".strip()


def _is_replaced(path: Path, job: Job) -> bool:
    """Whether another file than the job was about lies there."""
    content = job.request.content
    try:
        look = look_at(path)
    except OSError:
        return False
    return (look.size_bytes, look.mtime_ns) != (content.size_bytes, content.mtime_ns)


def _sentence(job: Job) -> str:
    if job.state == "failed" and job.error:
        return f"{job.error['message']}. {job.error['hint']}".strip()
    return job.result_path or ""
