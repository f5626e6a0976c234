"""Open to the network: nothing is done without the token, and the token stays where it is."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from daw_bridge.errors import ForbiddenPath, Unauthorised
from daw_bridge.service import client
from daw_bridge.service.admission import admitted, make_token
from daw_bridge.service.packets import Message
from daw_bridge.service.table import INCOMING, PREFIX
from tests.service.wire import Osc, ServiceProcess, packet
from tests.waiting import wait_for


def test_a_token_is_made_once_and_closed_to_others(tmp_path: Path) -> None:
    token = make_token(tmp_path / "token")
    assert len(token) >= 24 and make_token(tmp_path / "token") == token
    (tmp_path / "token").chmod(0o644)
    assert make_token(tmp_path / "token") == token
    assert stat.S_IMODE((tmp_path / "token").stat().st_mode) == 0o600


@pytest.mark.parametrize("text", ["", "short", " \n"])
def test_a_file_that_holds_no_token_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "token").write_text(text)
    with pytest.raises(ForbiddenPath, match="Remove it"):
        make_token(tmp_path / "token")


WRONG = [(), ("wrong",), (1,), ("the token itsel",), ("the token itself ",), ("č",), (b"the token itself",)]


@pytest.mark.parametrize("values", WRONG)
def test_only_the_whole_token_lets_a_message_in(values: tuple[object, ...]) -> None:
    message = Message(PREFIX + "/go", "s" * len(values), values)  # type: ignore[arg-type]
    with pytest.raises(Unauthorised) as refusal:
        admitted(message, "the token itself")
    assert "the token itself" not in str(refusal.value)


def test_the_token_is_taken_off() -> None:
    assert admitted(Message("/x", "si", ("the token itself", 1)), "the token itself") == Message("/x", "i", (1,))


@pytest.fixture(scope="module")
def lan(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    project = tmp_path_factory.mktemp("lan project")
    (project / "song.json").write_text(json.dumps({"seconds": 0.1}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAW_BRIDGE_LAN", "1")
        running = ServiceProcess([project], tmp_path_factory.mktemp("lan") / "state", is_quick=True)
    assert running.process.stdout is not None
    warning = running.process.stdout.readline()
    assert "warning" in warning and str(running.state / "token") in warning
    yield running
    assert running.stop() == (0, "")


@pytest.fixture
def stranger(lan: ServiceProcess) -> Iterator[Osc]:
    osc = Osc(lan.port)
    yield osc
    osc.close()


def test_without_the_token_only_ping_and_version_answer(lan: ServiceProcess, stranger: Osc) -> None:
    assert "0.0.0.0" in lan.line
    stranger.ping()
    stranger.ask("/version", answer="/version/info")
    for row in INCOMING:
        if row.address not in ("/ping", "/version"):
            address = row.address.replace("<n>", "1").replace("<name>", "strength")
            assert stranger.ask(address, "guess", answer="/error")[:2] == ("unauthorised", PREFIX + address)
    assert stranger.ask("/nothing", answer="/error")[0] == "unauthorised"


def test_with_the_token_everything_answers(lan: ServiceProcess, stranger: Osc) -> None:
    token = (lan.state / "token").read_text().strip()
    wait_for(lambda: stranger.ask("/status", token, answer="/status/info")[0] == "idle")
    stranger.send("/remix", token, "song.json", "song.json", "default")
    job = stranger.expect("/accepted")[0]
    stranger.expect("/done", job)
    assert stranger.ask("/cancel", token, job, answer="/error")[0] == "not_cancellable"
    assert stranger.ask("/ping", token, answer="/pong")[0] == token


def test_our_own_commands_find_the_token_by_themselves(lan: ServiceProcess) -> None:
    assert client.status(state=lan.state).state == "idle"
    assert isinstance(client.jobs(state=lan.state), list)


def test_the_token_is_in_no_other_file_of_the_state_folder(lan: ServiceProcess) -> None:
    token = (lan.state / "token").read_text().strip().encode()
    holding = [path.name for path in lan.state.rglob("*") if path.is_file() and token in path.read_bytes()]
    assert holding == ["token"]
    assert stat.S_IMODE(os.stat(lan.state).st_mode) == 0o700
    assert stat.S_IMODE(os.stat(lan.state / "work").st_mode) == 0o700


def test_a_slip_of_the_users_own_needs_no_token(lan: ServiceProcess) -> None:
    draft = lan.state / "tickets" / ".draft"
    draft.write_bytes(packet(PREFIX + "/pause"))
    draft.rename(draft.with_name("a slip.osc"))
    wait_for(lambda: client.status(state=lan.state).state == "paused", what="a pause")
    assert client.pause(False, state=lan.state) == "idle"
