"""What a remix was made of, written beside it and read back: enough to render the same bytes again."""

from __future__ import annotations

import hashlib
import json
import platform
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from . import __version__, plugins, weights_here
from .audio import Audio
from .errors import BadParameter, ForbiddenPath, NotFound, UnsupportedFormat
from .presets import Preset, preset_from
from .settings import is_number, said

SCHEMA = 1
HASHED_AT_ONCE = 1 << 20  # samples: a long recording lies in a memory map
MAX_RECIPE_BYTES = 4_000_000  # a song's, with the losses of 2000 steps, has 100,000
RECORDED_PACKAGES = ("torch", "numpy", "pedalboard", "soundfile", "soxr", "pyloudnorm")


def audio_sha256(audio: Audio) -> str:
    """SHA-256 of the decoded samples, rate and channel count: the same for the same sound under any name or tag."""
    digest = hashlib.sha256(f"{audio.sample_rate} {audio.samples.shape} {audio.samples.dtype.str}".encode())
    for channel in audio.samples:
        for first in range(0, audio.n_samples, HASHED_AT_ONCE):
            digest.update(np.ascontiguousarray(channel[first : first + HASHED_AT_ONCE]).data)
    return digest.hexdigest()


def versions() -> dict[str, str]:
    """Versions of everything that has a say in the samples."""
    return {"daw-bridge": __version__, "python": platform.python_version(), **{p: metadata.version(p) for p in RECORDED_PACKAGES}}


def machine() -> dict[str, str | int]:
    """What else has a say in the samples: the kind of machine, and how many threads share a sum and so order it."""
    import torch

    capability = torch.backends.cpu.get_cpu_capability()
    threads = torch.get_num_threads()
    return {"system": platform.system(), "cpu": platform.machine(), "capability": capability, "threads": threads}


def source_table(path: str, audio: Audio, start_seconds: float = 0.0, length_seconds: float = 0.0) -> dict[str, Any]:
    """How a recipe names an input: where it was, which part, and the hash of its sound."""
    part = {"start_seconds": start_seconds, "length_seconds": length_seconds}
    form = {"sample_rate": audio.sample_rate, "channels": audio.n_channels, "samples": audio.n_samples}
    return {"path": path, **part, **form, "sha256": audio_sha256(audio)}


def recipe_table(
    *, content: Mapping[str, Any], style: Mapping[str, Any], preset: Preset, seed: int, report: Mapping[str, Any], job: str = ""
) -> dict[str, Any]:
    """The recipe as it is written beside the remix.

    Args:
        content, style: of `source_table`.
        preset: resolved, with the parameters that were asked for.
        seed: of everything random.
        report: what the pipeline says of the render (`Remix.report`).
        job: the job's id; empty for a remix made without the service. The audio file names it, too, so it is kept as the
            recipe's `reference`: a remix rendered again has a job of its own, and the same bytes.
    """
    return {
        "schema": SCHEMA,
        "job": job,
        "reference": job,
        "content": dict(content),
        "style": dict(style),
        "preset": preset.to_table(),
        "seed": seed,
        "versions": versions() | weights_here.in_use(preset.transfer.depths()) | plugins.in_use(preset.post),
        **report,
    }


@dataclass(frozen=True)
class RecordedSource:
    """An input as a recipe remembers it.

    Attributes:
        path: where it was.
        start_seconds, length_seconds: the part that was taken; a length of 0 means up to its end.
        sample_rate, channels, samples: the form of that part.
        sha256: of its sound, as `audio_sha256` says.
    """

    path: str
    start_seconds: float
    length_seconds: float
    sample_rate: int
    channels: int
    samples: int
    sha256: str


@dataclass(frozen=True)
class Recorded:
    """A recipe as it was read back.

    Attributes:
        content, style: the inputs.
        time_reference: of the remix, samples from midnight.
        preset: resolved, with the parameters that were asked for.
        seed: of everything random.
        table: all of it, as it stands in the file.
    """

    content: RecordedSource
    style: RecordedSource
    time_reference: int
    preset: Preset
    seed: int
    table: Mapping[str, Any]

    def number(self, *keys: str) -> float | None:
        """A number that newer recipes hold, by its path through the tables; None where this one does not."""
        value: Any = self.table
        for key in keys:
            value = value.get(key) if isinstance(value, Mapping) else None
        return float(value) if is_number(value) else None

    def text(self, key: str) -> str:
        """A text of the recipe; empty where there is none."""
        value = self.table.get(key)
        return value if isinstance(value, str) else ""


def recipe_beside(file: Path) -> Path:
    """The recipe of a remix, which may be gone itself; a recipe's own path stays as it is.

    Raises:
        NotFound: there is none.
    """
    path = file if file.suffix.lower() == ".json" else file.with_suffix(".json")
    if not path.exists():
        said_of_it = f"recipe {path.name!r} is not in {str(path.absolute().parent)!r}"
        raise NotFound(said_of_it, "A remix is rendered again by the .json that was written beside it.")
    return path


def read_recipe(path: Path) -> Recorded:
    """Read a recipe back. It is a user's file: anything may stand in it.

    Raises:
        NotFound, ForbiddenPath: it cannot be read.
        UnsupportedFormat: it is no recipe, damaged, of another schema, or of a remix that was never finished.
        BadParameter: its preset is not valid here.
    """
    name = f"recipe {path.name!r}"
    table = _table_in(path, name)
    if table.get("state") == "reserved":
        raise UnsupportedFormat(f"{name} is of a remix that was never finished", "Ask for the remix instead.")
    schema = table.get("schema")
    if isinstance(schema, bool) or schema != SCHEMA:
        raise UnsupportedFormat(f"{name}: schema={said(schema)} must be {SCHEMA}", "A newer daw-bridge may know it.")
    sources = {role: _source(table.get(role), f"{name}: {role}") for role in ("content", "style")}
    preset, seed = table.get("preset"), table.get("seed")
    if not isinstance(preset, dict) or not isinstance(preset.get("id"), str) or not preset["id"]:
        raise UnsupportedFormat(f"{name} holds no preset with an id", "Take another copy of it.")
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 2**31:
        raise UnsupportedFormat(f"{name}: seed={said(seed)} must be a whole number from 0 to 2147483647", "Correct it.")
    place = table["content"].get("time_reference")
    place = place if isinstance(place, int) and 0 <= place < 2**63 else 0
    try:
        return Recorded(sources["content"], sources["style"], place, preset_from(preset, preset["id"]), seed, table)
    except BadParameter as error:
        raise BadParameter(f"{name}: {error.message}", error.hint) from None


def _table_in(path: Path, name: str) -> dict[str, Any]:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise UnsupportedFormat(f"{name} is not a regular file", "Give a remix, or the .json beside it.")
        if status.st_size > MAX_RECIPE_BYTES:
            rule = f"has {status.st_size} bytes, more than {MAX_RECIPE_BYTES}"
            raise UnsupportedFormat(f"{name} {rule}", "Give a remix, or the .json beside it.")
        table = json.loads(path.read_bytes())
    except PermissionError:
        raise ForbiddenPath(f"{name} may not be read", "Give yourself the right to read it.") from None
    except (OSError, ValueError, RecursionError) as error:
        if isinstance(error, OSError):
            raise NotFound(f"{name} cannot be read: {error.strerror}", "Check the name and the folder.") from None
        raise UnsupportedFormat(f"{name} is no JSON", "Give a remix, or the .json beside it.") from None
    if not isinstance(table, dict) or not {"content", "state"} & set(table):
        raise UnsupportedFormat(f"{name} is no recipe of a remix", "Give a remix, or the .json beside it.")
    return table


def _source(table: Any, where: str) -> RecordedSource:
    if not isinstance(table, dict):
        raise UnsupportedFormat(f"{where} is missing", "Take another copy of the recipe.")
    for key in ("path", "sha256"):
        if not isinstance(table.get(key), str) or not table[key]:
            raise UnsupportedFormat(f"{where}.{key}={said(table.get(key))} must be a text", "Take another copy of the recipe.")
    for key in ("start_seconds", "length_seconds", "sample_rate", "channels", "samples"):
        if not is_number(table.get(key)) or not 0 <= table[key] < 2**53:
            rule = f"{where}.{key}={said(table.get(key))} must be a number from 0"
            raise UnsupportedFormat(rule, "Take another copy of the recipe.")
    rate, channels, samples = (int(table[key]) for key in ("sample_rate", "channels", "samples"))
    start_seconds, length_seconds = (float(table[key]) for key in ("start_seconds", "length_seconds"))
    return RecordedSource(table["path"], start_seconds, length_seconds, rate, channels, samples, table["sha256"])
