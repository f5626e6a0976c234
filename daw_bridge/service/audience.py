"""Who hears what: the asker, its own subscriptions, every subscriber, fixed feedback targets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ..errors import BadArguments, DawBridgeError, QueueFull
from .osc import Endpoint, Peer
from .packets import Argument
from .table import PREFIX, outgoing

TTL_SECONDS = 60
MAX_SUBSCRIBERS = 16


@dataclass(frozen=True)
class Subscription:
    """A target that hears all events until it expires.

    Attributes:
        owner: who asked for it; replies to the owner come here, too.
        expires: monotonic seconds.
    """

    owner: Peer
    expires: float


class Audience:
    """Sends what the table allows to whom it concerns.

    Args:
        endpoint: the port.
        feedback: fixed targets of the configuration.
        clock: monotonic seconds.
    """

    def __init__(self, endpoint: Endpoint, feedback: Sequence[Peer], clock: Callable[[], float]) -> None:
        self._endpoint = endpoint
        self._feedback = tuple(feedback)
        self._clock = clock
        self._subscriptions: dict[Peer, Subscription] = {}

    def subscribe(self, peer: Peer, port: int) -> Peer:
        """Let a port of the peer's host hear all events for a while; 0 means the port that it sends from.

        Raises:
            BadArguments: no such port.
            QueueFull: there are too many subscribers.
        """
        target = _target(peer, port)
        now = self._clock()
        self._subscriptions = {t: s for t, s in self._subscriptions.items() if s.expires > now}
        if target not in self._subscriptions and len(self._subscriptions) >= MAX_SUBSCRIBERS:
            raise QueueFull(f"{MAX_SUBSCRIBERS} subscribers are there already", f"One leaves within {TTL_SECONDS} s.")
        self._subscriptions[target] = Subscription(peer, now + TTL_SECONDS)
        return target

    def unsubscribe(self, peer: Peer, port: int) -> Peer:
        """Take a subscription back; taking back one that is not there does no harm."""
        target = _target(peer, port)
        self._subscriptions.pop(target, None)
        return target

    def reply(self, peer: Peer, address: str, *values: Argument, word: str = "") -> None:
        """Answer somebody; public answers go to every subscriber, too.

        Args:
            peer: who asked.
            address: of the table, without the prefix.
            values: as many as the table's tags.
            word: stands for the part of the address in angle brackets.
        """
        now = self._clock()
        own = [target for target, s in self._subscriptions.items() if s.owner == peer and s.expires > now]
        self._send([peer, *own, *(self._everybody() if outgoing(address).is_public else [])], address, values, word)

    def tell(self, peer: Peer, address: str, *values: Argument) -> None:
        """Answer somebody alone, whatever the table says of the address."""
        now = self._clock()
        own = [target for target, s in self._subscriptions.items() if s.owner == peer and s.expires > now]
        self._send([peer, *own], address, values)

    def greet(self, target: Peer, address: str, *values: Argument, word: str = "") -> None:
        """Tell one target alone."""
        self._send([target], address, values, word)

    def publish(self, address: str, *values: Argument, also: Iterable[Peer] = (), word: str = "") -> None:
        """Tell every subscriber and feedback target, and those in `also`."""
        self._send([*also, *self._everybody()], address, values, word)

    def refuse(self, peer: Peer, address: str, error: DawBridgeError) -> None:
        """Say why a message was refused."""
        self.reply(peer, "/error", error.code, address, str(error))
        self.publish("/ui/status", f"refused: {error}")

    def _everybody(self) -> list[Peer]:
        now = self._clock()
        return [*(target for target, s in self._subscriptions.items() if s.expires > now), *self._feedback]

    def _send(self, targets: Iterable[Peer], address: str, values: Sequence[Argument], word: str = "") -> None:
        row = outgoing(address)
        full = PREFIX + (address.partition("<")[0] + word if word else address)
        for target in dict.fromkeys(targets):
            self._endpoint.send(target, full, row.tags, values)


def _target(peer: Peer, port: int) -> Peer:
    if not 0 <= port <= 65535:
        raise BadArguments(f"port={port} must lie from 1 to 65535", "0 or none means the port that the message came from.")
    return peer[0], port or peer[1]
