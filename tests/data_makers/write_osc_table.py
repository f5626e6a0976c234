"""Writes the table of OSC addresses into README.md: `python -m tests.data_makers.write_osc_table`."""

from __future__ import annotations

from pathlib import Path

from daw_bridge.service.table import markdown_table

README = Path(__file__).parents[2] / "README.md"
FIRST = "<!-- OSC table: made by tests/data_makers/write_osc_table.py -->\n"
LAST = "<!-- end of the OSC table -->\n"


def with_table(text: str) -> str:
    """The README with the table of today between its marks."""
    before, _, rest = text.partition(FIRST)
    _, _, after = rest.partition(LAST)
    return f"{before}{FIRST}\n{markdown_table()}\n{LAST}{after}"


if __name__ == "__main__":
    README.write_text(with_table(README.read_text(encoding="utf-8")), encoding="utf-8")
