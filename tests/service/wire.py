"""A plain OSC client over real UDP, and a real service in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from tests.waiting import PATIENCE_SECONDS

PREFIX = "/daw_bridge"
RENEW_SECONDS = 20.0  # a subscription lasts for 60
STOP_SECONDS = 60.0


def packet(address: str, *values: Any, tags: str = "") -> bytes:
    """One message's bytes; types are guessed where no tags are given."""
    builder = OscMessageBuilder(address)
    for index, value in enumerate(values):
        builder.add_arg(value, tags[index] if tags else None)
    return bytes(builder.build().dgram)


class Osc:
    """A client with a socket of its own."""

    def __init__(self, port: int) -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.service = ("127.0.0.1", port)
        self.heard: list[tuple[str, tuple[Any, ...]]] = []
        self.subscribed: list[tuple[Any, ...]] = []
        self.renewed = 0.0

    def raw(self, data: bytes) -> None:
        self.sock.sendto(data, self.service)

    def send(self, address: str, *values: Any, tags: str = "") -> None:
        self.raw(packet(PREFIX + address, *values, tags=tags))
        if address == "/subscribe":
            self.subscribed.append(values)
            self.renewed = time.monotonic()

    def receive(self, seconds: float) -> tuple[str, tuple[Any, ...]] | None:
        """The next message: address without the prefix, and values."""
        deadline = time.monotonic() + seconds
        while True:
            self._renew()
            self.sock.settimeout(min(max(deadline - time.monotonic(), 1e-3), RENEW_SECONDS))
            try:
                message = OscMessage(self.sock.recv(65536))
            except TimeoutError:
                if time.monotonic() >= deadline:
                    return None
                continue
            heard = (message.address.removeprefix(PREFIX), tuple(message.params))
            self.heard.append(heard)
            return heard

    def _renew(self) -> None:
        """Stay subscribed, however long a test takes."""
        if self.subscribed and time.monotonic() - self.renewed > RENEW_SECONDS:
            self.renewed = time.monotonic()
            for values in self.subscribed:
                self.raw(packet(PREFIX + "/subscribe", *values))

    def expect(self, address: str, *begin: Any, seconds: float = PATIENCE_SECONDS) -> tuple[Any, ...]:
        """The values of the next message to this address that begins so; others are heard and passed over."""
        deadline = time.monotonic() + seconds
        passed = []
        while time.monotonic() < deadline:
            heard = self.receive(deadline - time.monotonic())
            if heard and heard[0] == address and heard[1][: len(begin)] == begin:
                return heard[1]
            passed.append(heard)
        raise AssertionError(f"{address} {begin} did not come within {seconds} s, but {passed[-20:]}")

    def expect_each(self, *wanted: tuple[Any, ...], seconds: float = PATIENCE_SECONDS) -> None:
        """Hear a message to each address that begins so, in whatever order they come."""
        deadline, open_ones, passed = time.monotonic() + seconds, list(wanted), []
        while open_ones and time.monotonic() < deadline:
            heard = self.receive(deadline - time.monotonic())
            passed.append(heard)
            words = (heard[0], *heard[1]) if heard else ()
            open_ones = [one for one in open_ones if words[: len(one)] != one]
        assert not open_ones, f"{open_ones} did not come within {seconds} s, but {passed[-20:]}"

    def ask(self, address: str, *values: Any, answer: str, seconds: float = PATIENCE_SECONDS) -> tuple[Any, ...]:
        self.send(address, *values)
        return self.expect(answer, seconds=seconds)

    def ping(self) -> float:
        """Seconds until the pong."""
        token, begin = uuid.uuid4().hex, time.monotonic()
        self.send("/ping", token)
        self.expect("/pong", token)
        return time.monotonic() - begin

    def close(self) -> None:
        for values in self.subscribed:  # a service takes 16 subscribers only
            self.raw(packet(PREFIX + "/unsubscribe", *values))
        self.subscribed.clear()
        self.sock.close()


class ServiceProcess:
    """`daw-bridge serve` as users start it; quick, its renderer does as the content says (tests/renderer/quick.py)."""

    def __init__(
        self,
        projects: Sequence[Path],
        state: Path,
        *words: str,
        port: int = 0,
        is_quick: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        names = [str(project) for project in projects]
        usual = ["daw_bridge", "serve", *names, "--state", str(state), "--port", str(port)]
        self.state = state
        self.process = subprocess.Popen(
            [sys.executable, "-m", *(["tests.service.quick_serve", str(state), *names] if is_quick else usual), *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1", "DAW_BRIDGE_PRESETS": str(state / "presets"), **(environment or {})},
        )
        assert self.process.stdout is not None
        self.line = self.process.stdout.readline()
        if "listens on" not in self.line:
            raise AssertionError(self.line + self.process.communicate()[0])

    @property
    def port(self) -> int:
        return int(json.loads((self.state / "service.json").read_text())["port"])

    def stop(self) -> tuple[int, str]:
        """End it as a user would; its exit code and what else it printed."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            output, _ = self.process.communicate(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            output, _ = self.process.communicate()
        return self.process.returncode, output
