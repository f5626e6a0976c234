"""Names of the networks and of their layers, without torch, for presets and extractors both."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import BadParameter, did_you_mean


@dataclass(frozen=True)
class Network:
    """What a preset may say of one network.

    Attributes:
        name: for messages and weights.
        layers: names of its rectified convolutions, shallow to deep; no two networks share one.
        n_shipped: how many of them, from the first, need nothing beyond the package.
    """

    name: str
    layers: tuple[str, ...]
    n_shipped: int


VGG16 = Network(
    "vgg16",
    tuple(f"relu{block}_{conv}" for block, n in enumerate((2, 2, 3, 3, 3), 1) for conv in range(1, n + 1)),
    n_shipped=5,
)
WYSE = Network("wyse", ("wyse_1", "wyse_2", "wyse_4", "wyse_8"), n_shipped=4)  # the number: frames pooled into one
VGGISH = Network("vggish", tuple(f"vggish_{number}" for number in range(1, 7)), n_shipped=0)
NETWORKS = {network.name: network for network in (VGG16, VGGISH, WYSE)}


def network_of(layer: str) -> Network:
    """The network that a layer belongs to."""
    return next(network for network in NETWORKS.values() if layer in network.layers)


def layer_name(layer: str | int) -> str:
    """The name of a layer given by name (`vggish_5`, `wyse_1`) or by VGG16's number from 1 (the paper's "5th convolution").

    Raises:
        BadParameter: no such layer.
    """
    number = int(layer) if isinstance(layer, str) and layer.isdecimal() else layer
    if isinstance(number, int) and not isinstance(number, bool) and 1 <= number <= len(VGG16.layers):
        return VGG16.layers[number - 1]
    known = [name for network in NETWORKS.values() for name in network.layers]
    if layer in known:
        return str(layer)
    raise BadParameter(
        f"layer={layer!r} is not known",
        f"Give a number from 1 to {len(VGG16.layers)} or a name. " + did_you_mean(str(layer), known),
    )
