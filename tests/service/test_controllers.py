"""The generated layouts against the real service: what their programs send, from their own ports, drives it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from daw_bridge.controllers.layouts import NAMES, layout_bytes
from daw_bridge.controllers.panel import PresetButton, preset_buttons
from tests.controllers.reading import Widget, read_layout
from tests.service.conftest import write_clip
from tests.service.wire import Osc, ServiceProcess

RENDER_SECONDS = 90.0


class Controller:
    """A program with a layout: it sends from one port and hears at one, as the program does.

    Args:
        program: Open Stage Control listens on the port that it sends from; TouchOSC on another.
    """

    def __init__(self, program: str, service: ServiceProcess, folder: Path, presets: list[PresetButton]) -> None:
        self.sending = Osc(service.port)
        self.hearing = Osc(service.port) if program == "touchosc" else self.sending
        receive_port = self.hearing.sock.getsockname()[1]
        path = folder / NAMES[program]
        path.write_bytes(layout_bytes(program, presets, target=f"127.0.0.1:{service.port}", receive_port=receive_port))
        self.widgets: dict[str, Widget] = {widget.name: widget for widget in read_layout(path)}
        subscribe = (receive_port,) if program == "touchosc" else ()
        self.sending.send("/subscribe", *subscribe)
        self.hearing.expect("/subscribed", receive_port)

    def touch(self, name: str, *values: object) -> None:
        for datagram in self.widgets[name].touched(*values):
            self.sending.raw(datagram)

    def shows(self, name: str, *begin: object, seconds: float = 10.0) -> object:
        """Wait until a widget is told something, and give it."""
        return self.hearing.expect(self.widgets[name].hears.removeprefix("/daw_bridge"), *begin, seconds=seconds)[0]


@pytest.fixture(params=list(NAMES))
def controller(request: pytest.FixtureRequest, service: ServiceProcess, project: Path, tmp_path: Path) -> Iterator[Controller]:
    made = Controller(request.param, service, tmp_path, preset_buttons(["default"]))
    write_clip(project / f"{request.param}.wav", seed=7 + len(request.param))  # neither name nor sound of any other test
    made.sending.send("/content", f"{request.param}.wav")
    made.sending.send("/style", "style.wav")
    made.sending.send("/param/num_steps", 0.005)
    yield made
    for name in ("strength", "wet"):
        made.touch(name, 1.0)
    made.sending.close()
    made.hearing.close()


def test_a_preset_button_its_lamp_the_bar_and_the_text_follow_a_job(controller: Controller) -> None:
    lamp = controller.widgets["lamp_1"].hears.removeprefix("/daw_bridge")
    controller.touch("strength", 0.75)
    assert controller.shows("strength", 0.75) == 0.75
    controller.touch("wet", 0.5)
    assert controller.shows("wet", 0.5) == 0.5
    controller.touch("preset_1")
    job, _, preset = controller.hearing.expect("/accepted")
    assert preset == "default"
    assert controller.shows("lamp_1", 1.0) == 1.0
    path = str(controller.hearing.expect("/done", job, seconds=RENDER_SECONDS)[1])
    assert controller.shows("status", f"done: {Path(path).name}")
    assert controller.shows("lamp_1", 0.0) == 0.0
    heard = controller.hearing.heard
    assert [values for address, values in heard if address == "/ui/progress"]
    assert [values[0] for address, values in heard if address == lamp][-2:] == [1.0, 0.0]
    assert len([1 for address, _ in heard if address == "/accepted"]) == 1, "a release asks for nothing"


def test_go_starts_and_cancel_ends_and_releases_do_neither(controller: Controller) -> None:
    controller.touch("strength", 0.3)
    controller.sending.send("/param/num_steps", 1.0)
    controller.touch("go")
    job = controller.hearing.expect("/accepted")[0]
    controller.shows("progress", seconds=RENDER_SECONDS)
    controller.touch("cancel", 0.0)
    controller.touch("cancel")
    controller.hearing.expect("/cancelled", job, seconds=RENDER_SECONDS)
    controller.shows("status", "cancelled")
    controller.shows("lamp_1", 0.0)
    assert "/error" not in [address for address, _ in controller.hearing.heard]


def test_what_is_refused_is_read_in_the_text(controller: Controller) -> None:
    controller.touch("preset_8")
    assert controller.hearing.expect("/error")[0] == "unknown_preset"
    assert "refused: " in str(controller.shows("status"))


def test_who_joins_late_sees_the_lamps(controller: Controller, service: ServiceProcess, tmp_path: Path) -> None:
    controller.touch("strength", 0.4)
    controller.sending.send("/param/num_steps", 1.0)
    controller.touch("preset_1")
    controller.shows("lamp_1", 1.0)
    late = Controller("open-stage-control", service, tmp_path, preset_buttons(["default"]))
    assert late.shows("lamp_1") == 1.0
    late.touch("cancel")
    late.shows("lamp_1", 0.0, seconds=RENDER_SECONDS)
    late.sending.close()
