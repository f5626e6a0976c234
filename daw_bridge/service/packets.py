"""OSC packets to messages and back: checked by us before and around python-osc's parser and builder."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Value = str | int | float | bool | bytes | None
Argument = str | int | float

BUNDLE = b"#bundle\x00"
MIN_BYTES, MAX_BYTES = 4, 8192
MAX_REPLY_BYTES = 1024  # REAPER drops larger ones with the rest of their batch
MAX_DEPTH, MAX_MESSAGES = 4, 64
MAX_ADDRESS, MAX_TAGS = 255, 64
PATTERN_CHARACTERS = frozenset(b" #*,?[]{}")  # OSC's pattern language: never matched, so never let in
FIXED_BYTES = {"i": 4, "f": 4, "h": 8, "d": 8, "t": 8, "T": 0, "F": 0, "N": 0}


class BadPacket(Exception):
    """A datagram, or one message of it, is not OSC as we take it; it gets no answer."""


@dataclass(frozen=True)
class Message:
    """One OSC message as it came.

    Attributes:
        address: with the prefix.
        tags: without the comma.
        values: as many as tags.
    """

    address: str
    tags: str
    values: tuple[Value, ...]


def read_packet(data: bytes) -> list[Message | BadPacket]:
    """The messages of a datagram in order, bundles flattened and their timetags ignored.

    Args:
        data: the datagram.

    Returns:
        each message, or the reason why that one is refused; its neighbours are not affected.

    Raises:
        BadPacket: the datagram's own structure is broken.
    """
    return [_read_message(element) for element in split_packet(data)]


def split_packet(data: bytes) -> list[bytes]:
    """Check the structure of a datagram and cut it into the bytes of its messages.

    Raises:
        BadPacket: sizes, bounds, depth or number of messages break a rule.
    """
    if not MIN_BYTES <= len(data) <= MAX_BYTES or len(data) % 4:
        raise BadPacket(f"{len(data)} bytes, must be {MIN_BYTES} to {MAX_BYTES} and a multiple of 4")
    elements = []
    for element in _elements(data, 1):
        elements.append(element)
        if len(elements) > MAX_MESSAGES:
            raise BadPacket(f"more than {MAX_MESSAGES} messages in a bundle")
    return elements


def _elements(data: bytes, depth: int) -> Iterator[bytes]:
    if not data.startswith(BUNDLE):
        yield data
        return
    if depth > MAX_DEPTH:
        raise BadPacket(f"bundles nested more than {MAX_DEPTH} deep")
    at = len(BUNDLE) + 8
    if len(data) < at:
        raise BadPacket("a bundle without a timetag")
    while at < len(data):
        size = _int32(data, at)
        at += 4
        if size <= 0 or size % 4 or at + size > len(data):
            raise BadPacket(f"a bundle element of {size} bytes, must be a positive multiple of 4 inside the packet")
        yield from _elements(data[at : at + size], depth + 1)
        at += size


def _int32(data: bytes, at: int) -> int:
    if at + 4 > len(data):
        raise BadPacket("cut off in the middle of a number")
    return int(struct.unpack_from(">i", data, at)[0])


def _string_end(data: bytes, at: int) -> int:
    end = data.find(b"\x00", at)
    if end < 0:
        raise BadPacket("a text without its end")
    return end


def _check_message(data: bytes) -> None:
    """Everything that python-osc's parser takes for granted."""
    end = _string_end(data, 0)
    address = data[:end]
    if not address.startswith(b"/") or len(address) > MAX_ADDRESS:
        raise BadPacket(f"an address must begin with / and have at most {MAX_ADDRESS} characters")
    if any(not 33 <= byte <= 126 or byte in PATTERN_CHARACTERS for byte in address):
        raise BadPacket("an address must be printable ASCII without pattern characters")
    at = (end // 4 + 1) * 4
    if at >= len(data):
        return
    end = _string_end(data, at)
    tags = data[at:end].decode("ascii", "replace")
    if not tags.startswith(",") or len(tags) > MAX_TAGS + 1:
        raise BadPacket(f"type tags must begin with a comma and be at most {MAX_TAGS}")
    _check_arguments(data, (end // 4 + 1) * 4, tags[1:])


def _check_arguments(data: bytes, at: int, tags: str) -> None:
    for tag in tags:
        if tag in FIXED_BYTES:
            at += FIXED_BYTES[tag]
        elif tag == "s":
            end = _string_end(data, at)
            try:
                data[at:end].decode("utf-8")
            except UnicodeDecodeError:
                raise BadPacket("a text that is not UTF-8") from None
            at = (end // 4 + 1) * 4
        elif tag == "b":
            size = _int32(data, at)
            if size < 0:
                raise BadPacket(f"a blob of {size} bytes")
            at += 4 + (size + 3) // 4 * 4
        else:
            raise BadPacket(f"type tag {tag!r} is none of ifsbhdtTFN")
        if at > len(data):
            raise BadPacket("arguments run past the end of the message")


def _read_message(data: bytes) -> Message | BadPacket:
    from pythonosc.osc_message import OscMessage

    try:
        _check_message(data)
        parsed = OscMessage(data)
    except BadPacket as refusal:
        return refusal
    except Exception as error:  # whatever the parser still stumbles on stays with this message
        return BadPacket(f"python-osc refused it: {type(error).__name__}")
    end = data.find(b"\x00")
    start = (end // 4 + 1) * 4
    tags = data[start : data.find(b"\x00", start)].decode("ascii")[1:] if start < len(data) else ""
    return Message(parsed.address, tags, tuple(parsed.params))


def is_word(text: str) -> bool:
    """Whether a text can stand as one part of an address."""
    return bool(text) and all(33 <= ord(sign) <= 126 and ord(sign) not in PATTERN_CHARACTERS and sign != "/" for sign in text)


def can_be_said(text: str) -> bool:
    """Whether a text goes into an OSC string unchanged (no NUL, no half of a surrogate pair)."""
    try:
        return b"\x00" not in text.encode("utf-8")
    except UnicodeEncodeError:
        return False


def build_packet(address: str, tags: str, arguments: Sequence[Argument]) -> bytes:
    """The datagram of one message.

    Texts that would make it longer than 1024 bytes are cut, the longest first, and end in "…".

    Args:
        address: with the prefix.
        tags: of i, f and s alone, as many as arguments.
        arguments: the values.
    """
    from pythonosc.osc_message_builder import OscMessageBuilder

    values = [_fit(tag, value) for tag, value in zip(tags, arguments, strict=True)]
    while True:
        builder = OscMessageBuilder(address)
        for tag, value in zip(tags, values, strict=True):
            builder.add_arg(value, tag)
        packet = bytes(builder.build().dgram)
        excess = len(packet) - MAX_REPLY_BYTES
        texts = [index for index, tag in enumerate(tags) if tag == "s"]
        if excess <= 0 or not texts:
            return packet
        longest = max(texts, key=lambda index: len(str(values[index]).encode()))
        kept = str(values[longest]).encode()[: -(excess + 8)] if excess + 8 < len(str(values[longest]).encode()) else b""
        values[longest] = kept.decode("utf-8", "ignore") + "…"


def _fit(tag: str, value: Argument) -> Argument:
    if tag == "i":
        return max(-(2**31), min(2**31 - 1, int(value)))
    if tag == "f":
        return float(value)
    return str(value).encode("utf-8", "replace").decode("utf-8").replace("\x00", "�")
