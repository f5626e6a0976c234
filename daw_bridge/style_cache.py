"""What was heard of a style, kept on disk, so that the next render in that style need not hear it again."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import time
import uuid
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from . import __version__, disk
from .analysis import Analysis
from .band_statistics import BandStatistics
from .errors import DawBridgeError
from .networks import WYSE
from .settings import TransferSettings
from .style_target import StyleTarget

SCHEMA = 2  # raised when what is heard of a style changes
MOST_BYTES = 256 << 20
SUFFIX, PARTIAL = ".style.safetensors", ".partial"
LONGEST_SAVE_SECONDS = 3600.0  # what is still partial then was left by a process that died
BANDS, GRAMS, CENTRES = "bands", "grams", "centres"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StyleCache:
    """A folder of what was heard of styles.

    Attributes:
        folder: made when there is something to keep; anything in it that is not ours is left alone.
        most_bytes: what was used longest ago is thrown away beyond that.
    """

    folder: Path
    most_bytes: int = MOST_BYTES

    def find(self, key: str) -> StyleTarget | None:
        """What was kept under a key; None where there is nothing, or it is damaged, which is thrown away."""
        path = self._path(key)
        if not path.is_file():
            return None
        try:
            with safetensors.safe_open(path, framework="pt") as file:
                kept = file.metadata() or {}
            tensors = load_file(path)
            if kept.get("sha256") != _digest(tensors):
                raise ValueError("its contents are not those that were written")
            found = _target(tensors)
        except (OSError, ValueError, TypeError, KeyError, safetensors.SafetensorError) as error:
            log.warning("a kept style is damaged and made again: %s: %s", path.name, error)
            disk.remove(path)
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return found

    def keep(self, key: str, target: StyleTarget) -> None:
        """Keep what was heard; a disk that is full or not to be written costs time later, and no remix now."""
        tensors = {
            **{f"{BANDS}/{field.name}": getattr(target.bands, field.name) for field in fields(BandStatistics)},
            **{f"{GRAMS}/{layer}": gram for layer, gram in target.grams.items()},
            **{f"{CENTRES}/{layer}": centre for layer, centre in target.centres.items()},
        }
        tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
        staged = self.folder / f"{uuid.uuid4().hex}{PARTIAL}"
        try:
            disk.make_folder(self.folder)
            with disk.reported(staged):
                save_file(tensors, staged, {"sha256": _digest(tensors)})
                staged.replace(self._path(key))
        except (DawBridgeError, safetensors.SafetensorError) as error:
            log.warning("what was heard of a style could not be kept: %s", error)
            disk.remove(staged)
        self._make_room()

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}{SUFFIX}"

    def _make_room(self) -> None:
        for path in self.folder.glob(f"{'[0-9a-f]' * 32}{PARTIAL}"):
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime > LONGEST_SAVE_SECONDS:
                    disk.remove(path)
        ages = list[tuple[float, int, Path]]()
        for path in self.folder.glob(f"*{SUFFIX}"):
            with contextlib.suppress(OSError):  # another process makes room, too
                ages.append((path.stat().st_mtime, path.stat().st_size, path))
        total = sum(size for _, size, _ in ages)
        for _, size, path in sorted(ages):
            if total <= self.most_bytes:
                return
            disk.remove(path)
            total -= size


def style_key(
    sha256: str,
    settings: TransferSettings,
    analysis: Analysis,
    *,
    seed: int,
    dtype: torch.dtype,
    block_frames: int,
    n_lags: int,
    weights: dict[str, str],
) -> str:
    """Hash of all that has a say in what is heard of a style.

    Args:
        sha256: of the style's sound.
        settings: of the transfer.
        analysis: how it is seen.
        seed: of random networks; others do not depend on it.
        dtype: that networks compute in.
        block_frames: frames heard at once.
        n_lags: up to where its rhythm is wanted.
        weights: of the networks, name → SHA-256.
    """
    has_say: dict[str, Any] = {
        "schema": [SCHEMA, __version__, torch.__version__],
        "sound": sha256,
        "sample_rate": analysis.sample_rate,
        "bands": [settings.n_bands, settings.band_scale, settings.gate_db],
        "layers": sorted(layer for layer, _ in settings.style_layers),
        "how": [settings.is_gram_centred, settings.is_multiresolution, block_frames, n_lags],
        "seed": seed if WYSE in settings.depths() else 0,
        "arithmetic": [str(analysis.device.type), str(dtype), torch.get_num_threads()],
        "weights": sorted(weights.items()),
    }
    return hashlib.sha256(json.dumps(has_say, sort_keys=True).encode()).hexdigest()


def _digest(tensors: dict[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _target(tensors: dict[str, Tensor]) -> StyleTarget:
    parts: dict[str, dict[str, Tensor]] = {BANDS: {}, GRAMS: {}, CENTRES: {}}
    for name, tensor in tensors.items():
        part, _, rest = name.partition("/")
        parts[part][rest] = tensor
    return StyleTarget(BandStatistics(**parts[BANDS]), parts[GRAMS], parts[CENTRES])
