"""Where a published WAV says that it belongs, told by a reader that is not ours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import wavinfo

from daw_bridge.audio import Audio
from daw_bridge.audio_files import write_audio
from daw_bridge.riff import Origin
from tests.service.wire import Osc

RATE = 22_050
ONE_HOUR = 3600 * RATE  # where many sessions begin
RENDER_SECONDS = 90.0


def noise(seconds: float, n_channels: int = 2, subtype: str = "PCM_24") -> Audio:
    samples = 0.1 * np.random.default_rng(11).standard_normal((n_channels, int(seconds * RATE)))
    return Audio(samples.astype(np.float32), RATE, "WAV", subtype)


def test_a_remix_spots_to_the_place_of_the_part_that_was_asked_for(osc: Osc, project: Path) -> None:
    write_audio(project / "spotted.wav", noise(1.0), origin=Origin(time_reference=ONE_HOUR + 17))
    pairs = ("project", project.name, "start", 0.25, "length", 0.5, "num_steps", 2)
    osc.send("/remix", "spotted.wav", "style.wav", "default", *pairs)
    job = osc.expect("/accepted")[0]
    info = wavinfo.WavInfoReader(osc.expect("/done", job, seconds=RENDER_SECONDS)[1])
    assert info.bext.time_reference == ONE_HOUR + 17 + round(0.25 * RATE)
    assert info.bext.originator == "daw_bridge"
    assert info.bext.originator_ref == job[:32]
    assert (info.fmt.sample_rate, info.fmt.channel_count, info.fmt.bits_per_sample) == (RATE, 2, 24)
    assert info.data.frame_count == round(0.5 * RATE)


@pytest.mark.parametrize(
    ("n_channels", "subtype"), [(1, "PCM_16"), (2, "PCM_24"), (2, "FLOAT"), (6, "PCM_24"), (2, "DOUBLE"), (1, "PCM_U8")]
)
@pytest.mark.parametrize("time_reference", [0, 1, 24 * 3600 * 192_000, 2**40 + 3])
def test_any_layout_and_place_is_read_back(tmp_path: Path, n_channels: int, subtype: str, time_reference: int) -> None:
    path = tmp_path / "remix.wav"
    write_audio(path, noise(0.01, n_channels, subtype), origin=Origin("job.1", time_reference=time_reference))
    info = wavinfo.WavInfoReader(str(path))
    assert (info.bext.time_reference, info.bext.originator_ref) == (time_reference, "job.1")
    assert info.fmt.channel_count == n_channels
