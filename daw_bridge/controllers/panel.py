"""One panel of controls, whatever program draws it: what stands where, and which address of the service it speaks to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..errors import BadArguments, UnknownAddress, UnknownPreset, did_you_mean
from ..service.buttons import Buttons, parameters
from ..service.packets import is_word
from ..service.table import OUTGOING, PREFIX, find

WIDTH, HEIGHT = 1024, 640
N_PRESETS, N_COLUMNS = 8, 4
# For the stage: each is a sound of its own, is quick, and needs nothing beyond the package.
FAVOURITES = ("default", "fast", "vocal-lift", "drums-only", "tape", "vinyl", "lo-fi-radio", "ambient-wash")
FADERS = ("strength", "wet")
COLOURS = {
    "ground": "#1d2126",
    "button": "#3a4656",
    "go": "#2f7d4f",
    "cancel": "#8a3b3b",
    "lamp": "#f2b134",
    "fader": "#4a90c2",
    "bar": "#4a90c2",
    "entry": "#2a3038",
    "text": "#2a3038",
    "caption": "#1d2126",
}
SUBSCRIBE_SECONDS = 20.0  # a subscription lives for 60


@dataclass(frozen=True)
class Frame:
    """A rectangle in points from the top left corner."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Control:
    """One control.

    Attributes:
        kind: "button" (1.0 when pressed, 0.0 when released), "lamp" (0 to 1), "fader" (sends and hears 0 to 1), "bar" (hears
            0 to 1), "entry" (a text to type, or at least to see), "text" (hears a text) or "caption" (says its label).
        name: unlike all others.
        label: what the user reads on it.
        frame: where it is.
        sends: address, with the prefix; "" for what only hears.
        hears: address, with the prefix; "" for what only sends.
        value: where a fader starts, 0 to 1.
    """

    kind: str
    name: str
    label: str
    frame: Frame
    sends: str = ""
    hears: str = ""
    value: float = 0.0

    @property
    def colour(self) -> str:
        """As `#rrggbb`."""
        return COLOURS.get(self.name, COLOURS[self.kind])


@dataclass(frozen=True)
class PresetButton:
    """What a preset's button says, and the word for it in addresses: its id, or its index where that fits no address."""

    word: str
    label: str


def preset_buttons(wanted: Sequence[str] = ()) -> list[PresetButton]:
    """The presets that get a button.

    Args:
        wanted: their ids; none means FAVOURITES, those that exist. Places that are left get an index.

    Raises:
        UnknownPreset: there is no such preset.
        BadArguments: more are named than there are buttons.
    """
    titles = dict(Buttons.preset_titles())
    for preset_id in wanted:
        if preset_id not in titles:
            raise UnknownPreset(f"preset {preset_id!r} does not exist", did_you_mean(preset_id, titles))
    if len(wanted) > N_PRESETS:
        raise BadArguments(f"{len(wanted)} presets are more than the {N_PRESETS} buttons", "Name fewer.")
    known = list(titles)
    chosen = list(wanted) or [preset_id for preset_id in FAVOURITES if preset_id in titles]
    buttons = [PresetButton(_word(preset_id, known), titles[preset_id]) for preset_id in chosen[:N_PRESETS]]
    free = iter(range(len(known) + 1, len(known) + 1 + N_PRESETS))
    return buttons + [PresetButton(str(n), f"preset {n}") for n in free][: N_PRESETS - len(buttons)]


def _word(preset_id: str, known: list[str]) -> str:
    return preset_id if is_word(preset_id) and not preset_id.isdigit() else str(known.index(preset_id) + 1)


def panel(presets: Sequence[PresetButton]) -> list[Control]:
    """All controls, each checked against the service's table of addresses.

    Raises:
        UnknownAddress: the table has no such address any more.
    """
    return [*_entries(), *_presets(presets), *_faders(), *_foot()]


def _entries() -> Iterator[Control]:
    for role, x, width in (("content", 16, 488), ("style", 520, 488)):
        yield Control("caption", f"{role}_caption", role, Frame(x, 16, 76, 40))
        frame = Frame(x + 80, 16, width - 80, 40)
        yield Control("entry", role, role, frame, sends=_asked(f"/{role}"), hears=_told(f"/ui/{role}"))


def _presets(presets: Sequence[PresetButton]) -> Iterator[Control]:
    for index, preset in enumerate(presets):
        x, y = 16 + 184 * (index % N_COLUMNS), 72 + 160 * (index // N_COLUMNS)
        lamp = _told("/ui/lamp/<preset>", preset.word)
        yield Control("lamp", f"lamp_{index + 1}", "", Frame(x, y, 172, 16), hears=lamp)
        press = _asked(f"/preset/{preset.word}/go")
        yield Control("button", f"preset_{index + 1}", preset.label, Frame(x, y + 22, 172, 126), sends=press)


def _faders() -> Iterator[Control]:
    known = {parameter.name: parameter for parameter in parameters()}
    for index, name in enumerate(FADERS):
        x, parameter = 764 + 128 * index, known[name]
        start = (parameter.value - parameter.low) / (parameter.high - parameter.low)
        address, echo = _asked(f"/param/{name}"), _told("/param/<name>", name)
        yield Control("caption", f"{name}_caption", name, Frame(x, 72, 116, 28))
        yield Control("fader", name, name, Frame(x, 104, 116, 276), sends=address, hears=echo, value=start)


def _foot() -> Iterator[Control]:
    yield Control("bar", "progress", "progress", Frame(16, 400, 992, 36), hears=_told("/ui/progress"))
    yield Control("text", "status", "status", Frame(16, 448, 992, 44), hears=_told("/ui/status"))
    yield Control("button", "go", "GO", Frame(16, 508, 640, 116), sends=_asked("/go"))
    yield Control("button", "cancel", "CANCEL", Frame(672, 508, 336, 116), sends=_asked("/cancel"))


def _asked(address: str) -> str:
    find(PREFIX + address)
    return PREFIX + address


def _told(address: str, word: str = "") -> str:
    if address not in {row.address for row in OUTGOING}:
        raise UnknownAddress(f"address {PREFIX + address!r} is not sent", "The panel and the table of addresses disagree.")
    return PREFIX + (address.partition("<")[0] + word if word else address)


def subscription() -> str:
    """The address by which a controller asks to be told."""
    return _asked("/subscribe")
