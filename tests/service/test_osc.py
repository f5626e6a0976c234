"""The endpoint over real UDP: hostile packets do no harm, limits hold, the port is one service's."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import pytest

from daw_bridge import __version__
from tests.service.wire import PREFIX, Osc, ServiceProcess, packet
from tests.waiting import PATIENCE_SECONDS

PING = packet(PREFIX + "/ping", "from a bundle")


def bundle(*elements: bytes, timetag: int = 1) -> bytes:
    return b"#bundle\x00" + struct.pack(">Q", timetag) + b"".join(struct.pack(">i", len(e)) + e for e in elements)


def padded(text: bytes) -> bytes:
    return text + b"\x00" * (4 - len(text) % 4)


def nested(depth: int) -> bytes:
    data = PING
    for _ in range(depth):
        data = bundle(data)
    return data


SILENT = {
    "an element of size -4": b"#bundle\x00" + struct.pack(">Qi", 1, -4),
    "an element of size 0": b"#bundle\x00" + struct.pack(">Qi", 1, 0),
    "an element past the end": b"#bundle\x00" + struct.pack(">Qi", 1, 4000) + PING,
    "an element of 6 bytes": b"#bundle\x00" + struct.pack(">Qi", 1, 6) + b"/a\x00\x00\x00\x00\x00\x00",
    "a bundle without a timetag": b"#bundle\x00",
    "five bundles in each other": nested(5),
    "65 messages": bundle(*[PING] * 65),
    "thirty stars": padded(b"/" + b"*" * 30) + b",\x00\x00\x00",
    "every address": padded(PREFIX.encode() + b"/*") + b",\x00\x00\x00",
    "a pattern with braces": padded(PREFIX.encode() + b"/{ping,cancel}") + b",\x00\x00\x00",
    "an address with a space": padded(b"/daw bridge/ping") + b",\x00\x00\x00",
    "invalid UTF-8 in an argument": padded(PREFIX.encode() + b"/ping") + b",s\x00\x00\xff\xfe\xfd\x00",
    "invalid UTF-8 in the address": padded(b"/\xff\xfe") + b",\x00\x00\x00",
    "no OSC": b"GET / HTTP/1.1\r\n\r\n\x00\x00",
    "four zeros": b"\x00\x00\x00\x00",
    "one byte": b"/",
    "nothing": b"",
    "a length that is no multiple of 4": PING + b"\x00",
    "8196 bytes": padded(PREFIX.encode() + b"/ping") + b",s\x00\x00" + b"x" * 8196,
    "60000 bytes": b"/" + b"x" * 59_999,
    "an address of 300 characters": padded(b"/" + b"a" * 300) + b",\x00\x00\x00",
    "65 tags": padded(PREFIX.encode() + b"/ping") + padded(b"," + b"T" * 65),
    "an array": padded(PREFIX.encode() + b"/ping") + padded(b",[s]") + b"x\x00\x00\x00",
    "an unknown tag": padded(PREFIX.encode() + b"/ping") + b",q\x00\x00",
    "tags without a comma": padded(PREFIX.encode() + b"/ping") + b"s\x00\x00\x00x\x00\x00\x00",
    "a float that is missing": padded(PREFIX.encode() + b"/ping") + b",f\x00\x00",
    "a text without its end": padded(PREFIX.encode() + b"/ping") + b",s\x00\x00xxxx",
    "a blob of size -1": padded(PREFIX.encode() + b"/ping") + b",b\x00\x00" + struct.pack(">i", -1),
    "a blob past the end": padded(PREFIX.encode() + b"/ping") + b",b\x00\x00" + struct.pack(">i", 2**31 - 1),
}


@pytest.mark.parametrize("data", SILENT.values(), ids=SILENT.keys())
def test_what_is_not_osc_gets_no_answer_and_the_next_ping_does(osc: Osc, data: bytes) -> None:
    osc.raw(data)
    osc.ping()
    assert [address for address, _ in osc.heard] == ["/pong"]


def test_a_timetag_in_the_future_does_not_wait(osc: Osc) -> None:
    osc.raw(bundle(PING, timetag=(4_200_000_000 << 32)))
    assert osc.expect("/pong")[0] == "from a bundle"


def test_a_bundle_runs_in_order_and_its_bad_message_harms_no_other(osc: Osc) -> None:
    bad = padded(b"/" + b"*" * 30) + b",\x00\x00\x00"
    osc.raw(bundle(packet(PREFIX + "/ping", "1"), bad, bundle(packet(PREFIX + "/ping", "2")), packet(PREFIX + "/ping", "3")))
    assert [osc.expect("/pong")[0] for _ in range(3)] == ["1", "2", "3"]


def test_ping_tells_version_and_protocol(osc: Osc) -> None:
    assert osc.ask("/ping", "token", answer="/pong") == ("token", __version__, 1)
    assert osc.ask("/ping", answer="/pong") == ("", __version__, 1)


def test_an_unknown_address_is_answered(osc: Osc) -> None:
    code, address, message = osc.ask("/pingg", answer="/error")
    assert (code, address) == ("unknown_address", PREFIX + "/pingg")
    assert "/daw_bridge/ping" in message


@pytest.mark.parametrize(
    ("address", "values"),
    [("/remix", ("a",)), ("/remix", (1, "b", "c")), ("/job", ()), ("/job", (1.0,)), ("/ping", (1,)), ("/subscribe", (70000,))],
)
def test_wrong_arguments_are_refused_by_code(osc: Osc, address: str, values: tuple[object, ...]) -> None:
    assert osc.ask(address, *values, answer="/error")[:2] == ("bad_args", PREFIX + address)


@pytest.mark.parametrize("tag", ["i", "f", "d", "h", "T", "F"])
def test_numbers_are_taken_in_any_of_their_types(osc: Osc, tag: str) -> None:
    value = {"T": True, "F": False}.get(tag, 0)
    osc.raw(packet(PREFIX + "/unsubscribe", float(value) if tag in "fd" else value, tags=tag))
    osc.expect("/subscribed")


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_numbers_must_be_finite(osc: Osc, number: float) -> None:
    osc.send("/subscribe", number)
    assert osc.expect("/error")[0] == "bad_args"


def test_a_peer_that_floods_is_limited_and_others_are_not(service: ServiceProcess, osc: Osc) -> None:
    flooder = Osc(service.port)
    for _ in range(400):
        flooder.raw(PING)
    assert flooder.expect("/error")[0] == "rate_limited"
    osc.ping()
    flooder.close()


def test_a_second_program_on_the_port_is_refused_in_one_sentence(service: ServiceProcess, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "daw_bridge", "serve", str(tmp_path), "--state", str(tmp_path / "state")]
    second = subprocess.run([*command, "--port", str(service.port)], capture_output=True, text=True, timeout=120, check=False)
    assert second.returncode != 0
    assert "port_in_use" in second.stderr
    assert len(second.stderr.splitlines()) == 1


def test_a_second_serve_on_the_same_state_adds_its_project(service: ServiceProcess, tmp_path: Path) -> None:
    project = tmp_path / "another one"
    project.mkdir()
    command = [sys.executable, "-m", "daw_bridge", "serve", str(project), "--state", str(service.state)]
    second = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert str(project) in second.stdout
    assert (project / "daw_bridge" / "drop").is_dir()


def test_replies_use_i_f_and_s_alone_and_at_most_1024_bytes(osc: Osc) -> None:
    osc.send("/job", "x" * 3000)
    osc.sock.settimeout(PATIENCE_SECONDS)
    data = osc.sock.recv(65536)
    assert len(data) <= 1024
    assert data.startswith(b"/daw_bridge/error")


def test_a_peer_that_went_away_does_no_harm(service: ServiceProcess, osc: Osc) -> None:
    for _ in range(20):
        gone = Osc(service.port)
        gone.send("/presets")
        gone.close()
    osc.ping()


def test_the_service_listens_on_loopback(service: ServiceProcess) -> None:
    assert f"127.0.0.1:{service.port}" in service.line
