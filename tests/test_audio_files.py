"""Reading and writing audio files, each one really written."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf
import wavinfo
from hypothesis import given, settings
from hypothesis import strategies as st

import daw_bridge
from daw_bridge import audio_files, riff
from daw_bridge.audio import Audio
from daw_bridge.audio_files import read_audio, read_place, write_audio
from daw_bridge.errors import (
    BadArguments,
    DawBridgeError,
    EmptyFile,
    ForbiddenPath,
    NotFinite,
    NotFound,
    TooLarge,
    TooShort,
    UnsupportedFormat,
)
from daw_bridge.markers import Marker
from daw_bridge.scratch import Scratch

RATE = 44_100


def sines(n_samples: int = RATE, n_channels: int = 2, rate: int = RATE) -> np.ndarray:
    """Another note on each channel, `(N, C)`."""
    time = np.arange(n_samples)[:, None] / rate
    return np.asarray(0.4 * np.sin(2 * np.pi * 220 * (1 + np.arange(n_channels)) * time))


LOSSLESS = [
    ("WAV", "PCM_U8", "wav", "WAV", "PCM_U8"),
    ("WAV", "PCM_16", "wav", "WAV", "PCM_16"),
    ("WAV", "PCM_24", "wav", "WAV", "PCM_24"),
    ("WAV", "PCM_32", "wav", "WAV", "PCM_32"),
    ("WAV", "FLOAT", "wav", "WAV", "FLOAT"),
    ("WAV", "DOUBLE", "wav", "WAV", "DOUBLE"),
    ("WAVEX", "PCM_24", "wav", "WAV", "PCM_24"),
    ("WAVEX", "FLOAT", "wav", "WAV", "FLOAT"),
    ("RF64", "PCM_24", "wav", "WAV", "PCM_24"),
    ("RF64", "FLOAT", "rf64", "WAV", "FLOAT"),
    ("AIFF", "PCM_S8", "aif", "WAV", "PCM_U8"),
    ("AIFF", "PCM_16", "aiff", "WAV", "PCM_16"),
    ("AIFF", "PCM_24", "aiff", "WAV", "PCM_24"),
    ("AIFF", "FLOAT", "aiff", "WAV", "FLOAT"),
    ("FLAC", "PCM_S8", "flac", "FLAC", "PCM_S8"),
    ("FLAC", "PCM_16", "flac", "FLAC", "PCM_16"),
    ("FLAC", "PCM_24", "flac", "FLAC", "PCM_24"),
]


@pytest.mark.parametrize(("container", "subtype", "ending", "kept_container", "kept_subtype"), LOSSLESS)
def test_a_lossless_file_comes_back_bit_for_bit(
    tmp_path: Path, container: str, subtype: str, ending: str, kept_container: str, kept_subtype: str
) -> None:
    source, copy = tmp_path / f"in.{ending}", tmp_path / "out"
    noise = np.random.default_rng(1).uniform(-1, 1, (5001, 3)) if subtype != "PCM_S8" else sines(5001, 3)
    sf.write(source, noise, 48_000, format=container, subtype=subtype)
    audio = read_audio(source)
    assert (audio.container, audio.subtype, audio.sample_rate) == (kept_container, kept_subtype, 48_000)
    assert audio.samples.shape == (3, 5001)
    assert audio.samples.dtype == (np.float64 if subtype in ("PCM_32", "DOUBLE") else np.float32)
    write_audio(copy, audio)
    ours, theirs = (sf.read(path, dtype="float64", always_2d=True)[0] for path in (copy, source))
    np.testing.assert_array_equal(ours, theirs)
    info = sf.info(copy)
    assert info.subtype == kept_subtype
    assert info.format in {kept_container, "WAVEX"}
    np.testing.assert_array_equal(read_audio(copy).samples, audio.samples)


@pytest.mark.parametrize(
    ("container", "subtype", "ending", "rate"),
    [
        ("OGG", "VORBIS", "ogg", RATE),
        ("OGG", "OPUS", "opus", 48_000),
        ("MP3", "MPEG_LAYER_III", "mp3", RATE),
        ("WAV", "ULAW", "wav", RATE),
    ],
)
def test_a_lossy_file_is_read_whole_and_goes_back_as_24_bits(
    tmp_path: Path, container: str, subtype: str, ending: str, rate: int
) -> None:
    path = tmp_path / f"in.{ending}"
    sf.write(path, sines(rate * 2, rate=rate), rate, format=container, subtype=subtype)
    audio = read_audio(path)
    assert (audio.container, audio.subtype, audio.samples.shape) == ("WAV", "PCM_24", (2, rate * 2))
    difference = audio.samples.T - sines(rate * 2, rate=rate)
    assert np.sqrt(np.mean(difference[2000:-2000] ** 2)) < 0.02


@pytest.mark.parametrize(
    ("container", "subtype", "ending"), [("OGG", "VORBIS", "ogg"), ("MP3", "MPEG_LAYER_III", "mp3"), ("WAV", "PCM_16", "wav")]
)
def test_a_part_is_the_same_samples_as_of_the_whole(tmp_path: Path, container: str, subtype: str, ending: str) -> None:
    path = tmp_path / f"in.{ending}"
    sf.write(path, sines(RATE * 3), RATE, format=container, subtype=subtype)
    whole = read_audio(path).samples
    part = read_audio(path, start_seconds=1.7, length_seconds=0.5).samples
    np.testing.assert_array_equal(part, whole[:, round(1.7 * RATE) : round(1.7 * RATE) + RATE // 2])
    assert read_audio(path, start_seconds=2.5, length_seconds=99).n_samples == RATE // 2


@pytest.mark.parametrize(("container", "subtype", "ending"), [("OGG", "VORBIS", "ogg"), ("MP3", "MPEG_LAYER_III", "mp3")])
def test_a_lossy_file_is_the_same_in_blocks_as_in_one_read(
    tmp_path: Path, container: str, subtype: str, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"in.{ending}"
    sf.write(path, sines(RATE * 2), RATE, format=container, subtype=subtype)
    monkeypatch.setattr(audio_files, "BLOCK_SAMPLES", 10_007)
    audio = read_audio(path, scratch=Scratch(tmp_path))
    assert isinstance(audio.samples, np.memmap)
    np.testing.assert_array_equal(audio.samples.T, sf.read(path, dtype="float32", always_2d=True)[0])


@settings(max_examples=60, deadline=None)
@given(
    subtype=st.sampled_from(["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"]),
    container=st.sampled_from(["WAV", "RF64"]),
    n_channels=st.integers(1, 8),
    n_samples=st.integers(1, 300),
    seed=st.integers(0, 2**31),
)
def test_our_wav_header_reads_the_same_in_libsndfile(
    tmp_path_factory: pytest.TempPathFactory, subtype: str, container: str, n_channels: int, n_samples: int, seed: int
) -> None:
    path = tmp_path_factory.mktemp("wav") / "x.wav"
    samples = np.random.default_rng(seed).uniform(-1.2, 1.2, (n_channels, n_samples))
    write_audio(path, Audio(samples, 96_000, container, subtype), origin=riff.Origin("job", time_reference=seed))
    info = sf.info(path)
    assert (info.channels, info.frames, info.samplerate, info.subtype) == (n_channels, n_samples, 96_000, subtype)
    assert info.format == ("RF64" if container == "RF64" else "WAVEX" if n_channels > 2 else "WAV")
    step = {"PCM_U8": 2**-7, "PCM_16": 2**-15, "PCM_24": 2**-23, "PCM_32": 2**-31, "FLOAT": 1e-6, "DOUBLE": 1e-15}[subtype]
    written = sf.read(path, dtype="float64", always_2d=True)[0].T
    held = samples if subtype in ("FLOAT", "DOUBLE") else np.clip(samples, -1, 1 - step)
    assert np.abs(written - held).max() <= step / 2 * 1.0001
    assert path.stat().st_size % 2 == 0
    assert read_place(path).time_reference == seed


def test_the_same_audio_gives_the_same_bytes(tmp_path: Path) -> None:
    audio = Audio(sines().T.astype(np.float32), RATE, "WAV", "FLOAT")
    write_audio(tmp_path / "a.wav", audio)
    write_audio(tmp_path / "b.wav", audio)
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()


def test_a_header_over_four_gigabytes_is_rf64_with_its_sizes() -> None:
    header = riff.wave_header(2, RATE, 2**30, 32, is_float=True, origin=None)
    assert header[:16] == b"RF64\xff\xff\xff\xffWAVEds64"
    riff_bytes, data_bytes, n_samples = struct.unpack("<QQQ", header[20:44])
    assert (riff_bytes, data_bytes, n_samples) == (len(header) - 8 + 2**33, 2**33, 2**30)


def test_a_file_too_long_for_riff_is_written_as_rf64_and_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(riff, "LARGEST_RIFF_BYTES", 100_000)
    path, samples = tmp_path / "long.wav", sines(40_000).T.astype(np.float32)
    origin = riff.Origin("job", time_reference=5, markers=(Marker(17, "chorus"),))
    write_audio(path, Audio(samples, RATE, "WAV", "FLOAT"), origin=origin)
    assert path.read_bytes()[:4] == b"RF64" and sf.info(path).format == "RF64"
    np.testing.assert_array_equal(sf.read(path, dtype="float32")[0].T, samples)
    np.testing.assert_array_equal(read_audio(path).samples, samples)
    assert read_place(path) == replace(origin, reference="")
    found = wavinfo.WavInfoReader(str(path))
    assert (found.bext.time_reference, found.data.frame_count) == (5, 40_000)
    write_audio(tmp_path / "short.wav", Audio(samples[:, :1000], RATE, "WAV", "FLOAT"), origin=origin)
    assert (tmp_path / "short.wav").read_bytes()[:4] == b"RIFF"


def test_a_part_of_a_sparse_rf64_file_over_four_gigabytes_is_read(tmp_path: Path) -> None:
    path, n_samples = tmp_path / "huge.wav", 2**30
    with path.open("wb") as file:
        file.write(riff.wave_header(2, RATE, n_samples, 32, is_float=True, origin=None))
        file.seek(n_samples * 8 - 800, os.SEEK_CUR)
        file.write(np.full(200, 0.25, "<f4").tobytes())
    with pytest.raises(TooLarge, match="7e"):
        read_audio(path)
    tail = read_audio(path, start_seconds=(n_samples - 150) / RATE)
    np.testing.assert_array_equal(tail.samples, np.repeat([[0.0] * 50 + [0.25] * 100], 2, axis=0))


def test_the_broadcast_chunk_says_who_when_and_where(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    origin = riff.Origin("0123456789abcdef01234567.1", datetime(2026, 5, 4, 3, 2, 1), 172_800_001 + 2**32)
    write_audio(path, Audio(sines(100).T, RATE, "WAV", "PCM_24"), origin=origin)
    data = path.read_bytes()
    start = data.index(b"bext") + 8
    assert struct.unpack("<I", data[start - 4 : start])[0] == 602
    assert data[start + 256 : start + 288].rstrip(b"\0") == b"daw_bridge"
    assert data[start + 288 : start + 320].rstrip(b"\0") == b"0123456789abcdef01234567.1"
    assert data[start + 320 : start + 338] == b"2026-05-0403:02:01"
    assert struct.unpack("<QH", data[start + 338 : start + 348]) == (172_800_001 + 2**32, 1)
    place = read_place(path)
    assert (place.time_reference, place.made_at) == (172_800_001 + 2**32, datetime(2026, 5, 4, 3, 2, 1))
    found = wavinfo.WavInfoReader(str(path)).bext
    assert (found.originator, found.originator_ref, found.time_reference) == (
        "daw_bridge",
        origin.reference,
        place.time_reference,
    )
    assert (found.originator_date, found.originator_time, found.version) == ("2026-05-04", "03:02:01", 1)
    np.testing.assert_allclose(read_audio(path).samples, sines(100).T, atol=2**-24)


def test_a_file_without_broadcast_chunk_has_no_place(tmp_path: Path) -> None:
    for name in ("x.wav", "x.flac"):
        sf.write(tmp_path / name, sines(100), RATE)
        assert read_place(tmp_path / name) == riff.Origin()


def _nothing(path: Path) -> None:
    path.unlink(missing_ok=True)


def _text(path: Path) -> None:
    path.write_text("Dear producer, this is no audio at all.\n" * 20)


def _with_nan(path: Path) -> None:
    samples = sines().astype(np.float32)
    samples[RATE // 2, 1] = np.nan
    sf.write(path, samples, RATE, subtype="FLOAT", format="WAV")


def _with_infinity(path: Path) -> None:
    sf.write(path, np.array([0.0, np.inf]), RATE, subtype="DOUBLE", format="WAV")


def _header_only(path: Path) -> None:
    sf.write(path, np.zeros((0, 2)), RATE, format="WAV")


def _cut_flac(path: Path) -> None:
    sf.write(path, np.random.default_rng(0).uniform(-1, 1, RATE), RATE, format="FLAC")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _cut_header(path: Path) -> None:
    sf.write(path, sines(), RATE, format="WAV")
    path.write_bytes(path.read_bytes()[:30])


def _adpcm(path: Path) -> None:
    sf.write(path, sines(), RATE, format="WAV", subtype="IMA_ADPCM")


def _microsoft_adpcm(path: Path) -> None:
    sf.write(path, sines(), RATE, format="WAV", subtype="MS_ADPCM")


def _adpcm_in_extensible(path: Path) -> None:
    sf.write(path, sines(), RATE, format="WAVEX", subtype="PCM_16")
    data = bytearray(path.read_bytes())
    data[data.index(b"fmt ") + 8 + 24] = 0x11
    path.write_bytes(data)


def _adpcm_behind_a_tag(path: Path) -> None:
    _adpcm(path)
    path.write_bytes(b"ID3\x04\0\0\0\0\0\x0a" + bytes(10) + path.read_bytes())


def _two_formats(path: Path) -> None:
    sf.write(path, sines(100), RATE, format="WAV")
    data = path.read_bytes()
    fmt = data[12:36]
    path.write_bytes(data + fmt.replace(b"\x01\0\x02\0", b"\x11\0\x02\0"))


def _nine_channels(path: Path) -> None:
    sf.write(path, np.zeros((100, 9)), RATE, format="WAV")


def _slow_rate(path: Path) -> None:
    sf.write(path, np.zeros((100, 1)), 4000, format="WAV")


def _other_container(path: Path) -> None:
    sf.write(path, sines(), RATE, format="CAF")


BAD: list[tuple[Callable[[Path], object], type[DawBridgeError]]] = [
    (_nothing, NotFound),
    (Path.touch, EmptyFile),
    (Path.mkdir, UnsupportedFormat),
    (_text, UnsupportedFormat),
    (_with_nan, NotFinite),
    (_with_infinity, NotFinite),
    (_header_only, EmptyFile),
    (_cut_flac, UnsupportedFormat),
    (_cut_header, UnsupportedFormat),
    (_adpcm, UnsupportedFormat),
    (_microsoft_adpcm, UnsupportedFormat),
    (_adpcm_in_extensible, UnsupportedFormat),
    (_adpcm_behind_a_tag, UnsupportedFormat),
    (_two_formats, UnsupportedFormat),
    (_nine_channels, UnsupportedFormat),
    (_slow_rate, UnsupportedFormat),
    (_other_container, UnsupportedFormat),
]


@pytest.mark.parametrize(("make", "error"), BAD, ids=[make.__name__.strip("_") for make, _ in BAD])
def test_bad_input_gets_one_sentence_with_role_and_name(
    tmp_path: Path, make: Callable[[Path], object], error: type[DawBridgeError]
) -> None:
    path = tmp_path / "bad stem.wav"
    make(path)
    with pytest.raises(DawBridgeError) as caught:
        read_audio(path, role="style")
    assert type(caught.value) is error
    assert caught.value.message.startswith("style 'bad stem.wav'") and "\n" not in str(caught.value)
    assert caught.value.hint


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes in folders")
def test_a_named_pipe_is_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    with pytest.raises(UnsupportedFormat, match="regular"):
        read_audio(tmp_path / "pipe.wav")


READ_AS_NOBODY = """
import os, sys
from pathlib import Path
from daw_bridge.audio_files import read_audio
from daw_bridge.errors import DawBridgeError
if os.getuid() == 0:
    os.seteuid(65534)
try:
    read_audio(Path(sys.argv[1]))
except DawBridgeError as error:
    print(error.code)
"""


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="rights are not taken away by mode bits here")
def test_an_unreadable_file_is_a_forbidden_path(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    sf.write(path, sines(100), RATE)
    path.chmod(0)
    environment = {**os.environ, "PYTHONPATH": str(Path(daw_bridge.__file__).parents[1])}
    child = subprocess.run(
        [sys.executable, "-c", READ_AS_NOBODY, str(path)], env=environment, capture_output=True, text=True, timeout=60
    )
    assert child.stdout.strip() == "forbidden_path", child.stderr


@pytest.mark.parametrize(
    ("part", "error", "said"),
    [
        ({"start_seconds": 1.0}, BadArguments, "beyond the end"),
        ({"start_seconds": -0.1}, BadArguments, "0 or more"),
        ({"length_seconds": float("nan")}, BadArguments, "0 or more"),
        ({"length_seconds": 1e-6}, TooShort, "less than one sample"),
    ],
)
def test_a_part_that_is_not_there_is_refused(
    tmp_path: Path, part: dict[str, Any], error: type[DawBridgeError], said: str
) -> None:
    sf.write(tmp_path / "x.wav", sines(), RATE)
    with pytest.raises(error, match=said):
        read_audio(tmp_path / "x.wav", **part)


@pytest.mark.parametrize(("container", "subtype"), [("WAV", "PCM_S8"), ("FLAC", "FLOAT"), ("OGG", "VORBIS")])
def test_a_format_that_does_not_exist_is_not_written(tmp_path: Path, container: str, subtype: str) -> None:
    with pytest.raises(UnsupportedFormat, match=subtype):
        write_audio(tmp_path / "x", Audio(np.zeros((1, 4)), RATE, container, subtype))
    assert not (tmp_path / "x").exists()


def test_a_folder_that_cannot_be_written_is_a_forbidden_path(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ForbiddenPath, match="cannot be written"):
        write_audio(tmp_path / "file" / "x.wav", Audio(np.zeros((1, 4)), RATE))


@pytest.mark.parametrize(("container", "subtype"), [("WAV", "PCM_24"), ("FLAC", "PCM_24")])
def test_loud_integers_stay_at_full_scale_instead_of_wrapping(tmp_path: Path, container: str, subtype: str) -> None:
    path = tmp_path / "x"
    write_audio(path, Audio(np.array([[-3.0, -1.0, 0.0, 1.0, 3.0]]), RATE, container, subtype))
    top = 1 - 2**-23
    np.testing.assert_array_equal(sf.read(path)[0], [-1, -1, 0, top, top])
