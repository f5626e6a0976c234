"""Reads Lua scripts as text: which `reaper` functions they name and with how many arguments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
_LITERAL = re.compile(r"--\[\[.*?\]\]|--[^\n]*|\[\[.*?\]\]|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.DOTALL)


@dataclass(frozen=True)
class Call:
    """One use of a REAPER function; n_arguments is None where the function is only named."""

    name: str
    n_arguments: int | None
    line: int


def api_arities() -> dict[str, tuple[int, int]]:
    """Every function's fewest and most arguments, from the published list."""
    arities = {}
    for row in (HERE / "reascript_api.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        name, _, listed = row.split("\t")
        arguments = [part.strip() for part in listed.split(",") if part.strip()]
        needed = len(arguments)
        while needed and arguments[needed - 1].startswith("optional "):
            needed -= 1
        arities[name] = (needed, len(arguments))
    return arities


def without_literals(text: str) -> str:
    """The text with comments blanked and strings made `""`, so that what is left is code; lines keep their numbers."""

    def blank(match: re.Match[str]) -> str:
        newlines = "\n" * match.group().count("\n")
        return newlines if match.group().startswith("--") else '""' + newlines

    return _LITERAL.sub(blank, text)


def _count_arguments(code: str, start: int) -> int:
    depth, commas, at = 0, 0, start
    blocks = re.compile(r"\b(?:function|if|do|end)\b|[(){}\[\],]")
    for match in blocks.finditer(code, start):
        token = match.group()
        if token == ")" and depth == 0:
            at = match.start()
            break
        if token in "({[" or token in ("function", "if", "do"):
            depth += 1
        elif token in ")}]" or token == "end":
            depth -= 1
        elif token == "," and depth == 0:
            commas += 1
    return commas + 1 if code[start:at].strip() else 0


def calls(text: str) -> Iterator[Call]:
    """Every `reaper.Name` of a script, in order."""
    code = without_literals(text)
    for match in re.finditer(r"\breaper\.(\w+)\s*(\()?", code):
        line = code.count("\n", 0, match.start()) + 1
        yield Call(match.group(1), _count_arguments(code, match.end()) if match.group(2) else None, line)


def wrong_calls(text: str) -> list[str]:
    """What is wrong with a script's use of REAPER's functions, a sentence each."""
    arities, wrong = api_arities(), []
    for call in calls(text):
        if call.name not in arities:
            wrong.append(f"line {call.line}: REAPER has no function {call.name}")
        elif call.n_arguments is not None:
            low, high = arities[call.name]
            if not low <= call.n_arguments <= high:
                wrong.append(f"line {call.line}: {call.name} takes {low} to {high} arguments, not {call.n_arguments}")
    return wrong
