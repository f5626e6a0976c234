"""Small file systems of a test's own, where root may mount them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def mount(*words: str, at: Path) -> Path:
    """Mount at a folder, made where it is missing, or skip the test; `unmount` takes it away."""
    if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root on Linux may mount a file system")
    at.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["mount", *words, str(at)], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("mounting is not allowed here")
    return at


def memory_disk(at: Path, size: str = "20m", *options: str) -> Path:
    """A file system in memory."""
    return mount("-t", "tmpfs", "-o", ",".join((f"size={size}", *options)), "tmpfs", at=at)


def unmount(at: Path) -> None:
    """Take away what is mounted at a folder, in use or not."""
    subprocess.run(["umount", "--lazy", str(at)], check=True)


def unmount_all(below: Path) -> None:
    """Take away what a test left mounted."""
    for point in mount_points():
        if point.is_relative_to(below):
            unmount(point)


def mount_points() -> list[Path]:
    """Where something is mounted, the newest first; a folder that is bound to another is no mount by its own looks."""
    table = Path("/proc/mounts")
    lines = table.read_text(encoding="utf-8", errors="surrogateescape").splitlines() if table.exists() else []
    return [Path(line.split()[1].replace("\\040", " ")) for line in reversed(lines)]
