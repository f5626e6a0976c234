"""Markers and regions: read from WAV and AIFF, moved into the part that was asked for, and read back by another reader."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
import wavinfo
from hypothesis import given
from hypothesis import strategies as st

from daw_bridge import making
from daw_bridge.audio import Audio
from daw_bridge.audio_files import read_place, write_audio
from daw_bridge.markers import MAX_MARKERS, Marker, from_aiff, from_wave, of_part, wave_chunks
from daw_bridge.presets import load_preset
from daw_bridge.request import RenderRequest, source_file
from daw_bridge.riff import Origin

RATE = 44_100
MARKERS = (Marker(0, "intro"), Marker(22_050, "Strophe ä", "the singer comes in"), Marker(44_100, "chorus", "", 22_050))


def wav(path: Path, markers: tuple[Marker, ...] = MARKERS, seconds: float = 2.0, time_reference: int = 0) -> Path:
    samples = 0.1 * np.random.default_rng(0).standard_normal((2, int(seconds * RATE)))
    write_audio(path, Audio(samples, RATE, "WAV", "PCM_16"), origin=Origin(time_reference=time_reference, markers=markers))
    return path


def test_what_is_written_is_read_back_and_by_a_reader_that_is_not_ours(tmp_path: Path) -> None:
    path = wav(tmp_path / "x.wav")
    assert read_place(path).markers == MARKERS
    assert soundfile.info(path).frames == 2 * RATE
    cues = wavinfo.WavInfoReader(str(path), info_encoding="utf-8").cues
    found = {number: (cue, *cues.label_and_note(number)) for number, cue in zip((1, 2, 3), cues.cues, strict=True)}
    assert [cue.sample_offset for cue, *_ in found.values()] == [0, 22_050, 44_100]
    assert [label for _, label, _ in found.values()] == ["intro", "Strophe ä", "chorus"]
    assert found[2][2] == "the singer comes in"
    assert cues.range(3) == 22_050


def test_a_file_without_markers_gets_no_chunk(tmp_path: Path) -> None:
    assert b"cue " not in wav(tmp_path / "x.wav", ()).read_bytes()
    assert wave_chunks(()) == []


def test_a_part_takes_its_own_markers_along() -> None:
    assert of_part(MARKERS, 20_000, 50_000) == (
        Marker(2_050, "Strophe ä", "the singer comes in"),
        Marker(24_100, "chorus", "", 22_050),
    )
    assert of_part(MARKERS, 50_000, 10_000) == (Marker(0, "chorus", "", 10_000),), "a region that began before is cut"
    assert of_part(MARKERS, 0, 10) == (Marker(0, "intro"),)


@pytest.mark.parametrize("container", ["WAV", "AIFF"])
def test_a_remix_keeps_the_markers_of_the_part_that_was_asked_for(tmp_path: Path, container: str) -> None:
    song = wav(tmp_path / "song.wav", time_reference=100)
    if container == "AIFF":
        song = aiff(tmp_path / "song.aiff", [(22_050, b"Strophe \xe4"), (44_100, b"chorus")])
    request = RenderRequest(
        str(tmp_path),
        source_file(song, "content"),
        source_file(song, "style"),
        load_preset("default").to_table(),
        start_seconds=0.4,
        length_seconds=1.0,
    )
    sources = making.read_sources(request, song, song)
    origin = making.origin_of(making.recipe_of(request, sources))
    write_audio(tmp_path / "remix.wav", sources.content, origin=origin)
    place = read_place(tmp_path / "remix.wav")
    assert [(m.position, m.label) for m in place.markers] == [(4_410, "Strophe ä"), (26_460, "chorus")]
    assert place.time_reference == (100 if container == "WAV" else 0) + round(0.4 * RATE)
    assert place.made_at is not None and place.made_at.year >= 2024, "the song's own date, or its file's"


def aiff(path: Path, marks: list[tuple[int, bytes]]) -> Path:
    soundfile.write(path, np.zeros((2 * RATE, 1)), RATE, "PCM_16", format="AIFF")
    body = struct.pack(">H", len(marks))
    for number, (position, name) in enumerate(marks, 1):
        text = bytes([len(name)]) + name
        body += struct.pack(">HI", number, position) + text + b"\0" * (len(text) % 2)
    data = path.read_bytes() + b"MARK" + struct.pack(">I", len(body)) + body
    path.write_bytes(data[:4] + struct.pack(">I", len(data) - 8) + data[8:])
    return path


@given(st.binary(max_size=300), st.lists(st.binary(max_size=100), max_size=3))
def test_chunks_from_anywhere_do_no_harm(cue: bytes, lists: list[bytes]) -> None:
    for marker in (*from_wave(cue, lists), *from_aiff(cue)):
        assert 0 <= marker.position < 2**32 and marker.label.isprintable()


@given(
    st.lists(
        st.builds(
            Marker,
            st.integers(0, 2**32 - 1),
            st.text(st.characters(categories=["L", "N"]), max_size=30),
            st.text(st.characters(categories=["L"]), max_size=30),
            st.integers(0, 2**32 - 1),
        ),
        max_size=20,
    )
)
def test_any_markers_survive_the_round_trip(markers: list[Marker]) -> None:
    chunks = dict(wave_chunks(tuple(markers)))
    found = from_wave(chunks.get(b"cue ", b""), [chunks[b"LIST"][4:]] if b"LIST" in chunks else [])
    assert sorted(found, key=repr) == sorted(markers, key=repr)


def test_no_file_brings_more_markers_than_anybody_needs() -> None:
    many = tuple(Marker(n) for n in range(3 * MAX_MARKERS))
    assert len(from_wave(dict(wave_chunks(many))[b"cue "] + bytes(10_000), [])) == MAX_MARKERS
    long = Marker(0, "ä" * 5000)
    (_, texts) = wave_chunks((long,))[1]
    assert len(texts) < 600 and from_wave(wave_chunks((long,))[0][1], [texts[4:]])[0].label == "ä" * 250


def test_a_damaged_date_is_none(tmp_path: Path) -> None:
    path = wav(tmp_path / "x.wav")
    data = bytearray(path.read_bytes())
    at = data.index(b"bext") + 8 + 320
    data[at : at + 18] = b"9999-99-99XX:00:00"
    path.write_bytes(bytes(data))
    assert read_place(path).made_at is None
