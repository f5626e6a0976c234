"""Which part of a file an item shows, and where its remix goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Load = Callable[[str], Any]
RATE = 44_100
SEVERAL = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _shown(offset: float, length: float, rate: float = 1.0, source: float = 4.0, is_looped: bool = False) -> dict[str, Any]:
    return {
        "start_offset_seconds": offset, "item_length_seconds": length, "play_rate": rate,
        "source_length_seconds": source, "sample_rate": RATE, "is_looped": is_looped,
    }  # fmt: skip


@SEVERAL
@given(offset=st.floats(-1, 3.5), length=st.floats(0.01, 6), rate=st.floats(0.25, 4))
def test_every_sample_that_is_heard_is_asked_for_at_its_place(load: Load, offset: float, length: float, rate: float) -> None:
    found = load("placement").range(_shown(offset, length, rate))
    if isinstance(found, tuple):
        assert found[1] == "empty" and offset + length * rate < 0.01
        return
    first, n_samples = found.start_seconds * RATE, found.length_seconds * RATE
    assert first == pytest.approx(round(first), abs=1e-6) and n_samples == pytest.approx(round(n_samples), abs=1e-6)
    assert found.start_seconds * RATE <= max(offset, 0) * RATE + 2e-3
    assert found.start_seconds + found.length_seconds >= min(offset + length * rate, 4.0) - 1e-7
    assert found.start_seconds + found.remix_offset_seconds == pytest.approx(offset, abs=1e-12)


def test_an_item_that_repeats_its_source_is_told_from_one_that_ends_with_it(load: Load) -> None:
    module = load("placement")
    assert module.range(_shown(3.0, 1.5, is_looped=True)) == (None, "looped")
    assert module.range(_shown(3.0, 1.0, is_looped=True)).length_seconds == 1.0
    assert module.range(_shown(3.0, 1.5)).length_seconds == 1.0
    assert module.range(_shown(4.5, 1.0)) == (None, "empty")


ASKED = {
    "position_seconds": 10.0, "item_length_seconds": 2.0, "play_rate": 2.0,
    "start_offset_seconds": 0.5, "remix_offset_seconds": 0.0, "remix_rate": 2.0,
}  # fmt: skip


def _now(position: float, offset: float, rate: float = 2.0) -> dict[str, float]:
    return {"position_seconds": position, "start_offset_seconds": offset, "play_rate": rate}


@pytest.mark.parametrize(
    ("now", "place"),
    [
        (None, (10.0, 2.0, 0.0)),
        (_now(10.0, 0.5), (10.0, 2.0, 0.0)),
        (_now(30.0, 0.5), (30.0, 2.0, 0.0)),
        (_now(30.5, 1.5), (30.0, 2.0, 0.0)),
        (_now(30.0, 0.5, 1.0), (10.0, 2.0, 0.0)),
        (_now(0.25, 1.5), (0.0, 1.75, 0.5)),
    ],
    ids=["gone", "unchanged", "moved", "moved and trimmed", "another rate", "would begin before the project"],
)
def test_the_remix_stays_on_the_content_s_sample(now: dict[str, float] | None, place: tuple[float, ...], load: Load) -> None:
    assert load("placement").place(ASKED, now) == place


RATES = st.sampled_from([8_000, 22_050, 44_100, 48_000, 88_200, 96_000, 192_000])


@SEVERAL
@given(
    sample_rate=RATES,
    position=st.floats(0, 7200),
    offset=st.floats(-1, 3.5),
    length=st.floats(0.05, 3),
    play_rate=st.floats(0.25, 4),
    moved=st.floats(-100, 100),
    trimmed=st.floats(-0.5, 0.5),
    later=st.floats(0, 1),
)
def test_wherever_its_item_went_a_remix_plays_the_sample_that_its_content_plays(
    load: Load, sample_rate: int, position: float, offset: float, length: float, play_rate: float,
    moved: float, trimmed: float, later: float,
) -> None:  # fmt: skip
    placement = load("placement")
    part = placement.range({**_shown(offset, length, play_rate), "sample_rate": sample_rate})
    if isinstance(part, tuple):
        return
    asked = {
        "position_seconds": position, "item_length_seconds": length, "play_rate": play_rate, "start_offset_seconds": offset,
        "remix_offset_seconds": part.remix_offset_seconds, "remix_rate": play_rate,
    }  # fmt: skip
    now = {"position_seconds": max(position + moved, 0.0), "start_offset_seconds": offset + trimmed, "play_rate": play_rate}
    at = now["position_seconds"] + later * length  # any moment, so any sample at any rate of the project
    heard_of_content = now["start_offset_seconds"] + (at - now["position_seconds"]) * play_rate
    start, _, remix_offset = placement.place(asked, now)
    heard_of_remix = part.start_seconds + remix_offset + (at - start) * play_rate
    if start > 0 or now["position_seconds"] >= trimmed / play_rate:
        assert heard_of_remix * sample_rate == pytest.approx(heard_of_content * sample_rate, abs=1e-4)
    take_rate, take_offset = placement.take(asked, now)
    heard_of_take = part.start_seconds + take_offset + (at - now["position_seconds"]) * take_rate
    assert heard_of_take * sample_rate == pytest.approx(heard_of_content * sample_rate, abs=1e-4)
