"""Blocks: all samples, once, in order."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from daw_bridge import blocks
from daw_bridge.audio import Audio
from daw_bridge.ceiling import limit_true_peak, true_peak_dbtp
from daw_bridge.dehash import low_pass
from daw_bridge.dither import dither
from daw_bridge.errors import Cancelled
from daw_bridge.loudness import level, turned
from daw_bridge.scratch import Scratch
from daw_bridge.silence_gate import gate_by


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


STAGES: dict[str, Callable[[Audio, Scratch], object]] = {
    "loudness": level,
    "gain": lambda audio, scratch: turned(audio, 1.0, scratch),
    "true peak": lambda audio, scratch: true_peak_dbtp(audio.samples, scratch),
    "ceiling": lambda audio, scratch: limit_true_peak(audio, -1.0, scratch),
    "dither": lambda audio, scratch: dither(audio, 0, scratch),
    "low-pass": lambda audio, scratch: low_pass(audio, 5000.0, scratch),
    "gate": lambda audio, scratch: gate_by(audio, audio, -60.0, scratch),
}


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_tells_of_its_blocks_and_can_be_stopped_at_each(stage: str) -> None:
    audio = Audio(np.full((2, 300_000), 1.2, np.float32), 44_100, "WAV", "PCM_16")
    told: list[None] = []

    def stop() -> None:
        told.append(None)
        if len(told) == 2:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        STAGES[stage](audio, Scratch(on_block=stop))
