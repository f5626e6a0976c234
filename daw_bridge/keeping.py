"""The commands that set the service up and look after it: `init`, `serve`, `config`, `doctor`, `service`."""

from __future__ import annotations

import argparse
import shlex


def run(asked: argparse.Namespace) -> int:
    """Run one of these commands.

    Returns:
        0; of `doctor`, 1 where something is not well; of `serve`, as `server.serve`.

    Raises:
        DawBridgeError: what keeps it from being done.
    """
    return COMMANDS[asked.command](asked)


def _init(asked: argparse.Namespace) -> int:
    from .service.layout import init_project

    for path in init_project(asked.project):
        print(f"made {path}")
    print(f"Next: daw-bridge serve {shlex.quote(str(asked.project))}")
    return 0


def _serve(asked: argparse.Namespace) -> int:
    from .service.server import serve

    return serve(
        asked.projects,
        state=asked.state,
        port=asked.port,
        lan=asked.lan,
        discovery=asked.discovery,
        settings=dict(asked.set),
        on_line=lambda line: print(line, flush=True),
    )


def _show_config(asked: argparse.Namespace) -> int:
    from .service.client import state_folders
    from .service.config import read_config, shown_config

    state = state_folders(asked.state)
    print(shown_config(state, read_config(state)), end="")
    return 0


def _doctor(asked: argparse.Namespace) -> int:
    from .doctor import as_json, examine, report
    from .service.client import state_folders

    findings = examine(state_folders(asked.state))
    print(as_json(findings) if asked.json else report(findings))
    return 0 if all(finding.is_well for finding in findings) else 1


def _service(asked: argparse.Namespace) -> int:
    from .systemd import install, uninstall

    print("\n".join(install(asked.state) if asked.command == "install_service" else uninstall()))
    return 0


COMMANDS = {
    "init": _init,
    "serve": _serve,
    "show_config": _show_config,
    "doctor": _doctor,
    "install_service": _service,
    "uninstall_service": _service,
}
