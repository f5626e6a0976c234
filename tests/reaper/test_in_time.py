"""The remix plays on the content's own samples in the simulated arrangement, at any rate of file, item and project."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.reaper import sound
from tests.reaper.desk import Desk, new_item, song
from tests.reaper.simulator import Reaper

PROJECT_RATES = (44_100, 48_000, 96_000)


def heard(item: Any, project_rate: int, start_seconds: float, n_samples: int) -> Any:
    """What an item plays from a time of the project on."""
    values, take = item["values"], item.takes[1]
    spec = SimpleNamespace(
        path=take.source.path, is_reversed=False, is_looped=False, length=values["D_LENGTH"],
        offset=take["values"]["D_STARTOFFS"], play_rate=take["values"]["D_PLAYRATE"],
    )  # fmt: skip
    return sound.played(spec, project_rate, 2, start_seconds - values["D_POSITION"], n_samples)


@pytest.mark.parametrize("file_rate", [22_050, 44_100, 96_000])
@pytest.mark.parametrize("play_rate", [1.0, 0.7, 1.9])
@pytest.mark.parametrize("offset", [0.0, 0.5, 0.123456, -0.25])
def test_an_unchanged_remix_is_sample_for_sample_its_content(
    file_rate: int, play_rate: float, offset: float, reaper: Reaper, desk: Desk
) -> None:
    noise = np.random.default_rng(3).standard_normal((file_rate * 4, 2)) * 0.1
    soundfile.write(desk.content, noise, file_rate, subtype="PCM_24")
    project = song(reaper, desk, D_STARTOFFS=offset, D_PLAYRATE=play_rate, D_POSITION=12.3456789, D_LENGTH=1.1, B_LOOPSRC=0)
    reaper.run()
    ticket = desk.take()
    first, n_samples = round(ticket["start_seconds"] * file_rate), round(ticket["length_seconds"] * file_rate)
    assert first == pytest.approx(ticket["start_seconds"] * file_rate, abs=1e-6), "the part begins on a sample"
    remix = desk.answer(ticket)
    soundfile.write(remix, soundfile.read(desk.content)[0][first : first + n_samples], file_rate, subtype="PCM_24")
    reaper.ticks(3)
    content = project.tracks[2]["items"][1]
    for project_rate in PROJECT_RATES:
        stop_seconds = 12.3456789 + 1.1 - 1 / (file_rate * play_rate)  # the simulation rounds a last half sample up
        n_compared = int((stop_seconds - 12.3) * project_rate)
        # A hundredth of a sample off the grid, so that no sample lies right between two of the file.
        start_seconds = 12.3 + 0.01 / project_rate
        ours = heard(new_item(project), project_rate, start_seconds, n_compared)
        assert np.any(ours) and np.array_equal(ours, heard(content, project_rate, start_seconds, n_compared))
