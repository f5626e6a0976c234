"""What several commands have in common on the command line."""

from __future__ import annotations

import argparse
from pathlib import Path

MOST_TAKES = 32
DEVICES = ("auto", "cpu", "cuda", "mps")


def add_wanted(command: argparse.ArgumentParser, *, preset: str = "default", length: float = 0.0) -> None:
    command.add_argument("content", type=Path, metavar="CONTENT", help="the recording to change")
    command.add_argument("--style", type=Path, required=True, metavar="FILE", help="the recording to make it sound like")
    command.add_argument("--preset", default=preset, metavar="ID", help="one of: daw-bridge presets list (default: %(default)s)")
    add_part(command, length)
    command.add_argument("--seed", type=int, default=0, metavar="N", help="of everything random (default: %(default)s)")
    add_param(command)


def add_part(command: argparse.ArgumentParser, length: float = 0.0) -> None:
    said = f"{length:g}" if length else "all"
    command.add_argument("--start", type=float, default=0.0, metavar="S", help="begin here, in seconds")
    command.add_argument("--length", type=float, default=length, metavar="S", help=f"take this many seconds (default: {said})")


def add_param(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--param",
        type=pair,
        action="append",
        default=[],
        metavar="K=V",
        help="change a setting of the preset, strength=0.5 for example (all: daw-bridge presets show ID); may be repeated",
    )


def add_takes(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--takes", type=takes, default=1, metavar="N", help="make so many variations by seed (default: %(default)s)"
    )


def add_state(command: argparse.ArgumentParser) -> None:
    command.add_argument("--state", type=Path, metavar="DIR", help="state folder of the service (default: the user's own)")


def pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise argparse.ArgumentTypeError(f"{text!r} must be NAME=VALUE")
    return name, value


def takes(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_TAKES:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number from 1 to {MOST_TAKES}")
    return int(text)


def port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number from 0 to 65535")
    return int(text)


def add_json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print JSON, for programs")


def add_device(command: argparse.ArgumentParser) -> None:
    command.add_argument("--device", choices=DEVICES, default="auto", help="where to compute (default: %(default)s)")
