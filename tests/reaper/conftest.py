"""A desk for a producer: a project folder with recordings, a state folder, and REAPER in both versions of Lua."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.reaper.simulator import LUA_VERSIONS, SCRIPTS, Reaper

RATE = 44_100


@pytest.fixture(params=LUA_VERSIONS)
def lua_version(request: pytest.FixtureRequest) -> str:
    """Each test that asks for it runs in Lua 5.3 (REAPER 6) and 5.4 (REAPER 7)."""
    return str(request.param)


class Desk:
    """What lies on the disk, and how a test plays the service's part by its files."""

    def __init__(self, folder: Path) -> None:
        self.project, self.state = folder / "My Song č", folder / "state"
        self.project.mkdir()
        self.content, self.style = self.project / "vocal take.wav", folder / "style.wav"
        rng = np.random.default_rng(1)
        for path, seconds in ((self.content, 4), (self.style, 2)):
            soundfile.write(path, 0.1 * rng.standard_normal((RATE * seconds, 2)), RATE, subtype="PCM_24")

    @property
    def env(self) -> dict[str, str]:
        return {"DAW_BRIDGE_STATE": str(self.state), "HOME": str(self.state / "home")}

    def tickets(self) -> list[dict[str, Any]]:
        """The tickets that wait, as the service would read them."""
        return [json.loads(path.read_text(encoding="utf-8")) for path in sorted((self.state / "tickets").glob("*"))]

    def take(self) -> dict[str, Any]:
        """Take the one ticket that waits, as the service does."""
        (path,) = (self.state / "tickets").iterdir()
        ticket: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        path.unlink()
        return ticket

    def answer(self, ticket: dict[str, Any], **outcome: Any) -> Path:
        """Write a result ticket as reaper.md has it; a finished one with its file."""
        remix = self.project / "daw_bridge" / "remixes" / "vocal take__default__style__v001.wav"
        remix.parent.mkdir(parents=True, exist_ok=True)
        if not remix.exists():
            n_samples = round(ticket["length_seconds"] * RATE)
            soundfile.write(remix, np.full((n_samples, 2), 0.25), RATE, subtype="PCM_24")
        result = {"schema": 1, "job": "0123.1", "reqid": ticket["reqid"], "state": "done", "file": str(remix), "error": None}
        path = self.project / "daw_bridge" / "results" / f"{ticket['reqid']}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({**result, "reaper": ticket["reaper"], **outcome}), encoding="utf-8")
        return remix


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def reaper(lua_version: str, desk: Desk) -> Reaper:
    """A REAPER that knows the desk's state folder."""
    return Reaper(lua_version, desk.env)


@pytest.fixture
def load(lua_version: str) -> Callable[[str], Any]:
    """Load one of the scripts' pure modules, with no `reaper` in sight."""
    lua = importlib.import_module(f"lupa.{lua_version}").LuaRuntime(unpack_returned_tuples=True)
    lua.execute("package.path = ...", str(SCRIPTS / "lib" / "?.lua"))
    return lambda name: lua.execute("return (require(...))", name)
