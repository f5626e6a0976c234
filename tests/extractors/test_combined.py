"""Several networks behind one face, each asked for its own layers alone."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from daw_bridge.extractors.base import Sound
from daw_bridge.extractors.combined import Combined
from tests.hearing import features


class Doubling:
    """Gives the levels times two, three, … under its layers' names, and remembers what it was asked."""

    def __init__(self, *layers: str) -> None:
        self.layers = layers
        self.asked: list[list[str]] = []

    def features(self, planes: Tensor, layers: Sequence[str], sound: Sound) -> dict[str, Tensor]:
        self.asked.append(list(layers))
        return {layer: planes * (2 + self.layers.index(layer)) for layer in layers}


def test_the_layers_of_all_stand_side_by_side() -> None:
    assert Combined([Doubling("a1", "a2"), Doubling("b1")]).layers == ("a1", "a2", "b1")


def test_each_network_is_asked_for_its_own_layers_alone() -> None:
    first, second, third = Doubling("a1", "a2"), Doubling("b1"), Doubling("c1")
    x = torch.ones(1, 2, 3)
    found = features(Combined([first, second, third]), x, ["b1", "a2"])
    assert first.asked == [["a2"]] and second.asked == [["b1"]] and third.asked == []
    assert set(found) == {"a2", "b1"}
    assert torch.equal(found["a2"], 3 * x[:, None]) and torch.equal(found["b1"], 2 * x[:, None])


def test_combined_networks_can_be_combined_again() -> None:
    inner = Combined([Doubling("a1"), Doubling("b1")])
    found = features(Combined([inner, Doubling("c1")]), torch.ones(1, 1, 1), ["b1", "c1"])
    assert {layer: f.item() for layer, f in found.items()} == {"b1": 2.0, "c1": 2.0}


def test_nothing_asked_is_nothing_done() -> None:
    network = Doubling("a1")
    assert features(Combined([network]), torch.ones(1, 1, 1), []) == {} and network.asked == []
