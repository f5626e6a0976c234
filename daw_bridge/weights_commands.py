"""The `weights` commands: what is here, get what is not, and look whether it is whole."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from . import weights, weights_here
from .download import file_sha256
from .errors import WeightsMissing
from .networks import NETWORKS, Network
from .weights_sources import sources_of


def run(asked: argparse.Namespace, on_broken: Callable[[WeightsMissing], None]) -> int:
    """Run one of these commands.

    Args:
        asked: what was typed.
        on_broken: told of each file that `verify` finds to be another.

    Returns:
        0; 1 where a file is broken.

    Raises:
        DawBridgeError: what keeps it from being done.
    """
    if asked.command == "verify_weights":
        return 1 if verify(tuple(asked.networks), on_broken, is_json=asked.json) else 0
    if asked.command == "list_weights":
        listed(is_json=asked.json)
    else:
        print(fetch(asked.network, source=asked.source, file=asked.file))
    return 0


def listed(*, is_json: bool) -> None:
    """Print of each network what comes with the package, what is in the user's folder, and how to get the rest."""
    tables = [_table(network) for network in NETWORKS.values()]
    if is_json:
        print(json.dumps(tables, ensure_ascii=False))
        return
    for table in tables:
        print(f"{table['network']:<8} {_sentence(table)}")
    print(f"{'folder':<8} {weights_here.user_folder()}")


def _table(network: Network) -> dict[str, Any]:
    from .weights_fetch import origin

    path = weights_here.fetched(network.name)
    sources = [{"name": s.name, "size_bytes": s.size_bytes, "from": s.place, "about": s.about} for s in sources_of(network.name)]
    return {
        "network": network.name,
        "layers": len(network.layers),
        "shipped": network.n_shipped,
        "is_complete": weights_here.is_here(network, len(network.layers)),
        "path": None if path is None else str(path),
        "sha256": None if path is None else weights_here.sha256_of(path),
        "source": None if path is None else origin(path).get("source"),
        "sources": sources,
    }


def _sentence(table: Mapping[str, Any]) -> str:
    if not table["sources"]:
        return f"all {table['layers']} layers, random from the seed: needs no file"
    if table["path"] is not None:
        return f"all {table['layers']} convolutions, from {table['source'] or 'a file'}: {table['path']}"
    shipped = f"the first {table['shipped']} come with the package; all {table['layers']}" if table["shipped"] else "weights"
    sizes = " or ".join(f"{source['size_bytes'] / 1e6:.0f} MB" for source in table["sources"])
    return f"{shipped} are not here. Get them ({sizes}): daw-bridge weights fetch {table['network']}"


def fetch(network: str, *, source: str, file: Path | None) -> Path:
    """Get weights with a progress bar; gives the file.

    Raises:
        DawBridgeError: as `weights_fetch.fetch`.
    """
    from .progress import shown_progress
    from .weights_fetch import Listener
    from .weights_fetch import fetch as get

    with shown_progress() as on_progress:
        listener = Listener(say, lambda share: on_progress("download", share))
        return get(network, listener, source=source, file=file)


def fetch_missing(depths: Mapping[Network, int]) -> None:
    """Get what a remix needs and is not here, on its first use."""
    for network, n_layers in depths.items():
        if not weights_here.is_here(network, n_layers):
            say(f"This preset needs the weights of {network.name}, which are not here yet. They are got once.")
            fetch(network.name, source="", file=None)


def say(line: str) -> None:
    """One line on the error stream, beside the bar."""
    print(line, file=sys.stderr, flush=True)


def verify(names: tuple[str, ...], on_broken: Callable[[WeightsMissing], None], *, is_json: bool) -> int:
    """Compare every file with its checksum, and print a line for each.

    Args:
        names: networks; none means all.
        on_broken: told of each file that is not what it was.
        is_json: print a list of tables instead.

    Returns:
        How many are broken.
    """
    tables, broken = [], []
    for name, (file, sha256) in weights_here.SHIPPED.items():
        if not names or name in names:
            tables.append(_looked_at(name, weights.shipped_folder() / file, sha256))
    for network in NETWORKS.values():
        path = weights_here.fetched(network.name)
        if path is not None and (not names or network.name in names):
            tables.append(_looked_at(network.name, path, weights_here.sha256_of(path)))
    for table in tables:
        if table["is_well"]:
            if not is_json:
                print(f"{table['network']}: good ({table['path']})")
            continue
        way_out = f"Get it again: daw-bridge weights fetch {table['network']} --from {_first_source(table['network'])}"
        rule = f"{table['path']} has SHA-256 {table['found'][:12]}…, must have {table['sha256'][:12]}…"
        broken.append(WeightsMissing(rule, way_out))
    if is_json:
        print(json.dumps(tables, ensure_ascii=False))
    for error in broken:
        on_broken(error)
    return len(broken)


def _first_source(network: str) -> str:
    return sources_of(network)[0].name


def _looked_at(network: str, path: Path, sha256: str) -> dict[str, Any]:
    try:
        found = file_sha256(path)
    except WeightsMissing:
        found = "none"
    return {"network": network, "path": str(path), "sha256": sha256, "found": found, "is_well": found == sha256}
