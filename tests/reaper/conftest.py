"""A desk, and REAPER in both versions of Lua."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.reaper.desk import Desk
from tests.reaper.simulator import LUA_VERSIONS, SCRIPTS, Reaper


@pytest.fixture(params=LUA_VERSIONS)
def lua_version(request: pytest.FixtureRequest) -> str:
    """Each test that asks for it runs in Lua 5.3 (REAPER 6) and 5.4 (REAPER 7)."""
    return str(request.param)


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
