"""Runs a plugin of the user's own in a process that may crash or hang, and costs no more than the job that asked for it."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from . import disk
from .audio import Samples
from .blocks import blocks
from .errors import PluginFailed
from .plugins import LIMIT_SECONDS, Allowed, Setting, check_step, format_of
from .preset import Plugin
from .scratch import Scratch, fill
from .streaming import chunk_samples

POLL_SECONDS = 0.05
PACKAGE = Path(__file__).parents[1]


def described(path: Path, name: str = "", limit_seconds: float = LIMIT_SECONDS, preset_file: str = "") -> tuple[Allowed, str]:
    """Load a plugin once and see what it is.

    Args:
        path: of the plugin.
        name: which one, of a file that holds several.
        limit_seconds: how long it may take.
        preset_file: a `.vstpreset` to load into it first; empty for none.

    Returns:
        What goes on the list of allowed plugins, and the plugin's state as base64.

    Raises:
        BadParameter: the file is missing or made for another system.
        PluginFailed: it cannot be loaded, crashes, hangs, or is an instrument.
    """
    form = format_of(path)
    order = {"task": "describe", "path": str(path), "name": name, "preset_file": preset_file}
    with tempfile.TemporaryDirectory(prefix="daw-bridge-", ignore_cleanup_errors=True) as folder:
        found = _answer(order, Path(folder), path.name, limit_seconds, lambda beats: None)
    settings = {key: Setting(**{**of, "choices": tuple(of.get("choices", ()))}) for key, of in found["settings"].items()}
    return Allowed(form, found["name"], str(path), found["version"], limit_seconds, settings), found["state"]


def process(
    step: Plugin,
    samples: Samples,
    n_wanted: int,
    sample_rate: int,
    scratch: Scratch = Scratch(),
    on_part: Callable[[float], None] = lambda share: None,
) -> Samples:
    """What a plugin of the user's own makes of samples, its reported latency left out.

    Args:
        step: names a plugin that is allowed.
        samples: `(C, N)`; more than two channels are treated in pairs.
        n_wanted: how many samples to make, silence following the given ones.
        sample_rate: Hz.
        scratch: where the files lie that the two processes share.
        on_part: told from time to time how far it is, 0 to 1; whatever it raises ends the process, too.

    Returns:
        `(C, n_wanted)`, float32.

    Raises:
        BadParameter: as `plugins.check_step`.
        DiskFull: no room for the files.
        PluginFailed: it cannot be loaded, crashes, hangs or refuses the sound.
    """
    allowed = check_step(step, "chain")
    order = {
        "task": "render",
        "path": allowed.path,
        "name": allowed.name,
        "parameters": dict(step.parameters),
        "state": step.state,
        "shape": samples.shape,
        "n_wanted": n_wanted,
        "sample_rate": sample_rate,
    }
    n_pieces = max(1, n_wanted // chunk_samples(sample_rate) * -(-len(samples) // 2))
    with tempfile.TemporaryDirectory(prefix="plugin-", dir=scratch.folder, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        given = _shared(folder / "in.f32", samples.shape)
        for part in blocks(samples.shape[1]):
            given[:, part] = samples[:, part]
        made = _shared(folder / "out.f32", (len(samples), n_wanted))
        _answer(order, folder, allowed.name, allowed.limit_seconds, lambda beats: on_part(min(1.0, beats / n_pieces)))
        return made  # the mapping outlives the file's name


def _shared(path: Path, shape: tuple[int, ...]) -> Samples:
    """Zeros that two processes see, in a file that has all its room."""
    with disk.reported(path.parent):
        with path.open("wb") as file:
            fill(file, math.prod(shape) * np.dtype(np.float32).itemsize)
        return np.memmap(path, np.float32, "r+", shape=shape)


def _answer(
    order: dict[str, Any], folder: Path, name: str, limit_seconds: float, on_beat: Callable[[int], None]
) -> dict[str, Any]:
    disk.write_json(folder / "order.json", order)
    with _started(folder) as process:
        _wait(process, folder / "beat", name, limit_seconds, on_beat)
    answer = disk.read_json(folder / "answer.json")
    if process.returncode != 0 or not answer:
        raise PluginFailed(f"plugin {name!r} crashed ({_how(process.returncode)})", "Update it, or take it out of the preset.")
    if "error" in answer:
        raise PluginFailed(f"plugin {name!r}: {answer['error']}", answer["hint"] or "Update it, or take it out of the preset.")
    return answer


@contextmanager
def _started(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The plugin's process, which is gone when the block ends, with everything that it has started.

    Its input is a pipe that nothing is written to: the end of it, however this process ends, is the sign to leave.
    """
    paths = os.pathsep.join(filter(None, (str(PACKAGE), os.environ.get("PYTHONPATH"))))
    with subprocess.Popen(
        [sys.executable, "-m", "daw_bridge.plugin_process", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": paths},
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            if os.name == "posix":
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()


def _wait(process: subprocess.Popen[bytes], beat: Path, name: str, limit_seconds: float, on_beat: Callable[[int], None]) -> None:
    n_beats, since = 0, time.monotonic()
    while process.poll() is None:
        n_now = beat.stat().st_size if beat.exists() else 0
        if n_now != n_beats:
            n_beats, since = n_now, time.monotonic()
        if time.monotonic() - since > limit_seconds:
            hint = "Take it out of the preset, or give it longer: daw-bridge plugins allow PATH --limit SECONDS"
            raise PluginFailed(f"plugin {name!r} did nothing for {limit_seconds:g} s", hint)
        on_beat(n_beats)
        time.sleep(POLL_SECONDS)


def _how(returncode: int) -> str:
    try:
        return signal.Signals(-returncode).name if returncode < 0 else f"exit code {returncode}"
    except ValueError:
        return f"signal {-returncode}"
