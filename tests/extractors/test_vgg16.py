"""VGG16 against a plain three-plane forward pass: folding the grey planes into the first kernel changes nothing."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from daw_bridge import weights
from daw_bridge.errors import BadParameter
from daw_bridge.extractors.vgg16 import GREY_MEAN, GREY_PER_UNIT, PICTURE_FLOOR_DB, PICTURE_RANGE_DB, Vgg16
from daw_bridge.losses import content_loss, gram_matrix, style_loss
from daw_bridge.networks import VGG16
from tests.hearing import features, only_levels

pytestmark = pytest.mark.usefixtures("one_thread")
CPU = torch.device("cpu")
SHIPPED = VGG16.layers[: VGG16.n_shipped]


@pytest.fixture(scope="module")
def shipped() -> dict[str, Tensor]:
    return weights.load(weights.resolve("vgg16", VGG16.n_shipped))


def levels(n_bands: int = 32, n_frames: int = 40, n_batch: int = 1) -> Tensor:
    return torch.rand(n_batch, n_bands, n_frames, generator=torch.Generator().manual_seed(1)) * 80 - 75


def plain_pass(picture: Tensor, kernels: dict[str, Tensor]) -> dict[str, Tensor]:
    """The network as the paper has it, from three planes, with the convolution written as a product of patches."""
    found: dict[str, Tensor] = {}
    x = picture
    for layer in SHIPPED:
        if layer in ("relu2_1", "relu3_1"):
            x = x.unfold(2, 2, 2).unfold(3, 2, 2).amax((-1, -2))
        kernel, bias = kernels[layer.replace("relu", "conv") + ".weight"], kernels[layer.replace("relu", "conv") + ".bias"]
        patches = functional.unfold(x, 3, padding=1)
        x = (kernel.flatten(1) @ patches + bias[:, None]).reshape(len(patches), -1, *x.shape[2:]).clamp_min(0)
        found[layer] = x
    return found


def test_three_equal_planes_equal_one_plane_in_the_folded_kernel(shipped: dict[str, Tensor]) -> None:
    folded, plain = levels().requires_grad_(), levels().requires_grad_()
    grey = (plain - PICTURE_FLOOR_DB) * (GREY_PER_UNIT / PICTURE_RANGE_DB) - GREY_MEAN
    expected = plain_pass(grey[:, None].expand(-1, 3, -1, -1), shipped)
    found = features(Vgg16(shipped, CPU, torch.float32), folded, SHIPPED)
    assert list(found) == list(SHIPPED)
    for layer in SHIPPED:
        scale = expected[layer].abs().max()
        torch.testing.assert_close(found[layer] / scale, expected[layer] / scale, atol=1e-5, rtol=0)
    for heard in (found, expected):
        sum(f.square().mean() / f.detach().square().mean() for f in heard.values()).backward()  # type: ignore[union-attr]
    assert folded.grad is not None and plain.grad is not None
    torch.testing.assert_close(folded.grad / plain.grad.abs().max(), plain.grad / plain.grad.abs().max(), atol=1e-4, rtol=0)


def test_three_planes_are_seen_as_red_green_and_blue(shipped: dict[str, Tensor]) -> None:
    planes = levels(n_batch=3)[None]
    pixels = (planes - PICTURE_FLOOR_DB) * (GREY_PER_UNIT / PICTURE_RANGE_DB) - GREY_MEAN
    expected = plain_pass(pixels.flip(1), shipped)  # the weights want blue first
    found = Vgg16(shipped, CPU, torch.float32).features(planes, SHIPPED, only_levels(planes[0, 0]))
    for layer in SHIPPED:
        scale = expected[layer].abs().max()
        torch.testing.assert_close(found[layer] / scale, expected[layer] / scale, atol=1e-5, rtol=0)


def test_equal_planes_have_the_loss_and_the_gradient_of_grey(shipped: dict[str, Tensor]) -> None:
    network, layers = Vgg16(shipped, CPU, torch.float32), SHIPPED[:4]
    style = levels(32, 64).flip(2)
    with torch.no_grad():
        wanted = {layer: gram_matrix(found) for layer, found in features(network, style, layers).items()}
        kept = features(network, levels() * 0.7, SHIPPED[4:])
    centres, weights_of = {layer: torch.zeros(1, wanted[layer].shape[1]) for layer in layers}, dict.fromkeys(SHIPPED, 1.0)
    losses, gradients = [], []
    for n_planes in (1, 3):
        target = levels()[:, None].repeat(1, n_planes, 1, 1).requires_grad_()
        found = network.features(target, SHIPPED, only_levels(target[0, 0]))
        loss = style_loss(found, wanted, centres, weights_of) + content_loss(found, kept, weights_of)
        loss.backward()  # type: ignore[no-untyped-call]
        assert target.grad is not None
        losses.append(loss.item())
        gradients.append(target.grad.sum(1))  # moving grey moves all its planes alike
    assert losses[1] == pytest.approx(losses[0], rel=1e-5)
    torch.testing.assert_close(
        gradients[1] / gradients[0].abs().max(), gradients[0] / gradients[0].abs().max(), atol=1e-5, rtol=0
    )


def test_features_have_the_shape_of_their_block(shipped: dict[str, Tensor]) -> None:
    found = features(Vgg16(shipped, CPU, torch.float32), levels(33, 41, 2), SHIPPED)
    shapes = [tuple(f.shape) for f in found.values()]
    assert shapes == [(2, 64, 33, 41)] * 2 + [(2, 128, 16, 20)] * 2 + [(2, 256, 8, 10)]
    assert all((f >= 0).all() for f in found.values())


@pytest.mark.parametrize("asked", [["relu1_1"], ["relu2_2", "relu1_2"], ["relu3_1"], ["relu1_1", "relu1_1"], []])
def test_only_what_is_asked_for_comes_back(shipped: dict[str, Tensor], asked: list[str]) -> None:
    network = Vgg16(shipped, CPU, torch.float32)
    found, everything = features(network, levels(), asked), features(network, levels(), SHIPPED)
    assert set(found) == set(asked)
    assert all(torch.equal(found[layer], everything[layer]) for layer in asked)


def test_the_network_ends_where_the_weights_end(shipped: dict[str, Tensor]) -> None:
    two = {name: tensor for name, tensor in shipped.items() if name.startswith("conv1")}
    network = Vgg16(two, CPU, torch.float32)
    assert network.layers == ("relu1_1", "relu1_2")
    with pytest.raises(BadParameter, match="'relu2_1' is not in the loaded weights"):
        features(network, levels(), ["relu2_1"])


@pytest.mark.parametrize("n_frames", [8, 15, 16, 48])
def test_all_thirteen_convolutions_hear_also_a_tenth_of_a_second(n_frames: int) -> None:
    generator = torch.Generator().manual_seed(0)
    kernels: dict[str, Tensor] = {}
    n_in = 3
    for layer in VGG16.layers:
        name = layer.replace("relu", "conv")
        kernels[f"{name}.weight"] = torch.randn(4, n_in, 3, 3, generator=generator) * (2 / (9 * n_in)) ** 0.5
        kernels[f"{name}.bias"] = torch.zeros(4)
        n_in = 4
    found = features(Vgg16(kernels, CPU, torch.float32), levels(64, n_frames), VGG16.layers)
    assert list(found) == list(VGG16.layers) and found["relu5_3"].shape == (1, 4, 4, max(n_frames // 16, 1))


def test_half_precision_hears_nearly_the_same(shipped: dict[str, Tensor]) -> None:
    single, half = (features(Vgg16(shipped, CPU, dtype), levels(), SHIPPED) for dtype in (torch.float32, torch.bfloat16))
    for layer in SHIPPED:
        assert half[layer].dtype == torch.bfloat16
        assert (half[layer].float() - single[layer]).norm() < 0.03 * single[layer].norm()


def test_gradients_are_finite_on_black_and_the_weights_are_frozen(shipped: dict[str, Tensor]) -> None:
    black = torch.full((1, 32, 16), -90.0, requires_grad=True)
    features(Vgg16(shipped, CPU, torch.float32), black, ["relu3_1"])["relu3_1"].sum().backward()  # type: ignore[no-untyped-call]
    assert black.grad is not None and black.grad.isfinite().all()
    assert all(tensor.grad is None and not tensor.requires_grad for tensor in shipped.values())


@pytest.mark.parametrize("n_planes", [1, 3])
def test_gradients_are_those_of_finite_differences(n_planes: int) -> None:
    generator = torch.Generator().manual_seed(0)
    kernels: dict[str, Tensor] = {}
    for layer, n_in in (("conv1_1", 3), ("conv1_2", 4), ("conv2_1", 4)):
        kernels[f"{layer}.weight"] = torch.randn(4, n_in, 3, 3, generator=generator, dtype=torch.float64) * 0.3
        kernels[f"{layer}.bias"] = torch.randn(4, generator=generator, dtype=torch.float64)
    network = Vgg16(kernels, CPU, torch.float64)
    planes = (torch.rand(1, n_planes, 8, 6, generator=generator, dtype=torch.float64) * 60 - 60).requires_grad_()
    sound = only_levels(planes[0, 0].detach())
    assert torch.autograd.gradcheck(lambda x: network.features(x, ["relu2_1"], sound)["relu2_1"], (planes,), atol=1e-4)
