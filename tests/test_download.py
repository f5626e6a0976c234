"""A download goes on where it was cut off, is checked as a whole, and leaves nothing that is not the file."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from daw_bridge.download import download
from daw_bridge.errors import DiskFull, Unreachable, WeightsMissing
from tests.file_server import FileServer, serving

CONTENT = np.random.default_rng(0).bytes(3_000_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serving(CONTENT) as server:
        yield server


def get(server: FileServer, folder: Path, sha256: str = SHA256[:8]) -> list[tuple[int, int]]:
    heard: list[tuple[int, int]] = []
    assert download(server.url, folder / "weights.pth", sha256, lambda *there: heard.append(there)) == SHA256
    return heard


def test_the_file_arrives_whole_and_its_size_is_told_before_it_starts(server: FileServer, tmp_path: Path) -> None:
    heard = get(server, tmp_path)
    assert (tmp_path / "weights.pth").read_bytes() == CONTENT
    assert heard[0] == (0, len(CONTENT)) and heard[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in heard] == sorted(done for done, _ in heard)
    assert [path.name for path in tmp_path.iterdir()] == ["weights.pth"]


def test_a_cut_connection_is_taken_up_where_it_was_cut(server: FileServer, tmp_path: Path) -> None:
    server.cuts = [1_000_000, 500_000]
    get(server, tmp_path)
    assert server.asked == ["", "bytes=1000000-", "bytes=1500000-"]
    assert (tmp_path / "weights.pth").read_bytes() == CONTENT


def test_what_an_earlier_process_left_is_gone_on_with(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "weights.pth.part").write_bytes(CONTENT[:2_000_000])
    assert get(server, tmp_path)[0] == (2_000_000, len(CONTENT))
    assert server.asked == ["bytes=2000000-"]


def test_a_server_without_ranges_begins_again(server: FileServer, tmp_path: Path) -> None:
    server.knows_ranges = False
    (tmp_path / "weights.pth.part").write_bytes(b"x" * 3_500_000)
    get(server, tmp_path)
    assert (tmp_path / "weights.pth").read_bytes() == CONTENT


def test_the_rest_of_another_file_is_thrown_away_and_got_anew(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "weights.pth.part").write_bytes(b"an older file" * 1000)
    get(server, tmp_path)
    assert server.asked == ["bytes=13000-", ""]


def test_what_is_there_already_as_a_whole_is_only_checked(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "weights.pth.part").write_bytes(CONTENT)
    get(server, tmp_path)
    assert server.asked == [f"bytes={len(CONTENT)}-"]


def test_another_file_is_an_error_and_thrown_away(server: FileServer, tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match=r"weights.pth has SHA-256 \w+…, must begin with 00000000.*thrown away"):
        get(server, tmp_path, "00000000")
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_gives_up_again_and_again_is_unreachable_and_what_came_is_kept(server: FileServer, tmp_path: Path) -> None:
    server.cuts = [1_000_000, 0, 0, 0]
    with pytest.raises(Unreachable, match=r"127.0.0.1:.* cannot be reached: the connection was cut"):
        get(server, tmp_path)
    assert (tmp_path / "weights.pth.part").read_bytes() == CONTENT[:1_000_000]
    get(server, tmp_path)
    assert server.asked[-1] == "bytes=1000000-"


def test_nobody_there_is_one_sentence_with_the_way_out(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(Unreachable, match=rf"127.0.0.1:{port} cannot be reached: [A-Z][a-z ]*refused[^\[]*--file"):
        download(f"http://127.0.0.1:{port}/weights.pth", tmp_path / "weights.pth", "", lambda *_: None)


def test_a_disk_without_room_is_told_before_anything_is_written(server: FileServer, tmp_path: Path) -> None:
    server.claims = 10**16
    with pytest.raises(DiskFull, match=r"weights.pth needs 10000000000 MB"):
        get(server, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["http://example.invalid/a.pth", "ftp://example.invalid/a.pth", "file:///etc/passwd"])
def test_nothing_is_taken_in_the_clear_from_elsewhere(url: str, server: FileServer, tmp_path: Path) -> None:
    server.redirect = url
    for asked in (url, server.url):
        with pytest.raises(Unreachable, match=r"is not https|answers 302"):
            download(asked, tmp_path / "weights.pth", "", lambda *_: None)
