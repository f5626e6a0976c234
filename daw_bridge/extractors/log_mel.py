"""The front end of VGGish: 16 kHz samples as examples of 96 frames by 64 mel bands, differentiable."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

SAMPLE_RATE = 16_000  # Hz
WINDOW_LENGTH, HOP_LENGTH, N_FFT = 400, 160, 512  # samples: 25 ms, 10 ms, and the next power of two
N_MELS, LOWEST_HZ, HIGHEST_HZ = 64, 125.0, 7500.0
LOG_OFFSET = 0.01
EXAMPLE_FRAMES = 96  # 0.96 s


def mel_weights() -> np.ndarray:
    """Triangles on the mel scale from bins to bands, `(N_FFT / 2 + 1, 64)`, float64, each with a peak of 1.

    Source:
        Hershey et al. 2017 and the code released with it: HTK's scale, 1127 ln(1 + f / 700); triangles are straight in
        mels, not in Hz; the constant offset counts nowhere.
    """
    bins = _mel(np.linspace(0.0, SAMPLE_RATE / 2.0, N_FFT // 2 + 1))[:, None]
    edges = np.linspace(_mel(np.array(LOWEST_HZ)), _mel(np.array(HIGHEST_HZ)), N_MELS + 2)
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    weights: np.ndarray = np.clip(np.minimum((bins - low) / (centre - low), (high - bins) / (high - centre)), 0.0, None)
    weights[0] = 0.0
    return weights


def _mel(frequency_hz: np.ndarray) -> np.ndarray:
    return 1127.0 * np.log(1.0 + frequency_hz / 700.0)


def log_mel(samples: Tensor, weights: Tensor) -> Tensor:
    """Stabilised log-mel spectrogram as VGGish was trained on.

    Args:
        samples: `(B, N)` at 16 kHz, full scale = ±1; at least one window, or silence is put behind them.
        weights: `(257, 64)` of `mel_weights`.

    Returns:
        `(B, T, 64)`, T = 1 + (N - 400) // 160. Finite, with finite gradients, on digital silence.

    Source:
        Hershey et al. 2017; Wang and Chu, section III.F.
    """
    padded = functional.pad(samples, (0, max(WINDOW_LENGTH - samples.shape[1], 0)))
    window = torch.hann_window(WINDOW_LENGTH, periodic=True, dtype=samples.dtype, device=samples.device)
    spectra = torch.fft.rfft(padded.unfold(1, WINDOW_LENGTH, HOP_LENGTH) * window, n=N_FFT)
    return torch.log(spectra.abs() @ weights + LOG_OFFSET)


def examples(log_mels: Tensor) -> Tensor:
    """Examples of 96 frames that follow each other without overlap.

    Differs from the release: what is left at the end, which it drops, is heard in a last example that reaches back over
    the one before; a sound shorter than one example is followed by silence.

    Args:
        log_mels: `(B, T, 64)`.

    Returns:
        `(B, E, 96, 64)`.
    """
    missing = EXAMPLE_FRAMES - log_mels.shape[1]
    if missing > 0:
        log_mels = functional.pad(log_mels, (0, 0, 0, missing), value=float(np.log(LOG_OFFSET)))
    whole = log_mels.unfold(1, EXAMPLE_FRAMES, EXAMPLE_FRAMES)
    if log_mels.shape[1] % EXAMPLE_FRAMES:
        whole = torch.cat([whole, log_mels[:, -EXAMPLE_FRAMES:].transpose(1, 2)[:, None]], dim=1)
    return whole.transpose(2, 3)
