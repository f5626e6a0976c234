"""Builds the VST3 plugin of this folder with Debian's `dpf-source`."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from pathlib import Path

SOURCES = Path(__file__).parent
DPF = Path("/usr/share/dpf/distrho")
NAME = "Bridge Test"


def missing() -> str:
    """Why the plugin cannot be built here; empty where it can."""
    if sys.platform != "linux":
        return "the test plugin is built on Linux alone"
    if shutil.which("g++") is None:
        return "no g++ (apt install g++)"
    return "" if (DPF / "DistrhoPluginMain.cpp").is_file() else "no DPF (apt install dpf-source)"


def build(folder: Path) -> Path:
    """The VST3 bundle, made in a folder."""
    bundle = folder / "BridgeTest.vst3"
    library = bundle / "Contents" / f"{platform.machine()}-linux" / "BridgeTest.so"
    library.parent.mkdir(parents=True)
    flags = ["-std=c++17", "-O1", "-fPIC", "-shared", "-fvisibility=hidden", "-w", "-DDISTRHO_PLUGIN_TARGET_VST3"]
    files = [str(SOURCES / "bridge_test.cpp"), str(DPF / "DistrhoPluginMain.cpp")]
    command = ["g++", *flags, f"-I{SOURCES}", f"-I{DPF}", *files, "-o", str(library), "-lpthread", "-ldl"]
    subprocess.run(command, check=True, timeout=300)
    return bundle
