"""A recipe says what a remix was made of, in plain values, and the hash is of the sound alone."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from daw_bridge.audio import Audio
from daw_bridge.presets import load_preset, preset_from
from daw_bridge.recipe import SCHEMA, audio_sha256, recipe_table, source_table, versions

SAMPLES = np.random.default_rng(0).uniform(-1, 1, (2, 1000)).astype(np.float32)


def test_the_hash_is_of_the_sound_and_not_of_its_file_format() -> None:
    assert audio_sha256(Audio(SAMPLES, 44_100, "WAV", "PCM_24")) == audio_sha256(Audio(SAMPLES.copy(), 44_100, "FLAC", "PCM_16"))


def test_the_memory_layout_does_not_change_the_hash() -> None:
    assert audio_sha256(Audio(np.asfortranarray(SAMPLES), 44_100)) == audio_sha256(Audio(SAMPLES, 44_100))


@pytest.mark.parametrize(
    "other",
    [
        Audio(SAMPLES, 48_000),
        Audio(SAMPLES[:, :-1], 44_100),
        Audio(SAMPLES[::-1], 44_100),
        Audio(SAMPLES.reshape(1, -1), 44_100),
        Audio(SAMPLES.astype(np.float64), 44_100),
        Audio(np.nextafter(SAMPLES, np.float32(2.0)), 44_100),
    ],
)
def test_any_other_sound_has_another_hash(other: Audio) -> None:
    assert audio_sha256(other) != audio_sha256(Audio(SAMPLES, 44_100))


def test_a_source_is_named_with_its_part_and_its_form() -> None:
    table = source_table("/songs/a.wav", Audio(SAMPLES, 44_100), 1.5, 2.0)
    assert (table["path"], table["start_seconds"], table["length_seconds"]) == ("/songs/a.wav", 1.5, 2.0)
    assert (table["sample_rate"], table["channels"], table["samples"]) == (44_100, 2, 1000)
    assert table["sha256"] == audio_sha256(Audio(SAMPLES, 44_100)) and len(table["sha256"]) == 64


def test_every_version_that_has_a_say_is_there() -> None:
    assert {"daw-bridge", "python", "torch", "numpy", "pedalboard", "soundfile"} <= set(versions())
    assert all(isinstance(version, str) and version for version in versions().values())


def test_the_recipe_is_plain_json_and_its_preset_can_be_read_back() -> None:
    preset = load_preset("default").with_parameters({"strength": 0.5})
    source = source_table("a.wav", Audio(SAMPLES, 44_100))
    table = recipe_table(content=source, style=source, preset=preset, seed=7, report={"device": "cpu"}, job="k.1")
    again = json.loads(json.dumps(table, allow_nan=False))
    assert again["schema"] == SCHEMA and (again["seed"], again["job"], again["device"]) == (7, "k.1", "cpu")
    assert preset_from(again["preset"], "default") == preset
    assert math.isclose(again["preset"]["transfer"]["strength"], 0.5)
