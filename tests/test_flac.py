"""Where a FLAC file says it belongs: read as programs write it, and read back by programs that are not ours."""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from daw_bridge import flac, making
from daw_bridge.audio import Audio
from daw_bridge.audio_files import read_place, write_audio
from daw_bridge.markers import Marker
from daw_bridge.presets import load_preset
from daw_bridge.request import RenderRequest, source_file
from daw_bridge.riff import Origin

RATE = 44_100
MARKERS = (Marker(0, "intro"), Marker(22_051, "Strophe ä", "the singer comes in"), Marker(44_100, "chorus", "", 22_050))
CUE_SHEET = """FILE "song.flac" FLAC
  TRACK 01 AUDIO
    INDEX 01 0
  TRACK 02 AUDIO
    INDEX 00 20000
    INDEX 01 22051
  TRACK 03 AUDIO
    INDEX 01 44100
"""
PROGRAMS = all(shutil.which(program) for program in ("flac", "metaflac"))
by_programs = pytest.mark.skipif(not PROGRAMS, reason="needs flac and metaflac (Debian: flac)")


def sound(container: str, subtype: str = "PCM_16", n_channels: int = 2) -> Audio:
    samples = 0.1 * np.random.default_rng(0).standard_normal((n_channels, 2 * RATE + 1))
    return Audio(samples, RATE, container, subtype)


def bare(path: Path, subtype: str = "PCM_16") -> Path:
    write_audio(path, sound("FLAC", subtype))
    return path


def run(*command: str | Path) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def said(path: Path) -> list[tuple[int, str]]:
    return [(marker.position, marker.label) for marker in read_place(path).markers]


def test_what_is_written_is_read_back_and_the_sound_is_what_it_was(tmp_path: Path) -> None:
    write_audio(tmp_path / "x.flac", sound("FLAC"), origin=Origin("job.1", time_reference=2**33, markers=MARKERS))
    place = read_place(tmp_path / "x.flac")
    assert (place.time_reference, place.markers) == (2**33, MARKERS)
    assert soundfile.info(tmp_path / "x.flac").frames == 2 * RATE + 1
    first, second = (soundfile.read(path)[0] for path in (tmp_path / "x.flac", bare(tmp_path / "bare.flac")))
    assert np.array_equal(first, second)


def test_without_an_origin_nothing_is_said(tmp_path: Path) -> None:
    assert read_place(bare(tmp_path / "x.flac")) == Origin()


@by_programs
@pytest.mark.parametrize(("subtype", "n_channels"), [("PCM_16", 2), ("PCM_S8", 1), ("PCM_24", 6)])
def test_flac_makes_the_very_wav_of_it_that_would_have_been_published(tmp_path: Path, subtype: str, n_channels: int) -> None:
    origin = Origin("job.1", time_reference=4_410, markers=MARKERS)
    write_audio(tmp_path / "x.flac", sound("FLAC", subtype, n_channels), origin=origin)
    write_audio(tmp_path / "x.wav", sound("WAV", subtype.replace("S8", "U8"), n_channels), origin=origin)
    run("flac", "-s", "--test", tmp_path / "x.flac")
    run("flac", "-s", "--decode", "--keep-foreign-metadata", tmp_path / "x.flac", "-o", tmp_path / "again.wav")
    assert read_place(tmp_path / "again.wav") == read_place(tmp_path / "x.wav")
    assert read_place(tmp_path / "again.wav").markers == MARKERS
    if n_channels < 3:  # of more, flac writes a `fmt ` chunk of its own
        assert (tmp_path / "again.wav").read_bytes() == (tmp_path / "x.wav").read_bytes()


@by_programs
def test_metaflac_finds_chapters_and_a_cue_sheet(tmp_path: Path) -> None:
    write_audio(tmp_path / "x.flac", sound("FLAC"), origin=Origin("job.1", time_reference=4_410, markers=MARKERS))
    assert run("metaflac", "--export-tags-to=-", tmp_path / "x.flac").splitlines() == [
        "TIME_REFERENCE=4410",
        "CHAPTER001=00:00:00.000",
        "CHAPTER001NAME=intro",
        "CHAPTER002=00:00:00.500",
        "CHAPTER002NAME=Strophe ä",
        "CHAPTER003=00:00:01.000",
        "CHAPTER003NAME=chorus",
    ]
    sheet = run("metaflac", "--export-cuesheet-to=-", tmp_path / "x.flac")
    assert [line.split()[-1] for line in sheet.splitlines() if "INDEX" in line] == ["0", "22051", "44100"]


@by_programs
def test_the_chunks_that_flac_keeps_of_a_wav_are_read(tmp_path: Path) -> None:
    write_audio(tmp_path / "x.wav", sound("WAV"), origin=Origin(time_reference=2**33, markers=MARKERS))
    run("flac", "-s", "--keep-foreign-metadata", tmp_path / "x.wav", "-o", tmp_path / "x.flac")
    assert read_place(tmp_path / "x.flac") == read_place(tmp_path / "x.wav")
    assert read_place(tmp_path / "x.flac").markers == MARKERS


@by_programs
def test_chapters_as_reaper_writes_them_are_read(tmp_path: Path) -> None:
    song = bare(tmp_path / "x.flac")
    tags = ["TIME_REFERENCE=77", "CHAPTER001=00:00:00.500", "CHAPTER001NAME=Strophe ä", "chapter002=0:00:01.000", "CHAPTER3=no"]
    run("metaflac", *(f"--set-tag={tag}" for tag in tags), song)
    assert said(song) == [(22_050, "Strophe ä"), (44_100, "")]
    assert read_place(song).time_reference == 77


@by_programs
def test_a_cue_sheet_gives_the_samples_and_chapters_the_names(tmp_path: Path) -> None:
    song = bare(tmp_path / "x.flac", "PCM_24")  # of 16 bits, metaflac counts in a disc's frames
    (tmp_path / "x.cue").write_text(CUE_SHEET)
    run("metaflac", f"--import-cuesheet-from={tmp_path / 'x.cue'}", song)
    assert said(song) == [(0, ""), (22_051, ""), (44_100, "")], "the pause before the second is none of ours"
    run("metaflac", "--set-tag=CHAPTER001=00:00:00.500", "--set-tag=CHAPTER001NAME=Strophe ä", song)
    run("metaflac", "--set-tag=CHAPTER002=00:00:01.500", song)
    assert said(song) == [(0, ""), (22_051, "Strophe ä"), (44_100, ""), (66_150, "")]


def test_a_part_of_a_flac_takes_its_own_markers_along(tmp_path: Path) -> None:
    song = tmp_path / "song.flac"
    write_audio(song, sound("FLAC"), origin=Origin(time_reference=100, markers=MARKERS))
    files = source_file(song, "content"), source_file(song, "style")
    preset = load_preset("default").to_table()
    request = RenderRequest(str(tmp_path), *files, preset, start_seconds=0.4, length_seconds=1.0)
    sources = making.read_sources(request, song, song)
    assert sources.content.container == "FLAC"
    write_audio(tmp_path / "remix.flac", sources.content, origin=making.origin_of(making.recipe_of(request, sources)))
    place = read_place(tmp_path / "remix.flac")
    assert [(m.position, m.label, m.n_samples) for m in place.markers] == [(4_411, "Strophe ä", 0), (26_460, "chorus", 17_640)]
    assert place.time_reference == 100 + round(0.4 * RATE)


def test_a_tag_before_everything_is_passed_over(tmp_path: Path) -> None:
    write_audio(tmp_path / "x.flac", sound("FLAC"), origin=Origin(markers=MARKERS))
    data = (tmp_path / "x.flac").read_bytes()
    (tmp_path / "x.flac").write_bytes(b"ID3\x04\0\0\0\0\0\x05" + b"\0" * 5 + data)
    assert read_place(tmp_path / "x.flac").markers == MARKERS


def test_markers_that_lie_close_together_stay_apart(tmp_path: Path) -> None:
    close = tuple(Marker(1000 + n, f"{n}") for n in range(3))
    write_audio(tmp_path / "x.flac", sound("FLAC"), origin=Origin(markers=close))
    assert read_place(tmp_path / "x.flac").markers == close


def test_more_markers_than_a_cue_sheet_holds_are_in_the_chunks_all_the_same(tmp_path: Path) -> None:
    many = tuple(Marker(10 * n, f"{n}") for n in range(1000))
    write_audio(tmp_path / "x.flac", sound("FLAC"), origin=Origin(markers=many))
    assert read_place(tmp_path / "x.flac").markers == many
    data = (tmp_path / "x.flac").read_bytes()
    assert b"CHAPTER999NAME=998" in data and b"CHAPTER1000" not in data, "programs know three digits"
    assert soundfile.info(tmp_path / "x.flac").frames == 2 * RATE + 1


@given(st.lists(st.tuples(st.sampled_from([0, 2, 4, 5, 6, 127]), st.binary(max_size=500)), max_size=4), st.binary(max_size=60))
def test_blocks_from_anywhere_do_no_harm(blocks: list[tuple[int, bytes]], rest: bytes) -> None:
    data = b"fLaC" + b"".join(bytes([kind]) + len(body).to_bytes(3) + body for kind, body in blocks) + rest
    for marker in flac.place_of(io.BytesIO(data)).markers:
        assert marker.position >= 0 and marker.label.isprintable()


@given(st.binary(max_size=400))
def test_comments_and_cue_sheets_from_anywhere_do_no_harm(tail: bytes) -> None:
    comments = bytes(4) + b"\xff" * 4 + b"\x17\0\0\0CHAPTER001=0:00:01.5000" + tail
    sheet = bytes(395) + b"\xff" + tail
    for kind, body in ((4, comments), (5, sheet)):
        head = bytes([0]) + (34).to_bytes(3) + bytes(10) + b"\x0a\xc4\x42" + bytes(21)
        data = b"fLaC" + head + bytes([kind | 0x80]) + len(body).to_bytes(3) + body
        found = flac.place_of(io.BytesIO(data)).markers
        assert kind == 5 or Marker(66_150) in found
