"""Programs that share no code with ours, liblo's tools, node's `osc` and Pure Data, ask, hear, and press buttons."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.service.wire import PREFIX, ServiceProcess
from tests.waiting import wait_for

FILES = Path(__file__).parent / "clients"


def free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Client(ABC):
    """A running program whose output goes to a file, one message a line."""

    hearing_port = 0  # where it hears, if not where it sends from

    def __init__(self, service: ServiceProcess, folder: Path) -> None:
        self.service, self.output = service, folder / "heard.txt"
        self.process = self.start(folder)

    @abstractmethod
    def start(self, folder: Path) -> subprocess.Popen[str]:
        """Start the program."""

    @abstractmethod
    def send(self, address: str, tags: str = "", *values: object) -> None:
        """Have it send a message."""

    @abstractmethod
    def heard(self, address: str) -> list[list[str]]:
        """The arguments, as text, of each message to an address that it heard."""

    def run(self, folder: Path, *words: object) -> subprocess.Popen[str]:
        with self.output.open("w") as output:
            pipe = subprocess.PIPE
            return subprocess.Popen(
                [str(word) for word in words], stdin=pipe, stdout=output, stderr=output, text=True, cwd=folder
            )

    def lines(self) -> list[str]:
        """What it has written, without a line that it is at."""
        return self.output.read_text().split("\n")[:-1]

    def subscribe(self, address: str = "/subscribe") -> None:
        if self.hearing_port:
            self.send(address, "i", self.hearing_port)
        else:
            self.send(address)

    def close(self) -> None:
        self.subscribe("/unsubscribe")
        if self.process.stdin:
            self.process.stdin.close()
        self.process.terminate()
        self.process.wait(60)


class Liblo(Client):
    def start(self, folder: Path) -> subprocess.Popen[str]:
        if shutil.which("oscdump") is None:
            pytest.skip("liblo-tools is not installed")
        self.hearing_port = free_port(socket.SOCK_DGRAM)
        return self.run(folder, "oscdump", "-L", self.hearing_port)

    def send(self, address: str, tags: str = "", *values: object) -> None:
        words = ["oscsend", "127.0.0.1", str(self.service.port), PREFIX + address, *([tags] if tags else []), *map(str, values)]
        subprocess.run(words, check=True, timeout=60)

    def heard(self, address: str) -> list[list[str]]:
        rows = (line.split(maxsplit=3) for line in self.lines())
        return [row[3].replace('"', "").split() for row in rows if len(row) == 4 and row[1] == PREFIX + address]


class Node(Client):
    def start(self, folder: Path) -> subprocess.Popen[str]:
        node = shutil.which("node")
        if node is None or subprocess.run([node, "-e", "require('osc')"], capture_output=True, check=False).returncode:
            pytest.skip("node's module osc is not installed, or NODE_PATH does not name its folder")
        return self.run(folder, node, FILES / "node_osc.js", self.service.port)

    def send(self, address: str, tags: str = "", *values: object) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps([PREFIX + address, tags, *values]) + "\n")
        self.process.stdin.flush()

    def heard(self, address: str) -> list[list[str]]:
        rows = [json.loads(line) for line in self.lines() if line.endswith("]")]
        return [[str(value) for value in row[2:]] for row in rows if row[0] == PREFIX + address]


class PureData(Client):
    def start(self, folder: Path) -> subprocess.Popen[str]:
        program = shutil.which("pd")
        if program is None:
            pytest.skip("puredata-core is not installed")
        self.hearing_port, self.control_port = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_STREAM)
        text = (FILES / "patch.pd").read_text()
        ports = {"CONTROL": self.control_port, "SERVICE": self.service.port, "HEARING": self.hearing_port}
        for name, port in ports.items():
            text = text.replace(f"{name}_PORT", str(port))
        (folder / "patch.pd").write_text(text)
        return self.run(folder, program, "-nogui", "-noaudio", "-nomidi", "-noprefs", "-stderr", "-open", "patch.pd")

    def send(self, address: str, tags: str = "", *values: object) -> None:
        words = (
            f"address {' '.join((PREFIX + address).split('/')[1:])};\nformat {tags or 'i'};\nsend {' '.join(map(str, values))};\n"
        )

        def say() -> bool:  # it takes a moment to listen
            try:
                with socket.create_connection(("127.0.0.1", self.control_port), timeout=60.0) as connection:
                    connection.sendall(words.encode())
                return True
            except ConnectionRefusedError:
                return False

        wait_for(say, what="a patch that listens")

    def heard(self, address: str) -> list[list[str]]:
        wanted = (PREFIX + address).split("/")[1:]
        rows = [line.split()[1:] for line in self.lines() if line.startswith("heard:")]
        rows = [row[1:] if row[:1] == ["list"] else row for row in rows]
        return [row[len(wanted) :] for row in rows if row[: len(wanted)] == wanted]


@pytest.fixture(params=[Liblo, Node, PureData])
def client(request: pytest.FixtureRequest, quick: ServiceProcess, tmp_path: Path) -> Iterator[Client]:
    running: Client = request.param(quick, tmp_path)

    def is_subscribed() -> bool:  # again and again: it takes a moment to listen; but no flood
        running.subscribe()
        try:
            return bool(wait_for(lambda: running.heard("/subscribed"), 1.0))
        except AssertionError:
            return False

    wait_for(is_subscribed, what="a client that hears")
    yield running
    running.close()


@pytest.fixture
def content(quick: ServiceProcess, request: pytest.FixtureRequest) -> str:
    """A file in the project, its name of one word: the lists of Pure Data end at a blank."""
    project = Path(json.loads((quick.state / "projects.json").read_text())[0])
    name = f"{request.node.callspec.id}-{request.node.originalname}.json"
    (project / name).write_text('{"seconds": 0.6}')
    return name


def about(client: Client, address: str, word: str) -> Callable[[], list[list[str]]]:
    return lambda: [values for values in client.heard(address) if word in values]


def sees_through(client: Client, job: str) -> None:
    """Wait until the client has heard of a job's progress and its end."""
    (done,) = wait_for(about(client, "/done", job), what="/done")
    assert done[0] == job and done[-2].endswith(f"{job}.wav") and float(done[-1]) == 1.0
    fractions = [float(values[0]) for values in about(client, "/progress", job)()]
    assert len(fractions) >= 2 and fractions == sorted(fractions) and fractions[-1] == 1.0
    assert about(client, "/started", job)() == [[job, "default"]]
    assert not client.heard("/failed")


def test_a_remix_is_asked_for_and_seen_through(client: Client, content: str) -> None:
    name = f"from-{type(client).__name__}"
    client.send("/remix", "ssss", content, content, "default", name)
    (accepted,) = wait_for(lambda: client.heard("/accepted"), what="/accepted")
    assert accepted[1:] == [name, "default"]
    sees_through(client, accepted[0])


def test_a_button_asks_when_it_is_pressed_and_not_when_it_is_released(client: Client, content: str) -> None:
    client.send("/content", "s", content)
    client.send("/style", "s", content)
    wait_for(lambda: client.heard("/content") and client.heard("/style"), what="the echoes")
    client.send("/go", "f", 1.0)
    (accepted,) = wait_for(lambda: client.heard("/accepted"), what="/accepted")
    client.send("/go", "f", 0.0)
    sees_through(client, accepted[0])
    client.send("/content", "s", content)
    wait_for(lambda: len(client.heard("/content")) == 2, what="the echo of what was sent after the release")
    assert len(client.heard("/accepted")) == 1 and not client.heard("/error")
