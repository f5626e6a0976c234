"""The scripts look where the service looks."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from daw_bridge import folders

Load = Callable[[str], Any]


def _service_says(env: Mapping[str, str], expression: str) -> str:
    code = f"from daw_bridge.folders import default_state; from daw_bridge.presets import user_folder; print({expression})"
    run = subprocess.run(
        [sys.executable, "-c", code], env={**env, "PYTHONPATH": str(Path(folders.__file__).parents[1]), "PYTHONUTF8": "1"},
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return run.stdout.strip()


@pytest.mark.skipif(sys.platform != "linux", reason="asks the service for its default on Linux")
@pytest.mark.parametrize(
    "env",
    [
        {"HOME": "/home/zoë"},
        {"HOME": "/home/zoe", "XDG_STATE_HOME": "/var/zoe/state", "XDG_CONFIG_HOME": "/etc/zoe"},
        {"HOME": "/home/zoe", "XDG_STATE_HOME": " "},
        {"HOME": "/home/zoe", "DAW_BRIDGE_STATE": "/srv/bridge", "DAW_BRIDGE_PRESETS": "/srv/presets"},
        {"HOME": "/home/zoe", "DAW_BRIDGE_STATE": "~/bridge"},
    ],
)
def test_state_and_presets_lie_where_the_service_says(env: dict[str, str], load: Load) -> None:
    module = load("folders")
    assert module.state("linux", env.get) == _service_says(env, "default_state().root")
    assert module.user_presets("linux", env.get) == _service_says(env, "user_folder()")


def test_macos_and_windows_have_their_own_places(load: Load) -> None:
    module = load("folders")
    mac = {"HOME": "/Users/zoe"}
    assert module.state("macos", mac.get) == "/Users/zoe/Library/Application Support/daw-bridge"
    windows = {"LOCALAPPDATA": r"C:\Users\Zoë\AppData\Local"}
    assert module.state("windows", windows.get) == r"C:\Users\Zoë\AppData\Local\daw-bridge"
    assert module.tickets(module.state("windows", windows.get)) == r"C:\Users\Zoë\AppData\Local\daw-bridge\tickets"
    assert module.state("windows", {"USERPROFILE": r"D:\Zoe"}.get) == r"D:\Zoe\AppData\Local\daw-bridge"


def test_macos_agrees_with_platformdirs(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    from platformdirs.macos import MacOS

    monkeypatch.setenv("HOME", "/Users/zoe")
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    expected = MacOS("daw-bridge", appauthor=False).user_state_dir
    assert load("folders").state("macos", {"HOME": "/Users/zoe"}.get) == expected


def test_reaper_s_names_of_systems_are_known(load: Load) -> None:
    module = load("folders")
    names = ["Win32", "Win64", "OSX64", "macOS-arm64", "Other"]
    assert [module.system(name) for name in names] == ["windows", "windows", "macos", "macos", "linux"]


@pytest.mark.parametrize(
    ("path", "folder", "name"),
    [
        ("/a/b.wav", "/a", "b.wav"),
        ("/b.wav", "/", "b.wav"),
        (r"C:\a\b.wav", r"C:\a", "b.wav"),
        (r"C:\b.wav", "C:\\", "b.wav"),
        (r"\\box\share\b.wav", r"\\box\share", "b.wav"),
    ],
)
def test_a_path_splits_and_joins_again(path: str, folder: str, name: str, load: Load) -> None:
    module = load("folders")
    assert module.split(path) == (folder, name) and module.join(folder, name) == path
    assert module.split("b.wav") == (None, "b.wav")


def test_settings_are_lines_of_key_and_value(load: Load) -> None:
    text = "\ufeff# ours\r\nstate_dir = /srv/my state\r\n\r\nparam.num_steps = 4\nparam.method=griffin_lim\nno line\ncommand="
    found = load("settings").parse(text)
    assert found.state_dir == "/srv/my state" and found.command is None
    assert dict(found.params) == {"num_steps": 4, "method": "griffin_lim"}


def test_a_named_state_folder_goes_before_all(load: Load) -> None:
    assert load("folders").state("linux", {"DAW_BRIDGE_STATE": "/a"}.get, "/b") == "/b"
