"""From the reconstruction to the published samples: filters by physics, tails, loudness, ceiling and dither together."""

from __future__ import annotations

import dataclasses
import math
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from daw_bridge import blocks, ceiling, silence_gate
from daw_bridge.audio import Audio
from daw_bridge.ceiling import true_peak_dbtp
from daw_bridge.errors import Cancelled
from daw_bridge.finish import finish
from daw_bridge.loudness import loudness_lufs
from daw_bridge.post import apply_chain
from daw_bridge.preset import Plugin, Preset, preset_from
from daw_bridge.presets import load_preset, preset_ids
from daw_bridge.scratch import Scratch

RATE = 44_100


def music(seconds: float = 3.0, seed: int = 0, level: float = 0.1, subtype: str = "PCM_24", n_channels: int = 2) -> Audio:
    """Noise whose level moves, as music's does, and that falls to the treble."""
    time = np.arange(int(seconds * RATE)) / RATE
    noise = np.random.default_rng(seed).standard_normal((n_channels, len(time)))
    noise[:, 1:] += noise[:, :-1]
    samples = level * noise * (0.6 + 0.4 * np.sin(2 * np.pi * 2 * time))
    return Audio(samples.astype(np.float32), RATE, "WAV", subtype)


def preset(post: list[dict[str, Any]] | None = None, **output: Any) -> Preset:
    return preset_from({"schema": 1, "title": "T", "about": "A.", "output": output, "post": post or []}, "x")


def gain_db(plugin: Plugin, frequency_hz: float) -> float:
    time = np.arange(2 * RATE) / RATE
    tone = Audio(0.25 * np.sin(2 * np.pi * frequency_hz * time)[None], RATE, "WAV", "DOUBLE")
    wet = apply_chain(tone, (plugin,)).samples
    return 20 * math.log10(np.std(wet[:, RATE:]) / np.std(tone.samples[:, RATE:]))


FILTERS = [(preset_id, step) for preset_id in preset_ids() for step in load_preset(preset_id).post if "Filter" in step.plugin]


@pytest.mark.parametrize(("preset_id", "step"), FILTERS, ids=lambda of: getattr(of, "plugin", of))
def test_every_shipped_filter_does_what_its_numbers_say(preset_id: str, step: Plugin) -> None:
    cutoff = float(step.parameters["cutoff_frequency_hz"])
    boost_db = float(step.parameters.get("gain_db", 0.0))
    if step.plugin in ("LowpassFilter", "HighpassFilter"):
        assert gain_db(step, cutoff) == pytest.approx(-3.01, abs=0.1)
        beyond = cutoff / 4 if step.plugin == "HighpassFilter" else min(cutoff * 4, 20_000)
        assert gain_db(step, beyond) < -4.5
    elif step.plugin == "PeakFilter":
        assert gain_db(step, cutoff) == pytest.approx(boost_db, abs=0.1)
        assert gain_db(step, cutoff / 16) == pytest.approx(0.0, abs=0.4)
    else:
        inside, outside = (30.0, 5_000.0) if step.plugin == "LowShelfFilter" else (20_000.0, cutoff / 16)
        assert gain_db(step, inside) == pytest.approx(boost_db, abs=0.6)
        assert gain_db(step, cutoff) == pytest.approx(boost_db / 2, abs=0.2)
        assert gain_db(step, outside) == pytest.approx(0.0, abs=0.2)


@pytest.mark.parametrize("preset_id", preset_ids())
def test_every_shipped_preset_ends_in_place_under_the_ceiling_and_at_its_loudness(preset_id: str) -> None:
    content, style, remix = music(level=0.05), music(seed=1), music(seed=2, level=0.02)
    made = load_preset(preset_id)
    finished, levels = finish(content, style, remix, made)
    kept = 0 if made.output.tails == "cut" else 10 * RATE
    assert content.n_samples <= finished.n_samples <= content.n_samples + kept
    assert true_peak_dbtp(finished.samples) <= -1.0
    assert finished.samples.dtype == np.float32 and finished.subtype == "PCM_24"
    wanted = made.output.loudness if isinstance(made.output.loudness, float) else loudness_lufs(content)
    assert levels["loudness_miss_lu"] == pytest.approx(wanted - loudness_lufs(finished), abs=2e-3)
    assert levels["loudness_miss_lu"] == pytest.approx(0.0, abs=0.1)
    assert abs(delay_ms(finished, remix)) <= 1.0


@pytest.mark.parametrize("subtype", ["PCM_16", "FLOAT"])
def test_no_preset_passes_the_ceiling_however_loud_content_and_remix_are(subtype: str) -> None:
    content, remix = music(1.5, level=0.9, subtype=subtype), music(1.5, seed=2, level=3.0, subtype=subtype)
    for preset_id in preset_ids():
        made = load_preset(preset_id)
        finished, levels = finish(content, content, remix, made)
        assert true_peak_dbtp(finished.samples) <= -1.0, preset_id
        reached = loudness_lufs(finished)
        wanted = made.output.loudness if isinstance(made.output.loudness, float) else loudness_lufs(content)
        assert levels["loudness_miss_lu"] == pytest.approx(wanted - reached, abs=2e-3), preset_id


def delay_ms(wet: Audio, dry: Audio) -> float:
    size = 2 * max(wet.n_samples, dry.n_samples)
    correlation = np.fft.irfft(np.fft.rfft(wet.samples[0], size) * np.conj(np.fft.rfft(dry.samples[0], size)), size)
    best = int(np.argmax(np.abs(correlation)))
    return (best if best < size // 2 else best - size) / RATE * 1000


@pytest.mark.parametrize("loudness", [-23.0, -14.0])
def test_a_loudness_is_reached(loudness: float) -> None:
    content, remix = music(), music(seed=2)
    finished, levels = finish(content, content, remix, preset(loudness=loudness, dehash="off"))
    assert loudness_lufs(finished) == pytest.approx(loudness, abs=0.1)
    assert levels["loudness_gain_db"] == pytest.approx(loudness - loudness_lufs(remix), abs=0.1)


def test_a_loudness_beyond_the_ceiling_is_missed_and_said_so() -> None:
    content = music()
    finished, levels = finish(content, content, music(seed=2), preset(loudness=-5.0, dehash="off"))
    assert true_peak_dbtp(finished.samples) <= -1.0
    assert levels["loudness_miss_lu"] == pytest.approx(-5.0 - loudness_lufs(finished), abs=2e-3)
    assert (levels["loudness_miss_lu"] or 0.0) > 1.0


def with_hits(body: Audio, height: float, every_seconds: float) -> Audio:
    """Clicks of 2 ms on top of a sound."""
    samples = body.samples.copy()
    for start in range(RATE // 10, samples.shape[1] - 100, round(every_seconds * RATE)):
        samples[:, start : start + 88] += height * np.hanning(88).astype(np.float32)
    return body.with_samples(samples)


def test_peaks_that_stand_alone_are_limited_and_the_loudness_is_reached() -> None:
    body = music(level=0.1)
    remix = with_hits(body, 1.8, every_seconds=2.0)
    finished, levels = finish(body, body, remix, preset(dehash="off"))
    assert levels["loudness_miss_lu"] == pytest.approx(0.0, abs=0.1)
    assert true_peak_dbtp(finished.samples) <= -1.0
    over_db = true_peak_dbtp(remix.samples) + 1.0 + (loudness_lufs(body) - loudness_lufs(remix))
    assert over_db > 4.0, "with nothing over the ceiling, nothing is tested"


def test_peaks_that_are_everywhere_turn_the_whole_down_rather_than_being_squashed() -> None:
    body = music(level=0.02)
    remix = with_hits(body, 3.0, every_seconds=0.05)
    finished, levels = finish(body, body, remix, preset(loudness="off", dehash="off"))
    turned_db = levels["loudness_gain_db"] or 0.0
    taken_lu = loudness_lufs(remix) + turned_db - loudness_lufs(finished)
    assert turned_db < -3.0
    assert 0.6 < taken_lu < 1.4


def test_no_peak_is_cut_down_by_more_than_twelve_decibels() -> None:
    body = music(level=0.1)
    samples = body.samples.copy()
    samples[:, RATE] = 10.0  # 21 dB over the ceiling
    remix, levels = finish(body, body, body.with_samples(samples), preset(loudness="off"))
    over_db = true_peak_dbtp(samples) + 1.0 - 12.0
    assert levels["loudness_gain_db"] == pytest.approx(-over_db, abs=0.01)
    far = slice(2 * RATE, 3 * RATE)
    assert np.allclose(remix.samples[:, far], body.samples[:, far] * 10 ** (-over_db / 20), atol=1e-6)
    assert true_peak_dbtp(remix.samples) <= -1.0


def test_a_chain_hears_a_remix_that_is_over_full_scale_at_full_scale() -> None:
    remix = music(seed=2)
    remix = remix.with_samples(remix.samples / np.abs(remix.samples).max())
    chain = [{"plugin": "Distortion", "drive_db": 9.0}]
    plain, louder = (
        finish(
            remix, remix, remix.with_samples(remix.samples * gain), preset(chain, loudness="off", dehash="off", ceiling_dbtp=-24)
        )
        for gain in (np.float32(1.0), np.float32(8.0))
    )
    wet = apply_chain(remix, preset(chain).post)
    assert np.corrcoef(louder[0].samples[0], wet.samples[0])[0, 1] > 0.99
    np.testing.assert_allclose(louder[0].samples, plain[0].samples, atol=1e-4)


def test_loudness_off_leaves_every_sample_alone() -> None:
    content, remix = music(), music(seed=2)
    finished, levels = finish(content, content, remix, preset(loudness="off", dehash="off"))
    np.testing.assert_array_equal(finished.samples, remix.samples)
    assert levels["loudness_gain_db"] == 0.0


def test_a_mix_with_the_content_has_the_contents_loudness_again() -> None:
    content, remix = music(), music(seed=2, level=0.01)
    finished, _ = finish(content, content, remix, preset(wet=0.5, dehash="off"))
    assert loudness_lufs(finished) == pytest.approx(loudness_lufs(content), abs=0.05)
    shares = [np.vdot(finished.samples, x.samples) / np.vdot(x.samples, x.samples) for x in (content, remix)]
    assert shares[0] == pytest.approx(shares[1] * 0.1, rel=0.1), "equal shares, though the remix was 20 dB weaker"


def test_a_parallel_chain_is_the_sum_of_both() -> None:
    remix = music(seed=2)
    chain = [{"plugin": "HighpassFilter", "cutoff_frequency_hz": 800.0}]
    wet = apply_chain(remix, preset(chain).post)
    finished, _ = finish(remix, remix, remix, preset(chain, chain_wet=0.25, loudness="off", dehash="off"))
    np.testing.assert_allclose(finished.samples, 0.25 * wet.samples + 0.75 * remix.samples, atol=1e-6)


REVERB = [{"plugin": "Reverb", "room_size": 0.6, "wet_level": 0.5}]


def test_tails_are_cut_to_the_sample_or_ring_out() -> None:
    content = music(1.0)
    cut, _ = finish(content, content, content, preset(REVERB))
    kept, _ = finish(content, content, content, preset(REVERB, tails="keep", loudness="off", dehash="off"))
    assert cut.n_samples == content.n_samples
    assert content.n_samples + RATE // 2 < kept.n_samples < content.n_samples + 10 * RATE
    assert np.abs(kept.samples[:, -100:]).max() < 10 ** (-80 / 20)
    same, _ = finish(content, content, content, preset(tails="keep", loudness="off", dehash="off"))
    assert same.n_samples == content.n_samples, "no chain, no tail"


def test_a_tail_without_end_is_faded_out_after_ten_seconds() -> None:
    content = music(1.0)
    chain = [{"plugin": "Reverb", "room_size": 1.0, "damping": 0.0}]
    kept, _ = finish(content, content, content, preset(chain, tails="keep", loudness="off", dehash="off"))
    assert kept.n_samples == content.n_samples + 10 * RATE
    assert not kept.samples[:, -1].any()


def test_a_rest_stays_silent_behind_a_reverb_when_the_gate_is_on() -> None:
    content = music(4.0)
    samples = content.samples.copy()
    samples[:, RATE : 3 * RATE] = 0.0
    content = content.with_samples(samples)
    filled, _ = finish(content, content, content, preset(REVERB))
    gated, _ = finish(content, content, content, preset(REVERB, is_gated=True))
    assert np.abs(filled.samples[:, int(1.2 * RATE) : int(2.9 * RATE)]).max() > 1e-3
    assert not gated.samples[:, int(1.2 * RATE) : int(2.9 * RATE)].any()


def test_sixteen_bits_are_dithered_by_the_seed_under_the_ceiling() -> None:
    content = dataclasses.replace(music(level=0.3), subtype="PCM_16")
    one, two, other = (finish(content, content, content, preset(), seed)[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.samples, two.samples)
    assert (one.samples != other.samples).any()
    steps = one.samples.astype(np.float64) * 2**15
    np.testing.assert_array_equal(steps, np.rint(steps))
    assert true_peak_dbtp(one.samples) <= -1.0
    plain, _ = finish(content, content, content, preset(is_dithered=False), 1)
    assert np.abs(plain.samples - one.samples).max() <= 1.5 * 2**-15 + 1e-7


@pytest.mark.parametrize(("n_channels", "seconds"), [(1, 3.0), (6, 1.0), (2, 0.2)])
def test_any_number_of_channels_and_any_length_is_brought_to_its_level(n_channels: int, seconds: float) -> None:
    content, remix = (music(seconds, seed, level, n_channels=n_channels) for seed, level in ((0, 0.1), (1, 0.01)))
    finished, _ = finish(content, content, remix, preset())
    assert finished.samples.shape == content.samples.shape
    assert loudness_lufs(finished) == pytest.approx(loudness_lufs(content), abs=0.1)


def test_silence_is_finished_as_silence() -> None:
    silent = Audio(np.zeros((2, RATE), np.float32), RATE, "WAV", "PCM_16")
    finished, levels = finish(silent, music(1.0), silent, preset(REVERB, is_gated=True))
    assert not finished.samples.any()
    assert (levels["loudness_lufs"], levels["loudness_miss_lu"]) == (None, 0.0)


EVERYTHING = preset(
    [{"plugin": "Compressor", "threshold_db": -20.0}, {"plugin": "MP3Compressor"}, *REVERB],
    chain_wet=0.8,
    tails="keep",
    dehash="content",
    is_gated=True,
    wet=0.7,
    loudness=-9.0,
)


def dull(seconds: float, seed: int = 0) -> Audio:
    """Music without highs, in 16 bits, with a rest, mapped nowhere."""
    samples = np.cumsum(music(seconds, seed, n_channels=2).samples, axis=1)
    samples -= np.linspace(0, 1, samples.shape[1], dtype=np.float32) * samples[:, -1:]
    samples = np.convolve(samples[0], np.hanning(33) / 16, mode="same")[None].repeat(2, 0) * 0.05
    samples[:, RATE : RATE + RATE // 2] = 0.0
    return Audio(samples.astype(np.float32), RATE, "WAV", "PCM_16")


@pytest.mark.parametrize("n_block", [10_000, 65_536, 10_000_000])
def test_the_size_of_the_blocks_changes_no_sample(n_block: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    content, remix = dull(4.0), dull(4.0, seed=1)
    expected, told = finish(content, content, remix, EVERYTHING, 3)
    monkeypatch.setattr(blocks, "BLOCK_SAMPLES", n_block)
    monkeypatch.setattr(ceiling, "NODES_AT_ONCE", max(1, n_block // 22))
    monkeypatch.setattr(silence_gate, "STEPS_AT_ONCE", max(1, n_block // 220))
    found, again = finish(content, content, remix, EVERYTHING, 3, Scratch(tmp_path))
    assert isinstance(found.samples, np.memmap)
    np.testing.assert_array_equal(found.samples, expected.samples)
    assert again == told


def test_memory_does_not_grow_with_length(tmp_path: Path) -> None:
    peaks = []
    for seconds in (20.0, 80.0):
        short = dull(20.0)
        content, remix = (Scratch(tmp_path).empty((2, int(seconds * RATE))) for _ in range(2))
        for start in range(0, content.shape[1], short.n_samples):
            content[:, start : start + short.n_samples] = short.samples
            remix[:, start : start + short.n_samples] = short.samples[::-1]
        given = (short.with_samples(content), short, short.with_samples(remix))
        tracemalloc.start()
        finish(*given, EVERYTHING, 0, Scratch(tmp_path))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[0] < 60e6
    assert peaks[1] - peaks[0] < 0.02 * 60 * RATE * 2 * 4, f"more than 2 % of a minute's samples, {peaks} bytes"


def test_progress_rises_to_the_end_and_can_stop_it() -> None:
    content, told = dull(4.0), list[float]()
    finish(content, content, content, EVERYTHING, on_part=told.append)
    assert told == sorted(told) and len(set(told)) > 4 and told[0] >= 0 and told[-1] <= 1

    def stop(share: float) -> None:
        if share > 0.2:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        finish(content, content, content, EVERYTHING, on_part=stop)
