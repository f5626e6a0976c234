"""Being found: OSCQuery, and in LAN mode an announcement by zeroconf of it and of the OSC port."""

from __future__ import annotations

import logging
import socket
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from ..errors import ResourceError
from .oscquery import Query

if TYPE_CHECKING:
    from zeroconf.asyncio import AsyncZeroconf

OSC_TYPE, HTTP_TYPE = "_osc._udp.local.", "_oscjson._tcp.local."

log = logging.getLogger(__name__)


class Discovery:
    """What makes the service be found, for as long as it is open.

    Args:
        osc_port: of the service.
        make_tree: gives the root node of OSCQuery.
    """

    def __init__(self, osc_port: int, make_tree: Callable[[], Awaitable[dict[str, Any]]]) -> None:
        self._osc_port = osc_port
        self._query = Query(osc_port, make_tree)
        self._zeroconf: AsyncZeroconf | None = None

    async def open(self, host: str, is_announced: bool) -> int:
        """Listen, and announce it if asked; gives the port of OSCQuery. Without zeroconf there is no announcement."""
        port = await self._query.open(host)
        if is_announced:
            try:
                self._zeroconf = await announce(self._osc_port, port, own_addresses())
            except (OSError, ResourceError) as error:
                log.warning("not announced: %s", error)
        return port

    async def close(self) -> None:
        """Take the announcement back and listen no more."""
        if self._zeroconf is not None:
            await self._zeroconf.async_unregister_all_services()
            await self._zeroconf.async_close()
        await self._query.close()


async def announce(osc_port: int, http_port: int, addresses: list[str]) -> AsyncZeroconf:
    """Tell the network of the service, until the result is closed with `async_close`.

    Args:
        osc_port, http_port: where it listens.
        addresses: of this computer, IPv4; the announcement goes out there alone.

    Raises:
        ResourceError: zeroconf is not installed.
    """
    try:
        from zeroconf import ServiceInfo
        from zeroconf.asyncio import AsyncZeroconf
    except ImportError:
        raise ResourceError("zeroconf is not installed", 'Run: pip install "daw-bridge[discovery]"') from None
    host = socket.gethostname().partition(".")[0] or "daw-bridge"
    packed = [socket.inet_aton(address) for address in addresses]
    zeroconf = AsyncZeroconf(interfaces=addresses)
    for kind, port in ((OSC_TYPE, osc_port), (HTTP_TYPE, http_port)):
        info = ServiceInfo(kind, f"daw-bridge on {host}.{kind}", port=port, addresses=packed, server=f"{host}.local.")
        await zeroconf.async_register_service(info, allow_name_change=True)
    return zeroconf


def own_addresses() -> list[str]:
    """The IPv4 addresses of this computer on its networks; the loopback one where there is no network."""
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(("192.0.2.1", 9))  # nothing is sent; the system only picks the way
            found.append(sock.getsockname()[0])
        except OSError:
            log.debug("no network")
    return found or ["127.0.0.1"]
