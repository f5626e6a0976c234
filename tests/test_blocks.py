"""Blocks: all samples, once, in order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from daw_bridge import blocks
from daw_bridge.audio import Audio
from daw_bridge.scratch import Scratch


@pytest.mark.parametrize("n_samples", [0, 1, 99, 100, 101, 250])
def test_blocks_cover_every_sample_once(monkeypatch: pytest.MonkeyPatch, n_samples: int) -> None:
    monkeypatch.setattr(blocks, "BLOCK_SAMPLES", 100)
    parts = list(blocks.blocks(n_samples))
    assert [n for part in parts for n in range(part.start, part.stop)] == list(range(n_samples))


def test_what_is_rewritten_keeps_its_format_and_lies_in_the_scratch_folder(tmp_path: Path) -> None:
    audio = Audio(np.ones((2, 300_000), np.float32), 48_000, "FLAC", "PCM_16")
    found = blocks.rewritten(audio, Scratch(tmp_path), lambda part: audio.samples[:, part] * 0.5)
    assert isinstance(found.samples, np.memmap) and found.samples.dtype == np.float32
    assert (found.sample_rate, found.container, found.subtype) == (48_000, "FLAC", "PCM_16")
    assert (found.samples == 0.5).all()
