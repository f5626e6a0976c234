"""What sounds and what does not, of recordings of any length."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from daw_bridge import analysis
from daw_bridge.errors import BadArguments, TooShort
from daw_bridge.sounding import sounding, sounding_style

N_BANDS = 32


def music(n_frames: int, seed: int = 0) -> Tensor:
    """Levels in dB, `(32, T)`, the programme near -20 dB."""
    return -40 + 6 * torch.randn(N_BANDS, n_frames, generator=torch.Generator().manual_seed(seed))


def test_silence_takes_no_part_and_music_all_of_it() -> None:
    levels = music(200)
    levels[:, 50:100] = -130.0
    found = sounding(levels, -60.0).presence
    assert (found[50:100] == 0).all() and (found[:50] == 1).all() and (found[100:] == 1).all()


def test_presence_fades_and_never_falls_as_the_level_rises() -> None:
    found = sounding(torch.linspace(-130, 0, 500).repeat(N_BANDS, 1), -60.0).presence
    assert found[0] == 0 and found[-1] == 1 and (found.diff() >= 0).all()
    assert ((found > 0) & (found < 1)).sum() > 5


def test_what_lies_under_the_converters_noise_is_silence_whatever_the_gate() -> None:
    assert sounding(torch.full((N_BANDS, 50), -120.0), -120.0).n_frames == 0


def test_sounding_levels_do_not_depend_on_loudness() -> None:
    style = music(300, 1)
    style[:, :100] = -130.0
    louder = torch.where(style > -129, style + 12, style)
    found, same = (sounding_style(levels, -60.0).bands(slice(None)) for levels in (style, louder))
    assert found.shape == (N_BANDS, 200)
    torch.testing.assert_close(same, found, atol=1e-3, rtol=0)


def test_a_block_is_its_part_of_the_bands_and_the_way_of_reading_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    levels = music(300, 1)
    levels[:, 120:180] = -130.0
    found = sounding(levels, -60.0)
    block = found.block(100, 140, torch.device("cpu"))
    assert torch.equal(block.levels, found.bands(slice(None))[:, 100:140])
    monkeypatch.setattr(analysis, "LEVELS_AT_ONCE", 7)
    assert torch.equal(sounding(levels, -60.0).presence, found.presence)


def test_spectra_are_read_for_the_sounding_frames_alone() -> None:
    levels = music(100)
    levels[:, 10:60] = -130.0
    asked = list[list[int]]()

    def read(frames: Tensor) -> Tensor:
        asked.append(frames.tolist())
        return torch.zeros(len(frames), 9, dtype=torch.complex64)

    block = sounding(levels, -60.0, read).block(8, 14, torch.device("cpu")).part(1, 4)
    assert block.spectra.shape == (3, 9) and asked == [[9, 60, 61]]
    with pytest.raises(BadArguments, match="3 frames have no sound"):
        _ = sounding(levels, -60.0).block(0, 3, torch.device("cpu")).spectra


@pytest.mark.parametrize("n_sounding", [0, 1, 7])
def test_a_style_without_sound_is_refused(n_sounding: int) -> None:
    style = torch.full((N_BANDS, 300), -130.0)
    style[:, :n_sounding] = -20.0
    with pytest.raises(TooShort, match="the style sounds for less" if n_sounding else "the style is silent"):
        sounding_style(style, -60.0)
