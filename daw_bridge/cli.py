"""The `daw-bridge` command: which module runs what was typed, how it ends, and its exit codes."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
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
        _complain_of(error)
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


def _complain_of(error: DawBridgeError) -> None:
    _complain(f"{error} [{error.code}]")


def _demo(asked: argparse.Namespace) -> int:
    from .demo import demo

    demo(asked.folder)
    return 0


def _remix(asked: argparse.Namespace) -> int:
    from . import remix

    return remix.run(asked)


def _again(asked: argparse.Namespace) -> int:
    from . import again

    return again.run(asked)


def _compare(asked: argparse.Namespace) -> int:
    from . import compare

    return compare.run(asked)


def _study(asked: argparse.Namespace) -> int:
    from . import study

    return study.run(asked)


def _keeping(asked: argparse.Namespace) -> int:
    from . import keeping

    return keeping.run(asked)


def _asking(asked: argparse.Namespace) -> int:
    from . import asking

    return asking.run(asked)


def _send(asked: argparse.Namespace) -> int:
    from . import asking

    return asking.send(asked)


def _reaper_install(asked: argparse.Namespace) -> int:
    from . import reaper_install

    return reaper_install.run(asked)


def _controller_layout(asked: argparse.Namespace) -> int:
    from .controllers import layouts

    return layouts.run(asked)


def _presets(asked: argparse.Namespace) -> int:
    from . import preset_commands

    return preset_commands.run(asked, _complain_of)


def _weights(asked: argparse.Namespace) -> int:
    from . import weights_commands

    return weights_commands.run(asked, _complain_of)


def _plugins(asked: argparse.Namespace) -> int:
    from . import plugin_commands

    return plugin_commands.run(asked)


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "demo": _demo,
    "remix": _remix,
    "again": _again,
    "compare": _compare,
    "study": _study,
    **dict.fromkeys(("init", "serve", "show_config", "doctor", "install_service", "uninstall_service"), _keeping),
    "send": _send,
    **dict.fromkeys(("status", "jobs", "cancel", "retry", "why", "knock", "pause", "resume"), _asking),
    **dict.fromkeys(("install_reaper", "uninstall_reaper"), _reaper_install),
    "controller_layout": _controller_layout,
    **dict.fromkeys(("list_presets", "show_preset", "check_presets", "new_preset", "edit_preset", "print_schema"), _presets),
    **dict.fromkeys(("list_weights", "fetch_weights", "verify_weights"), _weights),
    **dict.fromkeys(("allow_plugin", "list_plugins", "show_plugin", "forget_plugin"), _plugins),
}
