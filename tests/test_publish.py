"""Publishing: whole or not at all, once, and never over another's file; with real kills and full disks."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from hypothesis import example, given
from hypothesis import strategies as st

import daw_bridge
from daw_bridge import disk
from daw_bridge.audio import Audio
from daw_bridge.audio_files import read_audio, read_place
from daw_bridge.errors import BadArguments, DawBridgeError, DiskFull, ForbiddenPath, NotFound, UnsupportedFormat
from daw_bridge.names import portable
from daw_bridge.publish import STAGING, Reservation, publish, reserve, suffix_of, sweep, withdraw, write_beside
from daw_bridge.riff import Origin

RATE = 44_100
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(daw_bridge.__file__).parents[1])}


def sound(seed: int = 0, n_samples: int = 1000, container: str = "WAV", subtype: str = "PCM_24") -> Audio:
    return Audio(np.random.default_rng(seed).uniform(-0.5, 0.5, (2, n_samples)), RATE, container, subtype)


def take(remixes: Path, job: str = "job.1", content: str = "Bass") -> Reservation:
    return reserve(remixes, content, "default", "tape loops", ".wav", job)


def visible(remixes: Path) -> list[str]:
    return sorted(path.name for path in remixes.iterdir() if not path.name.startswith("."))


def assert_whole(remixes: Path) -> None:
    """Every remix that can be seen has its recipe, which tells its bytes; nothing waits in staging."""
    for path in remixes.glob("*.wav"):
        recipe = json.loads(path.with_suffix(".json").read_bytes())
        data = path.read_bytes()
        assert recipe["file"] == {"name": path.name, "size_bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        assert recipe["seed"] == 7
    assert not list((remixes / STAGING).iterdir())


def test_a_remix_gets_its_name_its_recipe_and_its_place(tmp_path: Path) -> None:
    reservation = take(tmp_path / "remixes")
    path = publish(reservation, sound(), {"seed": 7, "loss": float("nan")}, origin=Origin("job.1", time_reference=99))
    assert path == tmp_path / "remixes" / "Bass__default__tape-loops__v001.wav"
    assert visible(tmp_path / "remixes") == [path.with_suffix(".json").name, path.name]
    assert_whole(tmp_path / "remixes")
    np.testing.assert_allclose(read_audio(path).samples, sound().samples, atol=2**-24)
    assert read_place(path).time_reference == 99
    recipe = json.loads(path.with_suffix(".json").read_text("utf-8"))
    assert recipe["job"] == "job.1" and recipe["loss"] is None and "state" not in recipe


def test_versions_count_up_and_a_gap_is_not_filled(tmp_path: Path) -> None:
    for number in range(3):
        publish(take(tmp_path, f"job.{number}"), sound(number), {"seed": 7})
    (tmp_path / "Bass__default__tape-loops__v001.wav").unlink()
    (tmp_path / "Bass__default__tape-loops__v001.json").unlink()
    assert take(tmp_path, "job.9").version == 4
    assert take(tmp_path, "job.9", content="Lead").version == 1
    assert_whole(tmp_path)


@pytest.mark.parametrize("name", ["Bass__default__tape-loops__v007.wav", "bass__DEFAULT__tape-loops__v007.FLAC"])
def test_a_number_whose_file_exists_is_passed_over(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("somebody's own")
    assert take(tmp_path).version == 8
    assert (tmp_path / name).read_text() == "somebody's own"


def test_a_job_that_runs_again_finds_its_own_version(tmp_path: Path) -> None:
    first = take(tmp_path, "job.1")
    take(tmp_path, "job.2")
    assert take(tmp_path, "job.1").audio_path == first.audio_path
    path = publish(take(tmp_path, "job.1"), sound(), {"seed": 7})
    before = path.stat()
    assert publish(take(tmp_path, "job.1"), sound(), {"seed": 7}) == path
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_job_whose_file_was_altered_gets_a_new_number(tmp_path: Path) -> None:
    path = publish(take(tmp_path), sound(), {"seed": 7})
    path.write_bytes(path.read_bytes() + b"edited by hand")
    again = publish(take(tmp_path), sound(), {"seed": 7})
    assert again.name.endswith("v002.wav") and path.read_bytes().endswith(b"edited by hand")
    assert path.with_suffix(".json").exists()


def test_a_file_that_appears_under_the_reserved_name_is_not_overwritten(tmp_path: Path) -> None:
    reservation = take(tmp_path)
    reservation.audio_path.write_text("exported by hand")
    path = publish(reservation, sound(), {"seed": 7})
    assert path.name == "Bass__default__tape-loops__v002.wav"
    assert reservation.audio_path.read_text() == "exported by hand"
    assert not reservation.recipe_path.exists()


def test_a_remix_that_an_earlier_try_gives_its_name_late_is_not_published_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename, late = disk.rename_new, list[Path]()

    def comes_second(source: Path, target: Path) -> None:
        if target.suffix == ".wav" and not late:
            late.append(Path(shutil.copy(source, target)))  # the same bytes: it is the same job's
        rename(source, target)

    reservation = take(tmp_path)
    monkeypatch.setattr(disk, "rename_new", comes_second)
    path = publish(reservation, sound(), {"seed": 7})
    assert path == reservation.audio_path and visible(tmp_path) == [path.with_suffix(".json").name, path.name]
    assert_whole(tmp_path)


def test_a_reservation_that_was_given_back_is_no_right_to_the_number(tmp_path: Path) -> None:
    reservation = take(tmp_path, "job.1")
    withdraw(reservation)
    other = publish(take(tmp_path, "job.2"), sound(2), {"seed": 7})
    assert publish(reservation, sound(1), {"seed": 7}).name.endswith("v002.wav")
    assert json.loads(other.with_suffix(".json").read_text())["job"] == "job.2"
    assert_whole(tmp_path)


def test_the_format_of_the_content_is_kept(tmp_path: Path) -> None:
    audio = sound(container="FLAC", subtype="PCM_16")
    path = publish(reserve(tmp_path, "a", "b", "c", suffix_of(audio), "j"), audio, {})
    assert (sf.info(path).format, sf.info(path).subtype, path.suffix) == ("FLAC", "PCM_16", ".flac")


def test_a_withdrawn_version_is_free_again_but_a_published_one_stays(tmp_path: Path) -> None:
    reservation = take(tmp_path)
    reservation.staging_path.write_bytes(b"half")
    withdraw(reservation)
    assert visible(tmp_path) == [] and not list((tmp_path / STAGING).iterdir())
    reservation = take(tmp_path)
    publish(reservation, sound(), {"seed": 7})
    withdraw(reservation)
    assert_whole(tmp_path)
    assert len(visible(tmp_path)) == 2


def test_leftovers_of_one_job_are_swept_and_those_of_others_stay(tmp_path: Path) -> None:
    mine, other = take(tmp_path, "job.1"), take(tmp_path, "job.2")
    for reservation in (mine, other):
        reservation.staging_path.write_bytes(b"half a file")
    sweep(tmp_path, "job.1")
    assert list((tmp_path / STAGING).iterdir()) == [other.staging_path]


def test_the_same_job_in_two_services_at_once_is_published_once_and_fails_in_neither(tmp_path: Path) -> None:
    audio = sound(n_samples=20_000)
    for number in range(15):
        remixes = tmp_path / str(number)
        together = threading.Barrier(2)

        def run(remixes: Path = remixes, together: threading.Barrier = together) -> Path:
            together.wait()
            return publish(take(remixes), audio, {"seed": 7})

        with ThreadPoolExecutor(2) as pool:
            paths = {future.result() for future in [pool.submit(run), pool.submit(run)]}
        assert [path.name for path in paths] == ["Bass__default__tape-loops__v001.wav"]
        assert len(visible(remixes)) == 2
        assert_whole(remixes)


def test_a_file_system_without_hard_links_gets_a_rename(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(source: object, target: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    publish(take(tmp_path, "job.1"), sound(), {"seed": 7})
    publish(take(tmp_path, "job.2"), sound(), {"seed": 7})
    assert len(visible(tmp_path)) == 4
    assert_whole(tmp_path)


@pytest.mark.parametrize(("suffix", "job"), [(".mp3", "job"), ("", "job"), ("/../x.wav", "job"), (".wav", "")])
def test_another_ending_or_no_job_is_refused(tmp_path: Path, suffix: str, job: str) -> None:
    with pytest.raises(BadArguments):
        reserve(tmp_path, "a", "b", "c", suffix, job)


@given(st.text(max_size=100))
@example("..")
@example("../../etc/passwd")
@example("CON")
@example("nul.wav")
@example("com1")
@example("č 漢字 ' \" $( )")
@example("漢字")
@example("a__b")
@example("\ud800")
@example("-rf")
def test_a_part_of_a_name_is_portable(text: str) -> None:
    part = portable(text)
    assert 1 <= len(part.encode()) <= 60
    assert all(c.isascii() and (c.isalnum() or c in "._-") for c in part) and "__" not in part
    assert part[0] not in "-._" and part[-1] not in "-._"
    assert part.split(".")[0].lower() not in {"con", "nul", "aux", "prn", "com1", "lpt9"}
    assert portable(part) == part


@given(st.tuples(*[st.text(max_size=80)] * 3))
@example(("../..", "C:\\x", "\0"))
def test_a_published_name_stays_inside_the_folder(tmp_path_factory: pytest.TempPathFactory, parts: tuple[str, str, str]) -> None:
    remixes = tmp_path_factory.mktemp("remixes", numbered=True)
    try:
        reservation = reserve(remixes, *parts, ".wav", "j")
        for path in (reservation.audio_path, reservation.recipe_path):
            assert path.resolve().parent == remixes.resolve() and len(path.name.encode()) < 220
        assert reservation.staging_path.resolve().parent == remixes.resolve() / STAGING
    finally:
        shutil.rmtree(remixes)


KILLED = """
import os, signal, sys
from pathlib import Path
import numpy as np
from daw_bridge.audio import Audio
from daw_bridge.publish import publish, reserve

STEPS = ("open", "os.link", "os.rename", "os.remove", "os.mkdir", "os.listdir")
samples = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 80_000))

def publish_until(last, folder):
    count = 0
    def on_event(event, arguments):
        nonlocal count
        if event in STEPS and str(arguments[0]).startswith(folder):
            count += 1
            if count == last:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(on_event)
    reservation = reserve(Path(folder), "Bass", "default", "tape loops", ".wav", "job.1")
    publish(reservation, Audio(samples, 44_100, "WAV", "PCM_24"), {"seed": 7})
    os._exit(0)

step, status = 0, -1
while status != 0:
    step += 1
    child = os.fork()
    if child == 0:
        publish_until(step, f"{sys.argv[1]}/step{step}")
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, -signal.SIGKILL), status
print(step)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the processes to kill are forked")
def test_a_kill_before_any_step_on_the_disk_loses_nothing_and_publishes_once(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    n_steps = int(done.stdout)
    assert 15 < n_steps < 60
    for step in range(1, n_steps + 1):
        remixes = tmp_path / f"step{step}"
        for path in remixes.glob("*.wav"):
            recipe = json.loads(path.with_suffix(".json").read_bytes())
            assert recipe["file"]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        published = publish(take(remixes), sound(n_samples=80_000), {"seed": 7})
        assert visible(remixes) == ["Bass__default__tape-loops__v001.json", published.name]
        assert_whole(remixes)


MANY = """
import sys
from pathlib import Path
import numpy as np
from daw_bridge.audio import Audio
from daw_bridge.publish import publish, reserve

audio = Audio(np.full((2, 500), float(sys.argv[2]) / 10), 44_100, "WAV", "PCM_24")
for number in range(8):
    reservation = reserve(Path(sys.argv[1]), "Bass", "default", "tape loops", ".wav", f"{sys.argv[2]}.{number}")
    print(publish(reservation, audio, {"seed": 7}).name)
"""


def test_many_processes_at_once_get_a_number_each(tmp_path: Path) -> None:
    commands = [[sys.executable, "-c", MANY, str(tmp_path), str(number)] for number in range(5)]
    children = [subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) for command in commands]
    names = [name for child in children for name in child.communicate(timeout=120)[0].split()]
    assert all(child.returncode == 0 for child in children)
    assert len(names) == len(set(names)) == 40
    assert sorted(names) == [f"Bass__default__tape-loops__v{n:03d}.wav" for n in range(1, 41)]
    assert_whole(tmp_path)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with 300 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    if not mount or subprocess.run([mount, "-t", "tmpfs", "-o", "size=300k", "none", folder], capture_output=True).returncode:
        pytest.skip("mounting a small file system is not allowed here")
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize("container", ["WAV", "FLAC"])
def test_a_full_disk_is_said_and_leaves_nothing_half_written(small_disk: Path, container: str) -> None:
    remixes = small_disk / "remixes"
    audio = sound(n_samples=200_000, container=container)
    reservation = reserve(remixes, "Bass", "p", "s", suffix_of(audio), "job")
    with pytest.raises(DiskFull, match="no room") as caught:
        publish(reservation, audio, {"seed": 7})
    assert caught.value.code == "disk_full" and caught.value.hint
    assert visible(remixes) == []
    assert not list((remixes / STAGING).iterdir())
    assert publish(reservation, sound(container=container), {"seed": 7}) == reservation.audio_path
    with pytest.raises(DiskFull):
        write_beside(small_disk / f"x{suffix_of(audio)}", audio, {})
    assert [path.name for path in small_disk.iterdir()] == ["remixes"]


def test_a_disk_without_room_for_the_recipe_is_said(small_disk: Path) -> None:
    reservation = take(small_disk / "remixes")
    (small_disk / "filler").write_bytes(bytes(290_000 // 4096 * 4096))
    with pytest.raises(DiskFull):
        publish(reservation, sound(n_samples=2000), {"seed": 7, "note": "x" * 30_000})
    assert visible(small_disk / "remixes") == []
    (small_disk / "filler").unlink()
    publish(take(small_disk / "remixes"), sound(), {"seed": 7})
    assert_whole(small_disk / "remixes")


def test_a_read_only_folder_is_a_forbidden_path(small_disk: Path) -> None:
    reservation = take(small_disk / "remixes")
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    for attempt in (lambda: take(small_disk / "remixes", "other"), lambda: publish(reservation, sound(), {})):
        with pytest.raises(ForbiddenPath, match=r"cannot be written: .*[Rr]ead-only"):
            attempt()


def test_a_folder_that_cannot_be_made_is_a_forbidden_path(tmp_path: Path) -> None:
    (tmp_path / "remixes").write_text("a file, no folder")
    with pytest.raises(ForbiddenPath, match="cannot be written"):
        take(tmp_path / "remixes")


def test_a_remix_beside_gets_the_name_that_was_asked_for(tmp_path: Path) -> None:
    path = write_beside(tmp_path / "my remix.wav", sound(), {"seed": 7})
    assert path == tmp_path / "my remix.wav"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["my remix.json", "my remix.wav"]
    assert json.loads((tmp_path / "my remix.json").read_text())["file"]["name"] == "my remix.wav"


@pytest.mark.parametrize("taken", ["x.wav", "x.json"])
def test_what_exists_is_replaced_only_by_force(tmp_path: Path, taken: str) -> None:
    (tmp_path / taken).write_text("mine")
    with pytest.raises(ForbiddenPath, match="exists already"):
        write_beside(tmp_path / "x.wav", sound(), {})
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]
    write_beside(tmp_path / "x.wav", sound(), {}, is_forced=True)
    assert sf.info(tmp_path / "x.wav").frames == 1000


@pytest.mark.parametrize("failing", [".wav", ".json"])
def test_by_force_a_file_that_is_in_use_leaves_remix_and_recipe_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    path = write_beside(tmp_path / "x.wav", sound(), {})
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    rename = Path.rename

    def in_use(source: Path, target: Path) -> Path:
        if source.suffix == failing:
            raise PermissionError(13, "The file is in use", str(source))
        return rename(source, target)

    monkeypatch.setattr(Path, "rename", in_use)  # as Windows does while a DAW has the file open
    with pytest.raises(ForbiddenPath, match="in use"):
        write_beside(path, sound(seed=1), {}, is_forced=True)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    ("name", "subtype", "kept"),
    [("x.flac", "FLOAT", "PCM_24"), ("x.flac", "PCM_16", "PCM_16"), ("x.FLAC", "PCM_U8", "PCM_S8"), ("x.wav", "FLOAT", "FLOAT")],
)
def test_the_ending_that_was_asked_for_decides_the_format(tmp_path: Path, name: str, subtype: str, kept: str) -> None:
    info = sf.info(write_beside(tmp_path / name, sound(subtype=subtype), {}))
    assert (info.format, info.subtype) == ("FLAC" if "lac" in name.lower() else "WAV", kept)


@pytest.mark.parametrize(("name", "error"), [("x.mp3", UnsupportedFormat), ("x", UnsupportedFormat), ("no/such/x.wav", NotFound)])
def test_a_name_that_cannot_be_is_refused(tmp_path: Path, name: str, error: type[DawBridgeError]) -> None:
    with pytest.raises(error):
        write_beside(tmp_path / name, sound(), {})
