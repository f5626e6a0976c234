"""The frames in which a recording sounds: the paper's unbuilt idea, a threshold on what is read and transfer only to the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from .analysis import Analysis, frame_power, programme_of
from .errors import BadArguments, TooShort
from .extractors.base import Sound
from .spectrogram import spectra_at

FLOOR_DB = -90.0  # of levels relative to the programme's
GATE_FADE_DB = 20.0  # a transfer fades in over this range above the gate, so that a dying note dies
SILENCE_DBFS = -95.0
FEWEST_FRAMES = 8
BLOCK_FRAMES, BLOCK_OVERLAP = 1088, 64  # 12.6 s: a song takes hardly more memory than a clip of 10 s

Read = Callable[[Tensor], Tensor]


def reader(samples: Tensor, analysis: Analysis) -> Read:
    """Gives the spectra of a recording's frames, for networks that listen."""
    return lambda frames: spectra_at(samples, analysis.resolution, frames, analysis.device).mean(0)


def unheard(frames: Tensor) -> Tensor:
    """The spectra of levels that belong to no recording: there are none, for a network that looks at levels alone."""
    raise BadArguments(f"{len(frames)} frames have no sound", "Give `read`: this network listens.")


@dataclass(frozen=True)
class Sounding:
    """The sounding frames of a recording, in dB relative to its programme's level: L2 normalisation in dB.

    Attributes:
        levels: `(M, T)` in dB, of the whole recording; may be a memory map, and is never copied as a whole.
        presence: `(T,)`, how far each frame takes part: 0 in silence, 1 where it sounds, a fade between.
        frames: `(S,)`, numbers of the sounding ones.
        programme_db: the programme's level.
        read: gives the spectra of the frames of these numbers, `(t, F)`, complex, mean of the channels.
    """

    levels: Tensor
    presence: Tensor
    frames: Tensor
    programme_db: float
    read: Read

    @property
    def n_frames(self) -> int:
        """S."""
        return int(self.frames.shape[0])

    def relative(self, levels: Tensor) -> Tensor:
        """Levels of this recording relative to its programme's, held at the floor."""
        return (levels - self.programme_db).clamp_min(FLOOR_DB)

    def bands(self, part: slice) -> Tensor:
        """Some bands of all sounding frames, `(m, S)`."""
        return self.relative(self.levels[part][:, self.frames])

    def block(self, first: int, last: int, device: torch.device) -> Sound:
        """All bands of sounding frames `first <= s < last`, on a device."""
        scale = 10.0 ** (-self.programme_db / 20.0)
        return Sound(
            self.relative(self.levels[:, self.frames[first:last]]).to(device),
            lambda start, stop: self.read(self.frames[first + start : first + stop]) * scale,
        )


def sounding(levels: Tensor, gate_db: float, read: Read = unheard) -> Sounding:
    """Find the frames in which something sounds.

    Args:
        levels: `(M, T)` in dB, of a whole recording.
        gate_db: what lies this far under the programme is silent, and so is what lies under -95 dBFS.
        read: gives the spectra of the frames of these numbers, `(t, F)`, complex, mean of the channels.
    """
    power = frame_power(levels)
    programme_db = programme_of(power)
    gate = max(programme_db + gate_db, SILENCE_DBFS)
    presence = ((10.0 * torch.log10(power) - gate) / GATE_FADE_DB).clamp(0.0, 1.0)
    return Sounding(levels, presence, (presence > 0).nonzero()[:, 0], programme_db, read)


def hardly_sounds(role: str, found: Sounding) -> TooShort:
    """The error for a recording in which too little sounds: "content" or "style"."""
    if not found.n_frames:
        return TooShort(f"the {role} is silent", "Give a recording that can be heard.")
    return TooShort(f"the {role} sounds for less than a tenth of a second", "Give a longer or louder recording.")


def sounding_style(levels: Tensor, gate_db: float, read: Read = unheard) -> Sounding:
    """The same of a style, of which there must be something.

    Raises:
        TooShort: it sounds for fewer than 8 frames, about a tenth of a second.
    """
    found = sounding(levels, gate_db, read)
    if found.n_frames < FEWEST_FRAMES:
        raise hardly_sounds("style", found)
    return found


def blocks_of(n_frames: int, block_frames: int = BLOCK_FRAMES) -> list[tuple[int, int]]:
    """Cut frames into blocks of equal length, about `block_frames`, that share `BLOCK_OVERLAP` frames with the next."""
    n_blocks = max(1, -(-(n_frames - BLOCK_OVERLAP) // (block_frames - BLOCK_OVERLAP)))
    stride = max(1, -(-(n_frames - BLOCK_OVERLAP) // n_blocks))
    return [(first, min(first + stride + BLOCK_OVERLAP, n_frames)) for first in range(0, n_blocks * stride, stride)]
