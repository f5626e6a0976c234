"""What is asked for is checked when made, has a stable key, and survives being stored."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daw_bridge.errors import BadArguments, EmptyFile, NotFound, UnsupportedFormat
from daw_bridge.request import PRIORITIES, RenderRequest, SourceFile, request_from, source_file

ASKED = RenderRequest(
    "/song", SourceFile("/song/a.wav", 10, 1), SourceFile("/song/b.wav", 20, 2), {"id": "default", "strength": 1.0}
)


def changed(**values: Any) -> RenderRequest:
    return dataclasses.replace(ASKED, **values)


def test_a_file_is_named_by_its_real_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ä song.wav").write_bytes(b"abc")
    (tmp_path / "link.wav").symlink_to("ä song.wav")
    monkeypatch.chdir(tmp_path)
    found = source_file(Path("link.wav"), "content")
    assert found == source_file(tmp_path / "ä song.wav", "content")
    assert Path(found.path).is_absolute() and found.size_bytes == 3


def test_what_is_no_file_is_refused_with_its_role(tmp_path: Path) -> None:
    (tmp_path / "empty.wav").touch()
    (tmp_path / "round").symlink_to("round")
    for name, error in (
        ("none.wav", NotFound),
        ("round", NotFound),
        ("nul\0l", NotFound),
        ("x" * 5000, NotFound),
        ("empty.wav", EmptyFile),
        (".", UnsupportedFormat),
    ):
        with pytest.raises(error, match="style"):
            source_file(tmp_path / name, "style")


@pytest.mark.parametrize(("name", "hint"), [("start_seconds", "from the start"), ("length_seconds", "0 means up to the end")])
@pytest.mark.parametrize("value", [-0.1, 86_401.0, math.nan, math.inf, -math.inf])
def test_seconds_out_of_range_are_refused(name: str, hint: str, value: float) -> None:
    with pytest.raises(BadArguments, match=f"{name}=.* must lie from 0 to 86400.*{hint}"):
        changed(**{name: value})


@pytest.mark.parametrize("seed", [-1, 2**31])
def test_a_seed_out_of_range_is_refused(seed: int) -> None:
    with pytest.raises(BadArguments, match=f"seed={seed}"):
        changed(seed=seed)


def test_an_unknown_priority_is_refused_with_those_there_are() -> None:
    with pytest.raises(BadArguments, match=r"priority='soon'.*interactive, preview, batch"):
        changed(priority="soon")
    assert all(changed(priority=priority).priority == priority for priority in PRIORITIES)


@pytest.mark.parametrize("reqid", ["a/b", "a\\b", "a:b", "a\nb", "a\0b", "x" * 129, "a*", "a?b", '"a"'])
def test_a_reqid_that_no_file_name_may_hold_is_refused(reqid: str) -> None:
    with pytest.raises(BadArguments, match="reqid="):
        changed(reqid=reqid)


@pytest.mark.parametrize(
    "other",
    [
        {"project": "/other"},
        {"content": SourceFile("/song/a.wav", 10, 3)},
        {"style": SourceFile("/song/c.wav", 20, 2)},
        {"start_seconds": 1.0},
        {"length_seconds": 1.0},
        {"seed": 1},
        {"preset": {"id": "default", "strength": 0.5}},
    ],
)
def test_what_would_sound_different_has_another_key(other: dict[str, Any]) -> None:
    assert changed(**other).key != ASKED.key


@pytest.mark.parametrize("other", [{"priority": "batch"}, {"origin": "osc"}, {"is_forced": True}, {"reaper": {"track": 1}}])
def test_how_it_was_asked_does_not_change_the_key(other: dict[str, Any]) -> None:
    assert changed(**other).key == ASKED.key


def test_the_order_of_a_presets_keys_does_not_change_the_key() -> None:
    assert changed(preset={"strength": 1.0, "id": "default"}).key == ASKED.key


def test_the_askers_own_name_decides_within_its_project() -> None:
    assert changed(reqid="r1").key == changed(reqid="r1", seed=5).key
    assert changed(reqid="r1").key != changed(reqid="r2").key
    assert changed(reqid="r1").key != changed(reqid="r1", project="/other").key


@given(
    start=st.floats(0, 86_400),
    seed=st.integers(0, 2**31 - 1),
    reqid=st.text(st.characters(categories=("L", "N")), max_size=128),
    reaper=st.dictionaries(st.text(max_size=5), st.one_of(st.integers(), st.text(max_size=5))),
)
def test_a_request_survives_being_stored(start: float, seed: int, reqid: str, reaper: dict[str, Any]) -> None:
    if not reqid.isprintable():
        reqid = ""
    asked = changed(start_seconds=start, seed=seed, reqid=reqid, reaper=reaper)
    again = request_from(json.loads(json.dumps(asked.to_table())))
    assert again == asked and again.key == asked.key
