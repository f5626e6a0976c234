"""The list of allowed plugins, and what a preset may say of one, without loading any."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from daw_bridge import plugins
from daw_bridge.errors import BadArguments, BadParameter
from daw_bridge.plugins import Allowed, Setting, allow, allowed_plugins, check_step, forget, format_of, state_of
from daw_bridge.post import check_chain
from daw_bridge.preset import Plugin, Preset, preset_from

SETTINGS = {"gain_db": Setting(0.0, -60.0, 20.0), "is_warm": Setting(False), "mode": Setting("soft", choices=("soft", "hard"))}


@pytest.fixture
def thing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Allowed:
    """A plugin that is allowed and could be loaded here, as far as its file tells."""
    monkeypatch.setenv("DAW_BRIDGE_PLUGINS", str(tmp_path / "config" / "plugins.json"))
    bundle = tmp_path / "Thing.vst3"
    (bundle / "Contents" / plugins._system()).mkdir(parents=True)
    found = Allowed("vst3", "Thing", str(bundle), "1.0", 20.0, SETTINGS)
    allow(found)
    return found


def step(name: str = "Thing", plugin: str = "vst3", state: str = "", **parameters: Any) -> Plugin:
    return Plugin(plugin, parameters, name, state)


def test_what_was_allowed_is_listed_once_and_can_be_forgotten(thing: Allowed) -> None:
    allow(Allowed("vst3", "Another", thing.path))
    allow(thing)
    assert allowed_plugins() == [Allowed("vst3", "Another", thing.path), thing]
    assert forget("Another").name == "Another"
    assert forget(thing.path) == thing
    assert allowed_plugins() == []
    with pytest.raises(BadArguments, match=r"plugin 'Thing' is not on the list\. Known: none"):
        forget("Thing")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"schema": 1, "plugins": [{"name": "Thing"'])
def test_a_list_that_is_damaged_allows_nothing_and_is_never_written_over(thing: Allowed, text: str) -> None:
    plugins.list_file().write_text(text)
    for ask in (allowed_plugins, lambda: allow(thing), lambda: forget("Thing"), lambda: check_chain((step(),))):
        with pytest.raises(BadParameter, match=r"plugins\.json' is no list of plugins that can be read\. Mend it, or move it"):
            ask()
    assert plugins.list_file().read_text() == text
    assert [path.name for path in plugins.list_file().parent.iterdir()] == ["plugins.json"]


@pytest.mark.parametrize(
    "odd",
    [
        {"colour": "red"},
        {"name": 5},
        {"format": "lv2"},
        {"limit_seconds": "long"},
        {"settings": ["gain_db"]},
        {"settings": {"gain_db": {"standard": 0.0, "unit": "dB"}}},
        {"settings": {"gain_db": {"standard": 0.0, "low": "deep", "high": 1.0}}},
        {"settings": {"gain_db": {"standard": 0.0, "choices": 1}}},
    ],
)
def test_an_odd_entry_is_said_with_its_file_and_stops_only_chains_of_plugins(thing: Allowed, odd: dict[str, Any]) -> None:
    table = json.loads(plugins.list_file().read_text())
    for entry in ({**table["plugins"][0], **odd}, {"name": "Thing"}, "Thing", None):
        plugins.list_file().write_text(json.dumps({"schema": 1, "plugins": [*table["plugins"], entry]}))
        check_chain((Plugin("Gain"),))
        assert plugins.in_use((Plugin("Gain"),)) == {}
        for ask in (lambda: check_chain((step(),)), lambda: plugins.in_use((step(),)), lambda: allow(thing)):
            with pytest.raises(BadParameter, match=r"plugins\.json' holds .*, which is no allowed plugin\. Mend it, or move it"):
                ask()


def test_a_step_of_an_allowed_plugin_passes(thing: Allowed) -> None:
    assert check_step(step(gain_db=-6, is_warm=True, mode="hard", state="AAAA"), "post step 1") == thing
    check_chain((Plugin("Gain"), step(gain_db=0.5)))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (step("Thin"), r"post step 2: VST3 'Thin' is not allowed here\. Did you mean 'Thing'\? Allow it .*plugins allow PATH"),
        (step("Thing", "audio_unit"), r"Audio Unit 'Thing' is not allowed here\. Allow it on this computer"),
        (step(gain=1.0), "Thing has no parameter 'gain'. Did you mean 'gain_db'"),
        (step(gain_db=21.0), r"Thing.gain_db=21 must lie from -60 to 20"),
        (step(gain_db="loud"), r"Thing.gain_db='loud' must be a number"),
        (step(is_warm=1.0), r"Thing.is_warm=1.0 must be true or false"),
        (step(mode="sof"), r"Thing.mode='sof' is not a choice\. Did you mean 'soft'"),
        (step(state="no base64!"), r"state is not base64"),
    ],
)
def test_what_is_wrong_with_a_step_is_said(thing: Allowed, given: Plugin, said: str) -> None:
    with pytest.raises(BadParameter, match=said):
        check_chain((Plugin("Gain"), given))


def test_a_file_that_is_gone_is_said(thing: Allowed) -> None:
    Path(thing.path).rename(thing.path + ".moved")
    with pytest.raises(BadParameter, match=r"post step 1: plugin file '.*Thing\.vst3' does not exist\. Install it"):
        check_chain((step(),))


def test_a_plugin_for_another_system_is_said(tmp_path: Path) -> None:
    other = "x86_64-win" if sys.platform == "linux" else "sparc-linux"
    (tmp_path / "Win.vst3" / "Contents" / other).mkdir(parents=True)
    with pytest.raises(BadParameter, match=rf"'Win\.vst3' is made for {other}, not for "):
        format_of(tmp_path / "Win.vst3")


@pytest.mark.skipif(sys.platform != "linux", reason="of what Linux does not load")
def test_files_of_other_systems_are_told_from_their_first_bytes_and_endings(tmp_path: Path) -> None:
    (tmp_path / "Old.vst3").write_bytes(b"MZ" + bytes(100))
    with pytest.raises(BadParameter, match="made for Windows"):
        format_of(tmp_path / "Old.vst3")
    (tmp_path / "Some.component").mkdir()
    with pytest.raises(BadParameter, match="an Audio Unit, which macOS alone loads"):
        format_of(tmp_path / "Some.component")
    (tmp_path / "Some.dll").touch()
    with pytest.raises(BadParameter, match=r"'Some\.dll' is no plugin that can be loaded"):
        format_of(tmp_path / "Some.dll")


def test_a_recipe_tells_one_build_of_a_plugin_from_another(thing: Allowed) -> None:
    code = Path(thing.path) / "Contents" / plugins._system() / "Thing.so"
    told = []
    for build in (b"one", b"two", b"one"):
        code.write_bytes(build)
        told.append(plugins.in_use((Plugin("Gain"), step(), step("Elsewhere"))))
    assert told[0] == told[2] != told[1]
    assert set(told[0]) == {"plugin Thing", "plugin Elsewhere"} and told[0]["plugin Thing"].startswith("1.0 ")
    assert told[0]["plugin Elsewhere"] == "" and plugins.in_use((Plugin("Gain"),)) == {}


def preset(**step: Any) -> Preset:
    return preset_from({"schema": 1, "title": "T", "about": "A.", "post": [{"plugin": "vst3", **step}]}, "x")


def test_a_preset_carries_name_parameters_and_state_and_reads_back() -> None:
    made = preset(name="Thing", parameters={"gain_db": -6.0, "mode": "hard"}, state="AAAA")
    assert made.post == (Plugin("vst3", {"gain_db": -6.0, "mode": "hard"}, "Thing", "AAAA"),)
    table = json.loads(json.dumps(made.to_table()))
    assert preset_from(table, "x") == made
    assert state_of(made.post[0]) == b"\0\0\0"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, r"post step 1: name=None must be the name of a plugin"),
        ({"name": "Thing", "path": "/tmp/x.vst3"}, r"'path' is not a key of a vst3 step"),
        ({"name": "Thing", "gain_db": 1.0}, r"'gain_db' is not a key .*belong into \[post\.parameters\]"),
        ({"name": "a\nb"}, r"must be the name of a plugin"),
        ({"name": "Thing", "parameters": [1]}, r"parameters=\[1\] must be a table"),
        ({"name": "Thing", "parameters": {"gain_db": [1]}}, r"gain_db=\[1\] must be a number"),
        ({"name": "Thing", "state": 5}, "state must be a text"),
        ({"name": "Thing", "state": "A" * 100_000}, "at most 80000 characters"),
    ],
)
def test_a_step_that_is_none_is_refused_when_the_preset_is_read(given: dict[str, Any], said: str) -> None:
    with pytest.raises(BadParameter, match=said):
        preset(**given)
