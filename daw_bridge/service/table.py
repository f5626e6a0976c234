"""The one table of OSC addresses: dispatch, checking, what is sent and the README's table are all made from it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..errors import BadArguments, UnknownAddress, codes, did_you_mean
from .packets import Message, Value

PREFIX = "/daw_bridge"
PROTOCOL = 1
NUMBER_TAGS = "ifdhTF"


@dataclass(frozen=True)
class Takes:
    """One argument of an address.

    Attributes:
        name: for messages and documentation.
        kind: "text", "number", "trigger" (a number, fires from 0.5 up) or "either" (a text or a number).
        is_optional: may be left out.
    """

    name: str
    kind: str
    is_optional: bool = False


@dataclass(frozen=True)
class Incoming:
    """An address that we listen to.

    Attributes:
        address: after the prefix; one segment in angle brackets stands for any one word.
        method: name of the handler's method.
        tags: as documented.
        answers: addresses of the answers.
        meaning: one line.
        takes: its arguments in order.
        has_rest: more arguments may follow, which the handler reads itself.
    """

    address: str
    method: str
    tags: str
    answers: str
    meaning: str
    takes: tuple[Takes, ...] = ()
    has_rest: bool = False


@dataclass(frozen=True)
class Outgoing:
    """An address that we send to.

    Attributes:
        address: after the prefix.
        tags: of i, f and s alone.
        meaning: one line that names the arguments.
        is_public: subscribers and feedback targets get it, too, not only who asked.
    """

    address: str
    tags: str
    meaning: str
    is_public: bool = False


TRIGGER = Takes("trigger", "trigger", is_optional=True)

INCOMING = (
    Incoming("/ping", "ping", "[s]", "/pong", "is it there? The token comes back", (Takes("token", "text", True),)),
    Incoming("/version", "version", "", "/version/info", "name, version and protocol"),
    Incoming("/status", "status", "", "[/status/why], /status/info", "what the service is doing"),
    Incoming("/presets", "presets", "", "/preset/info …, /presets/end", "every preset"),
    Incoming("/params", "params", "", "/param/info …, /params/end", "every parameter that is a number, with its range"),
    Incoming(
        "/subscribe", "subscribe", "[i]", "/subscribed", "get all events at this port (else the sender's); renew in time",
        (Takes("port", "number", True),),
    ),
    Incoming(
        "/unsubscribe", "unsubscribe", "[i]", "/subscribed", "no more events (ttl 0)", (Takes("port", "number", True),)
    ),
    Incoming(
        "/remix", "remix", "sss[s] (s ifs)…", "/accepted or /error",
        "content, style, preset; a reqid if an odd number of arguments follows; then pairs key, value: "
        "project, start, length, seed, priority, force, preview (0: no first sound), or a preset parameter such as strength",
        (Takes("content", "text"), Takes("style", "text"), Takes("preset", "text")), has_rest=True,
    ),
    Incoming("/remix/json", "remix_json", "s", "/accepted or /error", "the same as a ticket in JSON", (Takes("ticket", "text"),)),
    Incoming("/content", "content", "s", "/content", "remember the content for buttons", (Takes("path", "text"),)),
    Incoming("/style", "style", "s", "/style", "remember the style for buttons", (Takes("path", "text"),)),
    Incoming("/preset", "preset", "s or if", "/preset", "remember a preset, by id or index from 1", (Takes("preset", "either"),)),
    Incoming("/preset/<n>/go", "preset_go", "[f]", "/accepted or /error", "one button a preset: index from 1, or id", (TRIGGER,)),
    Incoming("/param/<name>", "param", "f", "/param/<name>", "set a parameter, 0 to 1 of its range", (Takes("place", "number"),)),
    Incoming("/go", "go", "[f]", "/accepted or /error", "ask for what is remembered", (TRIGGER,)),
    Incoming("/job", "job", "s", "[/preview], the job's latest event", "how a job stands", (Takes("job", "text"),)),
    Incoming("/jobs", "jobs", "", "/job/info [/preview] [/job/away] …, /jobs/end", "50 jobs at most: in hand, waiting, ended"),
    Incoming(
        "/cancel", "cancel", "[s] or [f]", "/cancelled or /error", "cancel a job; none named means the newest active",
        (Takes("job", "either", True),),
    ),
    Incoming("/cancel/all", "cancel_all", "[f]", "/status/info, /cancelled …", "cancel every active job", (TRIGGER,)),
    Incoming("/retry", "retry", "s", "/accepted or /error", "render a failed or cancelled job again", (Takes("job", "text"),)),
    Incoming("/pause", "pause", "[f]", "/status/info", "stop rendering, within a step, until /resume", (TRIGGER,)),
    Incoming("/resume", "resume", "[f]", "/status/info", "go on rendering", (TRIGGER,)),
    Incoming(
        "/transport", "transport", "i", "/status/info",
        "1 while a DAW records, once a second: rendering rests for a lease of 5 s; 0 gives back the sender's own",
        (Takes("is_recording", "number"),),
    ),
    Incoming("/knock", "knock", "[f]", "/status/info", "a ticket was left in the state folder: look at once", (TRIGGER,)),
    Incoming("/why", "why", "s", "/why", "what became of a dropped file, and why", (Takes("path", "text"),)),
)  # fmt: skip

OUTGOING = (
    Outgoing("/pong", "ssi", "token, version, protocol"),
    Outgoing("/version/info", "ssi", "name, version, protocol"),
    Outgoing("/status/info", "siis", "state (starting, idle, rendering, paused, stopping), queued, running, job", True),
    Outgoing("/status/why", "s", "what holds rendering or a job up, in a sentence; empty when nothing does any more", True),
    Outgoing("/preset/info", "iiss", "index from 1, total, id, title"),
    Outgoing("/presets/end", "i", "total"),
    Outgoing("/param/info", "sfffs", "name, value, min, max, unit"),
    Outgoing("/params/end", "i", "total"),
    Outgoing("/subscribed", "ii", "port, ttl in seconds"),
    Outgoing("/accepted", "sss", "job, reqid, preset: the job is on disk", True),
    Outgoing("/queued", "si", "job, position from 1", True),
    Outgoing("/started", "ss", "job, preset", True),
    Outgoing("/progress", "fss", "fraction 0 to 1, job, phase; at least every 2 s while it runs", True),
    Outgoing("/preview", "ss", "job, path of its first sound, its loudest seconds; the whole goes on", True),
    Outgoing("/done", "ssf", "job, path (or the job again where the path is too long to send), seconds of audio", True),
    Outgoing("/failed", "ssss", "job, code, message, hint", True),
    Outgoing("/cancelled", "s", "job", True),
    Outgoing("/job/info", "ssfs", "job, state, fraction, content"),
    Outgoing("/job/away", "ss", "job, why it was put off: its drive or share hangs or has gone"),
    Outgoing("/jobs/end", "i", "total"),
    Outgoing("/content", "s", "echo", True),
    Outgoing("/style", "s", "echo", True),
    Outgoing("/preset", "s", "echo", True),
    Outgoing("/param/<name>", "f", "echo", True),
    Outgoing("/why", "ss", "path, explanation"),
    Outgoing("/startup", "s", "version: the service is ready", True),
    Outgoing("/shutdown", "s", "version: the service leaves", True),
    Outgoing("/error", "sss", "code, address, message", True),
    Outgoing("/ui/progress", "f", "of the running job, for a fader", True),
    Outgoing("/ui/busy", "f", "1 while a job runs, for a lamp", True),
    Outgoing("/ui/lamp/<preset>", "f", "1 while a job of that preset waits or runs, for the lamp of its button", True),
    Outgoing("/ui/status", "s", "the last event or refusal in words, for a label", True),
    Outgoing("/ui/eta", "f", "seconds left of the running job, by its pace so far", True),
    Outgoing("/ui/preset", "s", "the remembered preset", True),
    Outgoing("/ui/content", "s", "the remembered content", True),
    Outgoing("/ui/style", "s", "the remembered style", True),
)

_EXACT = {PREFIX + row.address: row for row in INCOMING if "<" not in row.address}
_WITH_WORD = {tuple((PREFIX + row.address).split("/")): row for row in INCOMING if "<" in row.address}
_SENT = {row.address: row for row in OUTGOING}


def find(address: str) -> tuple[Incoming, str]:
    """The row of an address as it came, and the word that stands where the row has angle brackets.

    Raises:
        UnknownAddress: no row matches exactly.
    """
    if address in _EXACT:
        return _EXACT[address], ""
    parts = address.split("/")
    for pattern, row in _WITH_WORD.items():
        pairs = list(zip(pattern, parts, strict=False))
        if len(pattern) == len(parts) and all(p == word or (p.startswith("<") and word) for p, word in pairs):
            return row, next(word for p, word in pairs if p.startswith("<"))
    known = [PREFIX + row.address for row in INCOMING]
    raise UnknownAddress(f"address {address!r} is not known", did_you_mean(address, known) if address.startswith(PREFIX) else "")


def outgoing(address: str) -> Outgoing:
    """The row of an address that we send to, given as in the table."""
    return _SENT[address]


def arguments(row: Incoming, message: Message) -> list[Value]:
    """The arguments of a message, checked and converted: texts as str, numbers as int or float, left out ones as None.

    Raises:
        BadArguments: too few, too many, or of the wrong type.
    """
    n_needed = sum(not takes.is_optional for takes in row.takes)
    n_given = len(message.values)
    if n_given < n_needed or (n_given > len(row.takes) and not row.has_rest):
        names = " ".join(f"[{t.name}]" if t.is_optional else t.name for t in row.takes) or "no argument"
        raise BadArguments(f"{n_given} arguments given to {row.address}, which takes {names}", f"Its tags: {row.tags or 'none'}.")
    values: list[Value] = [
        _checked(takes, tag, value) for takes, tag, value in zip(row.takes, message.tags, message.values, strict=False)
    ]
    values += [None] * (len(row.takes) - len(values))
    return values + list(message.values[len(row.takes) :])


def _checked(takes: Takes, tag: str, value: Value) -> Value:
    if tag == "s" and takes.kind in ("text", "either"):
        return value
    if tag in NUMBER_TAGS and takes.kind != "text" and isinstance(value, (int, float)):
        if not math.isfinite(value):
            raise BadArguments(f"{takes.name}={value} must be a finite number", "")
        return float(value) if takes.kind == "trigger" else value
    wanted = {"text": "a text (s)", "either": "a text (s) or a number (i or f)"}.get(takes.kind, "a number (i or f)")
    raise BadArguments(f"{takes.name} has type {tag!r} and must be {wanted}", "")


def markdown_table() -> str:
    """Both halves of the table as Markdown, for the README."""
    lines = ["| ask | tags | answer | meaning |", "|---|---|---|---|"]
    lines += [f"| `{PREFIX}{r.address}` | {_code(r.tags)} | {_code(r.answers)} | {r.meaning} |" for r in INCOMING]
    lines += ["", "| told | tags | meaning |", "|---|---|---|"]
    lines += [f"| `{PREFIX}{r.address}` | `,{r.tags}` | {r.meaning} |" for r in OUTGOING]
    lines += ["", f"Codes of an `/error` and a `/failed`: {', '.join(f'`{code}`' for code in codes())}."]
    return "\n".join(lines) + "\n"


def _code(text: str) -> str:
    return f"`{text}`" if text else ""
