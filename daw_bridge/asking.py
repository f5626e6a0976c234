"""The commands that ask the running service: what they print, as lines for people, or with `--json` as one JSON value."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

from .errors import DawBridgeError
from .progress import shown_progress


def _told(asked: argparse.Namespace, value: Any, text: str) -> int:
    print(json.dumps(value, ensure_ascii=False) if asked.json else text)
    return 0


def run(asked: argparse.Namespace) -> int:
    """Run one of these commands; with `--json` an error is told on the output, too, for programs.

    Raises:
        DawBridgeError: what the service answered, or that none runs.
    """
    try:
        return COMMANDS[asked.command](asked)
    except DawBridgeError as error:
        if asked.json:
            print(json.dumps({"error": {"code": error.code, "message": error.message, "hint": error.hint}}, ensure_ascii=False))
        raise


def send(asked: argparse.Namespace) -> int:
    """Run `send`: the remixes' files are printed, a line each, or the jobs if nobody waits.

    Raises:
        DawBridgeError: as `client.send`.
    """
    from .service import client

    with shown_progress() as on_progress:

        def on_event(event: client.Event) -> None:
            if event.kind == "accepted":
                print(f"accepted as job {event.job}", file=sys.stderr, flush=True)
            elif event.kind == "progress":
                on_progress(event.phase, event.fraction)
            elif event.kind == "preview":
                print(f"first sound: {event.detail}", file=sys.stderr, flush=True)
            elif event.kind == "done":
                on_progress("publish", 1.0)

        for seed in range(asked.seed, asked.seed + asked.takes):
            sent = client.send(
                asked.content,
                style=asked.style,
                preset=asked.preset,
                project=asked.project,
                state=asked.state,
                start_seconds=asked.start,
                length_seconds=asked.length,
                parameters=dict(asked.param),
                seed=seed,
                is_forced=asked.force,
                has_preview=asked.preview,
                is_waiting=asked.wait,
                on_event=on_event,
            )
            print(sent.job if sent.path is None else sent.path, flush=True)
    return 0


def _status(asked: argparse.Namespace) -> int:
    from .service import client

    now = client.status(state=asked.state)
    running = f", job {now.job}" if now.job else ""
    text = f"{now.state}{running}; {now.n_queued} queued, {now.n_running} running\n" + (f"{now.why}\n" if now.why else "")
    text += f"daw-bridge {now.version} on {now.host}:{now.port}, process {now.pid}"
    return _told(asked, dataclasses.asdict(now), text)


def _jobs(asked: argparse.Namespace) -> int:
    from .service import client

    lines = client.jobs(state=asked.state)
    text = "\n".join(
        f"{line.job}  {line.state:<10}  {100 * line.fraction:3.0f} %  {line.content}"
        + (f"\n    first sound: {line.preview}" if line.preview else "")
        for line in lines
    )
    if not text and not asked.json:
        print("the service has no jobs", file=sys.stderr)
        return 0
    text += "".join(f"\nwaiting: {reason}" for reason in dict.fromkeys(line.waits for line in lines) if reason)
    return _told(asked, [dataclasses.asdict(line) for line in lines], text)


def _cancel(asked: argparse.Namespace) -> int:
    from .service import client

    job = client.cancel(asked.job, state=asked.state)
    return _told(asked, {"job": job, "state": "cancelled"}, f"cancelled {job}")


def _retry(asked: argparse.Namespace) -> int:
    from .service import client

    job = client.retry(asked.job, state=asked.state)
    return _told(asked, {"job": job}, f"accepted as job {job}")


def _why(asked: argparse.Namespace) -> int:
    from .service import client

    reason = client.why(str(Path(asked.file).absolute()), state=asked.state)
    return _told(asked, {"file": str(asked.file), "why": reason}, reason)


def _knock(asked: argparse.Namespace) -> int:
    from .service import client

    doing = client.knock(state=asked.state)
    return _told(asked, {"state": doing}, doing)


def _pause(asked: argparse.Namespace) -> int:
    from .service import client

    doing = client.pause(asked.command == "pause", state=asked.state)
    return _told(asked, {"state": doing}, doing)


COMMANDS = {
    "status": _status,
    "jobs": _jobs,
    "cancel": _cancel,
    "retry": _retry,
    "why": _why,
    "knock": _knock,
    "pause": _pause,
    "resume": _pause,
}
