"""Audio files read under limits, and written so that what was read comes back bit for bit."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf

from . import disk, encoding, flac, riff
from .audio import Audio, Samples
from .encoding import BITS, BLOCK_SAMPLES, FLOATS
from .errors import BadArguments, EmptyFile, ForbiddenPath, NotFinite, NotFound, TooLarge, TooShort, UnsupportedFormat
from .riff import Origin
from .scratch import Scratch

MAX_CHANNELS = 8
MIN_SAMPLE_RATE, MAX_SAMPLE_RATE = 8_000, 384_000
MAX_VALUES = 700_000_000  # channels × samples
FLAC_SUBTYPES = ("PCM_S8", "PCM_16", "PCM_24")
WRITTEN_AS = {"PCM_S8": "PCM_U8"}  # WAV knows 8 bits only unsigned


def read_audio(
    path: Path,
    *,
    start_seconds: float = 0.0,
    length_seconds: float = 0.0,
    role: str = "content",
    scratch: Scratch = Scratch(),
) -> Audio:
    """Read a recording, or a part of it.

    Args:
        path: a WAV (also RF64), FLAC, AIFF, OGG or MP3 file.
        start_seconds: where to begin.
        length_seconds: how much to read; 0 means up to the end, and so does more than there is.
        role: "content" or "style", for messages.
        scratch: makes room for the samples; they are decoded into it block by block.

    Returns:
        Samples `(C, N)`, float64 where the file holds 32-bit integers or doubles, else float32. Container and subtype say
        what to write back: WAV and FLAC as they are, AIFF as WAV of the same subtype, everything lossy as 24-bit WAV.

    Raises:
        NotFound: no such file.
        ForbiddenPath: the file may not be read.
        EmptyFile: no bytes, or no samples.
        UnsupportedFormat: no audio, not a regular file, damaged, ADPCM, or channels or a rate out of range.
        NotFinite: NaN or infinite samples.
        TooLarge: more than 7·10⁸ values.
        BadArguments: a negative range, or a start beyond the end.
        TooShort: the range holds no sample.
    """
    name = f"{role} {path.name!r}"
    _check_file(path, name)
    try:
        with _Sequential(str(path)) as file:
            _check_limits(file, name)
            first, n_samples = _range(file, start_seconds, length_seconds, name)
            samples = _read_samples(file, first, n_samples, name, scratch)
            sample_rate = int(file.samplerate)
            container, subtype = _written_as(file.format, file.subtype)
    except sf.LibsndfileError as error:
        raise UnsupportedFormat(f"{name} is damaged or no audio: {error.error_string}", "Export it again.") from None
    _check_finite(samples, first, sample_rate, name)
    return Audio(samples, sample_rate, container, subtype)


def read_form(path: Path, *, role: str = "content") -> tuple[int, int, int]:
    """Sample rate in Hz, channels and samples of a recording, by its header alone.

    Raises:
        FileError: as `read_audio`.
    """
    name = f"{role} {path.name!r}"
    _check_file(path, name)
    try:
        with sf.SoundFile(str(path)) as file:
            _check_limits(file, name)
            return int(file.samplerate), int(file.channels), int(file.frames)
    except sf.LibsndfileError as error:
        raise UnsupportedFormat(f"{name} is damaged or no audio: {error.error_string}", "Export it again.") from None


def _written_as(container: str, subtype: str) -> tuple[str, str]:
    if container == "FLAC" and subtype in FLAC_SUBTYPES:
        return "FLAC", subtype
    return "WAV", WRITTEN_AS.get(subtype, subtype if subtype in BITS else "PCM_24")


def _check_file(path: Path, name: str) -> None:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise UnsupportedFormat(f"{name} is not a regular file", "Give an audio file.")
        if status.st_size == 0:
            raise EmptyFile(f"{name} has 0 bytes", "Export it again.")
        with path.open("rb") as file:
            riff.check_header(file, name)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        raise NotFound(f"{name} does not exist", "Check the name and the folder.") from None
    except PermissionError:
        raise ForbiddenPath(f"{name} may not be read", "Give yourself the right to read it.") from None
    except OSError as error:
        raise NotFound(f"{name} cannot be read: {error.strerror}", "Check the disk or the share that it lies on.") from None


def _check_limits(file: Any, name: str) -> None:
    if not 1 <= file.channels <= MAX_CHANNELS:
        raise UnsupportedFormat(f"{name} has {file.channels} channels, more than {MAX_CHANNELS}", "Export fewer channels.")
    if not MIN_SAMPLE_RATE <= file.samplerate <= MAX_SAMPLE_RATE:
        rule = f"must lie from {MIN_SAMPLE_RATE} to {MAX_SAMPLE_RATE} Hz"
        raise UnsupportedFormat(f"{name}: sample_rate={file.samplerate} {rule}", "Export it at 44100 or 48000 Hz.")
    if file.frames <= 0:
        raise EmptyFile(f"{name} holds no samples", "Export it again.")


def _range(file: Any, start_seconds: float, length_seconds: float, name: str) -> tuple[int, int]:
    """First sample and number of samples."""
    for key, value in (("start_seconds", start_seconds), ("length_seconds", length_seconds)):
        if not 0 <= value < float("inf"):
            raise BadArguments(f"{key}={value!r} must be 0 or more", "Give seconds from the start of the file.")
    first = round(start_seconds * file.samplerate)
    if first >= file.frames:
        length = file.frames / file.samplerate
        raise BadArguments(f"start_seconds={start_seconds:g} lies beyond the end of {name}", f"It is {length:.3f} s long.")
    n_samples = file.frames - first
    if length_seconds > 0:
        n_samples = min(n_samples, round(length_seconds * file.samplerate))
    if n_samples < 1:
        raise TooShort(f"length_seconds={length_seconds:g} of {name} is less than one sample", "Ask for a longer part.")
    _check_size(n_samples, file.channels, name)
    return first, n_samples


def _check_size(n_samples: int, n_channels: int, name: str) -> None:
    if n_samples * n_channels > MAX_VALUES:
        said = f"{n_samples} samples on {n_channels} channels"
        raise TooLarge(f"{name} holds {said}, more than {MAX_VALUES:.0e} values", "Ask for a part of it by start and length.")


def _read_samples(file: Any, first: int, n_samples: int, name: str, scratch: Scratch) -> Samples:
    dtype = np.float64 if file.subtype in ("PCM_32", "DOUBLE") else np.float32
    samples = scratch.empty((file.channels, n_samples), dtype)
    done = 0
    for block in _decoded(file, first, n_samples, np.dtype(dtype).name):
        samples[:, done : done + len(block)] = block.T
        done += len(block)
        scratch.on_block()
    if not done or (done < n_samples and file.subtype in BITS):
        raise UnsupportedFormat(f"{name} is cut off: {done} of {n_samples} samples can be read", "Copy or export it again.")
    return samples[:, :done]  # what is lossy may hold a little less than its header promises


class _Sequential(sf.SoundFile):  # type: ignore[misc]
    """A file that is read from its start on: soundfile seeks after each read, and a seek in MP3 loses the next frames."""

    def seekable(self) -> bool:
        return False


def _decoded(file: Any, first: int, n_samples: int, dtype: str) -> Iterator[Samples]:
    """The samples wanted, `(n, C)` at a time."""
    to_skip = 0 if file.subtype in BITS else first
    if file.subtype in BITS:
        file.seek(first)
    while to_skip + n_samples > 0:
        block = file.read(min(BLOCK_SAMPLES, to_skip or n_samples), dtype=dtype, always_2d=True)
        if not len(block):
            return
        if to_skip:
            to_skip -= len(block)
            continue
        n_samples -= len(block)
        yield block


def _check_finite(samples: Samples, first: int, sample_rate: int, name: str) -> None:
    for start in range(0, samples.shape[1], BLOCK_SAMPLES * 16):
        is_bad = ~np.isfinite(samples[:, start : start + BLOCK_SAMPLES * 16])
        if is_bad.any():
            where = (first + start + int(np.argmax(is_bad.any(axis=0)))) / sample_rate
            raise NotFinite(f"{name} has NaN or infinite samples, the first at {where:.3f} s", "Export it again.")


def read_place(path: Path) -> Origin:
    """What a file that can be read says of its own place on the timeline, its date and its markers."""
    with path.open("rb") as file:
        is_flac = riff.check_header(file, repr(path.name)) == "FLAC"
        return flac.place_of(file) if is_flac else riff.place_of(file)


def write_audio(path: Path, audio: Audio, *, origin: Origin | None = None, on_block: disk.OnBlock = disk.nothing) -> None:
    """Write a WAV or FLAC file and wait until the disk has it; what `read_audio` returned comes back bit for bit.

    The same audio gives the same bytes: no time or version is written unless `origin` carries it. Integers are rounded to
    the nearest, values beyond full scale held there.

    Args:
        path: replaced where it exists; taken away again where writing fails.
        audio: its container is "WAV", "RF64" or "FLAC".
        origin: what the `bext` chunk says, and the markers, in FLAC in every form that programs read; None writes none.
        on_block: called with each piece that was written or has reached the disk.

    Raises:
        UnsupportedFormat: the container does not hold the subtype.
        DiskFull: no room.
        ForbiddenPath: the folder cannot be written.
    """
    known = {"WAV": [s for s in BITS if s != "PCM_S8"], "FLAC": FLAC_SUBTYPES}
    known["RF64"] = known["WAV"]
    if audio.subtype not in known.get(audio.container, ()):
        rule = f"WAV holds {', '.join(known['WAV'])}; FLAC holds {', '.join(FLAC_SUBTYPES)}."
        raise UnsupportedFormat(f"container={audio.container!r} with subtype={audio.subtype!r} is not written", rule)
    with disk.writing(path, on_block) as file:
        encoding.write_flac(file, audio, origin) if audio.container == "FLAC" else encoding.write_wave(file, audio, origin)


def sound_sha256(audio: Audio, on_block: disk.OnBlock = disk.nothing) -> str:
    """SHA-256 of what a file of an audio sounds like: its rate, channels and rounded samples, whatever chunks lie about them.

    What `read_audio` gives back of the written file has the same one, and so has the FLAC file beside the WAV.
    """
    bits, is_float = BITS[audio.subtype], audio.subtype in FLOATS
    form = f"{audio.sample_rate} {audio.n_channels} {audio.n_samples} {'float' if is_float else 'integer'} {bits}"
    digest = hashlib.sha256(form.encode())
    for block in encoding.blocks(audio):
        values = block if is_float else encoding.integers(block, bits)
        digest.update(np.ascontiguousarray(values, f"<f{bits // 8}" if is_float else "<i4").data)
        on_block()
    return digest.hexdigest()
