"""The demo's clips are what the demo says of them."""

from __future__ import annotations

import numpy as np

from daw_bridge import clips


def test_the_song_has_a_rest_of_true_silence_and_sounds_elsewhere() -> None:
    song = clips.song()
    samples, rate = song.samples, song.sample_rate
    assert not samples[:, round(4.2 * rate) : round(4.8 * rate)].any()
    sounding = np.abs(samples[:, : 40 * 4410]).reshape(2, 40, 4410).max(axis=2)  # each tenth of a second
    assert (sounding > 0.001).all()


def test_the_clips_are_stereo_and_differ_plainly_in_brightness_and_density() -> None:
    song, groove = clips.song(), clips.groove()
    for clip in (song, groove):
        assert 6.5 < clip.length_seconds < 7.5
        assert clip.subtype == "PCM_16"
        assert np.abs(clip.samples[0] - clip.samples[1]).max() > 0.05
    highs = [np.mean(np.diff(clip.samples) ** 2) / np.mean(clip.samples**2) for clip in (song, groove)]
    assert highs[1] > 4 * highs[0]
    crest = [np.abs(clip.samples).max() / np.sqrt(np.mean(clip.samples**2)) for clip in (song, groove)]
    assert crest[0] > 1.5 * crest[1]


def test_the_clips_are_the_same_each_time() -> None:
    assert np.array_equal(clips.groove().samples, clips.groove().samples)
    assert np.array_equal(clips.song().samples, clips.song().samples)
