"""The presets of a running service: changed files, broken files, and what is kept of them."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from daw_bridge.errors import BadParameter, UnknownPreset
from daw_bridge.plugins import Allowed, allow, forget
from daw_bridge.post import check_chain
from daw_bridge.presets import shipped_folder
from daw_bridge.shelf import Shelf

HEAD = 'schema = 1\ntitle = "T"\nabout = "A."\n'


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf((shipped_folder(), tmp_path), lambda preset: check_chain(preset.post))


def write(folder: Path, preset_id: str, text: str) -> None:
    (folder / f"{preset_id}.toml").write_text(HEAD + text)


def test_a_changed_file_is_read_with_the_next_request(shelf: Shelf, tmp_path: Path) -> None:
    with pytest.raises(UnknownPreset):
        shelf.load("mine")
    write(tmp_path, "mine", "[transfer]\nstrength = 0.5\n")
    assert shelf.load("mine").transfer.strength == 0.5
    write(tmp_path, "mine", "[transfer]\nstrength = 0.75\n")
    assert shelf.load("mine").transfer.strength == 0.75
    (tmp_path / "mine.toml").unlink()
    with pytest.raises(UnknownPreset, match="mine"):
        shelf.load("mine")


@pytest.mark.parametrize(
    "broken", ["= nothing", "[transfer]\nstrength = 7\n", '[[post]]\nplugin = "Gian"\n', "x = '" + "x" * 10_000_000 + "'"]
)
def test_a_file_that_breaks_is_named_once_and_its_last_good_version_kept(
    shelf: Shelf, tmp_path: Path, caplog: pytest.LogCaptureFixture, broken: str
) -> None:
    write(tmp_path, "mine", "[transfer]\nstrength = 0.5\n")
    before = shelf.load("mine")
    write(tmp_path, "mine", broken)
    with caplog.at_level(logging.WARNING):
        assert shelf.load("mine") == before
        assert shelf.load("mine") == before
    (record,) = caplog.records
    assert [str(news) for news in shelf.news()] == [record.getMessage()]
    assert "mine.toml is broken and its last good version is in use" in record.getMessage()
    assert "mine" in [preset.id for preset in shelf.presets()] and shelf.load("default").id == "default"
    write(tmp_path, "mine", "[transfer]\nstrength = 0.25\n")
    assert shelf.load("mine").transfer.strength == 0.25


def test_a_file_that_was_never_good_is_refused_with_its_reason(shelf: Shelf, tmp_path: Path) -> None:
    write(tmp_path, "mine", "[transfer]\nstrength = 7\n")
    (news,) = shelf.news()
    assert "mine.toml is broken and it cannot be used" in str(news)
    assert shelf.news() == []
    with pytest.raises(BadParameter, match="strength=7"):
        shelf.load("mine")
    assert "mine" not in [preset.id for preset in shelf.presets()]


def test_what_extends_a_changed_preset_changes_with_it(shelf: Shelf, tmp_path: Path) -> None:
    write(tmp_path, "base", "[transfer]\nstrength = 0.5\n")
    write(tmp_path, "child", 'extends = "base"\n')
    assert shelf.load("child").transfer.strength == 0.5
    write(tmp_path, "base", "[transfer]\nstrength = 0.25\n")
    assert shelf.load("child").transfer.strength == 0.25


def test_the_users_own_hide_the_shipped_ones_and_give_them_back(shelf: Shelf, tmp_path: Path) -> None:
    shipped = shelf.load("tape")
    write(tmp_path, "tape", "")
    assert shelf.load("tape").post == ()
    (tmp_path / "tape.toml").unlink()
    assert shelf.load("tape") == shipped


def test_a_preset_becomes_good_when_its_plugin_is_allowed_and_is_kept_when_it_is_not_any_more(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAW_BRIDGE_PLUGINS", str(tmp_path / "plugins.json"))
    bundle = tmp_path / "Thing.vst3"
    bundle.mkdir()
    write(tmp_path, "mine", '[[post]]\nplugin = "vst3"\nname = "Thing"\n')
    with pytest.raises(BadParameter, match="VST3 'Thing' is not allowed here"):
        shelf.load("mine")
    allow(Allowed("vst3", "Thing", str(bundle)))
    assert shelf.load("mine").post[0].name == "Thing"
    forget("Thing")
    assert shelf.load("mine").post[0].name == "Thing"
    assert ["its last good version is in use" in str(broken) for broken in shelf.news()] == [False, True]
