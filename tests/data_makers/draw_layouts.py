"""Draws the shipped layouts as they stand in their files: `python -m tests.data_makers.draw_layouts`."""

from __future__ import annotations

import textwrap
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from daw_bridge.controllers.layouts import NAMES
from daw_bridge.controllers.panel import COLOURS, HEIGHT, WIDTH
from tests.controllers.reading import Widget, read_layout

TREE = Path(__file__).parents[2]
LIT = "lamp_1"  # the picture shows a job of the first preset, on its way
PROGRESS = 0.62
SHOWN = {"status": "transfer 62%", "content": "song.wav", "style": "record.wav"}


def draw(layout: Path, picture: Path) -> None:
    """One layout file to one PNG file."""
    figure = plt.figure(figsize=(WIDTH / 100, HEIGHT / 100), dpi=150, facecolor=COLOURS["ground"])
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, WIDTH), ylim=(HEIGHT, 0))
    axes.axis("off")
    for widget in read_layout(layout):
        _draw_widget(axes, widget)
    figure.savefig(picture, facecolor=figure.get_facecolor())
    plt.close(figure)


def _draw_widget(axes: Axes, widget: Widget) -> None:
    left, top, width, height = widget.frame
    if widget.kind == "led":
        _box(axes, widget.frame, widget.colour, 1.0 if widget.name == LIT else 0.2)
    elif widget.kind == "fader":
        place = PROGRESS if widget.name == "progress" else widget.start
        _box(axes, widget.frame, COLOURS["entry"], 1.0)
        is_lying = width > height
        filled = (left, top, width * place, height) if is_lying else (left, top + height * (1 - place), width, height * place)
        _box(axes, filled, widget.colour, 0.9)
    elif widget.kind == "button":
        _box(axes, widget.frame, widget.colour, 1.0)
        text = textwrap.fill(widget.label, 16)
        axes.text(left + width / 2, top + height / 2, text, color="white", ha="center", va="center", fontsize=11)
    else:
        text = SHOWN.get(widget.name, widget.label)
        _box(axes, widget.frame, widget.colour, 1.0)
        x = {"left": left + 10, "center": left + width / 2, "right": left + width - 10}[widget.align]
        axes.text(x, top + height / 2, text, color="#d5dbe3", ha=widget.align, va="center", fontsize=11)


def _box(axes: Axes, frame: tuple[float, float, float, float], colour: str, alpha: float) -> None:
    left, top, width, height = frame
    style = "round,pad=0,rounding_size=4"
    axes.add_patch(FancyBboxPatch((left, top), width, height, boxstyle=style, facecolor=colour, alpha=alpha, linewidth=0))


if __name__ == "__main__":
    for program, name in NAMES.items():
        draw(TREE / "reaper_scripts" / "controllers" / name, TREE / ".github" / "pictures" / f"{program}.png")
