"""A remix made before is found again by the sound of its inputs, so that the same render is not done twice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..disk import OnBlock, nothing, read_json, write_json
from ..errors import NotFound
from ..job import Published

NOTE = "reused.json"
_SOUND = ("sha256", "sample_rate", "channels", "samples")
_FORM = ("container", "subtype", "time_reference", "markers")  # of the content alone: the remix is written in them


def find(remixes: Path, recipe: Mapping[str, Any], on_block: OnBlock = nothing) -> Path | None:
    """The published remix that a recipe would make again, sample for sample; None where there is none or it was altered.

    Args:
        remixes: the project's folder of results.
        recipe: of `making.recipe_of`.
        on_block: called with each recipe and each block of a remix that is looked at.
    """
    from ..publish import SUFFIXES, file_table

    wanted, sound = _decisive(recipe), str(recipe["content"]["sha256"]).encode()
    for path in sorted(remixes.glob("*.json"), reverse=True):
        on_block()
        try:
            if sound not in path.read_bytes():
                continue  # by far the most; parsing them would take ten times as long
            found = read_json(path)
            if _decisive(found) != wanted or _is_cut_short(found):
                continue
            for audio in (path.with_suffix(suffix) for suffix in SUFFIXES):
                if audio.is_file() and not audio.is_symlink() and file_table(audio, audio.name, on_block) == found["file"]:
                    return audio
        except (OSError, KeyError, TypeError, AttributeError):
            continue  # somebody else's JSON, or a file that is just being taken away
    return None


def _decisive(recipe: Mapping[str, Any]) -> Any:
    """What the samples and the form of a remix hang on, as plain JSON values."""
    content = {name: recipe["content"][name] for name in _SOUND + _FORM}
    style = {name: recipe["style"][name] for name in _SOUND}
    return json.loads(json.dumps([content, style, recipe["preset"], recipe["seed"], recipe["versions"]]))


def _is_cut_short(recipe: Mapping[str, Any]) -> bool:
    """Whether a time budget left steps out: on a machine with less to do, the same request makes more of them."""
    return any(steps < recipe["preset"]["transfer"]["num_steps"] for steps in recipe.get("steps", ()))


def told_of(remix: Path) -> Published:
    """What a job whose remix was made before tells of it; with its tail, it is longer than its content."""
    from ..audio_files import read_form

    sample_rate, _, n_samples = read_form(remix, role="remix")
    return published(remix, n_samples / sample_rate, sample_rate)


def note(folder: Path, told: Published) -> None:
    """Keep in the job's work folder that nothing need be rendered."""
    write_json(folder / NOTE, asdict(told))


def noted(folder: Path) -> Published | None:
    """What `note` kept; None where the job was rendered.

    Raises:
        NotFound: the file has gone or changed in the meantime.
    """
    table = read_json(folder / NOTE)
    if not table:
        return None
    told = Published(**table)
    try:
        if published(Path(told.file), told.seconds, told.sample_rate) == told:
            return told
    except OSError:
        pass
    raise NotFound(f"the remix {Path(told.file).name!r}, made before, has gone or changed just now", "Ask again to render it.")


def published(remix: Path, seconds: float, sample_rate: int) -> Published:
    """The outcome of a job whose remix lies there with its recipe."""
    status = remix.stat()
    recipe = str(remix.with_suffix(".json"))
    return Published(str(remix), recipe, seconds, sample_rate, status.st_size, status.st_mtime_ns)
