"""OSCQuery: the tree of addresses over HTTP, read only, for whoever may speak to the port."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from .tree import ATTRIBUTES, find_node, host_info

MAX_HEAD_BYTES = 8192
HEAD_SECONDS = 5.0
MAX_CLIENTS = 20

log = logging.getLogger(__name__)


class Query:
    """A small HTTP server: GET alone, one request a connection.

    Args:
        osc_port: of the service.
        make_tree: gives the root node.
    """

    def __init__(self, osc_port: int, make_tree: Callable[[], Awaitable[dict[str, Any]]]) -> None:
        self._osc_port = osc_port
        self._make_tree = make_tree
        self._server: asyncio.Server | None = None
        self._n_clients = 0

    async def open(self, host: str) -> int:
        """Listen on any free port of a host; gives the port."""
        self._server = await asyncio.start_server(self._serve, host, 0, limit=MAX_HEAD_BYTES)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._n_clients += 1
        try:
            if self._n_clients <= MAX_CLIENTS:
                async with asyncio.timeout(HEAD_SECONDS):
                    head = await reader.readuntil(b"\r\n\r\n")
                status, body = await self._answer(head.decode("latin-1"), *writer.get_extra_info("sockname")[:2])
                writer.write(_response(status, body))
                await asyncio.wait_for(writer.drain(), HEAD_SECONDS)
        except (OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError) as error:
            log.debug("a query was cut off: %s", error)
        except Exception:
            log.exception("a query failed")
        finally:
            self._n_clients -= 1
            writer.close()

    async def _answer(self, head: str, address: str, port: int) -> tuple[HTTPStatus, Any]:
        lines = head.split("\r\n")
        words = lines[0].split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            return HTTPStatus.BAD_REQUEST, None
        hosts = [line.partition(":")[2].strip() for line in lines[1:] if line.lower().startswith("host:")]
        allowed = {f"{name}:{port}" for name in (address, "localhost")}
        if len(hosts) != 1 or hosts[0].lower() not in allowed:  # a page in a browser may reach us under a name of its own
            return HTTPStatus.FORBIDDEN, None
        if words[0] != "GET":
            return HTTPStatus.METHOD_NOT_ALLOWED, None
        path, _, query = words[1].partition("?")
        return await self._look_up(unquote(path), query)

    async def _look_up(self, path: str, query: str) -> tuple[HTTPStatus, Any]:
        if query == "HOST_INFO":
            return HTTPStatus.OK, host_info(self._osc_port)
        node = find_node(await self._make_tree(), path)
        if node is None:
            return HTTPStatus.NOT_FOUND, None
        if not query:
            return HTTPStatus.OK, node
        if query not in ATTRIBUTES:
            return HTTPStatus.BAD_REQUEST, None
        return (HTTPStatus.OK, {query: node[query]}) if query in node else (HTTPStatus.NO_CONTENT, None)


def _response(status: HTTPStatus, body: Any) -> bytes:
    content = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        "Content-Type: application/json; charset=utf-8",
        f"Content-Length: {len(content)}",
        "X-Content-Type-Options: nosniff",
        "Cache-Control: no-store",
        "Connection: close",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + content
