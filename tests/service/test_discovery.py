"""Being found: OSCQuery from the one table, for this computer's own names alone; zeroconf in LAN mode."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from daw_bridge.service.discovery import HTTP_TYPE, OSC_TYPE, announce
from daw_bridge.service.table import INCOMING, OUTGOING, PREFIX
from daw_bridge.service.tree import find_node, tree
from tests.service.wire import Osc, ServiceProcess


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ServiceProcess, int]]:
    """A service that is discovered, and its HTTP port."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAW_BRIDGE_DISCOVERY", "1")
        running = ServiceProcess([tmp_path_factory.mktemp("found")], tmp_path_factory.mktemp("f") / "state", is_quick=True)
    assert running.process.stdout is not None
    line = re.match(r"OSCQuery on http://127\.0\.0\.1:(\d+)", running.process.stdout.readline())
    assert line
    yield running, int(line[1])
    assert running.stop() == (0, "")


def get(port: int, path: str, host: str = "", method: str = "GET") -> tuple[int, Any, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, headers={"Host": host or f"127.0.0.1:{port}"})
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, json.loads(body) if body else None, {key.lower(): value for key, value in response.getheaders()}


def test_the_tree_holds_every_address_of_the_table() -> None:
    root = tree([], [("default", "Default")])
    for row in (*INCOMING, *OUTGOING):
        if row.address != "/param/<name>":
            path = PREFIX + row.address.replace("<n>", "1").replace("<preset>", "default")
            node = find_node(root, path)
            assert node is not None and node["FULL_PATH"] == path and node["ACCESS"] in (1, 2, 3), path


def test_a_client_reads_the_tree_a_node_an_attribute_and_the_host(found: tuple[ServiceProcess, int]) -> None:
    service, port = found
    status, root, headers = get(port, "/")
    assert status == 200 and root["CONTENTS"]["daw_bridge"]["CONTENTS"]["ping"]["ACCESS"] == 2
    assert headers["content-type"].startswith("application/json") and not any("allow-origin" in key for key in headers)
    node = get(port, "/daw_bridge/param/strength")[1]
    assert (node["TYPE"], node["VALUE"], node["RANGE"], node["ACCESS"]) == ("f", [1.0], [{"MIN": 0.0, "MAX": 1.0}], 3)
    osc = Osc(service.port)
    osc.ask("/param/strength", 0.25, answer="/param/strength")
    osc.close()
    assert get(port, "/daw_bridge/param/strength?VALUE")[1] == {"VALUE": [0.25]}
    info = get(port, "/?HOST_INFO")[1]
    assert (info["OSC_PORT"], info["OSC_TRANSPORT"], info["EXTENSIONS"]["VALUE"]) == (service.port, "UDP", True)
    assert get(port, "/daw_bridge/ping?VALUE")[0] == 204
    assert get(port, "/daw_bridge/ping?NONSENSE")[0] == 400
    assert get(port, "/daw_bridge/pong/x")[0] == 404


def test_paths_that_were_set_are_not_told(found: tuple[ServiceProcess, int]) -> None:
    service, port = found
    osc = Osc(service.port)
    osc.ask("/content", "secret take.wav", answer="/content")
    osc.close()
    assert "secret" not in json.dumps(get(port, "/")[1])


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "[::1]:{port}"])
def test_a_page_that_reaches_us_under_a_name_of_its_own_is_refused(found: tuple[ServiceProcess, int], host: str) -> None:
    _, port = found
    assert get(port, "/", host.format(port=port))[:2] == (403, None)
    assert get(port, "/", f"localhost:{port}")[0] == 200


def test_nothing_but_get_is_done(found: tuple[ServiceProcess, int]) -> None:
    assert get(found[1], "/", method="POST")[0] == 405


@pytest.mark.parametrize("data", [b"", b"\x00" * 20_000, b"GET /\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 3000 + b"\r\n"])
def test_what_is_no_http_does_no_harm(found: tuple[ServiceProcess, int], data: bytes) -> None:
    with socket.create_connection(("127.0.0.1", found[1])) as sock:
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionResetError):
            sock.recv(4096)
    assert get(found[1], "/?HOST_INFO")[0] == 200


def test_without_being_asked_there_is_no_http(quick: ServiceProcess) -> None:
    status = Path(f"/proc/{quick.process.pid}/net/tcp")
    if not status.exists():
        pytest.skip("this system has no /proc")
    inodes = {line.split()[9] for line in status.read_text().splitlines()[1:] if line.split()[3] == "0A"}
    own = {link.readlink().name for link in Path(f"/proc/{quick.process.pid}/fd").iterdir() if link.is_symlink()}
    assert not {f"socket:[{inode}]" for inode in inodes} & own


def test_both_ports_are_announced_and_taken_back() -> None:
    pytest.importorskip("zeroconf")
    from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

    async def hear() -> None:
        announced = await announce(9710, 8080, ["127.0.0.1"])
        listener = AsyncZeroconf(interfaces=["127.0.0.1"])
        host = socket.gethostname().partition(".")[0]
        for kind, port in ((OSC_TYPE, 9710), (HTTP_TYPE, 8080)):
            info = AsyncServiceInfo(kind, f"daw-bridge on {host}.{kind}")
            assert await info.async_request(listener.zeroconf, 60_000)
            assert (info.port, info.parsed_addresses()) == (port, ["127.0.0.1"])
        await announced.async_unregister_all_services()
        await announced.async_close()
        await listener.async_close()

    asyncio.run(hear())
