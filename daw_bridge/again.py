"""The `again` command: a remix rendered once more by its recipe, byte for byte, or with something changed on purpose."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from . import making
from .disk import read_json
from .errors import BadArguments, DawBridgeError
from .finding import found, name_of
from .names import portable
from .progress import OnProgress, shown_progress
from .recipe import Recorded, read_recipe, recipe_beside
from .remix import check_targets, render_takes, write_takes
from .request import RenderRequest, source_file
from .scratch import Scratch, scratch_beside
from .settings import is_number

MOST_THREADS = 256
VERSION = re.compile(r"(.+)__v\d{3,9}")


@dataclass(frozen=True)
class Changes:
    """What is to be other than the recipe says.

    Attributes:
        parameters: settings of the preset, as typed.
        seed: None means the recipe's, or for several takes the first after it.
        n_takes: how many, by seed.
    """

    parameters: Mapping[str, str]
    seed: int | None = None
    n_takes: int = 1

    def __bool__(self) -> bool:
        return bool(self.parameters) or self.seed is not None or self.n_takes > 1


@dataclass(frozen=True)
class Outcome:
    """What became of it.

    Attributes:
        files: the new remixes; each has its recipe beside it.
        is_same_sound: sample for sample; None where something was changed, or the recipe is too old to tell.
        is_same_file: byte for byte.
        differs: what is not as it was then, in words: versions, device, machine.
    """

    files: tuple[Path, ...]
    is_same_sound: bool | None
    is_same_file: bool | None
    differs: tuple[str, ...]


def run(asked: argparse.Namespace) -> int:
    """Run the command and say what became of it; with `--json` an error is told on the output, too, for programs.

    Returns:
        0; 1 where the same sound was wanted and another came.

    Raises:
        DawBridgeError: as `again`.
    """
    parameters = dict(asked.param) | ({} if asked.strength is None else {"strength": asked.strength})
    try:
        with shown_progress() as on_progress:
            changes = Changes(parameters, asked.seed, asked.takes)
            outcome = again(asked.file, changes, out=asked.out, on_progress=on_progress)
    except DawBridgeError as error:
        if asked.json:
            print(json.dumps({"error": {"code": error.code, "message": error.message, "hint": error.hint}}))
        raise
    files = [str(path) for path in outcome.files]
    same = {"is_same_sound": outcome.is_same_sound, "is_same_file": outcome.is_same_file}
    print(json.dumps({"files": files, **same, "differs": outcome.differs}) if asked.json else "\n".join(files))
    print(_verdict(outcome), end="", file=sys.stderr, flush=True)
    return 1 if outcome.is_same_sound is False else 0


def _verdict(outcome: Outcome) -> str:
    if outcome.is_same_sound is None:
        return ""
    differs = "; ".join(outcome.differs)
    if outcome.is_same_sound:
        same = "the same bytes" if outcome.is_same_file else "the same sound, in a file with other chunks about it"
        return f"{same}, although {differs}\n" if differs else f"{same}\n"
    return f"daw-bridge: not the same sound: {differs or 'nothing that the recipe records has changed'}\n"


def again(file: Path, changes: Changes, *, out: Path | None, on_progress: OnProgress) -> Outcome:
    """Render a remix again.

    Args:
        file: the remix, or its recipe; the remix itself need not be there any more.
        changes: none of them means: the same bytes.
        out: the file to write; None means a new version beside `file`.
        on_progress: told of the phase and the fraction of the whole.

    Raises:
        NotFound: no recipe; or an input is gone or was changed, by the hash of its sound.
        DawBridgeError: as `read_recipe` and `remix.remix`.
    """
    path = recipe_beside(file)
    recorded = read_recipe(path)
    folder = path.absolute().parent
    preset = recorded.preset.with_parameters(changes.parameters)
    on_progress("load", 0.0)
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    with scratch_beside(folder if out is None else out.absolute().parent) as scratch:
        where = {role: found(role, getattr(recorded, role), folder, scratch) for role in ("content", "style")}
        request = RenderRequest(
            project=str(folder),
            content=source_file(where["content"], "content"),
            style=source_file(where["style"], "style"),
            preset=preset.to_table(),
            start_seconds=recorded.content.start_seconds,
            length_seconds=recorded.content.length_seconds,
            seed=_first_seed(recorded, changes),
            style_label=_label(path, recorded),
        )
        check_targets(request, out, None, changes.n_takes)
        sources = making.read_sources(request, where["content"], where["style"], scratch)
        then = recorded.table["content"]
        sources = replace(
            sources,
            time_reference=recorded.time_reference,
            recorded_at=str(then.get("recorded_at", "")),
            markers=making.markers_of(then),
        )
        _use_threads(recorded)
        how: dict[str, Any] = {"n_takes": changes.n_takes, "device": _device(recorded), "on_progress": on_progress}
        if not changes:
            how |= {"reference": recorded.text("reference"), "steps": _steps(recorded)}
            how["memory_scale"] = recorded.number("memory_scale") or 1.0
        takes = render_takes(request, sources, **how)
        if not changes:
            takes = [_turned_as_then(take, recorded, scratch) for take in takes]
        if out is None:
            takes = [_formed_as_then(take, recorded) for take in takes]
        on_progress("publish", 1.0)
        files = write_takes(request, out, takes, stem=Path(name_of(recorded.content)).stem)
    return _compared(files, recorded, changes)


def _steps(recorded: Recorded) -> list[int]:
    """The steps by block that a time budget made of the preset's; none where there was no budget."""
    listed = recorded.table.get("steps")
    return [int(steps) for steps in listed if is_number(steps) and steps >= 0] if isinstance(listed, list) else []


def _first_seed(recorded: Recorded, changes: Changes) -> int:
    if changes.seed is not None:
        return changes.seed
    return recorded.seed + (1 if changes.n_takes > 1 else 0)


def _label(path: Path, recorded: Recorded) -> str:
    """The style's name in the remix's own, which in a hot folder is the folder's; empty where the user named the file."""
    known = VERSION.fullmatch(path.stem)
    parts = known[1].split("__") if known else []
    is_ours = len(parts) == 3 and parts[:2] == [portable(Path(name_of(recorded.content)).stem), portable(recorded.preset.id)]
    return parts[2] if is_ours else ""


def _use_threads(recorded: Recorded) -> None:
    """Share sums among as many threads as then: their number decides the order of adding, and so the last bits."""
    import torch

    threads = recorded.number("machine", "threads")
    if threads and 1 <= threads <= MOST_THREADS:
        torch.set_num_threads(int(threads))


def _device(recorded: Recorded) -> str:
    """The device of then, if this machine has it."""
    from .devices import pick_device

    name = recorded.text("device") or "auto"
    try:
        return str(pick_device(name))
    except (BadArguments, RuntimeError):
        return "auto"


def _turned_as_then(take: making.Made, recorded: Recorded, scratch: Scratch) -> making.Made:
    from .takes import turned

    gain_db = recorded.number("take_gain_db")
    return turned(take, gain_db, scratch) if gain_db else take


def _formed_as_then(take: making.Made, recorded: Recorded) -> making.Made:
    """A FLAC where the remix was one, a WAV else, whichever the content is: the user may have named the file."""
    from .publish import SUFFIXES, for_suffix

    suffix = Path(str(_mapping(recorded.table.get("file")).get("name"))).suffix.lower()
    return replace(take, audio=for_suffix(take.audio, Path(f"remix{suffix}"))) if suffix in SUFFIXES else take


def _compared(files: list[Path], recorded: Recorded, changes: Changes) -> Outcome:
    fresh = read_json(files[0].with_suffix(".json"))
    differs = tuple(differences(recorded.table, fresh))
    sound, then = fresh.get("sound_sha256"), recorded.table.get("sound_sha256")
    if changes or not then:
        return Outcome(tuple(files), None, None, differs)
    shas = [_mapping(table.get("file")).get("sha256") for table in (fresh, recorded.table)]
    return Outcome(tuple(files), sound == then, shas[0] == shas[1], differs)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """What may have changed a remix's samples, in words: versions, device, number format and machine."""
    for name, value, fresh in _pairs(then, now):
        if value != fresh:
            yield f"{name} was {_worded(value)}, now {_worded(fresh)}"


def _pairs(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for group in ("versions", "machine"):
        old, new = _mapping(then.get(group)), _mapping(now.get(group))
        yield from ((key, old.get(key), new.get(key)) for key in {**old, **new})
    yield from ((key, then.get(key), now.get(key)) for key in ("device", "dtype"))


def _worded(value: Any) -> str:
    return "not recorded" if value is None else str(value)[:80]
