"""Samples whose spectrogram has the wanted magnitude: a phase for it, found by Griffin and Lim."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from .analysis import OnShare
from .reconstruct import Magnitudes
from .spectrogram import Resolution, frames_within, overlap_add, write_frames

VALUES_AT_ONCE = 1 << 21  # of a spectrum whose phase is looked for
KEPT_FRAMES, REDONE_FRAMES = 8, 32  # between two of its blocks


def griffin_lim(
    magnitudes: Magnitudes,
    resolution: Resolution,
    out: Tensor,
    *,
    n_iterations: int,
    momentum: float,
    seed: int,
    device: torch.device | None = None,
    on_share: OnShare | None = None,
) -> Tensor:
    """Find samples whose STFT has the wanted magnitude, starting from random phase.

    What is long is done in blocks: each begins with the last phases of the one before, which it keeps, and ends with
    frames that are done again by the next, which knows what comes after them. So phase runs on over every seam.

    Args:
        magnitudes: of the frames.
        resolution: of the frames.
        out: `(C, N)`, gives the length and takes the samples; may be a memory map.
        n_iterations: how often phase is made consistent.
        momentum: 0 is the method of 1984; 0.99 converges faster.
        seed: of the first phase, the same for all channels so that the image stays together.
        device: where to compute; None is where `out` is.
        on_share: told of each iteration; whatever it raises ends the work.

    Returns:
        `out`.

    Source:
        Griffin and Lim 1984; momentum as in Perraudin, Balazs and Søndergaard 2013, eq. 8.
    """
    where, generator = device or out.device, torch.Generator().manual_seed(seed)
    n_frames, n_bins = resolution.n_frames(out.shape[1]), resolution.n_fft // 2 + 1
    size = max(VALUES_AT_ONCE // (out.shape[0] * n_bins), 4 * (KEPT_FRAMES + REDONE_FRAMES))

    def spectra() -> Iterator[Tensor]:
        done, kept = 0, torch.zeros(out.shape[0], 0, n_bins, dtype=torch.complex64, device=where)
        while done < n_frames:
            n_kept = kept.shape[1]
            first, last = done - n_kept, min(done + size, n_frames)
            magnitude = magnitudes(first, last).to(where)
            phase = torch.rand((n_bins, last - done), generator=generator).T.to(magnitude) * (2 * torch.pi)
            fresh = torch.polar(torch.ones_like(phase), phase).expand(out.shape[0], -1, -1)
            lead = resolution.n_fft - resolution.hop_length
            span = slice(max(lead - first * resolution.hop_length, 0), out.shape[1] + lead - first * resolution.hop_length)
            trials = _consistent(magnitude, torch.cat([kept, fresh], dim=1), n_kept, span, resolution, n_iterations, momentum)
            for iteration, found in enumerate(trials):
                angles = found
                if on_share:
                    on_share((done + (last - done) * (iteration + 1) / n_iterations) / n_frames)
            end = last if last == n_frames else last - REDONE_FRAMES
            yield (magnitude * angles)[:, n_kept : end - first]
            kept, done = angles[:, end - first - KEPT_FRAMES : end - first].clone(), end

    write_frames(spectra(), resolution, out)
    return out


def _consistent(
    magnitude: Tensor, angles: Tensor, n_kept: int, span: slice, resolution: Resolution, n_iterations: int, momentum: float
) -> Iterator[Tensor]:
    """Unit angles `(C, T, F)`, more consistent each time; the first `n_kept` frames keep theirs.

    Args:
        span: of the samples under the frames, those that lie inside of the recording.
    """
    kept, previous = angles[:, :n_kept], torch.zeros_like(angles)
    for _ in range(n_iterations):
        samples = overlap_add(magnitude * angles, resolution)
        samples[:, : span.start] = 0.0
        samples[:, span.stop :] = 0.0
        consistent = frames_within(samples, resolution)
        ahead = consistent + momentum * (consistent - previous)
        angles = ahead / ahead.abs().clamp_min(1e-12)
        angles[:, :n_kept] = kept
        previous = consistent
        yield angles
