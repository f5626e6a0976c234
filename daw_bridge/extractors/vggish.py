"""VGGish (Hershey et al. 2017) listening to what the target's levels make of the recording."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from ..analysis import Analysis
from ..networks import VGGISH
from ..planes import grey
from ..spectrogram import overlap_add
from .base import Sound
from .log_mel import HIGHEST_HZ, LOWEST_HZ, SAMPLE_RATE, examples, log_mel, mel_weights
from .resample import Resampler
from .stack import Stack

PROGRAMME_DB = -16.0  # of what it is given to hear: about -20 dBFS RMS, as music on the radio
POOLED = ("vggish_2", "vggish_3", "vggish_5")


def vggish_stack(weights: Mapping[str, Tensor], device: torch.device, dtype: torch.dtype) -> Stack:
    """The six convolutions, frozen: 64, 128, 256, 256, 512 and 512 channels, of `conv1.weight`, `conv1.bias` …"""
    numbers = {layer: layer.replace("vggish_", "conv") for layer in VGGISH.layers}
    kernels = {layer: [weights[f"{name}.weight"]] for layer, name in numbers.items()}
    biases = {layer: weights[f"{name}.bias"] for layer, name in numbers.items()}
    return Stack(kernels, biases, POOLED, device, dtype)


class Vggish:
    """VGGish behind its own front end, fed with sound.

    What is optimised are levels of the full band at the content's own rate. How far they lie from the recording's own is a
    gain on its complex spectrum, as in the gain mask that makes the remix; the samples of that, resampled to 16 kHz, are
    what the network hears. Gradients come back the same way. What lies outside its 125 Hz to 7.5 kHz it leaves alone: the
    little that leaks in from there would be enough for an optimiser that takes steps of one size, as Adam does.

    Args:
        stack: of `vggish_stack`.
        analysis: how levels are measured and spread.

    Source:
        Hershey et al. 2017. Differs: programme level at -16 dB, so that loudness decides nothing (Wang and Chu, III.D).
    """

    layers = VGGISH.layers

    def __init__(self, stack: Stack, analysis: Analysis) -> None:
        self._stack, self._resolution = stack, analysis.resolution
        sample_rate = round(analysis.frames_per_second * analysis.resolution.hop_length)
        hz = torch.arange(len(analysis.spread), device=analysis.spread.device) * (sample_rate / analysis.resolution.n_fft)
        self._spread = analysis.spread * ((hz >= LOWEST_HZ) & (hz <= HIGHEST_HZ))[:, None]
        self._to_network = Resampler(sample_rate, SAMPLE_RATE, self._spread)
        self._mel_weights = torch.from_numpy(mel_weights()).to(self._spread)

    def features(self, planes: Tensor, layers: Sequence[str], sound: Sound) -> dict[str, Tensor]:
        """See `Extractor.features`; feature maps are `(B, C, E, 96 / 2^k, 64 / 2^k)`, E examples of 0.96 s."""
        heard = self.heard(grey(planes), sound)
        found = self._stack.features(heard.flatten(0, 1)[:, None], layers)
        return {layer: maps.reshape(*heard.shape[:2], *maps.shape[1:]).transpose(1, 2) for layer, maps in found.items()}

    def heard(self, levels: Tensor, sound: Sound) -> Tensor:
        """What reaches the first convolution, `(B, E, 96, 64)`, of levels `(B, M, T)`."""
        gain_db = self._spread @ (levels - sound.levels) + PROGRAMME_DB
        spectra = sound.spectra * torch.pow(10.0, gain_db.transpose(1, 2) / 20.0)
        samples = self._to_network(overlap_add(spectra, self._resolution))
        return examples(log_mel(samples, self._mel_weights))
