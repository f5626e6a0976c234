"""When a file is complete by its own header, container by container, cut at any place."""

from __future__ import annotations

import struct
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile

from daw_bridge.service.settle import Look, Patience, is_network, missing_part, settle_seconds

FORMATS = [
    ("WAV", "PCM_16"),
    ("WAV", "PCM_24"),
    ("WAV", "FLOAT"),
    ("RF64", "PCM_16"),
    ("AIFF", "PCM_16"),
    ("FLAC", "PCM_16"),
    ("OGG", "VORBIS"),
]


def clip(path: Path, container: str, subtype: str) -> bytes:
    samples = 0.1 * np.random.default_rng(0).standard_normal((20_000, 2))
    soundfile.write(path, samples, 44_100, format=container, subtype=subtype)
    return path.read_bytes()


@pytest.mark.parametrize(("container", "subtype"), FORMATS)
def test_a_whole_file_lacks_nothing(tmp_path: Path, container: str, subtype: str) -> None:
    path = tmp_path / "clip"
    clip(path, container, subtype)
    assert missing_part(path) == ""


@pytest.mark.parametrize(("container", "subtype"), [row for row in FORMATS if row[0] != "FLAC"])
@pytest.mark.parametrize("share", [0.0005, 0.3, 0.9, 0.9999])
def test_a_cut_file_lacks_something(tmp_path: Path, container: str, subtype: str, share: float) -> None:
    path = tmp_path / "clip"
    data = clip(path, container, subtype)
    path.write_bytes(data[: max(1, int(len(data) * share))])
    assert missing_part(path) != ""


@pytest.mark.parametrize("kept", [4, 20, 60])
def test_a_flac_file_cut_in_its_header_lacks_something(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "clip"
    path.write_bytes(clip(path, "FLAC", "PCM_16")[:kept])
    assert missing_part(path) != ""


@pytest.mark.parametrize("declared", [0, 0xFFFFFFFF, 0x7FFFFFFF])
def test_a_recorder_that_has_not_written_the_length_is_still_recording(tmp_path: Path, declared: int) -> None:
    path = tmp_path / "clip"
    data = clip(path, "WAV", "PCM_16")
    at = data.index(b"data") + 4
    path.write_bytes(data[:at] + struct.pack("<I", declared) + data[at + 4 :])
    assert "recorded" in missing_part(path)


def test_an_rf64_file_over_4_gb_is_told_whole_from_its_long_size(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    n_data = 5 << 30
    ds64 = struct.pack("<4sIQQQI", b"ds64", 28, n_data + 72, n_data, n_data // 4, 0)
    fmt = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 2, 44_100, 176_400, 4, 16)
    head = b"RF64" + struct.pack("<I", 0xFFFFFFFF) + b"WAVE" + ds64 + fmt + b"data" + struct.pack("<I", 0xFFFFFFFF)
    with path.open("wb") as file:
        file.write(head)
        file.truncate(len(head) + n_data - 1)
    assert "1 bytes" in missing_part(path)
    with path.open("r+b") as file:
        file.truncate(len(head) + n_data)
    assert missing_part(path) == ""


def test_a_file_settles_only_when_size_time_and_inode_keep_still() -> None:
    patience = Patience(Look(10, 1, 1), since=0.0, first_seen=0.0)
    assert not patience.see(Look(10, 1, 1), 1.9)
    assert patience.see(Look(10, 1, 1), 2.0)
    for changed in (Look(11, 1, 1), Look(11, 2, 1), Look(11, 2, 2)):
        assert not patience.see(changed, 10.0)
    assert not patience.see(Look(11, 2, 2), 11.9)
    assert patience.see(Look(11, 2, 2), 12.0)


def test_an_empty_file_never_settles() -> None:
    patience = Patience(Look(0, 1, 1), since=0.0, first_seen=0.0)
    assert not patience.see(Look(0, 1, 1), 1000.0)


def test_a_temporary_folder_is_no_network_share(tmp_path: Path) -> None:
    assert not is_network(tmp_path)
    assert is_network(Path("\\\\server\\share"))


TABLE = """/dev/sda1 / ext4 rw 0 0
server:/music /mnt/music nfs4 rw 0 0
/dev/sdb1 /mnt/music/local\\040disk ext4 rw 0 0
//nas/stems /mnt/my\\040stems cifs rw 0 0
me@host: /home/me/far fuse.sshfs rw 0 0
broken line
/dev/sdc1 /mnt/over ext4 rw 0 0
server:/over /mnt/over nfs rw 0 0
"""


@pytest.mark.parametrize(
    ("folder", "is_far"),
    [
        ("/home/me/song", False),
        ("/mnt/music/song", True),
        ("/mnt/musical", False),
        ("/mnt/music/local disk/song", False),
        ("/mnt/my stems/drop", True),
        ("/home/me/far", True),
        ("/mnt/over/x", True),
    ],
)
def test_network_file_systems_are_recognised_and_given_more_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, is_far: bool
) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(TABLE)
    assert is_network(Path(folder), mounts) is is_far
    monkeypatch.setattr("daw_bridge.service.settle.is_network", partial(is_network, mounts=mounts))
    assert settle_seconds(Path(folder)) == (5.0 if is_far else 2.0)


def test_a_share_named_by_its_computer_is_a_network_file_system() -> None:
    assert is_network(Path("\\\\nas\\stems"))
