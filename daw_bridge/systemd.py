"""The service as a systemd user unit, so that it starts with the user's session."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from .disk import reported
from .errors import NotFound

UNIT = "daw-bridge.service"
TEXT = """[Unit]
Description=daw-bridge, style transfer between recordings beside a DAW
Documentation=file:{readme}

[Service]
ExecStart={command}
Restart=on-failure
RestartSec=5
# The service ends its renderers itself, and takes up again at the next start what they had in hand.
KillMode=mixed
TimeoutStopSec=20
UMask=0077

[Install]
WantedBy=default.target
"""


def unit_path(environment: Mapping[str, str] = os.environ) -> Path:
    """Where systemd looks for a user's own units."""
    named = environment.get("XDG_CONFIG_HOME")
    home = Path(named) if named and Path(named).is_absolute() else Path.home() / ".config"
    return home / "systemd" / "user" / UNIT


def unit_text(state: Path | None) -> str:
    """The unit: this Python, this package, that state folder; the projects are those that the service knows."""
    words = [sys.executable, "-m", "daw_bridge", "serve", *(["--state", str(state.absolute())] if state else [])]
    return TEXT.format(command=" ".join(_quoted(word) for word in words), readme=_escaped(str(Path(__file__).parent)))


def _escaped(text: str) -> str:
    return text.replace("%", "%%").replace(" ", "%20")


def _quoted(word: str) -> str:
    """A word as systemd reads it: `%` and `$` mean something to it even within quotes."""
    plain = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{plain}"'


def install(state: Path | None) -> list[str]:
    """Write the unit and start it; gives lines for the user.

    Raises:
        NotFound: this system has no systemd.
        ForbiddenPath: the unit cannot be written.
    """
    if sys.platform != "linux":
        raise NotFound(f"systemd is not for {sys.platform}", "The README says how to start the service at login there.")
    path = unit_path()
    with reported(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(unit_text(state), encoding="utf-8")
    return [f"wrote {path}", *_control(["daemon-reload"], ["enable", "--now", UNIT])]


def uninstall() -> list[str]:
    """Stop the unit and remove it; gives lines for the user.

    Raises:
        NotFound: there is none.
    """
    path = unit_path()
    if not path.exists():
        raise NotFound(f"{path} does not exist", "There is nothing to uninstall.")
    lines = _control(["disable", "--now", UNIT])
    with reported(path):
        path.unlink()
    return [*lines, f"removed {path}", *_control(["daemon-reload"])]


def _control(*commands: list[str]) -> list[str]:
    """Give commands to the user's systemd; what it does not take is left to the user."""
    said = []
    program = shutil.which("systemctl")
    for words in commands:
        full = ["systemctl", "--user", *words]
        done = subprocess.run([program, *full[1:]], capture_output=True, text=True, timeout=30) if program else None
        if done is None or done.returncode:
            reason = done.stderr.strip().splitlines()[-1] if done and done.stderr.strip() else "no systemctl here"
            said.append(f"not done ({reason}); in your own session, run: {' '.join(full)}")
        else:
            said.append(f"ran {' '.join(full)}")
    return said
