"""What a remix was made of: enough to render the same bytes again."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from importlib import metadata
from typing import Any

import numpy as np

from . import __version__
from .audio import Audio
from .presets import Preset

SCHEMA = 1
HASHED_AT_ONCE = 1 << 20  # samples: a long recording lies in a memory map
RECORDED_PACKAGES = ("torch", "numpy", "pedalboard", "soundfile", "librosa", "pyloudnorm")


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
        job: the job's id; empty for a remix made without the service.
    """
    return {
        "schema": SCHEMA,
        "job": job,
        "content": dict(content),
        "style": dict(style),
        "preset": preset.to_table(),
        "seed": seed,
        "versions": versions(),
        **report,
    }
