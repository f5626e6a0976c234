"""A simulated REAPER for one test: Python hands it files and answers, scripts run in it as actions do."""

from __future__ import annotations

import functools
import importlib
import itertools
import os
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from tests.reaper import sound

HERE = Path(__file__).parent
SCRIPTS = HERE.parents[1] / "reaper_scripts"
REMIX = "daw_bridge_Remix selected item.lua"
LUA_VERSIONS = ("lua53", "lua54")
TICK_SECONDS = 0.033
_GUIDS = itertools.count(1)
SINCE_7_18 = ("InsertTrackInProject", "set_action_options")


def _media(path: str) -> tuple[str, float, int, int] | None:
    try:
        info = soundfile.info(path)
    except (RuntimeError, OSError):
        return None
    return info.format.replace("WAV", "WAVE"), info.frames / info.samplerate, info.samplerate, info.channels


def _file_names(folder: str) -> list[str]:
    path = Path(folder)
    return sorted(p.name for p in path.iterdir() if p.is_file()) if path.is_dir() else []


def _make_folder(path: str) -> int:
    Path(path).mkdir(parents=True, exist_ok=True)
    return 1


@functools.cache
def _schedule() -> int | None:
    """Where Linux tells how long this thread has waited for a processor, open as long as the process lives."""
    try:
        return os.open("/proc/thread-self/schedstat", os.O_RDONLY)
    except OSError:
        return None


def _waited_ns() -> int:
    file = _schedule()
    return 0 if file is None else int(os.pread(file, 64, 0).split()[1])


class Stopwatch:
    """Seconds that scripts have worked, without those of the simulated functions that they call.

    Those in which the processor was with other programs do not count either, where the system tells them (Linux); those in which
    a file kept the script waiting do.
    """

    def __init__(self) -> None:
        self._worked = 0.0
        self._since: float | None = None

    def seconds(self) -> float:
        return self._worked + (0.0 if self._since is None else self._clock() - self._since)

    def pause(self) -> None:
        self._worked, self._since = self.seconds(), None

    def go_on(self) -> None:
        self._worked, self._since = self.seconds(), self._clock()

    @staticmethod
    def _clock() -> float:
        while True:
            waited_ns, now_ns = _waited_ns(), time.perf_counter_ns()
            if _waited_ns() == waited_ns:
                return (now_ns - waited_ns) / 1e9


class Reaper:
    """One REAPER window with its Lua.

    Args:
        version: lupa's name of the Lua, `lua53` or `lua54`.
        env: what `os.getenv` answers; nothing of this machine's environment reaches a script.
        missing: API functions that this REAPER does not have.
        scripts: the folder of the scripts, a copy where a test changes them.
    """

    def __init__(self, version: str, env: Mapping[str, str], missing: Iterable[str] = (), scripts: Path = SCRIPTS) -> None:
        self.time_references: dict[str, int] = {}
        self.lua = importlib.import_module(f"lupa.{version}").LuaRuntime(unpack_returned_tuples=True)
        self.scripts = scripts
        table = self.lua.table_from
        self.lua.execute("package.path = ...", f"{HERE / 'simulated'}/?.lua")
        options = table({"api_list": str(HERE / "reascript_api.tsv"), "missing": table(list(missing)), "env": table(dict(env))})
        host = table(
            {
                "media": _media,
                "is_file": lambda p: Path(p).is_file(),
                "make_folder": _make_folder,
                "file_names": lambda folder: table(_file_names(folder)),
                "render": sound.render,
                "heard": self._heard,
                "time_reference": lambda p: self.time_references.get(p),
            }
        )
        self.world, self._leaked = self.lua.execute("return (require('start'))")(options, host)
        self.world["n_guids"] = next(_GUIDS) << 20  # no GUID comes twice, as in life
        self.lua.execute("package.path = ...", str(scripts / "lib" / "?.lua"))

    def add_project(self, folder: Path, name: str = "song.rpp") -> Any:
        """Open a saved project in a new tab, in front."""
        return self.world.add_project(self.world, str(folder / name) if name else "", str(folder / "Media"))

    def add_track(self, project: Any, name: str = "", **values: float) -> Any:
        return self.world.add_track(self.world, project, name, self._table(values))

    def add_item(self, track: Any, file: Path | None, *, name: str = "", kind: str | None = None, **values: Any) -> Any:
        """Put a selected item on a track; parameters by REAPER's names, those of the take too."""
        take_names = ("D_STARTOFFS", "D_PLAYRATE", "D_PITCH", "B_PPITCH")
        item = self.world.add_item(self.world, track, self._table({k: v for k, v in values.items() if k not in take_names}))
        item["is_selected"] = True
        if file is not None or kind:
            source = self.world.add_source(self.world, str(file or ""), kind)
            taken = self._table({k: v for k, v in values.items() if k in take_names})
            self.world.add_take(self.world, item, source, name, taken)
        return item

    def run(self, script: str = REMIX) -> None:
        """Run a script as its action does, and its first tick, which begins the work."""
        self.start(script)
        self.tick(0.0)

    def start(self, script: str = REMIX) -> None:
        """Run a script as its action does."""
        path = str(self.scripts / script)
        self.world["script_path"] = path
        # REAPER gives each run a Lua of its own, so nothing of an earlier one is loaded.
        self.lua.execute(
            "for name in pairs(package.loaded) do if not _G[name] and name ~= '_G' then package.loaded[name] = nil end end"
        )
        self.world.run_script(self.world, path)

    def give_sockets(self, ours: socket.socket) -> None:
        """Let scripts find Lua sockets, which send from a real one of the test's."""
        self.lua.execute(
            """
            local send = ...
            package.preload["socket.core"] = function()
              return { udp = function()
                local bytes = function(text) return table.pack(text:byte(1, -1)) end
                return {
                  settimeout = function(_, seconds) assert(seconds == 0) end,
                  sendto = function(_, text, host, port) return send(bytes(text), host, port) end,
                  close = function() end,
                }
              end }
            end
            """,
            lambda values, host, number: ours.sendto(bytes(values[n + 1] for n in range(values.n)), (host, number)),
        )

    def tick(self, seconds: float = TICK_SECONDS) -> int:
        """Let time pass once; how many deferred functions ran."""
        return int(self.world.tick(self.world, seconds))

    def ticks(self, seconds: float) -> None:
        """Let time pass, 30 ticks a second, or until no script waits."""
        for _ in range(int(seconds * 30)):
            if not self.tick(1 / 30):
                return

    def tick_until(self, has_happened: Callable[[], bool], deadline_seconds: float) -> None:
        """Let real time pass until something has happened; a script that ends before is a failure at once."""
        deadline = time.monotonic() + deadline_seconds
        while not has_happened():
            if time.monotonic() > deadline or (not self.tick() and not has_happened()):
                raise TimeoutError(f"not within {deadline_seconds} s; said {self.boxes + self.console}, {self.violations}")
            time.sleep(TICK_SECONDS)  # or the scripts' clock would run ahead of the service's

    def watch_costs(self, stopwatch: Stopwatch | None = None, *, byte_seconds: float | None = None) -> None:
        """From now on count what each tick would cost on a slow computer; with a stopwatch, measure it by that instead.

        Args:
            byte_seconds: what a byte costs that is read or written, where the disk is another one.
        """
        if stopwatch is None:
            self.world.watch_costs(byte_seconds)
        else:
            functions = {name: getattr(stopwatch, name) for name in ("seconds", "pause", "go_on")}
            self.world["costs"] = self._table({**functions, "count": self.lua.eval("function() end")})

    @property
    def tick_seconds(self) -> list[float]:
        """What each run of a script and each deferred tick has cost."""
        return list(self.world.tick_seconds.values())

    @property
    def violations(self) -> list[str]:
        """What scripts did that REAPER or its user would resent, leaked globals among it."""
        return [*self.world.violations.values(), *(f"leaked global {n}" for n in self._leaked().values())]

    @property
    def boxes(self) -> list[str]:
        return list(self.world.boxes.values())

    @property
    def console(self) -> list[str]:
        return list(self.world.console.values())

    def tracks(self, project: Any) -> list[str]:
        """Names of a project's tracks from top to bottom."""
        return [track.strings["P_NAME"] for track in project.tracks.values()]

    def undo_labels(self, project: Any) -> list[str]:
        return [entry.label for entry in project.undo_history.values()]

    def _heard(self, spec: Any, rate: int, n_channels: int, start_seconds: float, n_samples: int) -> Any:
        samples = sound.played(spec, rate, n_channels, start_seconds, n_samples)
        return self.lua.table_from(np.ravel(samples).tolist()) if np.any(samples) else None

    def _table(self, values: Mapping[str, Any]) -> Any:
        return self.lua.table_from(dict(values))
