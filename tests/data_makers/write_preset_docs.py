"""Writes the page about presets, presets/README.md: `python -m tests.data_makers.write_preset_docs`."""

from __future__ import annotations

from pathlib import Path

from daw_bridge.preset_docs import markdown

TREE = Path(__file__).parents[2]
PAGE = TREE / "presets" / "README.md"
MEASURED = TREE / "tests" / "benchmarks" / "presets.md"  # by `python -m tests.benchmarks.presets --page`


def page() -> str:
    """What the settings say, and what was measured."""
    return markdown() + "\n" + MEASURED.read_text(encoding="utf-8")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
