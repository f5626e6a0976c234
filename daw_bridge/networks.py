"""Names, layers and costs of the feature extractors, without torch, for presets and extractors both."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import BadParameter, did_you_mean


@dataclass(frozen=True)
class Network:
    """What a preset may say of one network.

    Attributes:
        name: as written in a preset.
        layers: names of its rectified convolutions, shallow to deep.
        n_shipped: how many of them, from the first, the weights inside the package reach.
    """

    name: str
    layers: tuple[str, ...]
    n_shipped: int


VGG16 = Network(
    "vgg16",
    tuple(f"relu{block}_{conv}" for block, n in enumerate((2, 2, 3, 3, 3), 1) for conv in range(1, n + 1)),
    n_shipped=5,
)
NETWORKS = {network.name: network for network in (VGG16,)}


def layer_name(network: str, layer: str | int) -> str:
    """The name of a layer given by name (`relu3_1`) or by its number from 1 (the paper's "5th convolution").

    Raises:
        BadParameter: no such network or layer.
    """
    if network not in NETWORKS:
        raise BadParameter(f"network={network!r} is not known", did_you_mean(network, NETWORKS))
    layers = NETWORKS[network].layers
    if isinstance(layer, int) and not isinstance(layer, bool) and 1 <= layer <= len(layers):
        return layers[layer - 1]
    if layer in layers:
        return str(layer)
    raise BadParameter(
        f"layer={layer!r} is none of {network}'s {len(layers)}",
        f"Give a number from 1 to {len(layers)} or a name. " + did_you_mean(str(layer), layers),
    )
