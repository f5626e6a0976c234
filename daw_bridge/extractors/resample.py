"""Samples at another rate, by a band-limiting filter that gradients pass through."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

STOPBAND_DB = 80.0
TRANSITION_SHARE = 1 / 16  # of the lower rate: 7.5 to 8.5 kHz for 16 kHz
LEAST_PERIOD = 160  # samples made by one product; fewer would make many small ones
FINEST_RATIO = 2000  # an odd rate is taken for the nearest ratio below this: wrong by less than a millionth


class Resampler:
    """A linear map from samples at one rate to samples at another.

    A windowed sinc, laid out as one matrix that makes a whole period of output samples from the input under it.

    Args:
        from_rate, to_rate: Hz.
        like: a tensor of the wanted type, on the wanted device.

    Source:
        Kaiser 1974 for the window; stopband 80 dB from half the transition above the lower Nyquist frequency on.
    """

    def __init__(self, from_rate: int, to_rate: int, like: Tensor) -> None:
        ratio = Fraction(to_rate, from_rate).limit_denominator(FINEST_RATIO)
        self._is_same = ratio == 1
        repeats = max(1, -(-LEAST_PERIOD // ratio.numerator))
        self._n_in, self._n_out = ratio.denominator * repeats, ratio.numerator * repeats
        lower = min(1.0, float(ratio))  # the lower rate over the input's
        width = 2.0 * math.pi * TRANSITION_SHARE * lower
        self._reach = math.ceil((STOPBAND_DB - 8.0) / (2.285 * width) / 2.0)
        at = np.arange(self._n_out) / float(ratio)
        distance = at[None, :] - np.arange(-self._reach, self._n_in + self._reach)[:, None]
        beta = 0.1102 * (STOPBAND_DB - 8.7)
        inside = np.clip(1.0 - (distance / self._reach) ** 2, 0.0, None)
        window = np.where(inside > 0.0, np.i0(beta * np.sqrt(inside)) / np.i0(beta), 0.0)
        self._matrix = torch.from_numpy(lower * np.sinc(lower * distance) * window).to(like)

    def __call__(self, samples: Tensor) -> Tensor:
        """`(C, N)` at the one rate as `(C, N')` at the other; N' is N times their ratio, rounded up."""
        if self._is_same:
            return samples
        n_samples = samples.shape[1]
        n_periods = -(-n_samples // self._n_in)
        behind = n_periods * self._n_in - n_samples + self._reach
        padded = functional.pad(samples, (self._reach, behind))
        periods = padded.unfold(1, self._n_in + 2 * self._reach, self._n_in)
        return (periods @ self._matrix).flatten(1)[:, : -(-n_samples * self._n_out // self._n_in)]
