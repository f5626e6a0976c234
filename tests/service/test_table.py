"""One table for dispatch, checking and documentation."""

from __future__ import annotations

import inspect

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daw_bridge.errors import UnknownAddress
from daw_bridge.service.handlers import Handlers
from daw_bridge.service.packets import BadPacket, Message, build_packet, read_packet
from daw_bridge.service.table import INCOMING, OUTGOING, PREFIX, find, markdown_table, outgoing


def test_every_address_has_a_handler_that_takes_its_arguments() -> None:
    for row in INCOMING:
        names = list(inspect.signature(getattr(Handlers, row.method)).parameters)
        assert len(names) - 3 == len(row.takes) + row.has_rest, row.address


def test_every_address_is_found() -> None:
    for row in INCOMING:
        address = PREFIX + row.address.replace("<n>", "3").replace("<name>", "strength")
        assert find(address)[0] is row


@pytest.mark.parametrize(
    "wrong", ["/ping/", "/pin", "/pingx", "/PING", "", "/", "/param", "/param/", "/param/a/b", "/preset//go", "/preset/1/g"]
)
def test_nothing_near_an_address_is_taken_for_it(wrong: str) -> None:
    with pytest.raises(UnknownAddress):
        find(PREFIX + wrong)


def test_a_word_in_the_address_is_handed_on() -> None:
    assert find(PREFIX + "/param/strength")[1] == "strength"
    assert find(PREFIX + "/preset/2/go")[1] == "2"


def test_what_is_sent_has_i_f_and_s_alone() -> None:
    assert all(set(row.tags) <= set("ifs") for row in OUTGOING)


def test_every_answer_in_the_table_is_one_that_is_sent() -> None:
    for row in INCOMING:
        for word in row.answers.replace(",", " ").split():
            if word.startswith("/"):
                assert outgoing(word)


def test_the_documentation_names_every_address() -> None:
    text = markdown_table()
    assert all(f"`{PREFIX}{row.address}`" in text for row in (*INCOMING, *OUTGOING))


@given(st.binary(max_size=400) | st.binary(max_size=200).map(lambda tail: b"#bundle\x00" + b"\x00" * 8 + tail))
def test_no_bytes_do_more_than_be_refused(data: bytes) -> None:
    try:
        messages = read_packet(data)
    except BadPacket:
        return
    assert all(isinstance(message, (Message, BadPacket)) for message in messages)


@given(st.text(), st.integers(), st.floats(allow_nan=False, width=32))
def test_what_is_built_is_read_back(text: str, number: int, value: float) -> None:
    data = build_packet("/x", "sif", (text, number, value))
    (message,) = read_packet(data)
    assert isinstance(message, Message)
    assert len(data) <= 1024
    assert message.values[1:] == (max(-(2**31), min(2**31 - 1, number)), value)


@pytest.mark.parametrize("text", ["x" * 5000, "č漢" * 2000, "a\x00b", "\udcff.wav"])
def test_texts_that_cannot_be_sent_are_cut_or_replaced(text: str) -> None:
    (message,) = read_packet(build_packet("/x", "ss", (text, "kept")))
    assert isinstance(message, Message)
    assert message.values[1] == "kept"
