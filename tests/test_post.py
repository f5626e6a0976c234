"""The plugin chain by pedalboard's names, and loudness."""

from __future__ import annotations

import contextlib
import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from daw_bridge.audio import Audio
from daw_bridge.effects import PLUGINS, knobs
from daw_bridge.errors import BadParameter, PluginFailed
from daw_bridge.post import apply_chain, check_chain
from daw_bridge.presets import Plugin, load_preset, preset_ids

RATE = 44_100


def noise(n_channels: int = 2, n_samples: int = RATE, peak: float = 0.3, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).uniform(-peak, peak, (n_channels, n_samples)).astype(np.float32)


def clicks(n_samples: int = RATE) -> NDArray[np.float32]:
    """Soft low bursts at odd times: what survives a codec, a low-pass and a pitch shifter, and shows any delay."""
    time = np.arange(n_samples) / RATE
    starts = (0.2, 0.43, 0.71)
    bursts = [np.exp(-0.5 * ((time - s) / 0.004) ** 2) * np.cos(2 * np.pi * 300 * (time - s)) for s in starts]
    return np.repeat(0.4 * np.sum(bursts, axis=0)[None], 2, axis=0).astype(np.float32)


def delay_samples(wet: NDArray[np.floating], dry: NDArray[np.floating]) -> int:
    size = 2 * dry.shape[-1]
    correlation = np.fft.irfft(np.fft.rfft(wet[0], size) * np.conj(np.fft.rfft(dry[0], size)), size)
    best = int(np.argmax(np.abs(correlation)))
    return best if best < size // 2 else best - size


@pytest.mark.parametrize("name", PLUGINS)
def test_every_plugin_keeps_the_length_and_the_place(name: str) -> None:
    bright: dict[str, dict[str, Any]] = {
        "PitchShift": {"semitones": 0.01},
        "Resample": {"target_sample_rate": 22_050.0},
        "Delay": {"mix": 0.1},
        "LowpassFilter": {"cutoff_frequency_hz": 8000.0},
        "LadderFilter": {"cutoff_hz": 8000.0},
    }
    audio = Audio(clicks(), RATE)
    wet = apply_chain(audio, (Plugin(name, bright.get(name, {})),))
    assert wet.samples.shape == audio.samples.shape
    assert abs(delay_samples(wet.samples, audio.samples)) <= 25, "more than half a millisecond late"


@pytest.mark.parametrize("name", PLUGINS)
@pytest.mark.parametrize(("n_channels", "n_samples"), [(1, 1), (2, 2), (6, 5), (3, 4000), (8, 1000)])
def test_any_length_and_number_of_channels_comes_back(name: str, n_channels: int, n_samples: int) -> None:
    wet = apply_chain(Audio(noise(n_channels, n_samples), 48_000, "WAV", "PCM_24"), (Plugin(name),))
    assert wet.samples.shape == (n_channels, n_samples)
    assert (wet.sample_rate, wet.subtype) == (48_000, "PCM_24") and wet.samples.dtype == np.float32


def test_an_empty_chain_returns_the_same_object() -> None:
    audio = Audio(noise(), RATE)
    assert apply_chain(audio, ()) is audio


def test_a_lowpass_is_three_decibels_down_at_its_cutoff() -> None:
    time = np.arange(RATE) / RATE
    tone = Audio(0.5 * np.sin(2 * np.pi * 2000 * time)[None], RATE, "WAV", "DOUBLE")
    wet = apply_chain(tone, (Plugin("LowpassFilter", {"cutoff_frequency_hz": 2000}),)).samples
    assert wet.dtype == np.float64
    change_db = 20 * math.log10(np.std(wet[:, 5000:]) / np.std(tone.samples[:, 5000:]))
    assert change_db == pytest.approx(-3.01, abs=0.1)


def test_the_chain_runs_in_order() -> None:
    audio = Audio(noise(), RATE)
    up, clip = Plugin("Gain", {"gain_db": 20.0}), Plugin("Clipping", {"threshold_db": -12.0})
    assert np.abs(apply_chain(audio, (up, clip)).samples).max() < 0.26
    assert np.abs(apply_chain(audio, (clip, up)).samples).max() > 2


def test_the_same_chain_gives_the_same_samples() -> None:
    chain = tuple(Plugin(name) for name in ("Chorus", "Reverb", "Phaser", "Compressor"))
    audio = Audio(noise(), RATE)
    np.testing.assert_array_equal(apply_chain(audio, chain).samples, apply_chain(audio, chain).samples)


def test_silence_stays_silent_behind_the_shipped_presets() -> None:
    for preset_id in preset_ids():
        silent = apply_chain(Audio(np.zeros((2, RATE), np.float32), RATE), load_preset(preset_id).post)
        assert not silent.samples.any()


def test_a_choice_is_given_by_its_name() -> None:
    check_chain((Plugin("LadderFilter", {"mode": "HPF24"}), Plugin("BrickwallLimiter", {"true_peak": True})))


@pytest.mark.parametrize(
    ("plugin", "said"),
    [
        (Plugin("LowPassFilter"), "'LowpassFilter'"),
        (Plugin("VST3Plugin", {"path_to_plugin_file": "/tmp/x.vst3"}), "not one of pedalboard's effects"),
        (Plugin("Convolution", {"impulse_response_filename": "/etc/passwd"}), "not one of pedalboard's effects"),
        (Plugin("__class__"), "not one of pedalboard's effects"),
        (Plugin("LowpassFilter", {"cutof_frequency_hz": 500.0}), "'cutoff_frequency_hz'"),
        (Plugin("LowpassFilter", {"process": 1}), "no parameter 'process'"),
        (Plugin("LowpassFilter", {"cutoff_frequency_hz": "high"}), "must be a number"),
        (Plugin("Gain", {"gain_db": float("nan")}), "must be a number"),
        (Plugin("Gain", {"gain_db": True}), "must be a number"),
        (Plugin("LadderFilter", {"mode": "LPF13"}), "'LPF12'"),
        (Plugin("BrickwallLimiter", {"true_peak": 1}), "true or false"),
        (Plugin("Bitcrush", {"bit_depth": 99}), "refuses bit_depth=99"),
        (Plugin("Reverb", {"room_size": 7.0}), "refuses room_size=7"),
        (Plugin("Compressor", {"ratio": 0.5}), "Compressor.ratio=0.5 must lie from 1 to 1e+06. Its standard value is 1."),
        (Plugin("LowpassFilter", {"cutoff_frequency_hz": -4.0}), "must lie from 0 to 96000. Its standard value is 50."),
        (Plugin("Limiter", {"threshold_db": -1e9}), "must lie from -200 to 100"),
        (Plugin("Phaser", {"feedback": 1e9}), "must lie from -1 to 1"),
        (Plugin("Resample", {"target_sample_rate": 1e9}), "must lie from 100 to 384000"),
    ],
)
def test_a_wrong_plugin_or_parameter_is_named(plugin: Plugin, said: str) -> None:
    with pytest.raises(BadParameter, match="post step 2") as caught:
        check_chain((Plugin("Gain"), plugin))
    assert said in str(caught.value) and "\n" not in str(caught.value) and ".." not in str(caught.value)


def test_a_plugin_makes_sense_of_all_that_its_range_lets_through() -> None:
    audio = Audio(noise(), RATE)
    for plugin, found in knobs().items():
        for knob in (knob for knob in found if knob.limits):
            assert knob.limits and knob.limits[0] <= knob.standard <= knob.limits[1], (plugin, knob)  # type: ignore[operator]
            with contextlib.suppress(BadParameter):  # pedalboard's own range is narrower
                for value in knob.limits:
                    highest = 0.45 * RATE if knob.name.endswith("_hz") else value
                    apply_chain(audio, (Plugin(plugin, {knob.name: min(value, highest)}),))


def test_a_chain_without_end_is_refused() -> None:
    with pytest.raises(BadParameter, match="33 steps"):
        check_chain((Plugin("Gain"),) * 33)


def test_a_plugin_that_returns_no_numbers_is_reported() -> None:
    audio = Audio(noise(peak=1e37), RATE)
    with pytest.raises(PluginFailed, match="Gain"):
        apply_chain(audio, (Plugin("Gain", {"gain_db": 80.0}),))
