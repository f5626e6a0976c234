"""Slips: OSC messages that scripts without a socket leave as files beside the tickets."""

from __future__ import annotations

import logging
import time
from pathlib import Path

MAX_BYTES = 8192
MAX_AGE_SECONDS = 10.0  # what was said to a service that did not run is no longer meant

log = logging.getLogger(__name__)


def take_slips(folder: Path) -> list[bytes]:
    """Read and remove the slips in a folder, the oldest first. Names that begin with a dot are still being written.

    Args:
        folder: of the tickets; a slip's name ends in `.osc` and its bytes are one OSC packet, to be checked like any.
    """
    try:
        found = [path for path in folder.iterdir() if path.suffix == ".osc" and not path.name.startswith(".") and path.is_file()]
    except OSError as error:
        log.warning("slips in %s cannot be listed now: %s", folder, error)
        return []
    packets = []
    for _, path in sorted((_age(path), path) for path in found):
        try:
            is_meant = time.time() - path.stat().st_mtime < MAX_AGE_SECONDS
            with path.open("rb") as file:
                packet = file.read(MAX_BYTES + 1)
            path.unlink()
        except OSError as error:
            log.warning("slip %s cannot be taken: %s", path.name, error)
            continue
        if is_meant:
            packets.append(packet)
        else:
            log.info("slip %s is too old to be meant", path.name)
    return packets


def _age(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
