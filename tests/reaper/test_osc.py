"""The scripts' OSC messages: byte for byte what python-osc makes."""

from __future__ import annotations

import math
import string
import struct
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

Load = Callable[[str], Any]
MAX_BYTES = 1024
LETTERS = "".join(c for c in string.ascii_letters + string.digits + string.punctuation if c not in "#*,?[]{}")
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=300)
ARGUMENTS = st.lists(st.one_of(st.integers(-(2**31), 2**31 - 1), st.floats(width=64), TEXTS), max_size=12)
SEVERAL = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def by_python(address: str, arguments: list[Any]) -> bytes | None:
    """The message by python-osc; None where a number does not fit."""
    builder = OscMessageBuilder(address)
    for value in arguments:
        builder.add_arg(value, {int: "i", float: "f", str: "s"}[type(value)])
    try:
        return bytes(builder.build().dgram)
    except (OverflowError, struct.error):
        return None
    except Exception as error:  # python-osc wraps what struct says
        if "float too large" not in str(error):
            raise
        return None


def by_lua(osc: Any, address: str, arguments: list[Any]) -> bytes | str:
    made = osc.message(address.encode(), *(a.encode() if isinstance(a, str) else a for a in arguments))
    return made if isinstance(made, bytes) else made[1].decode()


@pytest.fixture
def osc(lua_version: str) -> Any:
    """The encoder in a Lua whose strings reach Python as they are, bytes."""
    import importlib

    from tests.reaper.simulator import SCRIPTS

    lua = importlib.import_module(f"lupa.{lua_version}").LuaRuntime(unpack_returned_tuples=True, encoding=None)
    lua.execute(b"package.path = ...", str(SCRIPTS / "lib" / "?.lua").encode())
    return lua.execute(b"return (require('osc'))")


@SEVERAL
@given(address=st.text(LETTERS, max_size=60).map(lambda rest: "/" + rest), arguments=ARGUMENTS)
def test_the_bytes_are_python_osc_s(osc: Any, address: str, arguments: list[Any]) -> None:
    expected, made = by_python(address, arguments), by_lua(osc, address, arguments)
    if expected is None:
        assert isinstance(made, str) and "does not fit" in made
    elif len(expected) > MAX_BYTES:
        assert isinstance(made, str) and "longer than 1024" in made
    else:
        assert made == expected
        read = OscMessage(expected)
        assert read.address == address and len(read.params) == len(arguments)


@pytest.mark.parametrize(
    "value", [3.4028235677973366e38, 3.4028235677973362e38, -3.4028235677973366e38, 1e300, math.inf, 1e-46, -0.0]
)
def test_the_ends_of_a_float_s_range_are_python_osc_s(value: float, osc: Any) -> None:
    expected, made = by_python("/x", [value]), by_lua(osc, "/x", [value])
    assert made == expected if expected is not None else "does not fit" in str(made)


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ('"no slash"', "begins with /"),
        ('"/a b"', "no space"),
        ('"/a*"', "none of"),
        ('"/ä"', "begins with /"),
        ("7", "begins with /"),
        ('"/a", true', "no boolean"),
        ('"/a", nil', "no nil"),
        ('"/a", {}', "no table"),
        ('"/a", 2147483648', "32 bits"),
        ('"/a", "x\\0y"', "zero byte"),
        ('"/a", "\\255"', "UTF-8"),
        ('"/a", ("x"):rep(1020)', "longer than 1024"),
    ],
)
def test_what_a_message_cannot_hold_is_refused(code: str, word: str, load: Load, lua_version: str) -> None:
    import importlib

    from tests.reaper.simulator import SCRIPTS

    lua = importlib.import_module(f"lupa.{lua_version}").LuaRuntime(unpack_returned_tuples=True)
    lua.execute("package.path = ...", str(SCRIPTS / "lib" / "?.lua"))
    nothing, problem = lua.execute(f"return require('osc').message({code})")
    assert nothing is None and word in problem
