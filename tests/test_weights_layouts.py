"""Other people's files become ours: names, axes, colour order and input scaling, checked by what the network then sees."""

from __future__ import annotations

import io
from pathlib import Path

import h5py
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from daw_bridge import weights_layouts
from daw_bridge.errors import NotFound, WeightsMissing
from daw_bridge.weights_layouts import VGG16_NAMES, VGG16_PLACES, VGGISH_NAMES, VGGISH_PLACES, read_layout
from daw_bridge.weights_sources import sources_of
from tests.generated_weights import vgg16_state, vggish_state

OUR_MEANS = torch.tensor([104.007, 116.669, 122.679])[:, None, None]  # blue, green, red


def saved(table: object, path: Path) -> Path:
    torch.save(table, path)
    return path


def test_the_sources_are_those_that_torchvision_names() -> None:
    from torchvision.models import VGG16_Weights

    published = VGG16_Weights.IMAGENET1K_FEATURES
    source = sources_of("vgg16")[0]
    assert source.url == published.url and source.file == published.url.rpartition("/")[2]
    assert source.size_bytes == pytest.approx(published.meta["_file_size"] * 1e6)
    scaling = published.transforms()
    assert tuple(scaling.mean) == weights_layouts.FEATURES_SCALING.means
    assert tuple(scaling.std) == pytest.approx(weights_layouts.FEATURES_SCALING.deviations)
    plain = VGG16_Weights.IMAGENET1K_V1
    assert weights_layouts.PLAIN_VGG16.search(plain.url) and tuple(plain.transforms().mean) == weights_layouts.V1_SCALING.means
    assert tuple(plain.transforms().std) == weights_layouts.V1_SCALING.deviations


def test_the_places_are_those_of_the_convolutions_in_torchvisions_network() -> None:
    from torchvision.models import vgg16

    network = vgg16(weights=None)
    places = tuple(place for place, layer in enumerate(network.features) if isinstance(layer, torch.nn.Conv2d))
    assert places == VGG16_PLACES and len(VGG16_NAMES) == 13


@pytest.mark.parametrize(
    ("file", "means", "deviations"),
    [
        ("mine.pth", (0.48235, 0.45882, 0.40784), (1 / 255, 1 / 255, 1 / 255)),
        ("vgg16-397923af.pth", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    ],
)
def test_the_first_convolution_sees_in_our_input_what_it_saw_in_its_own(
    file: str, means: tuple[float, float, float], deviations: tuple[float, float, float], tmp_path: Path
) -> None:
    state = vgg16_state() | {"classifier.0.weight": torch.full((4, 4), torch.nan)}
    found = read_layout("vgg16", saved(state, tmp_path / file))
    pixels = torch.rand(1, 3, 9, 9, generator=torch.Generator().manual_seed(0)) * 255  # red, green, blue
    theirs = (pixels / 255 - torch.tensor(means)[:, None, None]) / torch.tensor(deviations)[:, None, None]
    expected = functional.conv2d(theirs, state["features.0.weight"], state["features.0.bias"])
    seen = functional.conv2d(pixels.flip(1) - OUR_MEANS, found["conv1_1.weight"], found["conv1_1.bias"])
    torch.testing.assert_close(seen / expected.abs().max(), expected / expected.abs().max(), atol=1e-5, rtol=0)
    assert set(found) == {f"{name}.{kind}" for name in VGG16_NAMES for kind in ("weight", "bias")}
    for place, name in list(zip(VGG16_PLACES, VGG16_NAMES, strict=True))[1:]:
        assert torch.equal(found[f"{name}.weight"], state[f"features.{place}.weight"])


def test_vggish_is_read_from_torchvggishs_layout_without_its_embeddings(tmp_path: Path) -> None:
    state = vggish_state()
    found = read_layout("vggish", saved(state | {"embeddings.0.weight": torch.zeros(2, 2)}, tmp_path / "vggish.pth"))
    for place, name in zip(VGGISH_PLACES, VGGISH_NAMES, strict=True):
        assert torch.equal(found[f"{name}.weight"], state[f"features.{place}.weight"])
        assert torch.equal(found[f"{name}.bias"], state[f"features.{place}.bias"])
    assert len(found) == 12


def test_a_file_of_our_own_layout_passes_as_it_is(tmp_path: Path) -> None:
    first = read_layout("vggish", saved(vggish_state(), tmp_path / "a.pth"))
    save_file(first, tmp_path / "b.safetensors")
    again = read_layout("vggish", tmp_path / "b.safetensors")
    assert all(torch.equal(again[name], tensor) for name, tensor in first.items())


def hed(state: dict[str, Tensor]) -> bytes:
    packed = io.BytesIO()
    with h5py.File(packed, "w") as file:
        for place, name in zip(VGG16_PLACES, VGG16_NAMES, strict=True):
            block, conv = name.removeprefix("conv").split("_")
            group = f"block{block}/layers/conv2d" + ("" if conv == "1" else f"_{int(conv) - 1}") + "/vars"
            file[f"{group}/0"] = state[f"features.{place}.weight"].permute(2, 3, 1, 0).numpy()
            file[f"{group}/1"] = state[f"features.{place}.bias"].numpy()
    return packed.getvalue()


def test_hed_tensors_kernels_are_turned_and_its_input_is_ours_already(tmp_path: Path) -> None:
    state = vgg16_state()
    (tmp_path / "hed.h5").write_bytes(hed(state))
    found = read_layout("vgg16", tmp_path / "hed.h5")
    for place, name in zip(VGG16_PLACES, VGG16_NAMES, strict=True):
        assert torch.equal(found[f"{name}.weight"], state[f"features.{place}.weight"])


@pytest.mark.parametrize("suffix", ["pth", "safetensors", "h5", "whl"])
def test_a_file_that_holds_no_weights_says_what_would(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"notes.{suffix}"
    path.write_bytes(b"four chords and the truth")
    with pytest.raises(WeightsMissing, match=r"Give torchvision's vgg16_features"):
        read_layout("vgg16", path)


def test_a_network_that_lacks_a_layer_or_has_another_shape_is_named(tmp_path: Path) -> None:
    short = vggish_state()
    del short["features.13.bias"]
    with pytest.raises(WeightsMissing, match=r"nothing for conv6.bias"):
        read_layout("vggish", saved(short, tmp_path / "short.pth"))
    with pytest.raises(WeightsMissing, match=r"shape \(64, 1, 3, 3\) for conv1_1.weight, must .* shape \(64, 3, 3, 3\)"):
        read_layout("vgg16", saved(vggish_state(), tmp_path / "other.pth"))
    broken = vggish_state()
    broken["features.0.bias"][3] = torch.nan
    with pytest.raises(WeightsMissing, match=r"conv1.bias, must have finite numbers"):
        read_layout("vggish", saved(broken, tmp_path / "nan.pth"))


def test_a_pickle_that_would_run_code_is_not_run(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (tmp_path / "sprung",))

    with pytest.raises(WeightsMissing, match=r"is no file of weights that can be read\. Give"):
        read_layout("vggish", saved({"features.0.weight": Trap()}, tmp_path / "trap.pth"))
    assert not (tmp_path / "sprung").exists()


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="does not exist"):
        read_layout("vgg16", tmp_path / "none.pth")
