"""Other resolutions of the same levels: coarser cells, the same power, and a network that looks at all of them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from daw_bridge.extractors.base import Sound
from daw_bridge.resolutions import features_at, smeared, weight_of
from tests.hearing import only_levels


def levels(n_bands: int = 6, n_frames: int = 9) -> Tensor:
    return torch.randn(1, 1, n_bands, n_frames, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 8 - 30


class Looking:
    """Gives what it is shown as its only layer."""

    layers: tuple[str, ...] = ("seen",)

    def features(self, planes: Tensor, layers: Sequence[str], sound: Sound) -> dict[str, Tensor]:
        return {"seen": planes}


def test_smeared_levels_are_the_mean_power_of_their_cells() -> None:
    found = smeared(levels(), 1, 4)
    power = 10 ** (levels() / 10)
    torch.testing.assert_close(10 ** (found[..., 4:8] / 10), power[..., 4:8].mean(-1, keepdim=True).expand(-1, -1, -1, 4))
    torch.testing.assert_close(found[..., 8:], levels()[..., 8:], msg="what is left over is a cell of its own")
    assert smeared(levels(), 4, 1).shape == levels().shape


def test_gradients_of_smeared_levels_are_right() -> None:
    planes = levels(5, 6).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: smeared(x, 1, 4), planes)
    assert torch.autograd.gradcheck(lambda x: smeared(x, 4, 1), planes)


def test_a_network_sees_three_resolutions_if_asked() -> None:
    sound = only_levels(levels()[0, 0])
    plain, all_of_them = (features_at(Looking(), levels(), ["seen"], sound, is_multiresolution=asked) for asked in (False, True))
    assert list(plain) == ["seen"] and list(all_of_them) == ["seen", "seen@long", "seen@short"]
    assert not torch.equal(all_of_them["seen@long"], all_of_them["seen@short"])
    assert [weight_of(name, {"seen": 2.5}) for name in all_of_them] == [2.5, 2.5, 2.5]
