"""Writes .luacheckrc from the list of REAPER's functions: python tests/reaper/make_luacheck_config.py."""

from __future__ import annotations

from pathlib import Path

API_LIST = Path(__file__).parent / "reascript_api.tsv"
CONFIG = Path(__file__).parents[2] / ".luacheckrc"

HEAD = """\
-- Made by tests/reaper/make_luacheck_config.py from REAPER's published function list; do not edit.
std = "lua54"
max_line_length = 130
codes = true
include_files = { "reaper_scripts/**/*.lua", "tests/reaper/**/*.lua" }
cache = false

-- What is plain arithmetic and files must not reach for REAPER.
local PURE = { "copying", "folders", "json", "messages", "osc", "placement", "progress", "settings",
  "tickets", "wave" }
for _, name in ipairs(PURE) do
   files["reaper_scripts/lib/" .. name .. ".lua"] = { not_globals = { "reaper", "gfx" } }
end
files["tests/reaper/simulated"] = { not_globals = { "reaper", "gfx" } }

local gfx = {
  "init", "quit", "showmenu", "mouse_x", "mouse_y", "mouse_cap", "w", "h", "set", "rect", "drawstr", "setfont", "getchar",
  "update",
  x = false, y = false,
}
local gfx_fields = {}
for key, name in pairs(gfx) do
   if type(key) == "number" then gfx_fields[name] = {} else gfx_fields[key] = { read_only = false } end
end

local reaper_fields = {}
for name in ([[
"""

TAIL = """\
]]):gmatch("%S+") do
   reaper_fields[name] = {}
end

read_globals = { reaper = { fields = reaper_fields }, gfx = { fields = gfx_fields } }
"""


def function_names() -> list[str]:
    """Every function of the list, as written there."""
    rows = API_LIST.read_text(encoding="utf-8").splitlines()[1:]
    return [row.split("\t")[0] for row in rows if row]


def config() -> str:
    """The text of .luacheckrc."""
    lines, line = [], ""
    for name in function_names():
        if len(line) + len(name) > 120:
            lines.append(line)
            line = ""
        line = f"{line} {name}".strip()
    return HEAD + "\n".join([*lines, line]) + "\n" + TAIL


if __name__ == "__main__":
    CONFIG.write_text(config(), encoding="utf-8")
