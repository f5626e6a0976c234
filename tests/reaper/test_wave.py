"""The scripts' own WAV files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daw_bridge.audio_files import read_audio

Load = Callable[[str], Any]
SEVERAL = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@SEVERAL
@given(
    n_channels=st.integers(1, 8),
    n_samples=st.integers(1, 700),
    rate=st.sampled_from([8000, 44_100, 192_000]),
    seed=st.integers(0, 9),
)
def test_what_is_written_is_read_back_to_the_bit(
    n_channels: int, n_samples: int, rate: int, seed: int, load: Load, tmp_path: Path
) -> None:
    wave, path = load("wave"), tmp_path / "sound.wav"
    samples = np.random.default_rng(seed).standard_normal((n_samples, n_channels)).astype(np.float32)
    form = {"sample_rate": rate, "n_channels": n_channels, "n_samples": n_samples}
    writer = wave.create(str(path), form)
    for part in np.array_split(samples, 3):
        values = [0.0, *part.ravel().tolist()]  # Lua counts from 1, a Python list handed over does not
        assert wave.write(writer, values, part.size)
    assert not path.exists(), "it bears its name once it is whole"
    assert wave.finish(writer) == str(path)
    found, found_rate = soundfile.read(path, dtype="float32", always_2d=True)
    assert found_rate == rate and np.array_equal(found, samples)
    assert soundfile.info(path).subtype == "FLOAT" and np.array_equal(read_audio(path).samples, samples.T)
    path.unlink()


def test_a_file_that_lacks_samples_is_none(load: Load, tmp_path: Path) -> None:
    wave = load("wave")
    writer = wave.create(str(tmp_path / "sound.wav"), {"sample_rate": 8000, "n_channels": 2, "n_samples": 4})
    wave.write(writer, [0.0, 0.1, 0.2], 2)
    nothing, problem = wave.finish(writer)
    assert nothing is None and "6 values are missing" in problem and not list(tmp_path.iterdir())


@pytest.mark.parametrize(("n_samples", "fits"), [(2**29 - 8, True), (2**29, False)])
def test_four_gigabytes_are_too_much(n_samples: int, fits: bool, load: Load) -> None:
    assert load("wave").can_hold({"sample_rate": 44_100, "n_channels": 2, "n_samples": n_samples}) is fits
