"""Results get a name of their own, whole or not at all: never half-written, never twice, never over another's file.

A version is reserved by its recipe, which holds the job's id. The audio is staged, the full recipe with the audio's hash
replaces the reserving one, and then the audio gets its name. So wherever a power cut falls, a remix that can be seen is
whole and has its recipe beside it, and the job that runs again can tell its own file from anybody else's.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from . import disk
from .audio import Audio
from .audio_files import FLAC_SUBTYPES, sound_sha256, write_audio
from .errors import BadArguments, DiskFull, ForbiddenPath, NotFound, UnsupportedFormat
from .names import portable
from .riff import Origin

SUFFIXES = (".wav", ".flac")
STAGING = ".daw_bridge"
MAX_TRIES = 10_000
TWIN_SECONDS, LOOK_SECONDS = 60.0, 0.1


@dataclass(frozen=True)
class Reservation:
    """A version that belongs to one job.

    Attributes:
        job_id: whose it is.
        base: the name before the version.
        version: counted from 1.
        audio_path: where the remix will be.
        recipe_path: its recipe, which exists and reserves the version.
        staging_path: where this attempt writes the audio first.
    """

    job_id: str
    base: str
    version: int
    audio_path: Path
    recipe_path: Path
    staging_path: Path


def suffix_of(audio: Audio) -> str:
    """The ending of the file that an audio is written to."""
    return ".flac" if audio.container == "FLAC" else ".wav"


def reserve(
    remixes: Path,
    content_stem: str,
    preset_id: str,
    style_label: str,
    suffix: str,
    job_id: str,
    *,
    on_block: disk.OnBlock = disk.nothing,
) -> Reservation:
    """Take the next free version for a job, or find the one that it took before.

    A version is free when no file of any kind has its name. Any number of processes may ask at once.

    Args:
        remixes: the project's folder of results; made if missing.
        content_stem, preset_id, style_label: parts of the name, any text.
        suffix: ".wav" or ".flac".
        job_id: the job's id.
        on_block: called several times a second while the same job elsewhere is waited for.

    Raises:
        BadArguments: another suffix, or no job id.
        ForbiddenPath, DiskFull: the folder cannot be written.
    """
    if suffix not in SUFFIXES or not job_id:
        raise BadArguments(f"suffix={suffix!r}, job_id={job_id!r}: the suffix must be one of {', '.join(SUFFIXES)}", "")
    base = "__".join(portable(part) for part in (content_stem, preset_id, style_label))
    disk.make_folder(remixes / STAGING)
    with _alone(remixes, job_id, on_block):
        return _reserve(remixes, base, suffix, job_id)


@contextlib.contextmanager
def _alone(remixes: Path, job_id: str, on_block: disk.OnBlock) -> Iterator[None]:
    """Hold off a twin, the same job in another service on this folder, on file systems that can lock."""
    lock = FileLock(remixes / STAGING / f"lock-{_tag(job_id)}", thread_local=False)
    with contextlib.suppress(OSError, NotImplementedError):  # no locks there, or a twin that hangs: names are safe all the same
        _acquire(lock, on_block)
    try:
        yield
    finally:
        if lock.is_locked:
            disk.remove(Path(lock.lock_file))
            lock.release()


def _acquire(lock: FileLock, on_block: disk.OnBlock) -> None:
    since = time.monotonic()
    while time.monotonic() - since < TWIN_SECONDS:
        with contextlib.suppress(Timeout):
            lock.acquire(timeout=0)
            return
        on_block()
        time.sleep(LOOK_SECONDS)


def _reserve(remixes: Path, base: str, suffix: str, job_id: str) -> Reservation:
    staging = remixes / STAGING
    disk.make_folder(staging)
    sweep(remixes, job_id)
    with disk.reported(remixes):
        pattern = re.compile(re.escape(base) + r"__v(\d{3,9})\..*", re.IGNORECASE)
        versions = {int(match[1]) for name in os.listdir(remixes) if (match := pattern.fullmatch(name))}
    for version in sorted(versions):
        found = _reservation(remixes, base, version, suffix, job_id)
        if disk.read_json(found.recipe_path).get("job") == job_id and (is_published(found) or not _is_taken(found)):
            return found
    first = max(versions, default=0) + 1
    for version in range(first, first + MAX_TRIES):
        wanted = _reservation(remixes, base, version, suffix, job_id)
        with disk.reported(wanted.recipe_path):
            try:
                _write_recipe(wanted, {"schema": 1, "job": job_id, "state": "reserved"}, is_new=True)
            except FileExistsError:
                continue
        return wanted
    raise ForbiddenPath(f"{base!r} has no free version from {first} on", "Move old remixes elsewhere.")


def _reservation(remixes: Path, base: str, version: int, suffix: str, job_id: str) -> Reservation:
    name = f"{base}__v{version:03d}"
    staged = remixes / STAGING / f"{_tag(job_id)}.{uuid.uuid4().hex[:8]}{suffix}"
    return Reservation(job_id, base, version, remixes / f"{name}{suffix}", remixes / f"{name}.json", staged)


def _tag(job_id: str) -> str:
    return hashlib.sha256(job_id.encode()).hexdigest()[:16]


def sweep(remixes: Path, job_id: str) -> None:
    """Take away what earlier attempts of a job left in staging; one that still runs fails at its last step."""
    for path in (remixes / STAGING).glob(f"{_tag(job_id)}.*"):
        disk.remove(path)


def withdraw(reservation: Reservation) -> None:
    """Give a version back, for a job that failed or was cancelled; a published one stays."""
    sweep(reservation.recipe_path.parent, reservation.job_id)
    table = disk.read_json(reservation.recipe_path)
    if table.get("job") == reservation.job_id and not is_published(reservation):
        disk.remove(reservation.recipe_path)


def is_published(reservation: Reservation, on_block: disk.OnBlock = disk.nothing) -> bool:
    """Whether the remix has its name and is the one that the recipe tells of, to the byte."""
    table = disk.read_json(reservation.recipe_path)
    told = table.get("file")
    if table.get("job") != reservation.job_id or not isinstance(told, dict):
        return False
    try:
        return file_table(reservation.audio_path, reservation.audio_path.name, on_block) == told
    except OSError:
        return False


def _is_taken(reservation: Reservation) -> bool:
    return any(os.path.lexists(reservation.audio_path.with_suffix(suffix)) for suffix in SUFFIXES)


def publish(
    reservation: Reservation,
    audio: Audio,
    recipe_table: Mapping[str, Any],
    *,
    origin: Origin | None = None,
    on_block: disk.OnBlock = disk.nothing,
) -> Path:
    """Write a remix and its recipe under the reserved name.

    Where the job has published before, that file is returned as it is. Where somebody else's file has taken the name
    meanwhile, the next version is reserved and used.

    Args:
        reservation: of `reserve`.
        audio: the remix.
        recipe_table: plain values; the job's id, the file's name, size and hash, and the hash of its sound are added.
        origin: for a WAV's `bext` chunk.
        on_block: called with each piece of the work.

    Returns:
        The remix's path; its recipe has the ending `.json` in place of the suffix.

    Raises:
        DiskFull, Away, ForbiddenPath: the folder cannot be written; a full disk gets its reservation back, too.
        UnsupportedFormat: as `write_audio`.
    """
    with _alone(reservation.recipe_path.parent, reservation.job_id, on_block):
        return _publish(reservation, audio, recipe_table, origin, on_block)


def _publish(
    reservation: Reservation, audio: Audio, recipe_table: Mapping[str, Any], origin: Origin | None, on_block: disk.OnBlock
) -> Path:
    remixes = reservation.recipe_path.parent
    for _ in range(MAX_TRIES):
        if is_published(reservation, on_block):
            sweep(remixes, reservation.job_id)
            return reservation.audio_path
        table = disk.read_json(reservation.recipe_path)
        is_ours, is_stub = table.get("job") == reservation.job_id, "file" not in table
        if is_ours and not _is_taken(reservation):
            if _publish_once(reservation, audio, recipe_table, origin, on_block):
                return reservation.audio_path
            if is_published(reservation, on_block):  # a call of an earlier try came late, of one that hung and was killed
                return reservation.audio_path
            is_stub = True
        if is_ours and is_stub:
            disk.remove(reservation.recipe_path)  # it would stand beside a foreign file
        reservation = _reserve(remixes, reservation.base, reservation.audio_path.suffix, reservation.job_id)
    raise ForbiddenPath(f"{str(reservation.audio_path)!r} is taken again and again", "Stop what writes there.")


def _publish_once(
    reservation: Reservation, audio: Audio, recipe_table: Mapping[str, Any], origin: Origin | None, on_block: disk.OnBlock
) -> bool:
    """False where the name was taken in the meantime."""
    staged, target = reservation.staging_path, reservation.audio_path
    try:
        disk.make_folder(staged.parent)
        write_audio(staged, audio, origin=origin, on_block=on_block)
        with disk.reported(target):
            told = {"job": reservation.job_id, **_told_of(staged, target.name, audio, on_block)}
            _write_recipe(reservation, {**recipe_table, **told}, is_new=False)
            try:
                disk.rename_new(staged, target)
            except FileExistsError:
                return False
        disk.settle_folder(target.parent)
        return True
    except DiskFull:
        withdraw(reservation)
        raise
    finally:
        disk.remove(staged)


def file_table(path: Path, name: str, on_block: disk.OnBlock = disk.nothing) -> dict[str, Any]:
    """How a recipe knows its file again: name, size and hash of all its bytes."""
    with path.open("rb") as file:
        return {"name": name, "size_bytes": path.stat().st_size, "sha256": disk.sha256_of(file, on_block)}


def _told_of(path: Path, name: str, audio: Audio, on_block: disk.OnBlock = disk.nothing) -> dict[str, Any]:
    """What a recipe says of its outcome: the file, and the sound whatever becomes of the file."""
    return {"file": file_table(path, name, on_block), "sound_sha256": sound_sha256(audio, on_block)}


def _write_recipe(reservation: Reservation, table: Mapping[str, Any], *, is_new: bool) -> None:
    staged = reservation.staging_path.with_suffix(".json")
    try:
        disk.write_json(staged, table)
        if is_new:
            disk.rename_new(staged, reservation.recipe_path)
        else:
            staged.replace(reservation.recipe_path)
        disk.settle_folder(reservation.recipe_path.parent)
    finally:
        disk.remove(staged)


def write_beside(
    path: Path, audio: Audio, recipe_table: Mapping[str, Any], *, is_forced: bool = False, origin: Origin | None = None
) -> Path:
    """Write a remix under the name that the user chose, and its recipe beside it; both whole or not at all.

    Args:
        path: ends in .wav or .flac, which decides the format; the sample format stays, as far as it goes.
        audio: the remix.
        recipe_table: as for `publish`.
        is_forced: replace what is there.

    Raises:
        UnsupportedFormat: another ending.
        NotFound: the folder does not exist.
        ForbiddenPath: one of the two files exists, or cannot be written.
        DiskFull: no room.
    """
    audio = for_suffix(audio, path)
    check_free(path, is_forced=is_forced)
    staged = path.with_name(f".daw-bridge-{uuid.uuid4().hex[:8]}{path.suffix}")
    staged_recipe = staged.with_suffix(".json")
    try:
        write_audio(staged, audio, origin=origin)
        disk.write_json(staged_recipe, {**recipe_table, **_told_of(staged, path.name, audio)})
        disk.place({staged: path, staged_recipe: path.with_suffix(".json")}, is_forced=is_forced)
    finally:
        disk.remove(staged)
        disk.remove(staged_recipe)
    disk.settle_folder(path.parent)
    return path


def check_free(path: Path, *, is_forced: bool = False) -> None:
    """See whether `write_beside` could write, before an hour of rendering rather than after it.

    Raises:
        UnsupportedFormat, NotFound, ForbiddenPath: as `write_beside`.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise UnsupportedFormat(f"{path.name!r} must end in one of {', '.join(SUFFIXES)}", "The ending decides the format.")
    if not path.parent.is_dir():
        raise NotFound(f"folder {str(path.parent)!r} does not exist", "Make it first, or choose another.")
    for target in (path, path.with_suffix(".json")):
        if os.path.lexists(target) and not (is_forced and target.is_file()):
            raise ForbiddenPath(f"{str(target)!r} exists already", "Choose another name, or say --force to replace it.")


def for_suffix(audio: Audio, path: Path) -> Audio:
    """An audio in the form that a file's ending asks for, its sample format as near as that form has it."""
    if path.suffix.lower() == ".flac":
        subtype = audio.subtype if audio.subtype in FLAC_SUBTYPES else "PCM_24"
        return replace(audio, container="FLAC", subtype="PCM_S8" if audio.subtype == "PCM_U8" else subtype)
    return replace(audio, container="WAV", subtype="PCM_U8" if audio.subtype == "PCM_S8" else audio.subtype)
