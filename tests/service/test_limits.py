"""One client cannot fill the queue, and what it may not have others still may."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path

from tests.service.wire import Osc, ServiceProcess
from tests.waiting import wait_for

MOST = 50  # jobs of one address and port that are not over


def ask(osc: Osc, number: int) -> tuple[str, str]:
    """What is answered to one more wish: the address, and the code of a refusal."""
    osc.send("/remix", "short.json", "short.json", "default", f"wish {osc.sock.getsockname()[1]} {number}", "seed", number)
    while True:
        heard = osc.receive(30.0)
        assert heard, "no answer"
        if heard[0] in ("/accepted", "/error"):
            return heard[0], str(heard[1][0]) if heard[0] == "/error" else ""


def test_of_one_client_fifty_jobs_wait_and_no_more_until_some_are_over(quick: ServiceProcess, quick_osc: Osc) -> None:
    project = Path(json.loads((quick.state / "projects.json").read_text())[0])
    (project / "short.json").write_text(json.dumps({"seconds": 0.1}))
    assert quick_osc.ask("/pause", answer="/status/info")[0] == "paused"
    other = Osc(quick.port)
    try:
        assert {ask(quick_osc, number) for number in range(MOST)} == {("/accepted", "")}
        assert ask(quick_osc, MOST) == ("/error", "queue_full")
        assert ask(other, MOST + 1) == ("/accepted", "")
        quick_osc.ask("/cancel/all", answer="/cancelled")
        quick_osc.ask("/resume", answer="/status/info")
        wishes = count(MOST + 2)
        wait_for(lambda: ask(quick_osc, next(wishes))[0] == "/accepted", what="room for one more")
        quick_osc.expect("/done")
    finally:
        other.send("/resume")
        other.close()


def test_cancelling_all_is_answered_also_where_there_is_nothing_to_cancel(quick_osc: Osc) -> None:
    assert len(quick_osc.ask("/cancel/all", answer="/status/info")) == 4
