"""The `demo` command: a first remix by the real service, from two clips of our own, asked for over real OSC."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from .errors import Internal, by_code
from .folders import StateFolders
from .progress import OnProgress, shown_progress
from .service.packets import Message, Value, build_packet, read_packet

PREFIX = "/daw_bridge"
START_SECONDS = 30.0  # for the service to listen
STOP_SECONDS = 30.0
RENDER_SECONDS = 600.0  # for the whole job, on a slow machine
ASK_AGAIN_SECONDS = 2.0  # loopback UDP may drop; the same reqid never makes a second job
REQID = "demo"
SONG, GROOVE, PICTURE = "song.wav", "groove.wav", "picture.png"


def demo(folder: Path | None, on_line: Callable[[str], None] = print) -> None:
    """Make two clips, start the service, ask it for a remix, and say where remix and picture are.

    Args:
        folder: where everything goes and stays; None means a new temporary folder.
        on_line: called with each line of the account.

    Raises:
        DawBridgeError: whatever kept the remix from being made.
    """
    began = time.monotonic()
    project = (folder or Path(tempfile.mkdtemp(prefix="daw-bridge-demo-"))).expanduser().resolve()
    on_line(f"A song and a groove are made in {project}, and the service is asked to give the song the groove's sound.")
    with shown_progress() as on_progress:
        on_progress("load", 0.0)
        _write_clips(project)
        with running_service(project) as address:
            remix = ask_for_remix(address, on_progress)
        picture = _drawn(project, remix)
    on_line(f"remix    {remix}")
    on_line(f"picture  {picture}")
    on_line(f"Done in {time.monotonic() - began:.0f} s. The folder stays until you delete it: {project}")


def _write_clips(project: Path) -> None:
    from . import clips, disk
    from .audio_files import write_audio

    disk.make_folder(project)
    write_audio(project / SONG, clips.song())
    write_audio(project / GROOVE, clips.groove())


def _drawn(project: Path, remix: Path) -> Path:
    from .audio_files import read_audio
    from .figures import triptych

    content, made, style = (read_audio(path) for path in (project / SONG, remix, project / GROOVE))
    triptych(content, made, style, project / PICTURE, ("content: the song", "remix", "style: the groove"))
    return project / PICTURE


@contextmanager
def running_service(project: Path) -> Iterator[tuple[str, int]]:
    """A service of our own on a free port, with a state folder of its own, gone when the block ends.

    Yields:
        the address that it listens at.

    Raises:
        Internal: it does not start.
    """
    state = StateFolders(Path(tempfile.mkdtemp(prefix="daw-bridge-state-")).resolve())
    log_path = state.root / "demo.log"
    command = [sys.executable, "-m", "daw_bridge", "serve", str(project), "--port", "0", "--state", str(state.root)]
    try:
        told: list[int] = []
        numbers = (signal.SIGINT, signal.SIGTERM)
        before = [signal.signal(number, lambda number, _: told.append(number)) for number in numbers]
        with log_path.open("wb") as log:  # who is told to stop just now has a service to end first
            service = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            for number in numbers:
                signal.signal(number, _interrupt)
            if told:
                raise KeyboardInterrupt
            yield _address(service, state, log_path)
        finally:
            for number, handler in zip(numbers, before, strict=True):
                signal.signal(number, handler)
            _stop(service)
    finally:
        shutil.rmtree(state.root, ignore_errors=True)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt  # so that the service ends with us


def _address(service: subprocess.Popen[bytes], state: StateFolders, log_path: Path) -> tuple[str, int]:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and service.poll() is None:
        try:
            said = json.loads(state.address.read_text(encoding="utf-8"))
            return str(said["host"]), int(said["port"])
        except (OSError, ValueError):  # not there yet, or half written
            time.sleep(0.05)
    lines = log_path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    raise Internal("the service did not start", f"It said: {lines[-1] if lines else 'nothing'}")


def _stop(service: subprocess.Popen[bytes]) -> None:
    service.terminate()
    try:
        service.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        service.kill()
        service.wait()


def ask_for_remix(address: tuple[str, int], on_progress: OnProgress) -> Path:
    """Ask for the remix and follow the job to its end.

    Args:
        address: the service's.
        on_progress: told of phase and fraction.

    Returns:
        the remix's file.

    Raises:
        DawBridgeError: of the class that the service's error code names.
    """
    job, is_ready = "", False
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect(address)
        deadline = time.monotonic() + RENDER_SECONDS
        while time.monotonic() < deadline:
            if job:
                client.send(build_packet(f"{PREFIX}/job", "s", (job,)))
            elif is_ready:
                client.send(build_packet(f"{PREFIX}/remix", "ssss", (SONG, GROOVE, "default", REQID)))
            else:
                client.send(build_packet(f"{PREFIX}/status", "", ()))
            for message in _heard(client, ASK_AGAIN_SECONDS if is_ready else 0.1):
                if message.address == f"{PREFIX}/status/info":
                    is_ready = is_ready or message.values[0] != "starting"
                if message.address == f"{PREFIX}/accepted":
                    job = str(message.values[0])
                path = _outcome(message, on_progress)
                if path is not None:
                    return path
    raise Internal(f"the service has not finished job {job or '(never accepted)'} after {RENDER_SECONDS:.0f} s", "")


def _heard(client: socket.socket, patience_seconds: float) -> Iterator[Message]:
    """Messages as they come, until none came for a while."""
    client.settimeout(patience_seconds)
    while True:
        try:
            packet = client.recv(65536)
        except (TimeoutError, ConnectionError):
            return
        yield from (message for message in read_packet(packet) if isinstance(message, Message))


def _outcome(message: Message, on_progress: OnProgress) -> Path | None:
    """The remix's path where the message says that it is done."""
    values: tuple[Value, ...] = message.values
    match message.address.removeprefix(PREFIX):
        case "/progress":
            on_progress(str(values[2]), float(str(values[0])))
        case "/done":
            on_progress("publish", 1.0)
            return Path(str(values[1]))
        case "/failed":
            raise by_code(str(values[1]))(str(values[2]), str(values[3]))
        case "/error":
            raise by_code(str(values[0]))(str(values[2]))
        case "/cancelled":
            raise by_code("cancelled")("the job was cancelled by somebody else")
    return None
