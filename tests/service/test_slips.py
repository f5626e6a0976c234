"""Messages that come as files."""

from __future__ import annotations

import os
import time
from pathlib import Path

from daw_bridge.service.slips import MAX_AGE_SECONDS, take_slips


def test_slips_are_taken_in_their_order_and_once(tmp_path: Path) -> None:
    for number, name in enumerate("ba"):
        (tmp_path / f"{name}.osc").write_bytes(name.encode())
        os.utime(tmp_path / f"{name}.osc", (time.time(), time.time() - 2 + number))
    (tmp_path / ".c.osc").write_bytes(b"still being written")
    (tmp_path / "ticket.json").write_text("{}")
    assert take_slips(tmp_path) == [b"b", b"a"]
    assert take_slips(tmp_path) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == [".c.osc", "ticket.json"]


def test_what_was_said_to_a_service_that_did_not_run_is_dropped(tmp_path: Path) -> None:
    slip = tmp_path / "old.osc"
    slip.write_bytes(b"/x")
    os.utime(slip, (0, time.time() - MAX_AGE_SECONDS - 1))
    assert take_slips(tmp_path) == [] and not slip.exists()


def test_a_folder_that_is_not_there_holds_none(tmp_path: Path) -> None:
    assert take_slips(tmp_path / "gone") == []
