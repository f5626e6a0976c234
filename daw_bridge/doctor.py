"""`daw-bridge doctor`: looks at everything that the service needs, and says of each what to do about it."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import socket
import sqlite3
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .errors import DawBridgeError
from .folders import ProjectFolders, StateFolders

FREE_BYTES = 2 << 30
OLDEST_CLOCK = 1_735_689_600  # 2025: a clock before it was never set
N_LAYERS_SHIPPED = 5


@dataclass(frozen=True)
class Finding:
    """What one look showed.

    Attributes:
        what: the thing looked at.
        is_well: whether it will do.
        seen: what was seen.
        remedy: what to do about it; empty where all is well.
    """

    what: str
    is_well: bool
    seen: str
    remedy: str = ""


def examine(state: StateFolders) -> list[Finding]:
    """Look at everything; a look that fails is a finding, too."""
    looks: tuple[tuple[str, Callable[[StateFolders], list[Finding]]], ...] = (
        ("Python", _python),
        ("SQLite", _sqlite),
        ("weights", _weights),
        ("device", _device),
        ("configuration", _configuration),
        ("port", _port),
        ("folders", _folders),
        ("clock", _clock),
        ("REAPER scripts", _reaper),
    )
    findings = []
    for what, look in looks:
        try:
            findings += look(state)
        except DawBridgeError as error:
            findings.append(Finding(what, False, error.message, error.hint))
        except Exception as error:
            findings.append(Finding(what, False, f"{type(error).__name__}: {error}", "Report this."))
    return findings


def _python(_: StateFolders) -> list[Finding]:
    is_well = sys.version_info >= (3, 11)
    return [Finding("Python", is_well, sys.version.split()[0], "" if is_well else "Install Python 3.11 or later.")]


def _sqlite(_: StateFolders) -> list[Finding]:
    is_well = sys.version_info < (3, 12) or sqlite3.sqlite_version_info >= (3, 42)
    remedy = "Use another build of Python, for example the one from python.org."
    return [Finding("SQLite", is_well, sqlite3.sqlite_version, "" if is_well else remedy)]


def _weights(_: StateFolders) -> list[Finding]:
    from .networks import NETWORKS
    from .weights import load, resolve
    from .weights_here import fetched

    path = resolve("vgg16", N_LAYERS_SHIPPED)
    findings = [Finding("weights", True, f"{path.name}: {len(load(path))} tensors, checksum as it should be")]
    for network in NETWORKS.values():
        if fetched(network.name) is not None:
            path = resolve(network.name, len(network.layers))
            findings.append(Finding("weights", True, f"{path.name}: all of {network.name}, checksum as it should be"))
    return findings


def _device(_: StateFolders) -> list[Finding]:
    import torch

    found = "cpu"
    if torch.cuda.is_available():
        found = f"cuda ({torch.cuda.get_device_name(0)})"
    elif torch.backends.mps.is_available():
        found = "mps"
    n_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    seen = f"{found}, {n_cores} cores, torch {torch.__version__}; the service renders on the CPU"
    remedy = "One core renders while your DAW plays: pause the service when it crackles." if n_cores < 2 else ""
    return [Finding("device", not remedy, seen, remedy)]


def _configuration(state: StateFolders) -> list[Finding]:
    from .service.config import read_config

    config = read_config(state)
    gone = [str(path) for path in (*config.roots.values(), *(w.path for w in config.watched)) if not path.is_dir()]
    seen = f"{len(config.origins)} fields set" + (f"; not there: {', '.join(gone)}" if gone else "")
    return [Finding("configuration", not gone, seen, "Make these folders, or take them out." if gone else "")]


def _port(state: StateFolders) -> list[Finding]:
    from .service.config import read_config
    from .service.link import connect

    try:
        with connect(state) as link:
            return [Finding("port", True, f"the service answers on {link.address.host}:{link.address.port}")]
    except DawBridgeError:
        port = read_config(state).port
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.bind(("127.0.0.1", port))
        except OSError as error:
            remedy = f"Stop the program that listens there, or set another port in {state.root / 'config.toml'}."
            return [Finding("port", False, f"{port}: {error.strerror}", remedy)]
    return [Finding("port", True, f"{port} is free; no service runs. Start it with: daw-bridge serve PROJECT")]


def _folders(state: StateFolders) -> list[Finding]:
    from .service.config import read_projects

    findings = [_folder("state folder", state.root)]
    for project in read_projects(state):
        if not project.is_dir():
            remedy = f"Connect its drive: the service waits for it. Is it gone for good, take it out of {state.projects}."
            findings.append(Finding(f"project {project.name}", False, f"{project} is not there", remedy))
            continue
        folders = ProjectFolders(project)
        findings.append(_folder(f"project {project.name}", folders.remixes if folders.remixes.is_dir() else project))
    return findings


def _folder(what: str, path: Path) -> Finding:
    there = next(p for p in (path, *path.parents) if p.exists())
    free = shutil.disk_usage(there).free
    seen = f"{path}, {free / 1e9:.1f} GB free"
    if not os.access(there, os.W_OK | os.X_OK):
        return Finding(what, False, f"{seen}, not writable", "Give yourself the right to write there.")
    if free < FREE_BYTES:
        return Finding(what, False, seen, f"Free some: a long remix takes more than {FREE_BYTES / 1e9:.0f} GB.")
    return Finding(what, True, seen)


def _clock(_: StateFolders) -> list[Finding]:
    now = time.time()
    shown = time.strftime("%Y-%m-%d %H:%M", time.localtime(now))
    remedy = "Set the computer's clock: files and jobs are dated by it." if now < OLDEST_CLOCK else ""
    return [Finding("clock", not remedy, shown, remedy)]


def _reaper(_: StateFolders) -> list[Finding]:
    from .reaper_install import resource_folder

    try:
        folder = resource_folder()
    except DawBridgeError as error:
        return [Finding("REAPER scripts", True, f"{error.message}; none are needed without it")]
    scripts = sorted(folder.glob("Scripts/**/daw_bridge_*.lua"))
    if not scripts:
        return [Finding("REAPER scripts", False, f"none in {folder}", "Run: daw-bridge install-reaper")]
    return [Finding("REAPER scripts", True, f"{len(scripts)} in {scripts[0].parent}")]


def report(findings: list[Finding]) -> str:
    """The findings as lines for people."""
    lines = []
    for finding in findings:
        lines.append(f"{'ok' if finding.is_well else 'NOT OK':<7} {finding.what}: {finding.seen}")
        if finding.remedy:
            lines.append(f"        {finding.remedy}")
    return "\n".join(lines)


def as_json(findings: list[Finding]) -> str:
    """The findings as a JSON list, for programs."""
    return json.dumps([dataclasses.asdict(finding) for finding in findings], ensure_ascii=False)
