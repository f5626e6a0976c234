"""A recipe says what a remix was made of, in plain values, and the hash is of the sound alone."""

from __future__ import annotations

import contextlib
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daw_bridge.audio import Audio
from daw_bridge.errors import BadParameter, DawBridgeError, UnsupportedFormat
from daw_bridge.presets import load_preset, preset_from
from daw_bridge.recipe import SCHEMA, audio_sha256, read_recipe, recipe_beside, recipe_table, source_table, versions

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


def written(folder: Path, **changes: Any) -> Path:
    """A recipe file with some of its values replaced; None takes one out."""
    source = source_table("/songs/a.wav", Audio(SAMPLES, 44_100), 1.5, 2.0)
    content = {**source, "time_reference": 99}
    table = recipe_table(content=content, style=source, preset=load_preset("default"), seed=7, report={}, job="k.1")
    table = {key: value for key, value in {**table, **changes}.items() if value is not None}
    path = folder / "a__default__b__v001.json"
    path.write_text(json.dumps(table), encoding="utf-8")
    return path


def test_a_recipe_reads_back_as_what_it_was_made_of(tmp_path: Path) -> None:
    path = written(tmp_path, machine={"threads": 2}, take_gain_db=-0.5)
    recorded = read_recipe(recipe_beside(path.with_suffix(".wav")))
    assert (recorded.content.path, recorded.content.start_seconds, recorded.content.samples) == ("/songs/a.wav", 1.5, 1000)
    assert recorded.style.sha256 == audio_sha256(Audio(SAMPLES, 44_100))
    assert (recorded.preset, recorded.seed, recorded.time_reference) == (load_preset("default"), 7, 99)
    assert (recorded.text("reference"), recorded.text("device")) == ("k.1", "")
    assert (recorded.number("machine", "threads"), recorded.number("take_gain_db")) == (2.0, -0.5)
    assert recorded.number("machine", "threads", "deeper") is None


SOURCE = source_table("a.wav", Audio(SAMPLES, 44_100))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"schema": 2}, "schema=2 must be 1"),
        ({"schema": True}, "schema=True"),
        ({"state": "reserved"}, "never finished"),
        ({"content": None}, "no recipe|content is missing"),
        ({"content": "a.wav"}, "content is missing"),
        ({"style": {**SOURCE, "path": ""}}, r"style\.path=''"),
        ({"style": {**SOURCE, "sha256": 5}}, r"style\.sha256=5"),
        ({"content": {**SOURCE, "start_seconds": math.inf}}, "start_seconds"),
        ({"content": {**SOURCE, "samples": -1}}, "samples=-1"),
        ({"content": {**SOURCE, "channels": 10**400}}, "channels"),
        ({"seed": 1.5}, "seed=1.5"),
        ({"seed": 2**31}, "seed="),
        ({"preset": [1]}, "no preset"),
        ({"preset": {"id": 3}}, "no preset"),
    ],
)
def test_a_damaged_recipe_is_refused_by_name_value_and_rule(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UnsupportedFormat, match=said) as caught:
        read_recipe(written(tmp_path, **changes))
    assert len(str(caught.value)) < 400 and "\n" not in str(caught.value)


def test_a_preset_that_this_version_does_not_know_is_named_with_its_key(tmp_path: Path) -> None:
    preset = {**load_preset("default").to_table(), "transfer": {"strenght": 1}}
    with pytest.raises(BadParameter, match=r"recipe 'a__default__b__v001.json': .*strenght"):
        read_recipe(written(tmp_path, preset=preset))


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@settings(deadline=None, max_examples=40)  # a busy machine is no failure
@given(ANYTHING)
def test_whatever_stands_in_a_recipe_it_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    folder = tmp_path_factory.mktemp("r")
    for key in ("schema", "content", "style", "seed", "preset", "machine"):
        with contextlib.suppress(DawBridgeError):
            read_recipe(written(folder, **{key: value}))
