"""Writes the page about presets, presets/README.md: `python -m tests.data_makers.write_preset_docs`."""

from __future__ import annotations

from pathlib import Path

from daw_bridge.preset_docs import markdown

PAGE = Path(__file__).parents[2] / "presets" / "README.md"

if __name__ == "__main__":
    PAGE.write_text(markdown(), encoding="utf-8")
