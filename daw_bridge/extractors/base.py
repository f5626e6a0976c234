"""What the optimisation loop asks of a network, whichever it is, and what it gives it to hear."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Protocol

from torch import Tensor


class Sound:
    """Some frames of a recording: their levels, and their spectra for the networks that listen rather than look.

    Args:
        levels: `(M, T)`, band levels in dB relative to the programme's level.
        read: gives the spectra of frames `first <= t < last` out of these, `(last - first, F)`, complex, the mean of the
            channels, scaled to a programme of 0 dB; asked only if a network listens.
    """

    def __init__(self, levels: Tensor, read: Callable[[int, int], Tensor]) -> None:
        self.levels = levels
        self._read = read

    @cached_property
    def spectra(self) -> Tensor:
        """`(T, F)`, complex; read once."""
        return self._read(0, self.levels.shape[1])

    def part(self, first: int, last: int) -> Sound:
        """Frames `first <= t < last` of these."""
        return Sound(self.levels[:, first:last], lambda start, stop: self._read(first + start, first + stop))


class Extractor(Protocol):
    """A frozen network with its own differentiable front end.

    Attributes:
        layers: names of what it can hear, shallow to deep.
    """

    layers: tuple[str, ...]

    def features(self, planes: Tensor, layers: Sequence[str], sound: Sound) -> dict[str, Tensor]:
        """Run the network as deep as the deepest layer asked for.

        Args:
            planes: `(B, P, M, T)`, band levels in dB relative to the programme's level, as `transfer` optimises them; P
                as in `planes.grey`.
            layers: names out of `self.layers`.
            sound: the recording whose levels they were before anything was changed. What is optimised is how far they
                differ, a gain on that sound.

        Returns:
            For each name the rectified feature map, `(B, C, *)`.
        """
        ...
