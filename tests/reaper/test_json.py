"""The scripts' JSON against Python's."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Load = Callable[[str], Any]
TEXT = st.text(max_size=30)  # hypothesis makes no lone surrogates
NUMBER = st.one_of(st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False))
VALUE = st.recursive(
    st.one_of(TEXT, NUMBER, st.booleans()),
    lambda inner: st.one_of(st.lists(inner, min_size=1, max_size=4), st.dictionaries(TEXT, inner, max_size=4)),
    max_leaves=20,
)
SEVERAL = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _decoded(module: Any, text: str) -> Any:
    found = module.decode(text)
    return found[0] if isinstance(found, tuple) else found


@SEVERAL
@given(value=VALUE)
def test_what_python_writes_comes_back_as_it_was(load: Load, value: Any) -> None:
    module = load("json")
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=1)):
        written = module.encode(_decoded(module, text))
        assert json.loads(written) == value
        assert "\n" not in written


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[1,]", '{"a" 1}', "{a: 1}", '"\\x"', '"\\ud800"', '"\\udc00x"', '"a\nb"', "01", "+1", "nul", "1 2", "[" * 99,
    ],
)  # fmt: skip
def test_what_is_no_json_is_refused_with_its_place(text: str, load: Load) -> None:
    value, message = load("json").decode(text)
    assert value is None and "JSON at byte" in message


def test_null_is_absent_in_an_object_and_keeps_its_place_in_a_list(load: Load) -> None:
    module = load("json")
    assert list(module.decode('{"error": null, "a": 1}').keys()) == ["a"]
    assert module.encode(module.decode("[1, null, 2]")) == "[1,null,2]"


def test_what_json_cannot_say_is_refused(load: Load, lua_version: str) -> None:
    module = load("json")
    for value in (float("nan"), float("inf"), print):
        text, message = module.encode(value)
        assert text is None and message
