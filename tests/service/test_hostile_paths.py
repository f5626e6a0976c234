"""Ten thousand paths that mean harm: none is read or written outside the project."""

from __future__ import annotations

import os
import random
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from daw_bridge.errors import DawBridgeError, UnsupportedFormat
from daw_bridge.renderer.stages import copied
from daw_bridge.request import SourceFile, source_file
from daw_bridge.service.intake import Ask, request_of
from daw_bridge.service.paths import confined
from tests.service.wire import Osc, ServiceProcess

SECRET = b"what nobody may read"
N_PATHS = 10_000
PARTS = (
    *(
        "..",
        ".",
        "",
        "...",
        "․․",
        "．．",
        "%2e%2e",
        "..\\",
        "\\..",
        "~",
        "~root",
        "$HOME",
        "%APPDATA%",
        "@samples",
        "@",
        "@../..",
    ),
    *(
        "C:",
        "c:\\",
        "\\\\host",
        "//host",
        "\\\\?\\C:",
        "\\\\.\\PhysicalDrive0",
        "CON",
        "nul.wav",
        "COM1",
        "aux",
        "LPT9.wav",
        "file:",
    ),
    *("etc", "passwd", "secret", "secret.wav", "out", "out.wav", "up", "loop", "pipe", "dev", "zero", "null", "proc", "self"),
    *("root", "environ", "song.wav", "stems", "a.wav", "a.wav:stream", "a\x00b", "a\nb", "\u202e", "\u2215", "\u2044", "\uff0f"),
    *("é", "e\u0301", " ", "a" * 300),
)
TRAPS = {"out": "../secret", "out.wav": "../secret.wav", "up": "..", "root": "/", "dev": "/dev", "loop": "loop"}
REFUSALS = ("forbidden_path", "not_found", "unsupported_format", "empty_file", "rate_limited")
JOINTS = ("/", "\\", "//", "/./", "/../", "\\..\\", "")


def hostile_paths(seed: int) -> Iterator[str]:
    """Paths without end, made of what has hurt somebody."""
    chance = random.Random(seed)
    while True:
        words = [chance.choice(PARTS) for _ in range(chance.randint(1, 6))]
        yield chance.choice(("", "", "/", "../")) + chance.choice(JOINTS).join(words)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project full of traps, with a secret beside it."""
    folder = tmp_path / "project"
    (folder / "stems").mkdir(parents=True)
    (folder / "song.wav").write_bytes(b"a song")
    (folder / "stems" / "a.wav").write_bytes(b"a stem")
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "secret.wav").write_bytes(SECRET)
    (tmp_path / "secret.wav").write_bytes(SECRET)
    for name, target in TRAPS.items():
        (folder / name).symlink_to(target)
    if sys.platform != "win32":
        os.mkfifo(folder / "pipe")
    return folder


def test_of_ten_thousand_none_leads_out(project: Path, tmp_path: Path) -> None:
    paths, n_found = hostile_paths(5), 0
    before = sorted(path for path in tmp_path.rglob("*"))
    for _ in range(N_PATHS):
        text = next(paths)
        try:
            found = source_file(confined(text, "content", project, {}), "content").path
        except DawBridgeError:
            continue
        n_found += 1
        assert Path(found).is_relative_to(project)
        assert Path(found).resolve().read_bytes() != SECRET
    assert n_found > 10  # what is harmless is taken
    assert sorted(path for path in tmp_path.rglob("*")) == before


def test_over_the_wire_none_becomes_a_job_outside(quick: ServiceProcess, quick_osc: Osc) -> None:
    paths = hostile_paths(7)
    for _ in range(150):
        text = next(paths)
        quick_osc.send("/remix", text.replace("\x00", ""), "/etc/passwd", "default")
        assert quick_osc.expect("/error")[0] in (
            "forbidden_path",
            "not_found",
            "unsupported_format",
            "empty_file",
            "rate_limited",
        )


@pytest.mark.parametrize("swap", ["file", "folder", "pipe"])
def test_what_is_swapped_after_it_was_checked_is_not_read(project: Path, tmp_path: Path, swap: str) -> None:
    source = source_file(project / "stems" / "a.wav", "content")
    secret = tmp_path / "secret" / "a.wav"
    secret.write_bytes(SECRET[: source.size_bytes])
    os.utime(secret, ns=(source.mtime_ns, source.mtime_ns))
    if swap == "folder":
        (project / "stems").rename(project / "was")
        (project / "stems").symlink_to(tmp_path / "secret")
    else:
        (project / "stems" / "a.wav").unlink()
        if swap == "file":
            (project / "stems" / "a.wav").symlink_to(secret)
        else:
            os.mkfifo(project / "stems" / "a.wav")
    with pytest.raises(UnsupportedFormat):
        copied(source, "content", tmp_path / "work")
    assert not list((tmp_path / "work").rglob("*.wav"))


def test_a_symlink_that_flips_all_the_time_never_gets_a_secret_copied(project: Path, tmp_path: Path) -> None:
    secret, inside = tmp_path / "secret" / "a.wav", project / "stems" / "a.wav"
    for file, data in ((secret, b"secret"), (inside, b"a stem")):
        file.write_bytes(data)
        os.utime(file, ns=(1, 1))
    link, stop = project / "flip", threading.Event()
    link.symlink_to("stems")

    def flip() -> None:
        draft = project / "draft"
        while not stop.is_set():
            for target in (tmp_path / "secret", project / "stems"):
                draft.symlink_to(target)
                draft.replace(link)

    flipper = threading.Thread(target=flip)
    flipper.start()
    n_copied = 0
    try:
        for number in range(200):
            try:  # as checked a moment ago, and not resolved, which is the worst case
                name = request_of(Ask("flip/a.wav", "song.wav"), [project], {}).content
                for path in (name.path, str(link / "a.wav")):
                    copy = copied(SourceFile(path, 6, 1), "content", tmp_path / "work" / str(number))
                    assert copy.read_bytes() == b"a stem"
                    n_copied += 1
            except DawBridgeError:
                continue
    finally:
        stop.set()
        flipper.join()
    assert n_copied > 0
