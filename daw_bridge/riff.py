"""Headers of audio files, looked at before any decoder is, and the header of the WAV files that we write."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from . import markers
from .errors import UnsupportedFormat
from .markers import Marker

READABLE = "WAV, FLAC, AIFF, OGG or MP3"
LARGEST_RIFF_BYTES = 0xFFFFFFFF - 8
MAX_CHUNKS = 10_000
MAX_BODY_BYTES = 1_000_000  # of a chunk that is read: nobody has more markers
WAVE_ENCODINGS = {1: "PCM", 3: "float", 6: "A-law", 7: "mu-law"}  # format tags; no ADPCM: its decoders have known holes
EXTENSIBLE = 0xFFFE
PLACED = (b"bext", b"cue ", b"LIST")  # chunks that say where a sound belongs
AIFC_ENCODINGS = {b"NONE", b"sowt", b"twos", b"raw ", b"in24", b"in32", b"fl32", b"FL32", b"fl64", b"FL64"}
AIFC_ENCODINGS |= {b"alaw", b"ALAW", b"ulaw", b"ULAW"}
SUBFORMAT_TAIL = bytes.fromhex("000000001000800000aa00389b71")  # of every KSDATAFORMAT_SUBTYPE_* made from a format tag
DATE_FIELDS = ((0, 4), (5, 2), (8, 2), (10, 2), (13, 2), (16, 2))
CONVERT = "Convert it to plain WAV, FLAC or AIFF."


@dataclass(frozen=True)
class Origin:
    """Where a file comes from, for its broadcast extension (`bext`) chunk and kin.

    Attributes:
        reference: the job's id or another name that finds the making again; 32 characters are kept.
        made_at: date and time of the recording, not of the render, so that the same render gives the same bytes; blank
            without one.
        time_reference: samples from midnight to the first sample: where a DAW spots the file to.
        markers: places in the sound, for the chunks beside it.
    """

    reference: str = ""
    made_at: datetime | None = None
    time_reference: int = 0
    markers: tuple[Marker, ...] = ()


def check_header(file: BinaryIO, name: str) -> str:
    """Tell a readable audio file by its first bytes, and refuse what no decoder should be handed.

    Args:
        file: open at its start.
        name: what messages call the file, for example `content 'song.wav'`.

    Returns:
        "WAV", "AIFF", "FLAC", "OGG" or "MP3".

    Raises:
        UnsupportedFormat: no audio file, one of another kind, a broken header, or an encoding such as ADPCM.
    """
    start = after_id3(file)
    head = file.read(12)
    if start == 0 and head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        _check_wave(file, name)
        return "WAV"
    if start == 0 and head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        _check_aiff(file, name, is_compressed=head[8:12] == b"AIFC")
        return "AIFF"
    if head[:4] == b"fLaC":
        return "FLAC"
    if start == 0 and head[:4] == b"OggS":
        return "OGG"
    is_frame = len(head) > 2 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0
    if is_frame or (start > 0 and head[:1] == b"\0"):  # some writers pad behind the tag
        return "MP3"
    raise UnsupportedFormat(f"{name} is not an audio file that can be read", f"Use {READABLE}.")


def after_id3(file: BinaryIO) -> int:
    """Go behind the tags that players put before everything else; returns where that is."""
    position = 0
    for _ in range(8):
        file.seek(position)
        head = file.read(10)
        if len(head) < 10 or head[:3] != b"ID3":
            break
        size = sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
        position += 10 + size
    file.seek(position)
    return position


def _chunks(file: BinaryIO, order: str) -> Iterator[tuple[bytes, int, int]]:
    """(id, offset of its data, size) of each chunk behind the 12 bytes of the form's head."""
    end = file.seek(0, 2)
    position, data_bytes = 12, None
    for _ in range(MAX_CHUNKS):
        file.seek(position)
        head = file.read(8)
        if len(head) < 8:
            return
        chunk_id, size = head[:4], struct.unpack(order + "I", head[4:])[0]
        if chunk_id == b"ds64":
            data_bytes = struct.unpack("<QQ", file.read(16).ljust(16, b"\0"))[1]
        elif chunk_id == b"data" and size == 0xFFFFFFFF:
            size = data_bytes if data_bytes is not None else end - position - 8
        yield chunk_id, position + 8, size
        position += 8 + size + size % 2
        if position >= end:
            return


def _check_wave(file: BinaryIO, name: str) -> None:
    tags = []
    has_data = False
    for chunk_id, offset, size in _chunks(file, "<"):
        if chunk_id == b"fmt ":
            file.seek(offset)
            body = file.read(min(size, 40))
            tag = int.from_bytes(body[:2], "little")
            tags.append(int.from_bytes(body[24:26], "little") if tag == EXTENSIBLE else tag)
        if chunk_id == b"data":
            has_data = True
        if not has_data and not all(32 <= byte < 127 for byte in chunk_id):
            break
    if len(tags) != 1 or not has_data:
        raise UnsupportedFormat(f"{name} has a broken WAV header", "Export it again.")
    if tags[0] not in WAVE_ENCODINGS:
        raise UnsupportedFormat(f"{name} is a WAV file of encoding 0x{tags[0]:04x}, which is not read (ADPCM and kin)", CONVERT)


def _check_aiff(file: BinaryIO, name: str, *, is_compressed: bool) -> None:
    encodings = []
    for chunk_id, offset, _ in _chunks(file, ">"):
        if chunk_id == b"COMM":
            file.seek(offset + 18)
            encodings.append(file.read(4) if is_compressed else b"NONE")
    if len(encodings) != 1:
        raise UnsupportedFormat(f"{name} has a broken AIFF header", "Export it again.")
    if encodings[0] not in AIFC_ENCODINGS:
        encoding = encodings[0].decode("ascii", "replace")
        raise UnsupportedFormat(f"{name} is an AIFF file of encoding {encoding!r}, which is not read", CONVERT)


def place_of(file: BinaryIO) -> Origin:
    """What a file says of its own place: time reference and date of a WAV's `bext`, markers of a WAV or AIFF; else nothing.

    Args:
        file: of which `check_header` thinks well.
    """
    file.seek(0)
    head = file.read(12)
    if head[:4] in (b"RIFF", b"RF64") and head[8:] == b"WAVE":
        return _place_of_wave(file)
    if head[:4] == b"FORM" and head[8:] in (b"AIFF", b"AIFC"):
        bodies = [_body(file, at, size) for chunk_id, at, size in _chunks(file, ">") if chunk_id == b"MARK"]
        return Origin(markers=markers.from_aiff(bodies[0])) if bodies else Origin()
    return Origin()


def _place_of_wave(file: BinaryIO) -> Origin:
    return place_of_chunks((chunk_id, _body(file, at, size)) for chunk_id, at, size in _chunks(file, "<") if chunk_id in PLACED)


def place_of_chunks(chunks: Iterable[tuple[bytes, bytes]]) -> Origin:
    """What a WAV file's chunks, as (id, bytes), say of its place."""
    reference, made_at, cue, lists = 0, None, b"", []
    for chunk_id, body in chunks:
        if chunk_id == b"bext" and len(body) >= 602:
            reference, made_at = int.from_bytes(body[338:346], "little"), _date(body[320:338])
        elif chunk_id == b"cue ":
            cue = cue or body
        elif chunk_id == b"LIST" and body[:4] == b"adtl":
            lists.append(body[4:])
    return Origin("", made_at, reference, markers.from_wave(cue, lists))


def _body(file: BinaryIO, at: int, size: int) -> bytes:
    file.seek(at)
    return file.read(min(size, MAX_BODY_BYTES))


def _date(text: bytes) -> datetime | None:
    """Of `2026-05-0403:02:01`, with any character between the numbers, as the standard lets writers choose."""
    try:
        year, month, day, hour, minute, second = (int(text[start : start + n]) for start, n in DATE_FIELDS)
        return datetime(year, month, day, hour, minute, second)
    except ValueError:
        return None


def wave_header(
    n_channels: int, sample_rate: int, n_samples: int, bits: int, *, is_float: bool, origin: Origin | None, is_rf64: bool = False
) -> bytes:
    """All bytes of a WAV file before its samples.

    More than two channels are written as WAVE_EXTENSIBLE without speaker positions; more than 4 GiB, as RF64.

    Args:
        n_channels: channels.
        sample_rate: Hz.
        n_samples: of each channel.
        bits: of one sample, a multiple of 8.
        is_float: IEEE floats, else integers.
        origin: for the `bext` chunk and the markers; None leaves them out.
        is_rf64: write RF64 even where RIFF would do.

    Source:
        EBU Tech 3285 (bext, version 1) and EBU Tech 3306 (RF64).
    """
    frame_bytes = n_channels * bits // 8
    data_bytes = n_samples * frame_bytes
    tag = 3 if is_float else 1
    is_extensible = n_channels > 2
    layout = (EXTENSIBLE if is_extensible else tag, n_channels, sample_rate, sample_rate * frame_bytes, frame_bytes, bits)
    body = struct.pack("<HHIIHH", *layout)
    if is_extensible:
        body += struct.pack("<HHIH", 22, bits, 0, tag) + SUBFORMAT_TAIL
    elif is_float:
        body += struct.pack("<H", 0)
    chunks = _chunk(b"fmt ", body)
    if is_float or is_extensible:
        chunks += _chunk(b"fact", struct.pack("<I", min(n_samples, 0xFFFFFFFF)))
    if origin is not None:
        chunks += _chunk(b"bext", _bext(origin))
        chunks += b"".join(_chunk(*chunk) for chunk in markers.wave_chunks(origin.markers))
    riff_bytes = 4 + len(chunks) + 8 + data_bytes + data_bytes % 2
    if is_rf64 or riff_bytes > LARGEST_RIFF_BYTES:
        sizes = _chunk(b"ds64", struct.pack("<QQQI", riff_bytes + 36, data_bytes, n_samples, 0))
        return b"RF64\xff\xff\xff\xffWAVE" + sizes + chunks + b"data\xff\xff\xff\xff"
    return b"RIFF" + struct.pack("<I", riff_bytes) + b"WAVE" + chunks + b"data" + struct.pack("<I", data_bytes)


def _chunk(chunk_id: bytes, body: bytes) -> bytes:
    return chunk_id + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def _bext(origin: Origin) -> bytes:
    made_at = origin.made_at.strftime("%Y-%m-%d%H:%M:%S") if origin.made_at else ""
    texts = ((b"", 256), (b"daw_bridge", 32), (origin.reference.encode("ascii", "replace"), 32), (made_at.encode(), 18))
    head = b"".join(text[:width].ljust(width, b"\0") for text, width in texts)
    return head + struct.pack("<QH", origin.time_reference, 1) + bytes(64 + 190)
