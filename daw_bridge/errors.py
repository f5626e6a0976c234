"""Every deliberate error of the package in one tree, each with the stable code that OSC and the command line show.

DawBridgeError
├── RequestError          what was asked cannot be done; asking again the same way will not help
│   ├── UnknownAddress · BadArguments (ShapeError) · UnknownPreset · BadParameter · UnknownJob · NotCancellable
│   └── QueueFull · Unauthorised · RateLimited
├── FileError             a file that was named cannot be used
│   └── NotFound (Away) · ForbiddenPath · EmptyFile · UnsupportedFormat · NotFinite · TooShort · TooLarge · TooLong
├── ResourceError         this machine lacks something now
│   └── PortInUse · DiskFull · OutOfMemory · WeightsMissing (Unreachable) · RendererCrashed · PluginFailed
├── Cancelled             the user asked for it
└── Internal              a defect of ours
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class DawBridgeError(Exception):
    """An error that a user reads: one sentence that says the value and the rule, and a hint that says the way out.

    Args:
        message: what was wrong, with the value and the rule.
        hint: what to do about it; empty where the message says it all.
    """

    code = "internal"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}. {self.hint}" if self.hint else self.message

    def __reduce__(self) -> tuple[type[DawBridgeError], tuple[str, str]]:
        return type(self), (self.message, self.hint)


class RequestError(DawBridgeError):
    """What was asked cannot be done."""


class UnknownAddress(RequestError):
    code = "unknown_address"


class BadArguments(RequestError):
    code = "bad_args"


class ShapeError(BadArguments):
    """An array has the wrong axes for the function that it was given to."""


class UnknownPreset(RequestError):
    code = "unknown_preset"


class BadParameter(RequestError):
    code = "bad_param"


class UnknownJob(RequestError):
    code = "unknown_job"


class NotCancellable(RequestError):
    code = "not_cancellable"


class QueueFull(RequestError):
    code = "queue_full"


class Unauthorised(RequestError):
    code = "unauthorised"


class RateLimited(RequestError):
    code = "rate_limited"


class FileError(DawBridgeError):
    """A file that was named cannot be used."""


class NotFound(FileError):
    code = "not_found"


class Away(NotFound):
    """The drive or the share that it lies on is gone; it may come back."""


class ForbiddenPath(FileError):
    code = "forbidden_path"


class EmptyFile(FileError):
    code = "empty_file"


class UnsupportedFormat(FileError):
    code = "unsupported_format"


class NotFinite(FileError):
    code = "not_finite"


class TooShort(FileError):
    code = "too_short"


class TooLarge(FileError):
    code = "too_large"


class TooLong(FileError):
    code = "too_long"


class ResourceError(DawBridgeError):
    """This machine lacks something now."""


class PortInUse(ResourceError):
    code = "port_in_use"


class DiskFull(ResourceError):
    code = "disk_full"


class OutOfMemory(ResourceError):
    code = "out_of_memory"


class WeightsMissing(ResourceError):
    code = "weights_missing"


class Unreachable(WeightsMissing):
    """They could not be got from where they lie; another place may do."""


class RendererCrashed(ResourceError):
    code = "renderer_crashed"


class PluginFailed(ResourceError):
    code = "plugin_failed"


class Cancelled(DawBridgeError):
    """The user asked for it; raised out of `on_step` to stop a render."""

    code = "cancelled"


class Internal(DawBridgeError):
    """A defect of ours."""


def _tree(root: type[DawBridgeError]) -> Iterable[type[DawBridgeError]]:
    yield root
    for branch in root.__subclasses__():
        yield from _tree(branch)


def by_code(code: str) -> type[DawBridgeError]:
    """The error class of a stable code, to raise again what another process reported; Internal for an unknown one."""
    classes = {cls.code: cls for cls in reversed(list(_tree(DawBridgeError)))}
    return classes.get(code, Internal) if code != "internal" else Internal


def codes() -> list[str]:
    """Every stable code, in the order of the tree."""
    return list(dict.fromkeys(cls.code for cls in _tree(DawBridgeError)))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint that names the nearest known word, or all of them where none is near."""
    names = sorted(known)
    near = get_close_matches(word, names, n=1, cutoff=0.5)
    return f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(names) or 'none'}."
