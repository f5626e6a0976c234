"""Too little memory: a render that really runs out of it is tried again with shorter blocks, and comes through."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from torch import Tensor

from daw_bridge import pipeline
from daw_bridge.errors import OutOfMemory
from daw_bridge.extractors import loading
from daw_bridge.extractors.base import Extractor, Sound
from daw_bridge.folders import ProjectFolders, StateFolders
from daw_bridge.jobs import JobStore
from daw_bridge.presets import load_preset
from daw_bridge.renderer import errands, stages
from daw_bridge.renderer.attempts import attempts, is_out_of_memory
from daw_bridge.renderer.device import Device
from daw_bridge.renderer.gate import Gate
from daw_bridge.renderer.order import Order
from daw_bridge.renderer.render import Render
from daw_bridge.request import RenderRequest, source_file

TREE = Path(__file__).parents[2]
RATE = 8_000


class Greedy:
    """Hears as another network does, and finds too little memory for more frames than it is given room for."""

    def __init__(self, inner: Extractor, most_frames: int) -> None:
        self._inner, self._most_frames, self.layers = inner, most_frames, inner.layers

    def features(self, planes: Tensor, layers: Sequence[str], sound: Sound) -> dict[str, Tensor]:
        if planes.shape[-1] > self._most_frames and planes.requires_grad:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return self._inner.features(planes, layers, sound)


@pytest.fixture
def asked(tmp_path: Path) -> RenderRequest:
    chance = np.random.default_rng(0)
    for name, seconds in (("song", 30), ("groove", 4)):
        soundfile.write(tmp_path / f"{name}.wav", chance.normal(0, 0.1, RATE * seconds), RATE, "PCM_16")
    preset = load_preset("fast").with_parameters({"num_steps": 2})
    content, style = (source_file(tmp_path / f"{name}.wav", "content") for name in ("song", "groove"))
    return RenderRequest(str(tmp_path), content, style, preset.to_table())


def rendered(asked: RenderRequest, tmp_path: Path, most_frames: int, patch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The recipe, with room for so many frames at once."""
    load = loading.load_extractor
    patch.setattr(pipeline, "load_extractor", lambda *words: Greedy(load(*words), most_frames))
    store = JobStore(StateFolders(tmp_path / "state").job_database)
    job, _ = store.submit(asked)
    order = Order(job.id, asked, tmp_path / "work")
    order.folder.mkdir()
    render = Render(store, Device(), Gate(), stages, job, attempts(order, 0))
    try:
        while not render.is_done():
            pass
    finally:
        store.close()
    recipe: dict[str, Any] = json.loads((order.folder / errands.RECIPE).read_text())
    return recipe


@pytest.mark.parametrize(("most_frames", "scale"), [(5000, 1.0), (900, 0.5), (450, 0.25)])
def test_blocks_are_halved_and_quartered_and_the_recipe_says_so(
    asked: RenderRequest, tmp_path: Path, most_frames: int, scale: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = rendered(asked, tmp_path, most_frames, monkeypatch)
    assert recipe["memory_scale"] == scale
    assert not ProjectFolders(tmp_path).remixes.exists(), "nothing is published before it is whole"


def test_each_step_down_is_told(
    asked: RenderRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rendered(asked, tmp_path, 450, monkeypatch)
    told = [record.message for record in caplog.records if "too little memory" in record.message]
    assert ["at scale 1:" in told[0], "at scale 0.5:" in told[1]] == [True, True] and len(told) == 2


def test_what_fits_nowhere_is_said_in_one_sentence(asked: RenderRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OutOfMemory, match=r"rendering 'song\.wav' needs more memory than is free"):
        rendered(asked, tmp_path, 3, monkeypatch)


def test_a_gpu_that_is_too_small_ends_on_the_cpu(asked: RenderRequest, tmp_path: Path) -> None:
    plan = attempts(replace(Order("a.1", asked, tmp_path), device="cuda"), 0)
    assert [(order.memory_scale, order.device) for order in plan][-1] == (0.25, "cpu")


LIMITED = """
import resource, sys
import numpy as np, torch
from daw_bridge.audio import Audio
from daw_bridge.pipeline import render
from daw_bridge.presets import load_preset
from daw_bridge.renderer.attempts import is_out_of_memory

torch.set_num_threads(1)
chance = np.random.default_rng(0)
content, style = (Audio(chance.normal(0, 0.1, (1, 8_000 * n)).astype("float32"), 8_000) for n in (28, 3))
preset = load_preset("fine").with_parameters({"num_steps": 1})
render(content, style, preset, device="cpu", memory_scale=0.25)
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + (FREE << 20)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
try:
    render(content, style, preset, device="cpu")
    print("enough")
except Exception as error:
    print("too little" if is_out_of_memory(error) else repr(error))
    del error
print(render(content, style, preset, device="cpu", memory_scale=0.25).audio.n_samples)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS and /proc are Linux's")
def test_a_real_limit_is_met_by_whole_blocks_and_kept_by_quarters() -> None:
    code = LIMITED.replace("FREE", "220")
    done = subprocess.run([sys.executable, "-c", code], cwd=TREE, capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout.split("\n")[:2] == ["too little", str(28 * 8_000)], done.stderr[-2000:]


def test_other_errors_are_no_want_of_memory() -> None:
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory.")) and not is_out_of_memory(RuntimeError("shapes"))
