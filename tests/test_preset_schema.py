"""The schema for editors and the page about presets, beside the checks that they describe."""

from __future__ import annotations

import dataclasses
import json
import tomllib
from typing import Any

import jsonschema
import pytest

from daw_bridge.errors import BadParameter
from daw_bridge.preset import SECTIONS, preset_from
from daw_bridge.preset_schema import schema
from daw_bridge.presets import shipped_folder
from tests.command import TREE
from tests.data_makers.write_preset_docs import page as page_of_today

HEAD: dict[str, Any] = {"schema": 1, "title": "T", "about": "A."}


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    made = json.loads(json.dumps(schema()))
    jsonschema.Draft202012Validator.check_schema(made)
    return jsonschema.Draft202012Validator(made)


def test_every_shipped_file_obeys_the_schema(validator: jsonschema.Draft202012Validator) -> None:
    for path in shipped_folder().glob("*.toml"):
        assert [error.message for error in validator.iter_errors(tomllib.loads(path.read_text(encoding="utf-8")))] == []


def settings() -> list[tuple[str, Any]]:
    return [(section, f) for section, cls in SECTIONS.items() for f in dataclasses.fields(cls)]


@pytest.mark.parametrize(("section", "setting"), settings(), ids=lambda of: getattr(of, "name", of))
def test_schema_and_check_draw_the_same_lines(validator: jsonschema.Draft202012Validator, section: str, setting: Any) -> None:
    rule = setting.metadata
    values: list[Any] = ["nonesuch", None, [], {}, True, 1, -1e9, 1e9, *rule.get("names", ())]
    for low, high in (("low", "high"), ("or_low", "or_high")):
        if low in rule:
            values += [rule[low], rule[high], rule[low] - 1, rule[high] + 1, (rule[low] + rule[high]) / 2 + 0.25]
    if "is_layers" in rule:
        values += [[1], [14], ["relu1_1", "wyse_1"], {"relu1_1": 0.5}, {"relu1_1": 0}, {"nonesuch": 1}, [[1]]]
    for value in values:
        table = {**HEAD, section: {setting.name: value}}
        assert validator.is_valid(table) == is_taken(table), f"{setting.name} = {value!r}"


def is_taken(table: dict[str, Any]) -> bool:
    try:
        preset_from(table, "x")
    except BadParameter:
        return False
    return True


@pytest.mark.parametrize(
    "more",
    [
        {"tittle": "T"},
        {"schema": 2},
        {"transfer": {"strenght": 1.0}},
        {"post": [{"plugin": "Gian"}]},
        {"post": [{"plugin": "Gain", "gain": 1.0}]},
        {"post": [{"plugin": "LadderFilter", "mode": "LPF13"}]},
    ],
)
def test_an_editor_sees_what_is_wrong(validator: jsonschema.Draft202012Validator, more: dict[str, Any]) -> None:
    assert validator.is_valid(HEAD) and not validator.is_valid({**HEAD, **more})


def test_every_setting_and_plugin_is_described() -> None:
    described = json.dumps(schema())
    page = page_of_today()
    for _, setting in settings():
        assert f'"{setting.name}"' in described and f"| `{setting.name}` |" in page
        assert setting.metadata["about"] in page


def test_the_page_about_presets_is_the_one_that_the_settings_make() -> None:
    page = (TREE / "presets" / "README.md").read_text(encoding="utf-8")
    assert page == page_of_today(), "run: python -m tests.data_makers.write_preset_docs"
