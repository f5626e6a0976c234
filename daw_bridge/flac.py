"""What a FLAC file says of its own place, read and written: the chunks of the WAV file that it was, a cue sheet, chapters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import BinaryIO

from . import markers, riff
from .markers import Marker
from .riff import Origin

STREAM, APPLICATION, COMMENTS, CUE_SHEET = 0, 2, 4, 5
IS_LAST = 0x80
COMMENTS_AT = 42  # where an encoder writes them: behind the four letters and the form of the stream
MAX_BLOCKS = MAX_COMMENTS = 10_000
MAX_TRACKS, LEAD_OUT = 254, 255
MAX_CHAPTERS = 999
CHAPTER = re.compile(r"CHAPTER[0-9]{3}")
CLOCK = re.compile(r"([0-9]{1,4}):([0-9]{1,2}):([0-9]{1,2}(?:\.[0-9]{1,9})?)")
COUNT = re.compile(r"[0-9]{1,18}")


def place_of(file: BinaryIO) -> Origin:
    """Time reference, date and markers of a FLAC file, wherever in it a program may have put them.

    A place that is told several times is one marker: chunks say all, cue sheets no names, chapters only milliseconds.

    Args:
        file: of which `riff.check_header` thinks well.

    Source:
        RFC 9639; chunks as `flac --keep-foreign-metadata` stores them; chapters and TIME_REFERENCE as REAPER does.
    """
    blocks = list(_blocks(file))
    form = next((body for kind, body in blocks if kind == STREAM), b"")
    sample_rate = int.from_bytes(form[10:13]) >> 4
    comments = dict(pair for kind, body in blocks if kind == COMMENTS for pair in _comments(body))
    place = riff.place_of_chunks((body[4:8], body[12:]) for kind, body in blocks if kind == APPLICATION and body[:4] == b"riff")
    sheet = (point for kind, body in blocks if kind == CUE_SHEET for point in _cue_points(body))
    reference = comments.get("TIME_REFERENCE", "")
    return Origin(
        made_at=place.made_at,
        time_reference=place.time_reference or (int(reference) if COUNT.fullmatch(reference) else 0),
        markers=_merged(place.markers, sheet, _chapters(comments, sample_rate), tolerance=sample_rate // 1000 + 1),
    )


def _blocks(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """(kind, bytes) of each metadata block that may say something."""
    position = riff.after_id3(file) + 4
    for _ in range(MAX_BLOCKS):
        file.seek(position)
        head = file.read(4)
        if len(head) < 4:
            return
        kind, size = head[0] & ~IS_LAST, int.from_bytes(head[1:])
        if kind in (STREAM, APPLICATION, COMMENTS, CUE_SHEET):
            yield kind, file.read(min(size, riff.MAX_BODY_BYTES))
        if head[0] & IS_LAST:
            return
        position += 4 + size


def _comments(body: bytes) -> Iterator[tuple[str, str]]:
    at = 4 + int.from_bytes(body[:4], "little")
    count = int.from_bytes(body[at : at + 4], "little")
    at += 4
    for _ in range(min(count, MAX_COMMENTS)):
        size = int.from_bytes(body[at : at + 4], "little")
        name, _, text = body[at + 4 : at + 4 + size].partition(b"=")
        yield name.decode("ascii", "replace").upper(), markers.text_of(text)
        at += 4 + size


def _chapters(comments: dict[str, str], sample_rate: int) -> Iterator[Marker]:
    for name, text in comments.items():
        if CHAPTER.fullmatch(name) and (clock := CLOCK.fullmatch(text)):
            seconds = int(clock[1]) * 3600 + int(clock[2]) * 60 + float(clock[3])
            yield Marker(round(seconds * sample_rate), comments.get(name + "NAME", ""))


def _cue_points(body: bytes) -> Iterator[Marker]:
    """Every index of a track, but not of the pause before it; the last track, the end of the sound, has none."""
    at, n_tracks = 396, body[395] if len(body) > 395 else 0
    for _ in range(n_tracks):
        track, n_points = body[at : at + 36], body[at + 35] if len(body) > at + 35 else 0
        at += 36
        for point in (body[start : start + 9] for start in range(at, at + 12 * n_points, 12)):
            if len(point) == 9 and point[8] > 0:
                yield Marker(int.from_bytes(track[:8]) + int.from_bytes(point[:8]))
        at += 12 * n_points


def _merged(*groups: Iterable[Marker], tolerance: int) -> tuple[Marker, ...]:
    """Each place once, in the words of the first group that has some; markers of one group are never taken for one."""
    kept = list[Marker]()
    for group in groups:
        n_before = len(kept)
        for marker in islice(group, markers.MAX_MARKERS):
            near = [n for n in range(n_before) if abs(kept[n].position - marker.position) <= tolerance]
            if not near:
                kept.append(marker)
            elif not kept[twin := min(near, key=lambda n: abs(kept[n].position - marker.position))].label:
                kept[twin] = replace(kept[twin], label=marker.label)
    return tuple(sorted(kept, key=lambda marker: marker.position))


def placed(encoders: bytes, wave_header: bytes, sample_rate: int, n_samples: int, origin: Origin) -> bytes:
    """The metadata blocks behind the first of a file that says where it belongs.

    Args:
        encoders: the comments as the encoder writes them, a whole block, which these blocks take the place of.
        wave_header: of the WAV file with the same sound: `flac --decode --keep-foreign-metadata` makes it of the blocks.
        sample_rate: Hz.
        n_samples: of each channel.
        origin: what to say.
    """
    places = sorted(origin.markers[: markers.MAX_MARKERS], key=lambda marker: marker.position)
    size = int.from_bytes(encoders[4:8], "little")
    blocks = [(COMMENTS, encoders[4 : 8 + size] + _said(places, sample_rate, origin.time_reference))]
    if places:
        blocks.append((CUE_SHEET, _cue_sheet(places, n_samples)))
    blocks += [(APPLICATION, b"riff" + chunk) for chunk in _chunks(wave_header)]
    kinds = [kind for kind, _ in blocks[:-1]] + [blocks[-1][0] | IS_LAST]
    return b"".join(bytes([kind]) + len(body).to_bytes(3) + body for kind, (_, body) in zip(kinds, blocks, strict=True))


def _said(places: list[Marker], sample_rate: int, time_reference: int) -> bytes:
    comments = [f"TIME_REFERENCE={time_reference}"]
    for number, marker in enumerate(places[:MAX_CHAPTERS], 1):
        seconds, ms = divmod(round(marker.position * 1000 / sample_rate), 1000)
        comments.append(f"CHAPTER{number:03d}={seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{ms:03d}")
        if marker.label:
            comments.append(f"CHAPTER{number:03d}NAME={marker.label}")
    texts = [comment.encode() for comment in comments]
    return len(texts).to_bytes(4, "little") + b"".join(len(text).to_bytes(4, "little") + text for text in texts)


def _cue_sheet(places: list[Marker], n_samples: int) -> bytes:
    """Of no disc: each place a track of one index."""
    starts = sorted({marker.position for marker in places})[:MAX_TRACKS]
    tracks = b"".join(_track(start, number) + bytes(8) + bytes([1, 0, 0, 0]) for number, start in enumerate(starts, 1))
    return bytes(128 + 8 + 259) + bytes([len(starts) + 1]) + tracks + _track(n_samples, LEAD_OUT)


def _track(start: int, number: int) -> bytes:
    return start.to_bytes(8) + bytes([number]) + bytes(12 + 14) + bytes([number != LEAD_OUT])


def _chunks(wave_header: bytes) -> Iterator[bytes]:
    """The form's head, then chunk by chunk; of the last, the samples', its own head."""
    yield wave_header[:12]
    at = 12
    while at < len(wave_header):
        size = int.from_bytes(wave_header[at + 4 : at + 8], "little")
        yield wave_header[at : at + 8 + size + size % 2]
        at += 8 + size + size % 2
