"""The rules by which ReaPack's indexer reads a repository: headers, what a package provides, and who provides it, too."""

from __future__ import annotations

import fnmatch
import re
import shlex
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

TYPES = {
    "script": ("lua", "eel", "py"),
    "extension": ("ext",),
    "effect": ("jsfx",),
    "data": ("data",),
    "theme": ("theme",),
    "langpack": ("reaperlangpack",),
    "webinterface": ("www",),
    "projecttpl": ("rpp",),
    "tracktpl": ("rtracktemplate",),
    "midinotenames": ("txt",),
    "autoitem": ("reaperautoitem",),
    "keymap": ("reaperkeymap",),
}
PLATFORMS = ("all", "windows", "win32", "win64", "darwin", "darwin32", "darwin64", "linux", "linux32", "linux64")
SECTIONS = ("main", "midi_editor", "midi_inlineeditor", "midi_eventlisteditor", "mediaexplorer")
_TAG = re.compile(r"(?P<prefix>.*?)(?:@(?P<key>\w+)|(?P<word>\w[\w\s]*?)\s*:)(?:\s+(?P<value>.+))?")
_PROVIDES = re.compile(r"(?:\[\s*(?P<options>.+?)\s*\])?\s*(?P<file>.+?)")


def header(text: str) -> dict[str, str]:
    """The tags of a file's first lines, down to the first empty one; a tag without a value has an empty one.

    Lines below a tag that begin as it does and are indented further belong to it.
    """
    tags: dict[str, str] = {}
    prefix, key = "", ""
    for line in text.split("\n"):
        if not line.strip():
            break
        indented = line.removeprefix(prefix)
        if key and line.startswith(prefix) and indented.startswith(" "):
            tags[key] = f"{tags[key]}\n{indented.strip()}".strip("\n")
        elif key and line.rstrip() == prefix.rstrip():
            tags[key] += "\n"
        elif match := _TAG.fullmatch(line.rstrip()):
            prefix, key = match["prefix"], (match["key"] or match["word"]).lower()
            tags[key] = match["value"] or ""
    return tags


def type_of(path: str) -> str | None:
    """The kind of package that a file would be; None for what is none, and for all in the top folder."""
    name = PurePosixPath(path)
    ending = name.suffix.lower().removeprefix(".")
    return next((kind for kind, endings in TYPES.items() if ending in endings), None) if len(name.parts) > 1 else None


def ignored(config: str) -> list[str]:
    """The folders that an indexer's configuration leaves out."""
    words = shlex.split(config)
    return [words[index + 1] for index, word in enumerate(words) if word in ("--ignore", "-i")]


def problems(files: Mapping[str, str]) -> list[str]:
    """What the indexer would have to say of a repository.

    Args:
        files: text of each file by its path from the top, without those that are ignored.
    """
    found: list[str] = []
    owners: dict[tuple[str, str], str] = {}
    for path, text in sorted(files.items()):
        kind, tags = type_of(path), header(text)
        if kind is None or "noindex" in tags:
            continue
        found += [f"{path}: {problem}" for problem in _of_tags(tags)]
        for provided in _provided(path, kind, tags, files, found):
            owner = owners.setdefault((kind, provided), path)
            if owner != path:
                found.append(f"{path}: {provided} conflicts with {owner}")
    return found


def _of_tags(tags: Mapping[str, str]) -> list[str]:
    found = [] if "version" in tags else ["missing tag version"]
    if "version" in tags and not re.match(r"\d", tags["version"]):
        found.append(f"invalid version {tags['version']!r}")
    found += [f"tag {key} must have a value" for key in ("author", "changelog", "provides", "about") if tags.get(key) == ""]
    found += [f"tag {key} must be one line" for key in ("version", "author", "description") if "\n" in tags.get(key, "").strip()]
    return found if tags.get("description") else [*found, "no description"]


def _provided(path: str, kind: str, tags: Mapping[str, str], files: Mapping[str, str], found: list[str]) -> set[str]:
    category = PurePosixPath(path).parent
    provided = {path}
    for line in filter(None, tags.get("provides", "").splitlines()):
        match = _PROVIDES.fullmatch(line.strip())
        assert match is not None
        for option in (match["options"] or "").split():
            if not re.fullmatch(rf"{'|'.join(PLATFORMS)}|nomain|main(=({'|'.join(SECTIONS)})(,\w+)*)?", option.lower()):
                found.append(f"{path}: unknown option {option}")
        pattern = str(category / match["file"])
        names = [name for name in files if _fits(name, pattern)]
        if not names:
            found.append(f"{path}: file not found {match['file']}")
        provided.update(names)
    return provided


def _fits(name: str, pattern: str) -> bool:
    parts, wanted = PurePosixPath(name).parts, PurePosixPath(pattern).parts
    return len(parts) == len(wanted) and all(
        fnmatch.fnmatchcase(part, want) and not (part.startswith(".") and not want.startswith("."))
        for part, want in zip(parts, wanted, strict=True)
    )


def repository(top: Path) -> dict[str, str]:
    """The files of a working tree that the indexer looks at: neither ignored nor hidden."""
    left_out = {top / folder for folder in ignored((top / ".reapack-index.conf").read_text(encoding="utf-8"))}
    found = {}
    for folder in (path for path in top.iterdir() if path.is_dir() and not path.name.startswith(".") and path not in left_out):
        for path in folder.rglob("*"):
            if path.is_file() and not any(part.startswith(".") for part in path.relative_to(top).parts):
                found[path.relative_to(top).as_posix()] = path.read_bytes().decode("utf-8", "replace")
    return found
