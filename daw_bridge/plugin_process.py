"""Where a plugin of the user's own lives, `python -m daw_bridge.plugin_process FOLDER`: it may crash or hang."""

from __future__ import annotations

import base64
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .audio import Samples
from .errors import DawBridgeError, PluginFailed
from .streaming import BUFFER_SAMPLES, fed, poured, through

MAX_CHOICES = 500


def main(folder: Path, renderer: int) -> None:
    """Do what `order.json` in the folder says and leave `answer.json` there; each piece of work adds a byte to `beat`.

    Args:
        folder: that the two processes share.
        renderer: the reading end of a pipe that the renderer holds open as long as it lives and wants this.
    """
    _end_with(renderer)
    order = json.loads((folder / "order.json").read_bytes())

    def beat() -> None:
        with (folder / "beat").open("ab") as file:
            file.write(b".")

    try:
        answer = _described(order) if order["task"] == "describe" else _rendered(order, folder, beat)
    except DawBridgeError as error:
        answer = {"error": error.message, "hint": error.hint}
    except Exception as error:  # of a plugin or of pedalboard: whatever it is, it is this job's alone
        answer = {"error": " ".join(str(error).split())[:300] or type(error).__name__, "hint": ""}
    staged = folder / "answer.json.new"
    staged.write_text(json.dumps(answer), encoding="utf-8")
    staged.replace(folder / "answer.json")


def _end_with(renderer: int) -> None:
    """Be gone when the renderer is: nobody else would end a plugin that hangs.

    The end of the pipe says so on every system, but a plugin that hangs with Python's lock held keeps it from being heard;
    on Linux the system itself ends this process then. Windows and macOS are untested.
    """
    if sys.platform == "linux":  # the system's own way works whatever the plugin does
        import ctypes
        import signal

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG

    def watch() -> None:
        while os.read(renderer, 1):
            pass
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _loaded(order: dict[str, Any]) -> Any:
    path, name = order["path"], order["name"]
    names = _names_in(path) if not name or order["task"] == "describe" else [name]
    if name and name not in names:
        raise PluginFailed(f"{Path(path).name!r} holds no plugin {name!r}", f"It holds: {', '.join(names)}.")
    if not name and len(names) > 1:
        raise PluginFailed(f"{Path(path).name!r} holds {len(names)} plugins", f"Name one: {', '.join(names)}.")
    plugin: Any = _kind(path)(path, plugin_name=name or None)
    if not plugin.is_effect:
        raise PluginFailed(f"{plugin.name!r} is an instrument", "A chain takes effects.")
    return plugin


def _names_in(path: str) -> list[str]:
    return [str(name) for name in _kind(path).get_plugin_names_for_file(path)]


def _kind(path: str) -> Any:
    import pedalboard

    return getattr(pedalboard, "VST3Plugin" if path.lower().endswith(".vst3") else "AudioUnitPlugin")


def _described(order: dict[str, Any]) -> dict[str, Any]:
    plugin = _loaded(order)
    if order["preset_file"]:
        plugin.load_preset(order["preset_file"])
    settings = {key: _setting(parameter, getattr(plugin, key)) for key, parameter in plugin.parameters.items()}
    state = base64.b64encode(plugin.raw_state).decode("ascii")
    return {"name": plugin.name, "version": plugin.version, "settings": settings, "state": state}


def _setting(parameter: Any, standard: Any) -> dict[str, Any]:
    if isinstance(standard, bool):
        return {"standard": bool(standard)}
    if isinstance(standard, str):
        return {"standard": str(standard), "choices": [str(value) for value in parameter.valid_values[:MAX_CHOICES]]}
    low, high, _ = parameter.range
    return {"standard": float(standard), "low": float(low), "high": float(high)}


def _rendered(order: dict[str, Any], folder: Path, beat: Callable[[], None]) -> dict[str, Any]:
    plugin = _loaded(order)
    if order["state"]:
        plugin.raw_state = base64.b64decode(order["state"])
    for key, value in order["parameters"].items():
        if key not in plugin.parameters:
            raise PluginFailed(
                f"it has no parameter {key!r} any more", f"Allow it again: daw-bridge plugins allow {order['path']}"
            )
        setattr(plugin, key, value)
    shape, n_wanted, rate = tuple(order["shape"]), order["n_wanted"], order["sample_rate"]
    samples = np.memmap(folder / "in.f32", np.float32, "r", shape=shape)
    made = np.memmap(folder / "out.f32", np.float32, "r+", shape=(shape[0], n_wanted))
    beat()
    latency = 0
    for first in range(0, shape[0], 2):
        pair = samples[first : first + 2]
        able = plugin if _takes(plugin, len(pair), rate) else _Widened(plugin)
        for _ in poured(_beating(through(order["name"], able, fed(pair, n_wanted, rate), rate), beat), made[first : first + 2]):
            latency = plugin.reported_latency_samples
    made.flush()
    return {"version": plugin.version, "latency_samples": latency}


def _beating(stream: Iterator[Samples], beat: Callable[[], None]) -> Iterator[Samples]:
    for piece in stream:
        beat()
        yield piece


def _takes(plugin: Any, n_channels: int, sample_rate: int) -> bool:
    try:
        plugin.process(np.zeros((n_channels, BUFFER_SAMPLES), np.float32), sample_rate, reset=True)
    except ValueError:
        return n_channels != 1  # of what fails in stereo, `through` tells the reason
    return True


class _Widened:
    """A plugin that wants two channels, given one: it hears it on both, and their mean comes back."""

    def __init__(self, plugin: Any) -> None:
        self._plugin = plugin
        self.reset = plugin.reset

    def process(self, samples: Samples, sample_rate: int, buffer_size: int, reset: bool) -> Samples:
        """As pedalboard's."""
        both: Samples = self._plugin.process(np.repeat(samples, 2, axis=0), sample_rate, buffer_size, reset)
        mean: Samples = both.reshape(2, -1).mean(axis=0, keepdims=True, dtype=np.float32)
        return mean


if __name__ == "__main__":
    # what a plugin prints is nobody's business, nor is what it asks for; on Windows, a library that looks at an input which is
    # being read would wait for it
    held, quiet = os.dup(0), os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(quiet, standard)
    main(Path(sys.argv[1]), held)
