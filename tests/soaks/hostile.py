"""Hostile datagrams: random ones, mutated valid ones, and every case that is known to have hurt somebody."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator, Sequence

from daw_bridge.service.table import INCOMING, PREFIX
from tests.service.wire import packet

MAKES_JOBS = {"/go", "/preset/<n>/go", "/remix", "/remix/json"}  # never sent whole
NUMBERS = (0, 1, -1, 4, 2**31 - 1, -(2**31), 0x7FC00000, 0x7F800000)


def bundle(*elements: bytes, timetag: int = 1) -> bytes:
    return b"#bundle\x00" + struct.pack(">Q", timetag) + b"".join(struct.pack(">i", len(e)) + e for e in elements)


def padded(text: bytes) -> bytes:
    return text + b"\x00" * (4 - len(text) % 4)


def valid() -> list[bytes]:
    """One valid packet of each address, and bundles of them."""
    values = {"text": "x", "number": 0.5, "trigger": 0.0, "either": "x"}
    packets = [
        packet(PREFIX + row.address.replace("<n>", "1").replace("<name>", "strength"), *(values[t.kind] for t in row.takes))
        for row in INCOMING
        if row.address not in MAKES_JOBS
    ]
    return [*packets, bundle(*packets[:5]), bundle(bundle(packets[0]), packets[1]), bundle(timetag=2**63)]


KNOWN = [
    b"#bundle\x00" + struct.pack(">Qi", 1, -4),
    b"#bundle\x00" + struct.pack(">Qi", 1, 0) * 3,
    bundle(b"/a\x00\x00", timetag=4_200_000_000 << 32),
    padded(b"/" + b"*" * 30) + b",\x00\x00\x00",
    padded(PREFIX.encode() + b"/*") + b",\x00\x00\x00",
    padded(PREFIX.encode() + b"/{ping,cancel}") + b",\x00\x00\x00",
    padded(PREFIX.encode() + b"/ping") + b",s\x00\x00\xff\xfe\xfd\x00",
    padded(PREFIX.encode() + b"/ping") + padded(b"," + b"[" * 60),
    padded(PREFIX.encode() + b"/ping") + b",b\x00\x00" + struct.pack(">i", 2**31 - 1),
    padded(PREFIX.encode() + b"/ping") + padded(b"," + b"T" * 64),
    b"",
    b"/",
    b"\x00" * 8192,
]


def hostile(seed: int, bred: Sequence[bytes] = ()) -> Iterator[bytes]:
    """Datagrams without end.

    Args:
        seed: of everything.
        bred: of `guided`; half of the mutants are theirs.
    """
    chance = random.Random(seed)
    sound = valid()
    herds = [sound, bred or sound]
    while True:
        kind = chance.random()
        if kind < 0.2:
            yield chance.randbytes(chance.randrange(0, 200))
        elif kind < 0.3:
            yield b"#bundle\x00" + chance.randbytes(chance.randrange(0, 120))
        elif kind < 0.4:
            yield chance.choice(KNOWN)
        else:
            yield mutated(chance.choice(chance.choice(herds)), chance)


def mutated(data: bytes, chance: random.Random) -> bytes:
    """A packet with one to four wounds; an address that could make a job is broken by them or was not in it."""
    wounded = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(wounded) + 1)
        what = chance.randrange(6)
        if what == 0 and at < len(wounded):
            wounded[at] ^= 1 << chance.randrange(8)
        elif what == 1:
            del wounded[at : at + chance.choice((1, 4, 8))]
        elif what == 2:
            wounded[at:at] = chance.randbytes(chance.choice((1, 4, 16)))
        elif what == 3:
            wounded[at // 4 * 4 : at // 4 * 4 + 4] = struct.pack(">i", chance.choice(NUMBERS))
        elif what == 4:
            wounded += wounded[at:]
        else:
            wounded[at : at + 1] = chance.choice((b"*", b"\x00", b",", b"#", b"/", b"\xff"))
        wounded = wounded[:9000]
    return bytes(wounded)
