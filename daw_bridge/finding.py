"""Where an input of a recipe lies now: known by its sound, under whatever name."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from .audio_files import read_audio, read_form
from .errors import DawBridgeError, NotFound
from .folders import ProjectFolders
from .recipe import RecordedSource, audio_sha256
from .scratch import Scratch

SUFFIXES = (".wav", ".flac", ".aif", ".aiff", ".ogg", ".mp3", ".rf64", ".bwf")
MOST_ENTRIES = 50_000  # of a project that are looked at for an input that was moved


def name_of(source: RecordedSource) -> str:
    """The file's name, whichever system the recipe comes from."""
    return re.split(r"[/\\]", source.path)[-1]


def found(role: str, source: RecordedSource, folder: Path, scratch: Scratch) -> Path:
    """The file that holds an input: where it was, beside the recipe, or anywhere in the project; known by its sound.

    Raises:
        NotFound: it is gone, or all that has its name sounds different now.
    """
    changed = ""
    for path in _candidates(source, folder):
        try:
            part = {"start_seconds": source.start_seconds, "length_seconds": source.length_seconds}
            if audio_sha256(read_audio(path, **part, role=role, scratch=scratch)) == source.sha256:
                return path
            changed = str(path) if path == Path(source.path) else changed
        except DawBridgeError:
            continue  # not a recording, or too short to be this one
    name = name_of(source)
    if changed:
        rule = f"{role} {changed!r} was changed since: its sound no longer has SHA-256 {source.sha256[:12]}…"
        raise NotFound(rule, "Put the old one back, or use remix to hear what it is now.")
    rule = f"{role} {name!r} is not at {source.path!r}, nor beside the recipe, nor in its project"
    raise NotFound(rule, "Put it beside the recipe.")


def _candidates(source: RecordedSource, folder: Path) -> Iterator[Path]:
    """Files that may be an input, the likeliest first; each is a regular file when it is given."""
    name = name_of(source)
    seen: set[Path] = set()
    project = folder.parent.parent
    is_in_project = folder == ProjectFolders(project).remixes
    others = list(islice(_recordings(project), MOST_ENTRIES)) if is_in_project else []
    named = [path for path in others if path.name == name]
    formed = (path for path in others if path.name != name and _has_form(path, source))
    for path in (Path(source.path), folder / name if name else folder, *named, *formed):
        try:
            is_new = path.is_absolute() and path not in seen and path.is_file()
        except (OSError, ValueError):
            continue
        if is_new:
            seen.add(path)
            yield path


def _recordings(project: Path) -> Iterator[Path]:
    """Audio files of a project, without following links out of it."""
    for folder, _, names in os.walk(project):
        yield from (Path(folder) / name for name in sorted(names) if name.lower().endswith(SUFFIXES))


def _has_form(path: Path, source: RecordedSource) -> bool:
    """Whether a file could hold an input under another name, by its header alone."""
    try:
        sample_rate, n_channels, n_samples = read_form(path)
    except DawBridgeError:
        return False
    is_long_enough = n_samples - round(source.start_seconds * sample_rate) >= source.samples
    return (sample_rate, n_channels) == (source.sample_rate, source.channels) and is_long_enough
