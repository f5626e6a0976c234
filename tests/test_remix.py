"""One file, without the service: what becomes of it where memory is short."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from daw_bridge import making, pipeline
from daw_bridge.errors import OutOfMemory
from daw_bridge.extractors import loading
from daw_bridge.presets import load_preset
from daw_bridge.remix import render_takes
from daw_bridge.request import RenderRequest, source_file
from tests.renderer.test_less_memory import Greedy

RATE = 8_000


def rendered(
    folder: Path, most_frames: int, patch: pytest.MonkeyPatch, memory_scale: float | None = None
) -> tuple[float, list[str]]:
    """The recipe's scale and the phases told, with room for so many frames at once."""
    chance = np.random.default_rng(0)
    for name, seconds in (("song", 30), ("groove", 4)):
        soundfile.write(folder / f"{name}.wav", chance.normal(0, 0.1, RATE * seconds), RATE, "PCM_16")
    content, style = (source_file(folder / f"{name}.wav", "content") for name in ("song", "groove"))
    request = RenderRequest(str(folder), content, style, load_preset("fast").with_parameters({"num_steps": 1}).to_table())
    load = loading.load_extractor
    patch.setattr(pipeline, "load_extractor", lambda *words: Greedy(load(*words), most_frames))
    sources = making.read_sources(request, Path(content.path), Path(style.path))
    told: list[str] = []
    how = {"n_takes": 1, "device": "cpu", "memory_scale": memory_scale, "on_progress": lambda phase, fraction: told.append(phase)}
    takes = render_takes(request, sources, **how)  # type: ignore[arg-type]
    return takes[0].recipe["memory_scale"], told


@pytest.mark.parametrize(("most_frames", "scale"), [(5000, 1.0), (900, 0.5), (450, 0.25)])
def test_where_memory_is_short_blocks_are_halved_and_quartered_and_each_step_is_told(
    tmp_path: Path, most_frames: int, scale: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, told = rendered(tmp_path, most_frames, monkeypatch)
    assert found == scale and told.count("memory") == {1.0: 0, 0.5: 1, 0.25: 2}[scale]


def test_what_fits_nowhere_is_said_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OutOfMemory, match=r"rendering 'song\.wav' needs more memory than is free"):
        rendered(tmp_path, 3, monkeypatch)


def test_what_must_be_the_same_bytes_takes_no_shorter_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OutOfMemory):
        rendered(tmp_path, 450, monkeypatch, memory_scale=1.0)
