"""Short turns of the long runs of `python -m tests.soak`: hostile datagrams, crowds of requests, files and quick jobs."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daw_bridge.service.packets import BadPacket, Message, read_packet
from tests.soaks.crowd import burst, drop, quick_jobs
from tests.soaks.datagrams import storm
from tests.soaks.guided import guided
from tests.soaks.hostile import hostile, valid


@pytest.mark.parametrize("is_unlimited", [True, False])
def test_hostile_datagrams_do_no_harm(tmp_path: Path, is_unlimited: bool) -> None:
    seen = storm(tmp_path, 20_000, seed=11, is_unlimited=is_unlimited)
    assert seen.code == 0
    assert seen.n_counted >= 0.9 * seen.n_sent
    assert seen.growth_bytes < 20e6
    assert sorted(seen.ping_seconds)[len(seen.ping_seconds) // 2] < 0.5


def test_a_flood_of_noise_makes_the_service_grow_by_next_to_nothing(tmp_path: Path) -> None:
    seen = storm(tmp_path, 80_000, seed=0, is_unlimited=False, same=b"abcd" * 50)
    assert seen.n_counted >= 0.9 * seen.n_sent
    assert seen.growth_bytes < 4e6


def test_mutants_that_are_bred_go_where_no_valid_packet_goes() -> None:
    few, n_few = guided(5, 0)
    many, n_many = guided(5, 3000)
    assert len(many) > len(few) + 10 and n_many > n_few + 10


def test_the_parser_survives_what_is_nearly_valid() -> None:
    packets = hostile(3, guided(3, 500)[0])
    for _ in range(20_000):
        try:
            messages = read_packet(next(packets))
        except BadPacket:
            continue
        assert all(isinstance(message, (Message, BadPacket)) for message in messages)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(valid()), st.integers(0, 400), st.binary(max_size=24), st.integers(0, 24))
def test_a_wound_anywhere_is_refused_or_read(data: bytes, at: int, put: bytes, n_lost: int) -> None:
    try:
        read_packet(data[:at] + put + data[at + n_lost :])
    except BadPacket:
        return


def test_a_burst_of_twenty_clients_is_answered_exactly_once_each(tmp_path: Path) -> None:
    seen = burst(tmp_path, n_requests=100, n_clients=20)
    assert len(seen.jobs) == len(set(seen.jobs.values())) == seen.n_stored == 100


def test_files_dropped_at_once_come_back_exactly_once_each(tmp_path: Path) -> None:
    published, _ = drop(tmp_path, 25)
    assert len(published) == 25 and set(published.values()) == {1}


def test_quick_jobs_leave_nothing_behind(tmp_path: Path) -> None:
    before, after = quick_jobs(tmp_path, 16)
    assert after.is_within(before), (before, after)
