"""The `daw-bridge` command: what each of its commands does and prints, and its exit codes."""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from types import FrameType

from .arguments import parser
from .errors import DawBridgeError

EXIT_ERROR, EXIT_INTERRUPTED = 1, 130  # argparse's own for a wrong command line is 2
RENDERING = ("remix", "again", "compare", "study")
ON_INTERRUPT = {
    **dict.fromkeys(RENDERING, "cancelled; nothing was written"),
    "fetch_weights": "stopped; the next time goes on there",
    "send": "no longer waiting; the service goes on with it, unless you say: daw-bridge cancel",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: without the program's name; None means the process's own.

    Returns:
        The exit code: 0 done, 1 refused or failed with one line on the error stream, 130 after Ctrl-C, or what
        ends a render like it.

    Raises:
        SystemExit: the command line is wrong (2), or only help was asked for (0).
        Exception: anything unforeseen, if DAW_BRIDGE_DEBUG=1.
    """
    asked = parser().parse_args(arguments)
    is_debugging = os.environ.get("DAW_BRIDGE_DEBUG") == "1"
    try:
        with _ended_like_ctrl_c() if asked.command in RENDERING else nullcontext():
            return COMMANDS[asked.command](asked)
    except KeyboardInterrupt as interrupt:
        _complain(str(interrupt) or ON_INTERRUPT.get(asked.command, "stopped"))
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_ERROR
    except DawBridgeError as error:
        if is_debugging:
            raise
        _complain(f"{error} [{error.code}]")
    except Exception as error:
        if is_debugging:
            raise
        _complain(f"unforeseen {type(error).__name__}: {error}. Set DAW_BRIDGE_DEBUG=1 to see where, and report it [internal]")
    return EXIT_ERROR


@contextmanager
def _ended_like_ctrl_c() -> Iterator[None]:
    """Let the end of the session or of its terminal do in the block what Ctrl-C does, so that nothing is left behind there."""
    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    if threading.current_thread() is not threading.main_thread():
        numbers = []  # signals reach the main thread alone
    before = {n: signal.getsignal(n) for n in numbers if signal.getsignal(n) is not signal.SIG_IGN}  # nohup ignores one

    def end(number: int, frame: FrameType | None) -> None:
        for other in before:
            signal.signal(other, signal.SIG_IGN)  # a closed terminal may say it twice, the second time to who tidies up
        on_interrupt = signal.getsignal(signal.SIGINT)  # which may hold it back while files are written
        if not callable(on_interrupt):
            raise KeyboardInterrupt
        on_interrupt(number, frame)

    try:
        for number in before:
            signal.signal(number, end)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _complain(text: str) -> None:
    with suppress(OSError):  # the terminal may be closed
        print("daw-bridge: " + " ".join(text.split()), file=sys.stderr, flush=True)


def _demo(asked: argparse.Namespace) -> int:
    from .demo import demo

    demo(asked.folder)
    return 0


def _remix(asked: argparse.Namespace) -> int:
    from .presets import load_preset
    from .progress import shown_progress
    from .remix import remix
    from .request import RenderRequest, source_file
    from .weights_commands import fetch_missing

    content, style = source_file(asked.content, "content"), source_file(asked.style, "style")
    preset = load_preset(asked.preset).with_parameters(dict(asked.param))
    fetch_missing(preset.transfer.depths())
    request = RenderRequest(
        project=str(Path(content.path).parent),
        content=content,
        style=style,
        preset=preset.to_table(),
        start_seconds=asked.start,
        length_seconds=asked.length,
        seed=asked.seed,
        is_forced=asked.force,
    )
    with shown_progress() as on_progress:
        options = {"out": asked.out, "picture": asked.picture, "device": asked.device, "n_takes": asked.takes}
        paths, picture = remix(request, **options, on_progress=on_progress)
    print(*paths, *filter(None, [picture]), sep="\n")
    return 0


def _again(asked: argparse.Namespace) -> int:
    from . import again

    return again.run(asked)


def _compare(asked: argparse.Namespace) -> int:
    from . import compare

    return compare.run(asked)


def _study(asked: argparse.Namespace) -> int:
    from . import study

    return study.run(asked)


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


def _send(asked: argparse.Namespace) -> int:
    from .progress import shown_progress
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


def _asking(asked: argparse.Namespace) -> int:
    from . import asking

    return asking.run(asked)


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
    return 0 if all(finding.is_well for finding in findings) else EXIT_ERROR


def _service(asked: argparse.Namespace) -> int:
    from .systemd import install, uninstall

    print("\n".join(install(asked.state) if asked.command == "install_service" else uninstall()))
    return 0


def _list_presets(asked: argparse.Namespace) -> int:
    from .preset_commands import listed

    return EXIT_ERROR if listed(_complain_of) else 0


def _show_preset(asked: argparse.Namespace) -> int:
    from .preset_commands import show

    show(asked.preset)
    return 0


def _check_presets(asked: argparse.Namespace) -> int:
    from .preset_commands import check

    return EXIT_ERROR if check(asked.presets, _complain_of) else 0


def _new_preset(asked: argparse.Namespace) -> int:
    from .preset_commands import new

    print(new(asked.preset, asked.parent, asked.title))
    return 0


def _edit_preset(asked: argparse.Namespace) -> int:
    from .preset_commands import edit_check

    print(edit_check(asked.preset))
    return 0


def _print_schema(asked: argparse.Namespace) -> int:
    from .preset_commands import print_schema

    print_schema()
    return 0


def _list_weights(asked: argparse.Namespace) -> int:
    from .weights_commands import listed

    listed(is_json=asked.json)
    return 0


def _fetch_weights(asked: argparse.Namespace) -> int:
    from .weights_commands import fetch

    print(fetch(asked.network, source=asked.source, file=asked.file))
    return 0


def _verify_weights(asked: argparse.Namespace) -> int:
    from .weights_commands import verify

    return EXIT_ERROR if verify(tuple(asked.networks), _complain_of, is_json=asked.json) else 0


def _complain_of(error: DawBridgeError) -> None:
    _complain(f"{error} [{error.code}]")


def _install_reaper(asked: argparse.Namespace) -> int:
    from . import reaper_install as reaper
    from .folders import default_state

    state = default_state().root if asked.state is None else asked.state.expanduser().resolve()
    resource = reaper.resource_folder(asked.resource_path, is_portable=asked.portable)
    done = reaper.install(resource, state=state, command=reaper.command_path())
    print(f"{len(done.scripts)} scripts are in {done.folder}")
    if done.kept is not None:
        print(f"what they replaced is in {done.kept}")
    print(
        "Next, in REAPER: Actions → Show action list → New action → Load ReaScript…, "
        f"and choose every daw_bridge_*.lua in {done.folder}"
    )
    return 0


def _uninstall_reaper(asked: argparse.Namespace) -> int:
    from . import reaper_install as reaper

    done = reaper.uninstall(reaper.resource_folder(asked.resource_path, is_portable=asked.portable))
    print(f"{len(done.scripts)} scripts were taken out of {done.folder}")
    if done.kept is not None:
        print(f"files that were changed since are in {done.kept}")
    print("Next, in REAPER: Actions → Show action list, filter by daw_bridge, and remove what is listed still.")
    return 0


def _controller_layout(asked: argparse.Namespace) -> int:
    from .controllers.layouts import NAMES, layout_bytes, write_layout
    from .controllers.panel import preset_buttons

    presets = preset_buttons(asked.preset)
    path = Path(NAMES[asked.program]) if asked.out is None else asked.out
    content = layout_bytes(
        asked.program, presets, target=f"{asked.host}:{asked.port}", receive_port=asked.receive_port, token=asked.token
    )
    write_layout(path, content, is_forced=asked.force)
    print(path)
    return 0


def _plugins(asked: argparse.Namespace) -> int:
    from . import plugin_commands

    if asked.command == "allow_plugin":
        plugin_commands.allow(asked.path, asked.name, asked.limit)
    elif asked.command == "list_plugins":
        plugin_commands.listed(is_json=asked.json)
    elif asked.command == "show_plugin":
        plugin_commands.show(asked.name, asked.preset)
    else:
        plugin_commands.forget(asked.name)
    return 0


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "demo": _demo,
    "remix": _remix,
    "again": _again,
    "compare": _compare,
    "study": _study,
    "init": _init,
    "serve": _serve,
    "send": _send,
    **dict.fromkeys(("status", "jobs", "cancel", "retry", "why", "knock", "pause", "resume"), _asking),
    "show_config": _show_config,
    "doctor": _doctor,
    "install_service": _service,
    "uninstall_service": _service,
    "install_reaper": _install_reaper,
    "uninstall_reaper": _uninstall_reaper,
    "controller_layout": _controller_layout,
    "list_presets": _list_presets,
    "show_preset": _show_preset,
    "check_presets": _check_presets,
    "new_preset": _new_preset,
    "edit_preset": _edit_preset,
    "print_schema": _print_schema,
    "list_weights": _list_weights,
    "fetch_weights": _fetch_weights,
    "verify_weights": _verify_weights,
    **dict.fromkeys(("allow_plugin", "list_plugins", "show_plugin", "forget_plugin"), _plugins),
}
