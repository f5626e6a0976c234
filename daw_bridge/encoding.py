"""The samples of an audio as the bytes of a file: rounded to its sample format, or as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO

import numpy as np
import soundfile as sf
from numpy.typing import NDArray

from . import flac, riff
from .audio import Audio, Samples
from .riff import Origin

BLOCK_SAMPLES = 65_536
BITS = {"PCM_U8": 8, "PCM_S8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32, "FLOAT": 32, "DOUBLE": 64}
FLOATS = ("FLOAT", "DOUBLE")


def integers(block: Samples, bits: int) -> NDArray[np.int32]:
    """(n, C) in ±1 → integers of that many bits."""
    scale = 2.0 ** (bits - 1)
    return np.clip(np.rint(block.astype(np.float64) * scale), -scale, scale - 1).astype(np.int32)


def blocks(audio: Audio) -> Iterator[Samples]:
    """All samples, some `(n, C)` at a time."""
    for start in range(0, audio.n_samples, BLOCK_SAMPLES):
        yield audio.samples[:, start : start + BLOCK_SAMPLES].T


def write_wave(file: BinaryIO, audio: Audio, origin: Origin | None) -> None:
    """Write all of a WAV or RF64 file.

    Raises:
        OSError: the system's, as when there is no room.
    """
    bits = BITS[audio.subtype]
    is_float = audio.subtype in FLOATS
    shape = (audio.n_channels, audio.sample_rate, audio.n_samples, bits)
    file.write(riff.wave_header(*shape, is_float=is_float, origin=origin, is_rf64=audio.container == "RF64"))
    for block in blocks(audio):
        if is_float:
            file.write(np.ascontiguousarray(block, f"<f{bits // 8}").tobytes())
        elif bits == 8:
            file.write((integers(block, 8) + 128).astype(np.uint8).tobytes())
        else:
            little = np.ascontiguousarray(integers(block, bits), "<i4")
            is_kept = slice(0, 3) if bits == 24 else slice(0, bits // 8)
            file.write(little.view(np.uint8).reshape(*little.shape, 4)[..., is_kept].tobytes())
    file.write(b"\0" * (audio.n_samples * audio.n_channels * bits // 8 % 2))


class _Flac:
    """A file for libsndfile, which knows no markers in FLAC and would swallow the system's error."""

    def __init__(self, file: BinaryIO, on_comments: Callable[[bytes], bytes]) -> None:
        self.error: OSError | None = None
        self.read, self.seek, self.tell = file.read, file.seek, file.tell
        self._file, self._on_comments = file, on_comments

    def write(self, data: bytes) -> int:
        try:
            if self.error is None:
                is_comments = self.tell() == flac.COMMENTS_AT and data[0] == flac.COMMENTS | flac.IS_LAST
                self._file.write(self._on_comments(bytes(data)) if is_comments else data)
                self._file.flush()
                return len(data)
        except OSError as error:
            self.error = error
        return 0


def write_flac(file: BinaryIO, audio: Audio, origin: Origin | None) -> None:
    """Write all of a FLAC file.

    Raises:
        OSError: the system's, as when there is no room.
    """
    bits = BITS[audio.subtype]
    shape = (audio.n_channels, audio.sample_rate, audio.n_samples, bits)

    def on_comments(block: bytes) -> bytes:
        if origin is None:
            return block
        header = riff.wave_header(*shape, is_float=False, origin=origin)
        return flac.placed(block, header, audio.sample_rate, audio.n_samples, origin)

    target = _Flac(file, on_comments)
    try:
        with sf.SoundFile(target, "w", audio.sample_rate, audio.n_channels, audio.subtype, format="FLAC") as encoder:
            for block in blocks(audio):
                encoder.write(integers(block, bits) << (32 - bits))
    except (sf.LibsndfileError, AssertionError):
        if target.error is None:
            raise
    if target.error is not None:
        raise target.error
