"""Every setting has a range and a text, and refuses what lies outside with its name, its rule and the way out."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daw_bridge.errors import BadParameter
from daw_bridge.networks import VGG16
from daw_bridge.settings import OutputSettings, ReconstructSettings, TransferSettings, settings_from, to_table

CLASSES = (TransferSettings, ReconstructSettings, OutputSettings)
FIELDS = [(cls, field) for cls in CLASSES for field in dataclasses.fields(cls)]
NUMBERS = [(cls, field) for cls, field in FIELDS if "low" in field.metadata]
CHOICES = [(cls, field) for cls, field in FIELDS if "names" in field.metadata]
Field = dataclasses.Field[Any]


def name_of(value: object) -> str:
    return value.name if isinstance(value, dataclasses.Field) else ""


@pytest.mark.parametrize(("cls", "field"), FIELDS, ids=name_of)
def test_every_default_is_a_value_that_its_own_check_takes(cls: type, field: Field) -> None:
    settings = cls()
    assert getattr(settings_from(cls, {field.name: to_table(settings)[field.name]}, "it"), field.name) == field.default
    assert field.metadata["about"].strip()


@pytest.mark.parametrize("cls", CLASSES)
def test_settings_survive_being_written_and_read(cls: type) -> None:
    assert settings_from(cls, to_table(cls()), "it") == cls()


@pytest.mark.parametrize(("cls", "field"), NUMBERS, ids=name_of)
def test_a_number_is_taken_to_its_ends_and_refused_beyond(cls: type, field: Field) -> None:
    low, high = field.metadata["low"], field.metadata["high"]
    for value in (low, high):
        assert getattr(settings_from(cls, {field.name: value}, "it"), field.name) == value
    for wrong in (low - 1, high + 1):
        with pytest.raises(BadParameter, match=f"it.{field.name}=.* must lie from"):
            settings_from(cls, {field.name: wrong}, "it")


@pytest.mark.parametrize(("cls", "field"), NUMBERS, ids=name_of)
@pytest.mark.parametrize("wrong", [True, None, "1", [1], math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_refused(cls: type, field: Field, wrong: object) -> None:
    with pytest.raises(BadParameter, match=f"it.{field.name}="):
        settings_from(cls, {field.name: wrong}, "it")


def test_a_whole_number_stays_whole() -> None:
    steps = settings_from(TransferSettings, {"num_steps": 40.0}, "it").num_steps
    assert steps == 40 and isinstance(steps, int)
    with pytest.raises(BadParameter, match="must be a whole number"):
        settings_from(TransferSettings, {"num_steps": 40.5}, "it")


@pytest.mark.parametrize(("cls", "field"), CHOICES, ids=name_of)
def test_a_choice_is_taken_by_each_of_its_names_alone(cls: type, field: Field) -> None:
    for name in field.metadata["names"]:
        assert getattr(settings_from(cls, {field.name: name}, "it"), field.name) == name
    wrongs: tuple[Any, ...] = ("", "nothing of the kind", None, ["content"])
    for wrong in wrongs:
        with pytest.raises(BadParameter, match=f"it.{field.name}="):
            settings_from(cls, {field.name: wrong}, "it")


def test_an_unknown_setting_is_refused_with_the_nearest() -> None:
    with pytest.raises(BadParameter, match=r"transfer\.strenght is not a setting\. Did you mean 'strength'"):
        settings_from(TransferSettings, {"strenght": 1.0}, "transfer")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([5], (("relu3_1", 1.0),)),
        ([1, "relu1_2", "3"], (("relu1_1", 1.0), ("relu1_2", 1.0), ("relu2_1", 1.0))),
        ({"relu1_1": 2, "wyse_4": 0.5}, (("relu1_1", 2.0), ("wyse_4", 0.5))),
        (list(range(1, 14)), tuple((layer, 1.0) for layer in VGG16.layers)),
    ],
)
def test_layers_are_read_by_name_or_by_the_papers_number(given: object, expected: object) -> None:
    assert settings_from(TransferSettings, {"style_layers": given}, "it").style_layers == expected


@pytest.mark.parametrize(
    "wrong", [[], {}, None, 5, "relu1_1", [0], [14], ["relu9_9"], [True], {"relu1_1": 0}, {"relu1_1": math.nan}]
)
def test_layers_that_do_not_exist_or_weigh_nothing_are_refused(wrong: object) -> None:
    with pytest.raises(BadParameter):
        settings_from(TransferSettings, {"style_layers": wrong}, "it")


KEYS = st.one_of(st.text(max_size=12), st.sampled_from([field.name for field in dataclasses.fields(TransferSettings)]))
VALUES = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists)


@given(st.dictionaries(KEYS, VALUES, max_size=3))
def test_any_table_is_taken_or_refused_by_name(table: dict[str, Any]) -> None:
    said = "taken"
    try:
        settings_from(TransferSettings, table, "it")
    except BadParameter as error:
        said = error.message
    assert said and said.isprintable()
