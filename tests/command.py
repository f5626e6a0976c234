"""The `daw-bridge` command as a real process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

COMMAND = (sys.executable, "-m", "daw_bridge")
TREE = Path(__file__).parents[1]


def run(*arguments: object, folder: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end.

    Args:
        arguments: of the command.
        folder: to run in; None means the source tree.
        environment: variables to add.
    """
    with start(*arguments, folder=folder, **environment) as process:
        try:
            out, err = process.communicate(timeout=240)
        except BaseException:
            process.kill()
            raise
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def start(*arguments: object, folder: Path | None = None, **environment: str) -> subprocess.Popen[str]:
    """Start a command, with both of its streams as pipes."""
    variables = {**os.environ, "PYTHONPATH": str(TREE), "PYTHONWARNINGS": "error", "PYTHONUTF8": "1", **environment}
    words = [*COMMAND, *map(str, arguments)]
    pipe = subprocess.PIPE
    return subprocess.Popen(words, cwd=folder or TREE, env=variables, stdout=pipe, stderr=pipe, text=True, encoding="utf-8")
