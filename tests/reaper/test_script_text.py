"""What can be said of the scripts without running them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.reaper import make_luacheck_config
from tests.reaper.script_text import calls, wrong_calls
from tests.reaper.simulator import SCRIPTS

ALL = sorted(SCRIPTS.rglob("*.lua"))
PURE = ("copying", "folders", "json", "messages", "osc", "placement", "progress", "settings", "tickets", "wave")


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)
def test_every_reaper_function_exists_with_that_many_arguments(path: Path) -> None:
    assert wrong_calls(path.read_text(encoding="utf-8")) == []


def test_the_counting_of_arguments_knows_lua() -> None:
    text = """
    reaper.A() -- reaper.Not(1)
    reaper.B("a, b", { 1, 2 }, f(x, y))
    pcall(reaper.C, 1)
    reaper.D(function(a, b) if a then return b, a end end, 'it\\'s, so')
    """
    found = [(call.name, call.n_arguments) for call in calls(text)]
    assert found == [("A", 0), ("B", 3), ("C", None), ("D", 2)]


def test_pure_modules_know_nothing_of_reaper() -> None:
    for name in PURE:
        text = (SCRIPTS / "lib" / f"{name}.lua").read_text(encoding="utf-8")
        assert list(calls(text)) == [] and "gfx." not in text


def test_the_luacheck_standard_is_the_one_made_from_the_list() -> None:
    config = make_luacheck_config.CONFIG.read_text(encoding="utf-8")
    assert config == make_luacheck_config.config(), "run python tests/reaper/make_luacheck_config.py"


@pytest.mark.skipif(not shutil.which("luacheck"), reason="luacheck is not installed")
def test_luacheck_finds_nothing() -> None:
    root = make_luacheck_config.CONFIG.parent
    run = subprocess.run(["luacheck", "--no-color", "."], cwd=root, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stdout
