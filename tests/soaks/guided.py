"""Datagrams that reach deep: mutants are kept where they lead the reader along a way that none before them went."""

from __future__ import annotations

import random
import struct
import sys
from collections import Counter
from types import FrameType
from typing import Any

from daw_bridge.errors import DawBridgeError
from daw_bridge.service import packets, table
from tests.soaks.hostile import KNOWN, NUMBERS, mutated, valid

WATCHED = {packets.__file__, table.__file__}
WORDS = (
    b"#bundle\x00",
    b"/daw_bridge",
    b",sss",
    b",ifsbhdtTFN",
    b"/param/",
    b"/preset/",
    b"\x00\x00\x00\x00",
    b"\xf0\x9f\x8e\xb5",
)

Way = frozenset[tuple[int, int, int]]


def guided(seed: int, n_tries: int) -> tuple[list[bytes], int]:
    """Breed datagrams.

    Args:
        seed: of the mutations.
        n_tries: how many are tried.

    Returns:
        those that found something new, and how many steps they all went together (`way_of`).
    """
    chance = random.Random(seed)
    herd: list[bytes] = []
    known: set[tuple[int, int, int]] = set()
    for data in [*valid(), *KNOWN]:
        known |= way_of(data)
        herd.append(data)
    for _ in range(n_tries):
        child = bred(herd, chance)
        way = way_of(child)
        if not way <= known:
            known |= way
            herd.append(child)
    return herd, len(known)


def bred(herd: list[bytes], chance: random.Random) -> bytes:
    """A mutant of one, or of two put together; most of them of a length that is not refused at once."""
    parent = chance.choice(herd)
    kind = chance.randrange(5)
    if kind == 0:
        other = chance.choice(herd)
        at, other_at = chance.randrange(len(parent) // 4 + 1) * 4, chance.randrange(len(other) // 4 + 1) * 4
        child = parent[:at] + other[other_at:]
    elif kind == 1:
        at = chance.randrange(len(parent) // 4 + 1) * 4
        child = parent[:at] + chance.choice(WORDS) + parent[at:]
    elif kind == 2:
        child = b"#bundle\x00" + bytes(8) + b"".join(struct.pack(">i", len(e)) + e for e in (parent, chance.choice(herd)))
    elif kind == 3:
        at = chance.randrange(len(parent) // 4 + 1) * 4
        child = parent[:at] + struct.pack(">i", chance.choice(NUMBERS)) + parent[at + 4 :]
    else:
        child = mutated(parent, chance)
    child = child[:9000]
    return child + bytes(-len(child) % 4) if chance.random() < 0.9 else child


def way_of(data: bytes) -> Way:
    """The steps from line to line that reading a datagram, and checking its messages against the table, takes, each with
    how often it is taken, to a power of two."""
    way: Counter[tuple[int, int]] = Counter()
    last = [0]

    def on_line(frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            way[last[0], frame.f_lineno] += 1
            last[0] = frame.f_lineno
        return on_line

    def on_call(frame: FrameType, _: str, __: Any) -> Any:
        return on_line if frame.f_code.co_filename in WATCHED else None

    before = sys.gettrace()
    sys.settrace(on_call)
    try:
        for message in packets.read_packet(data):
            if isinstance(message, packets.Message):
                table.arguments(table.find(message.address)[0], message)
    except (packets.BadPacket, DawBridgeError):
        pass  # refused as it should be: any other error is a defect, and comes out
    finally:
        sys.settrace(before)
    return frozenset((*step, n_taken.bit_length()) for step, n_taken in way.items())
