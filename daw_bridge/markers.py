"""Markers and regions of a recording, as `cue ` and `LIST adtl` chunks of WAV files and `MARK` chunks of AIFF files hold them."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

MAX_MARKERS = 1000
MAX_TEXT_BYTES = 500
CUE_BYTES, REGION_BYTES = 24, 20


@dataclass(frozen=True)
class Marker:
    """A place in a recording.

    Attributes:
        position: samples from the start.
        label: its name.
        note: a longer text.
        n_samples: length of a region; 0 for a plain marker.
    """

    position: int
    label: str = ""
    note: str = ""
    n_samples: int = 0


def of_part(markers: Iterable[Marker], first: int, n_samples: int) -> tuple[Marker, ...]:
    """The markers as they lie in a part of the recording; those outside are left out, regions are cut to it."""
    kept = []
    for marker in markers:
        start, end = marker.position - first, marker.position - first + marker.n_samples
        if start < n_samples and (end > 0 or start >= 0):
            begins, ends = max(start, 0), min(end, n_samples)
            kept.append(replace(marker, position=begins, n_samples=max(ends - begins, 0)))
    return tuple(kept)


def from_wave(cue: bytes, lists: Iterable[bytes]) -> tuple[Marker, ...]:
    """The markers of a WAV file, by position. Chunks come from anywhere: what makes no sense is left out.

    Args:
        cue: the `cue ` chunk's bytes.
        lists: of each `LIST` chunk of type `adtl`, what follows the type.
    """
    found: dict[int, Marker] = {}
    for at in range(4, min(len(cue), 4 + MAX_MARKERS * CUE_BYTES) - CUE_BYTES + 1, CUE_BYTES):
        number, _, _, _, _, position = struct.unpack_from("<II4sIII", cue, at)
        found.setdefault(number, Marker(position))
    for kind, body in (part for texts in lists for part in _parts(texts)):
        number = int.from_bytes(body[:4], "little")
        if number not in found or len(body) < 4:
            continue
        if kind == b"labl":
            found[number] = replace(found[number], label=text_of(body[4:]))
        elif kind == b"note":
            found[number] = replace(found[number], note=text_of(body[4:]))
        elif kind == b"ltxt" and len(body) >= 8:
            found[number] = replace(found[number], n_samples=int.from_bytes(body[4:8], "little"))
    return tuple(sorted(found.values(), key=lambda marker: marker.position))


def from_aiff(mark: bytes) -> tuple[Marker, ...]:
    """The markers of an AIFF file's `MARK` chunk, by position."""
    found, at = list[Marker](), 2
    while at + 7 <= len(mark) and len(found) < MAX_MARKERS:
        position, length = struct.unpack_from(">IB", mark, at + 2)
        found.append(Marker(position, text_of(mark[at + 7 : at + 7 + length])))
        at += 7 + length + (length + 1) % 2  # a text with its length byte takes an even number
    return tuple(sorted(found, key=lambda marker: marker.position))


def wave_chunks(markers: tuple[Marker, ...]) -> list[tuple[bytes, bytes]]:
    """The chunks of a WAV file that hold the markers, as (id, bytes); none for none.

    Source:
        Microsoft, Multimedia Programming Interface and Data Specifications 1.0: cue-points and associated data list.
    """
    markers = markers[:MAX_MARKERS]
    if not markers:
        return []
    cue = struct.pack("<I", len(markers))
    texts = b"adtl"
    for number, marker in enumerate(markers, 1):
        position = min(marker.position, 0xFFFFFFFF)
        cue += struct.pack("<II4sIII", number, position, b"data", 0, 0, position)
        for kind, text in ((b"labl", marker.label), (b"note", marker.note)):
            if text:
                texts += _part(kind, struct.pack("<I", number) + _bytes(text) + b"\0")
        if marker.n_samples:
            region = struct.pack("<II4sHHHH", number, min(marker.n_samples, 0xFFFFFFFF), b"rgn ", 0, 0, 0, 0)
            texts += _part(b"ltxt", region)
    return [(b"cue ", cue), *([(b"LIST", texts)] if len(texts) > 4 else [])]


def _bytes(text: str) -> bytes:
    return text.encode()[:MAX_TEXT_BYTES].decode(errors="ignore").encode()


def _part(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def _parts(texts: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(texts):
        size = int.from_bytes(texts[at + 4 : at + 8], "little")
        yield texts[at : at + 4], texts[at + 8 : at + 8 + size]
        at += 8 + size + size % 2


def text_of(raw: bytes) -> str:
    """A text of unknown encoding, up to its zero byte, on one line."""
    raw = raw.split(b"\0")[0][:MAX_TEXT_BYTES]
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return "".join(c if c.isprintable() else " " for c in text).strip()
