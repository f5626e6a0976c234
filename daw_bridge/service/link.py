"""The client's end of the wire: finds the running service and exchanges OSC messages with it."""

from __future__ import annotations

import json
import socket
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from ..errors import NotFound, by_code
from ..folders import StateFolders
from .admission import OPEN_ADDRESSES, read_token
from .packets import Argument, BadPacket, Message, build_packet, read_packet
from .table import PREFIX

PING_SECONDS, N_PINGS = 0.4, 3
GONE_SECONDS = 15.0
MAX_DATAGRAM_BYTES = 65_536


@dataclass(frozen=True)
class Address:
    """Where the service listens, as it wrote down itself."""

    host: str
    port: int
    pid: int
    version: str


class Link:
    """A socket towards the running service.

    Args:
        sock: a UDP socket connected to the service.
        address: the service's.
        token: what its messages must begin with; empty where it wants none.
    """

    def __init__(self, sock: socket.socket, address: Address, token: str = "") -> None:
        self._sock = sock
        self._token = token
        self._received: list[Message] = []
        self.address = address

    def send(self, address: str, *values: Argument) -> None:
        """Send one message; the address without the prefix."""
        if self._token and PREFIX + address not in OPEN_ADDRESSES:
            values = (self._token, *values)
        tags = "".join("s" if isinstance(value, str) else "i" if isinstance(value, int) else "f" for value in values)
        try:
            self._sock.send(build_packet(PREFIX + address, tags, values))
        except OSError:
            return  # nobody listens there: the silence that follows is what callers judge by

    def receive(self, timeout_seconds: float) -> Message | None:
        """The next message; None when none comes in time."""
        if not self._received:
            self._sock.settimeout(max(timeout_seconds, 1e-6))
            try:
                data = self._sock.recv(MAX_DATAGRAM_BYTES)
                self._received = [message for message in read_packet(data) if isinstance(message, Message)]
            except ConnectionError:
                time.sleep(timeout_seconds)  # the port is closed: do not spin
            except (OSError, BadPacket):
                return None
        return self._received.pop(0) if self._received else None

    def ask(self, address: str, answer: str, timeout_seconds: float, *values: Argument) -> Message:
        """Send one message and wait for its answer.

        Raises:
            DawBridgeError: the service refused, or did not answer.
        """
        return self.collect(address, (), answer, timeout_seconds, *values)[-1]

    def collect(self, address: str, each: Sequence[str], end: str, timeout_seconds: float, *values: Argument) -> list[Message]:
        """Send one message and gather the answers to the addresses of `each` until `end` comes, which is the last of them.

        Raises:
            DawBridgeError: the service refused, or did not answer.
        """
        self.send(address, *values)
        found: list[Message] = []
        deadline = time.monotonic() + timeout_seconds
        while time.monotonic() < deadline:
            message = self.receive(deadline - time.monotonic())
            if message is None:
                continue
            if message.address == PREFIX + "/error" and message.values[1] == PREFIX + address:
                raise by_code(str(message.values[0]))(str(message.values[2]))
            if message.address == PREFIX + end:
                return [*found, message]
            if message.address.removeprefix(PREFIX) in each:
                found.append(message)
        raise NotFound(f"the service does not answer {address} within {timeout_seconds:g} s", "Ask again, or start it anew.")


@contextmanager
def connect(state: StateFolders) -> Iterator[Link]:
    """Find the service that runs on a state folder, and make sure that it answers.

    Raises:
        NotFound: none runs there.
    """
    nobody = NotFound(f"no service runs on {state.root}", "Start it with: daw-bridge serve PROJECT")
    try:
        table = json.loads(state.address.read_text(encoding="utf-8"))
        address = Address(str(table["host"]), int(table["port"]), int(table["pid"]), str(table["version"]))
        token = read_token(state.token) if table.get("lan") else ""
    except (OSError, ValueError, KeyError, TypeError):
        raise nobody from None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((address.host, address.port))
        link = Link(sock, address, token)
        if not any(_answers(link) for _ in range(N_PINGS)):
            raise nobody
        yield link


def _answers(link: Link) -> bool:
    token = uuid.uuid4().hex
    link.send("/ping", token)
    deadline = time.monotonic() + PING_SECONDS
    while time.monotonic() < deadline:
        message = link.receive(deadline - time.monotonic())
        if message is not None and message.address == PREFIX + "/pong" and message.values[0] == token:
            return True
    return False
