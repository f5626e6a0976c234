"""A remix stays in phase with its content: mixing the two, by `wet`, by `strength` or on a mixer, hollows nothing out."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from daw_bridge.audio import Audio
from daw_bridge.finish import finish
from daw_bridge.pipeline import render
from daw_bridge.preset import Plugin
from daw_bridge.presets import load_preset

pytestmark = pytest.mark.usefixtures("one_thread")
RATE, WINDOW = 44_100, 4096
BANDS_HZ = 100 * 2.0 ** (np.arange(0, 37) / 6)  # sixths of an octave up to 6.4 kHz: a comb of 0.5 ms and more has teeth there


def music(seconds: float = 3.0, seed: int = 0, tilt: float = 0.9) -> Audio:
    """Noise that falls to the treble, in bursts: all frequencies, all the time moving."""
    noise = np.random.default_rng(seed).standard_normal((2, int(seconds * RATE)))
    spectrum = np.fft.rfft(noise)
    spectrum /= 1 + (np.fft.rfftfreq(noise.shape[1], 1 / RATE) / 500) ** tilt
    time = np.arange(noise.shape[1]) / RATE
    samples = np.fft.irfft(spectrum, noise.shape[1]) * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * time))
    return Audio((0.05 * samples / samples.std()).astype(np.float32), RATE, "WAV", "FLOAT")


def spectra(audio: Audio) -> NDArray[np.complex128]:
    frames = np.lib.stride_tricks.sliding_window_view(audio.samples[0].astype(np.float64), WINDOW)[:: WINDOW // 2]
    return np.fft.rfft(frames * np.hanning(WINDOW))


def lost_db(mix: Audio, *parts: Audio) -> float:
    """Most that a band of the mix lies under what its parts would give in phase."""
    together, alone = spectra(mix), sum(np.abs(spectra(part)) for part in parts)
    frequency = np.fft.rfftfreq(WINDOW, 1 / RATE)
    losses = []
    for low, high in itertools.pairwise(BANDS_HZ):
        band = (frequency >= low) & (frequency < high)
        if band.any():
            losses.append(10 * np.log10(np.sum(np.asarray(alone)[:, band] ** 2) / np.sum(np.abs(together[:, band]) ** 2)))
    return float(max(losses))


def half(audio: Audio, shift: int = 0) -> Audio:
    return audio.with_samples(np.roll(audio.samples, shift, axis=1) * np.float32(0.5))


@pytest.mark.parametrize("preset_id", ["default", "fast", "subtle-glue", "stream-ready"])
def test_half_of_the_remix_and_half_of_the_content_add_up_without_a_comb(preset_id: str) -> None:
    content, style = music(), music(seed=1, tilt=0.4)
    preset = load_preset(preset_id).with_parameters({"num_steps": 2, "loudness": "off", "dehash": "off"})
    remix = render(content, style, preset, device="cpu").audio
    mix = render(content, style, preset.with_parameters({"wet": 0.5}), device="cpu").audio
    np.testing.assert_allclose(mix.samples, half(content).samples + half(remix).samples, atol=1e-4)
    assert lost_db(mix, half(content), half(remix)) < 1.5
    late = half(content).samples + half(remix, shift=RATE // 1000).samples
    assert lost_db(content.with_samples(late), half(content), half(remix)) > 6.0, "a millisecond would be seen"


@pytest.mark.parametrize("strength", [0.25, 0.75])
def test_a_part_of_the_way_is_in_phase_with_the_content(strength: float) -> None:
    content, style = music(), music(seed=1, tilt=0.4)
    preset = load_preset("default").with_parameters({"num_steps": 2, "loudness": "off", "strength": strength})
    remix = render(content, style, preset, device="cpu").audio
    assert lost_db(content.with_samples(content.samples + remix.samples), content, remix) < 1.5


@pytest.mark.parametrize("blend", ["chain_wet", "wet"])
def test_a_chain_that_looks_ahead_is_in_phase_with_what_goes_round_it(blend: str) -> None:
    content = music()
    chain = (Plugin("BrickwallLimiter", {"lookahead_ms": 10.0, "ceiling_db": -12.0}), Plugin("Gain", {"gain_db": 3.0}))
    plain = replace(load_preset("default").with_parameters({"loudness": "off", "dehash": "off"}), post=chain)
    whole, _ = finish(content, content, content, plain)
    mix, _ = finish(content, content, content, plain.with_parameters({blend: 0.5}))
    assert lost_db(mix, half(content), half(whole)) < 0.5
