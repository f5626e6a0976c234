"""What is asked, from wherever it comes, made into a validated request: one intake for OSC, tickets, folders and commands."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..errors import BadArguments, DawBridgeError, ForbiddenPath, NotFound, did_you_mean
from ..presets import Preset
from ..request import RenderRequest, SourceFile, source_file
from ..shelf import Shelf
from ..weights_here import check_here
from .packets import Value
from .paths import confined


@dataclass(frozen=True)
class Ask:
    """A request as it was asked, not yet looked at.

    Attributes:
        content, style: paths as given.
        preset: id.
        project: a project's path or its folder's name; empty means the only one.
        parameters: settings of the preset to replace.
        start_seconds, length_seconds, seed, priority, reqid, style_label: as in `RenderRequest`.
        is_forced, has_preview, origin, reaper: the same.
    """

    content: str
    style: str
    preset: str = "default"
    project: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    start_seconds: float = 0.0
    length_seconds: float = 0.0
    seed: int = 0
    priority: str = "interactive"
    reqid: str = ""
    style_label: str = ""
    is_forced: bool = False
    has_preview: bool = True
    origin: str = "osc"
    reaper: Mapping[str, Any] = field(default_factory=dict)


@lru_cache(maxsize=1)
def shelf() -> Shelf:
    """The presets as the service has them: the user's own, one shelf a process."""

    def check(preset: Preset) -> None:
        from ..post import check_chain

        check_chain(preset.post)

    return Shelf(check=check)


def request_of(ask: Ask, projects: Sequence[Path], roots: Mapping[str, Path]) -> RenderRequest:
    """Check an ask and make it a request. Reads presets and looks at files, so it belongs in a thread.

    Args:
        ask: what was asked. Paths of origin "osc" are confined to the project; the others may name any regular file.
        projects: the service's projects.
        roots: named roots for paths of origin "osc".

    Raises:
        RequestError or FileError: what is wrong with it, first thing found.
        WeightsMissing: the preset needs weights that nobody fetched; a job would only fail later.
    """
    preset = shelf().load(ask.preset).with_parameters(ask.parameters)
    project, content, style = _located(ask, projects, roots)
    check_here(preset.transfer.depths())
    request = RenderRequest(
        project=str(project),
        content=content,
        style=style,
        preset=preset.to_table(),
        **{name: getattr(ask, name) for name in _SHARED},
    )
    try:
        json.dumps(request.to_table(), ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise BadArguments(
            f"content={Path(content.path).name!r}: a name in this request is no text, but bytes of another encoding",
            "Rename the file, or write the ticket in UTF-8.",
        ) from None
    return request


_SHARED = (
    "start_seconds", "length_seconds", "seed", "priority", "reqid", "style_label", "is_forced", "has_preview", "origin", "reaper",
)  # fmt: skip


def _located(ask: Ask, projects: Sequence[Path], roots: Mapping[str, Path]) -> tuple[Path, SourceFile, SourceFile]:
    """The project and both files. Where OSC names no project, it is the one that holds them both."""
    if ask.origin != "osc":
        project = project_of(ask, projects)
        sources = [source_file(_plain_path(getattr(ask, role), role), role) for role in ("content", "style")]
        return project, sources[0], sources[1]
    candidates = [project_of(ask, projects)] if ask.project or len(projects) < 2 else projects
    found = []
    problems: list[DawBridgeError] = []
    for project in candidates:
        try:
            sources = [source_file(confined(getattr(ask, role), role, project, roots), role) for role in ("content", "style")]
            found.append((project, sources[0], sources[1]))
        except DawBridgeError as error:
            problems.append(error)
    if len(found) == 1:
        return found[0]
    if not found:
        raise problems[0]
    names = ", ".join(project.name for project, _, _ in found)
    raise BadArguments(
        f"project is not given and {len(found)} of them hold these files", f"Name one of {names} with the key 'project'."
    )


def _plain_path(text: str, role: str) -> Path:
    if not text or "\x00" in text:
        raise NotFound(f"{role}={text[:200]!r} is no path", "Give an audio file.")
    path = Path(text)
    if not path.is_absolute():
        raise BadArguments(
            f"{role}={text[:200]!r} must be an absolute path in a ticket", "Scripts and commands know the full path."
        )
    return path


def project_of(ask: Ask, projects: Sequence[Path]) -> Path:
    """The project that is meant: named by its path or its folder's name, else the only one. Looks at no file.

    Raises:
        BadArguments: none is named and there are several, or none; or several have the name.
        NotFound: none has it.
    """
    if not ask.project:
        if len(projects) == 1:
            return projects[0]
        hint = (
            f"Name one of {', '.join(p.name for p in projects)} with the key 'project'."
            if projects
            else "Start the service with one."
        )
        raise BadArguments(f"project is not given and the service has {len(projects)} projects", hint)
    for project in projects:
        if ask.project == str(project):
            return project
    named = [project for project in projects if project.name == ask.project]
    if len(named) == 1:
        return named[0]
    if len(named) > 1:
        raise BadArguments(f"project={ask.project!r} names {len(named)} projects", "Give the full path.")
    raise NotFound(
        f"project {ask.project[:200]!r} is none of the service's", did_you_mean(ask.project, [p.name for p in projects])
    )


def project_folder(text: str) -> Path:
    """An existing folder that somebody names as a project, symlinks resolved.

    Raises:
        NotFound: there is no such folder.
        ForbiddenPath: it is the root of a disk, where a hot folder would be no project's.
    """
    try:
        path = Path(text).expanduser().resolve(strict=True)
        is_folder = path.is_dir()
    except (OSError, RuntimeError, ValueError):
        is_folder = False
    if not text or not is_folder:
        raise NotFound(f"project {text[:200]!r} is not an existing folder", "Give the folder that the DAW project lies in.")
    if path.parent == path:
        raise ForbiddenPath(f"project {text[:200]!r} is the root of a disk", "Give the folder that the DAW project lies in.")
    return path


KEYS = {"project": str, "start": float, "length": float, "seed": int, "priority": str, "force": bool, "preview": bool}
_FIELDS = {"start": "start_seconds", "length": "length_seconds", "force": "is_forced", "preview": "has_preview"}


def ask_from_pairs(content: str, style: str, preset: str, rest: Sequence[Value]) -> Ask:
    """An ask from the arguments of /remix: a reqid if an odd number follows, then pairs key, value.

    Raises:
        BadArguments: a key that is no text, a key given twice, or a value of the wrong type.
    """
    fields: dict[str, Any] = {}
    parameters: dict[str, Any] = {}
    pairs = list(rest)
    if len(pairs) % 2:
        reqid = pairs.pop(0)
        if not isinstance(reqid, str):
            raise BadArguments(
                f"reqid={reqid!r} must be a text", "An odd number of arguments after the preset begins with a reqid."
            )
        fields["reqid"] = reqid
    for key, value in zip(pairs[::2], pairs[1::2], strict=True):
        if not isinstance(key, str):
            raise BadArguments(f"key={key!r} must be a text", "After content, style, preset come pairs key, value.")
        name = _FIELDS.get(key, key)
        if name in fields or key in parameters:
            raise BadArguments(f"key {key!r} is given twice", "Give it once.")
        if key in KEYS:
            fields[name] = _typed(key, value)
        elif isinstance(value, (str, int, float)):
            parameters[key] = value
        else:
            raise BadArguments(f"{key}={value!r} must be a number or a text", "")
    return Ask(content, style, preset, parameters=parameters, **fields)


def _typed(key: str, value: Any) -> Any:
    kind = KEYS[key]
    if kind is str:
        if isinstance(value, str):
            return value
    else:
        try:
            number = float(value) if isinstance(value, (str, int, float)) else math.nan
        except ValueError:
            number = math.nan
        if math.isfinite(number) and (kind is not int or number == int(number)):
            return number >= 0.5 if kind is bool else kind(number)
    raise BadArguments(f"{key}={value!r} must be a {'text' if kind is str else 'number'}", "")
