"""The layout files: their formats, their addresses, and that the shipped ones are those of today."""

from __future__ import annotations

import importlib
import json
import re
import uuid
import zlib
from pathlib import Path

import py2tosc
import pytest

from daw_bridge.controllers.layouts import NAMES, layout_bytes, write_layout
from daw_bridge.controllers.panel import HEIGHT, WIDTH, PresetButton, preset_buttons
from daw_bridge.errors import BadArguments, NotFound, UnknownAddress, UnknownPreset
from daw_bridge.folders import DEFAULT_PORT
from daw_bridge.networks import network_of
from daw_bridge.presets import load_preset, preset_ids
from daw_bridge.service import buttons, table
from daw_bridge.service.admission import admitted
from daw_bridge.service.packets import Message, read_packet
from tests.command import TREE, run
from tests.controllers.reading import Widget, lexml, properties, read_layout

SHIPPED = [TREE / "reaper_scripts" / "controllers" / name for name in NAMES.values()]
PRESET = re.compile(r"/daw_bridge/preset/([^/]+)/go")


@pytest.fixture(scope="module", params=list(NAMES))
def layout(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A layout written by the command."""
    folder = tmp_path_factory.mktemp("layout")
    done = run("controller-layout", request.param, folder=folder)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, NAMES[request.param], "")
    return folder / NAMES[request.param]


def presets_of(widgets: list[Widget]) -> list[PresetButton]:
    found = [(PRESET.fullmatch(widget.sends), widget.label) for widget in widgets]
    return [PresetButton(match[1], label) for match, label in found if match]


def test_the_session_has_the_fields_that_open_stage_control_documents(tmp_path: Path) -> None:
    run("controller-layout", "open-stage-control", "--port", 9999, folder=tmp_path)
    session = json.loads((tmp_path / "daw_bridge.json").read_text(encoding="utf-8"))
    assert (session["createdWith"], session["type"]) == ("Open Stage Control", "session")
    assert re.fullmatch(r"1\.\d+\.\d+", session["version"])
    root = session["content"]
    assert (root["type"], root["id"], root["tabs"]) == ("root", "root", [])
    assert "setInterval" in root["onCreate"] and 'send("127.0.0.1:9999", "/daw_bridge/subscribe")' in root["onCreate"]
    names = [widget["id"] for widget in root["widgets"]]
    assert len(set(names)) == len(names)
    for widget in root["widgets"]:
        assert widget["type"] in {"button", "led", "fader", "text", "input"}
        assert widget["address"] == "auto" or widget["address"].startswith("/")
        assert widget.get("bypass") or widget["target"] == "127.0.0.1:9999"
        if widget["type"] == "button":
            assert (widget["mode"], widget["on"], widget["off"]) == ("push", 1, 0)


def test_the_touchosc_file_is_the_xml_that_its_editor_takes(tmp_path: Path) -> None:
    run("controller-layout", "touchosc", "--receive-port", 9123, folder=tmp_path)
    path = tmp_path / "daw_bridge.tosc"
    assert zlib.decompress(path.read_bytes()).startswith(b"<?xml")
    tree = lexml(path)
    (root,) = tree
    assert (tree.tag, root.tag, root.get("type")) == ("lexml", "node", "GROUP")
    assert {part.tag for node in tree.iter("node") for part in node} == {"properties", "values", "messages", "children"}
    names = [uuid.UUID(node.get("ID")) for node in tree.iter("node")]
    assert len(set(names)) == len(names)
    script = properties(root)["script"]
    assert "getMillis()" in script and "sendOSC({ '/daw_bridge/subscribe', { { tag = 'i', value = 9123 } } })" in script
    second_reader = py2tosc.load(path)
    assert py2tosc.validate(second_reader) == []
    assert len(second_reader.find_all(type="BUTTON")) == 8 + 8 + 2


def test_it_has_all_that_a_session_needs(layout: Path) -> None:
    widgets = read_layout(layout)
    by_name = {widget.name: widget for widget in widgets}
    pressed = [widget for widget in widgets if widget.kind == "button"]
    assert len([widget for widget in pressed if PRESET.fullmatch(widget.sends)]) == 8
    assert len([widget for widget in widgets if widget.kind == "led" and "/ui/lamp/" in widget.hears]) == 8
    assert by_name["go"].sends == "/daw_bridge/go" and by_name["cancel"].sends == "/daw_bridge/cancel"
    for name in ("strength", "wet"):
        assert (by_name[name].kind, by_name[name].sends, by_name[name].start) == ("fader", f"/daw_bridge/param/{name}", 1.0)
    assert (by_name["progress"].kind, by_name["progress"].sends, by_name["progress"].is_touchable) == ("fader", "", False)
    assert (by_name["status"].kind, by_name["status"].hears) == ("text", "/daw_bridge/ui/status")
    for index in range(1, 9):
        button, lamp = by_name[f"preset_{index}"], by_name[f"lamp_{index}"]
        match = PRESET.fullmatch(button.sends)
        assert match and lamp.hears == f"/daw_bridge/ui/lamp/{match[1]}"
        assert button.label and button.is_touchable and not lamp.is_touchable


def test_every_address_is_one_of_the_services_table(layout: Path) -> None:
    told = {table.PREFIX + row.address for row in table.OUTGOING}
    patterns = [re.compile(re.sub(r"<\w+>", "[^/]+", address)) for address in told]
    for widget in read_layout(layout):
        if widget.sends:
            table.find(widget.sends)
        if widget.hears and widget.hears != widget.sends:
            assert any(pattern.fullmatch(widget.hears) for pattern in patterns), widget.hears


def test_nothing_overlaps_and_all_is_on_the_panel(layout: Path) -> None:
    frames = [widget.frame for widget in read_layout(layout)]
    for left, top, width, height in frames:
        assert min(left, top) >= 0 and left + width <= WIDTH and top + height <= HEIGHT and min(width, height) > 0
    for index, (left, top, width, height) in enumerate(frames):
        for other in frames[:index]:
            is_apart = left + width <= other[0] or other[0] + other[2] <= left
            assert is_apart or top + height <= other[1] or other[1] + other[3] <= top


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.name))
def test_the_shipped_layouts_are_those_of_today(path: Path) -> None:
    program = next(program for program, name in NAMES.items() if name == path.name)
    shown = presets_of(read_layout(path))
    assert {preset.word for preset in shown if not preset.word.isdigit()} <= set(preset_ids())
    made = layout_bytes(program, shown, target=f"127.0.0.1:{DEFAULT_PORT}", receive_port=9000)
    hint = f"run: daw-bridge controller-layout {program} --force --out reaper_scripts/controllers/{path.name}"
    if program == "touchosc":
        assert zlib.decompress(path.read_bytes()) == zlib.decompress(made), hint
    else:
        assert path.read_bytes() == made, hint


def test_an_address_that_the_table_has_no_more_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    presets = preset_buttons()
    monkeypatch.setattr(table, "_EXACT", {k: row for k, row in table._EXACT.items() if k != "/daw_bridge/go"})
    with pytest.raises(UnknownAddress, match="/daw_bridge/go"):
        layout_bytes("touchosc", presets, target="", receive_port=1)


def test_presets_are_named_by_id_and_places_left_by_index(monkeypatch: pytest.MonkeyPatch) -> None:
    titles = [("default", "Default"), ("hall of ice", "Hall"), ("tape", "Tape <1> ]]> & more")]
    monkeypatch.setattr(buttons.Buttons, "preset_titles", staticmethod(lambda: titles))
    words = [preset.word for preset in preset_buttons(["default", "hall of ice"])]
    assert words == ["default", "2", "4", "5", "6", "7", "8", "9"]
    assert [preset.word for preset in preset_buttons()][:3] == ["default", "tape", "4"]
    assert [preset.word for preset in preset_buttons(["tape"])][:2] == ["tape", "4"]
    with pytest.raises(UnknownPreset, match="Did you mean"):
        preset_buttons(["tpae"])
    with pytest.raises(BadArguments, match="9 presets are more than the 8 buttons"):
        preset_buttons(["tape"] * 9)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"folder '.*nowhere' does not exist"):
        write_layout(tmp_path / "nowhere" / "a.tosc", b"")


def test_the_buttons_that_nobody_chose_need_nothing_beyond_the_package() -> None:
    words = [preset.word for preset in preset_buttons()]
    assert len(set(words)) == 8 and words[0] == "default"
    for word in words:
        for layer, _ in load_preset(word).transfer.style_layers:
            network = network_of(layer)
            assert network.layers.index(layer) < network.n_shipped, f"{word} would fail with weights_missing"


def test_labels_with_any_signs_survive_both_formats(tmp_path: Path) -> None:
    label = "Tape <1> ]]> & \"ž\" 'more'"
    for program, name in NAMES.items():
        path = tmp_path / name
        path.write_bytes(layout_bytes(program, [PresetButton("tape", label)], target="", receive_port=1))
        assert presets_of(read_layout(path)) == [PresetButton("tape", label)]


def test_an_existing_file_is_replaced_only_when_told(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text("mine")
    refused = run("controller-layout", "open-stage-control", "--out", path)
    assert refused.returncode == 1 and refused.stderr.strip().endswith("[forbidden_path]")
    assert path.read_text() == "mine"
    assert run("controller-layout", "open-stage-control", "--out", path, "--force").returncode == 0
    assert json.loads(path.read_text())["type"] == "session"


@pytest.mark.parametrize("program", list(NAMES))
def test_with_a_token_every_message_is_admitted(program: str, tmp_path: Path) -> None:
    token = "t'o]k-e\\n"
    path = tmp_path / NAMES[program]
    done = run("controller-layout", program, "--token", token, "--host", "10.1.2.3", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    sending = [widget for widget in read_layout(path) if widget.sends]
    assert len(sending) >= 8 + 2 + 2
    for widget in sending:
        for datagram in widget.touched(*(["song.wav"] if widget.kind == "input" else ())):
            (message,) = read_packet(datagram)
            assert isinstance(message, Message)
            assert len(admitted(message, token).values) == 1
    if program == "open-stage-control":
        knock = json.loads(path.read_text())["content"]["onCreate"]
        assert f'send("10.1.2.3:9710", "/daw_bridge/subscribe", {json.dumps(token)})' in knock
    else:
        lua = importlib.import_module("lupa.lua54").LuaRuntime()
        lua.execute("function getMillis() return 1 end function sendOSC(message) sent = message end")
        lua.execute(properties(lexml(path)[0])["script"])
        lua.execute("update()")
        assert lua.eval("sent[1]") == "/daw_bridge/subscribe"
        assert [lua.eval(f"sent[2][{n}].value") for n in (1, 2)] == [token, 9000]
