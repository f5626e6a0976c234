"""The UDP endpoint: guards each datagram, limits each peer, and hands on messages one by one."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

from ..errors import PortInUse
from .packets import MAX_BYTES, Argument, BadPacket, Message, build_packet, read_packet

Peer = tuple[str, int]
NOBODY: Peer = ("", 0)  # sent what came as a file: there is no one to answer
OnMessage = Callable[[Message, Peer], None]
OnLimited = Callable[[Peer], None]

MESSAGES_A_SECOND, PEER_MESSAGES_A_SECOND = 2000, 200
PEER_MEMORY_SECONDS = 10.0
LOG_PAUSE_SECONDS = 10.0
RECEIVE_BUFFER_BYTES = 4 << 20  # loopback drops what does not fit

log = logging.getLogger(__name__)


def open_socket(host: str, port: int) -> socket.socket:
    """Bind the one socket of the service; 0 takes any free port.

    Raises:
        PortInUse: somebody else listens there, or the address is not this machine's.
    """
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        exclusive = getattr(socket, "SO_EXCLUSIVEADDRUSE", None)  # Windows: otherwise two may share a port
        if exclusive is not None:
            sock.setsockopt(socket.SOL_SOCKET, exclusive, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        sock.setblocking(False)
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        hint = "Stop the other program, or choose another port with --port (0 takes any free one)."
        raise PortInUse(f"port={port} on {host} cannot be used: {error.strerror or error}", hint) from None
    return sock


@dataclass
class Bucket:
    """Tokens that refill with time: who has none left is over the limit."""

    rate: float
    tokens: float
    refilled: float

    def take(self, now: float) -> bool:
        self.tokens = min(self.rate, self.tokens + (now - self.refilled) * self.rate)
        self.refilled = now
        if self.tokens < 1.0:
            return False
        self.tokens -= 1.0
        return True


@dataclass
class Limits:
    """Messages a second, of each peer and of all together."""

    everybody: Bucket = field(default_factory=lambda: Bucket(MESSAGES_A_SECOND, MESSAGES_A_SECOND, 0.0))
    peers: dict[Peer, Bucket] = field(default_factory=dict)
    told: dict[Peer, float] = field(default_factory=dict)

    def allow(self, peer: Peer, now: float) -> bool:
        """Whether this message of the peer may pass, at monotonic time `now` in seconds."""
        if len(self.peers) > MESSAGES_A_SECOND:
            self.forget(now)
        bucket = self.peers.setdefault(peer, Bucket(PEER_MESSAGES_A_SECOND, PEER_MESSAGES_A_SECOND, now))
        return bucket.take(now) and self.everybody.take(now)

    def may_tell(self, peer: Peer, now: float) -> bool:
        """Whether the peer is to be told of its limit now: once a second."""
        if now - self.told.get(peer, -1.0) < 1.0:
            return False
        self.told[peer] = now
        return True

    def forget(self, now: float) -> None:
        """Drop peers that have been quiet."""
        self.peers = {p: b for p, b in self.peers.items() if now - b.refilled < PEER_MEMORY_SECONDS}
        self.told = {p: t for p, t in self.told.items() if now - t < PEER_MEMORY_SECONDS}


class Endpoint(asyncio.DatagramProtocol):
    """The service's side of the UDP port.

    Args:
        on_message: called with each message that passed, in order; what it raises is logged and stays with that message.
        on_limited: called at most once a second with a peer that sends too much.
        clock: monotonic seconds.
    """

    def __init__(self, on_message: OnMessage, on_limited: OnLimited, clock: Callable[[], float]) -> None:
        self._on_message = on_message
        self._on_limited = on_limited
        self._clock = clock
        self._limits = Limits()
        self._transport: asyncio.DatagramTransport | None = None
        self._said: dict[str, tuple[float, int]] = {}
        self.n_taken = self.n_refused = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)  # its class says so from Python 3.12 only
        transport.max_size = MAX_BYTES + 1  # type: ignore[attr-defined]  # room for 256 KiB each time leaves the heap full of holes

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        self.n_taken += 1
        peer = (str(addr[0]), int(addr[1]))
        try:
            messages = read_packet(data)
        except BadPacket as refusal:
            self._refuse(peer, refusal)
            return
        for message in messages:
            now = self._clock()
            if not self._limits.allow(peer, now):
                self._count("limited", f"{peer[0]}:{peer[1]} sends more messages than allowed")
                if self._limits.may_tell(peer, now):
                    self._on_limited(peer)
            elif isinstance(message, BadPacket):
                self._refuse(peer, message)
            else:
                self._pass_on(message, peer)

    def _pass_on(self, message: Message, peer: Peer) -> None:
        try:
            self._on_message(message, peer)
        except Exception:
            log.exception("a handler of %s failed", message.address)

    def _refuse(self, peer: Peer, refusal: BadPacket) -> None:
        self.n_refused += 1
        self._count("refused", f"a packet of {peer[0]}:{peer[1]} is not OSC: {refusal}")

    def _count(self, kind: str, line: str) -> None:
        """One log line in ten seconds for each kind, with the number of those that it stands for."""
        now = self._clock()
        last, n_unsaid = self._said.get(kind, (-LOG_PAUSE_SECONDS, 0))
        if now - last < LOG_PAUSE_SECONDS:
            self._said[kind] = (last, n_unsaid + 1)
            return
        log.warning("%s (%d more like it before)", line, n_unsaid)
        self._said[kind] = (now, 0)

    def error_received(self, exc: Exception) -> None:
        """A peer that has gone (WSAECONNRESET and kin) does no harm to the others."""
        self._count("network", f"a peer could not be reached: {exc}")

    def send(self, peer: Peer, address: str, tags: str, arguments: Sequence[Argument]) -> None:
        """Send one message; what cannot be delivered is counted, never raised."""
        if self._transport is None or self._transport.is_closing() or peer == NOBODY:
            return
        try:
            self._transport.sendto(build_packet(address, tags, arguments), peer)
        except (OSError, ValueError) as error:
            self._count("unsent", f"{address} could not be sent to {peer[0]}:{peer[1]}: {error}")

    def close(self) -> None:
        """Close the port."""
        log.info("datagrams taken: %d, not OSC: %d", self.n_taken, self.n_refused)
        if self._transport is not None:
            self._transport.close()
