"""The shape of the project: layers, imports, layout, the wheel, and what the README promises."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from daw_bridge.arguments import parser
from daw_bridge.presets import Preset, all_presets, preset_ids
from tests.command import COMMAND, TREE
from tests.data_makers.write_osc_table import with_table

README = (TREE / "README.md").read_text(encoding="utf-8")
HEAVY = ("torch", "torchvision", "librosa", "matplotlib", "scipy", "soundfile", "pedalboard", "dbos", "rich")
TOP_LEVEL = {
    *("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md"),
    *("daw_bridge", "presets", "tests", "reaper_scripts"),
}
BUILT = {"build", "dist"}


def python(code: str, folder: Path = TREE, **environment: str) -> str:
    """The output of a few lines in a fresh interpreter."""
    variables = {**os.environ, **environment}
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, env=variables, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def loaded(statement: str) -> set[str]:
    """Which of the heavy packages a statement imports."""
    said = python(f"import sys; {statement}; print(*(name for name in {HEAVY!r} if name in sys.modules))")
    return set(said.split())


@pytest.mark.parametrize(
    "statement",
    [
        "import daw_bridge",
        "from daw_bridge.networks import NETWORKS",
        "from daw_bridge.presets import all_presets; list(all_presets())",
        "from daw_bridge.weights import resolve; resolve('vgg16', 5)",
        "from daw_bridge.cli import main; from daw_bridge.arguments import parser; parser()",
        "import daw_bridge.service.client",
        "import daw_bridge.demo, daw_bridge.remix",
    ],
)
def test_what_must_be_quick_imports_nothing_heavy(statement: str) -> None:
    assert loaded(statement) == set()


def test_the_service_imports_neither_torch_nor_a_decoder() -> None:
    modules = [f"daw_bridge.service.{path.stem}" for path in (TREE / "daw_bridge" / "service").glob("[a-z]*.py")]
    assert len(modules) > 5
    assert loaded(f"import {', '.join(modules)}") <= {"dbos"}


def processor_seconds() -> float:
    """What the processes that have ended took of the processor: unlike the clock, next to the same on a busy machine."""
    times = os.times()
    return times.children_user + times.children_system


@pytest.mark.skipif(os.name == "nt", reason="Windows does not add up what ended processes took")
def test_help_takes_less_than_0_3_s() -> None:
    seconds = []
    for _ in range(5):
        began = processor_seconds()
        subprocess.run([*COMMAND, "--help"], cwd=TREE, check=True, capture_output=True)
        seconds.append(processor_seconds() - began)
    assert min(seconds) < 0.3


def test_imports_point_down_the_layers() -> None:
    script = Path(sys.executable).with_name("lint-imports.exe" if os.name == "nt" else "lint-imports")
    done = subprocess.run([script, "--no-cache"], cwd=TREE, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout


def test_the_top_level_holds_only_what_belongs_there() -> None:
    found = {path.name for path in TREE.iterdir() if not path.name.startswith(".")} - BUILT
    assert found == TOP_LEVEL


def test_every_shipped_preset_is_valid() -> None:
    presets = list(all_presets())
    assert [preset.id for preset in presets if isinstance(preset, Preset)] == preset_ids()
    assert {"default", "paper-vgg16-cheap"} <= set(preset_ids())


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package installed from its own wheel."""
    wheels, site = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("site")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(wheels)]
    subprocess.run(build, cwd=TREE, check=True, capture_output=True)
    (wheel,) = wheels.glob("daw_bridge-*.whl")
    with zipfile.ZipFile(wheel) as packed:
        names = packed.namelist()
    assert not [name for name in names if "__pycache__" in name or name.startswith("tests/")]
    assert [name for name in names if name.endswith("licenses/LICENSE")]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(site), str(wheel)]
    subprocess.run(pip, check=True, capture_output=True)
    return site


def test_an_installed_wheel_brings_presets_scripts_and_weights(site: Path, tmp_path: Path) -> None:
    shipped = site / "daw_bridge" / "_shipped"
    for folder in ("presets", "reaper_scripts"):
        expected = {path.relative_to(TREE / folder) for path in (TREE / folder).rglob("*") if path.is_file()}
        assert {path.relative_to(shipped / folder) for path in (shipped / folder).rglob("*") if path.is_file()} == expected
    assert (shipped / "weights" / "NOTICE").is_file()
    code = "from daw_bridge import presets, weights; print(weights.resolve('vgg16', 5)); print(*presets.preset_ids())"
    path, ids = python(code, tmp_path, PYTHONPATH=str(site)).splitlines()
    assert Path(path).is_relative_to(site)
    assert ids.split() == preset_ids()


def test_an_installed_wheel_has_the_command(site: Path, tmp_path: Path) -> None:
    (script,) = (site / "bin").glob("daw-bridge*")
    variables = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run([script, "presets", "list"], cwd=tmp_path, env=variables, capture_output=True, text=True, check=True)
    assert "default" in done.stdout


def test_the_readme_begins_with_the_two_commands() -> None:
    block = README.partition("```sh\n")[2].partition("```")[0]
    commands = [line.partition("#")[0].strip() for line in block.splitlines()]
    assert commands == ["pip install . && daw-bridge demo", 'pip install ".[test]" && python -m pytest']
    assert README.index("```sh") < 400


def test_every_command_in_the_readme_is_understood() -> None:
    lines = [line.strip() for line in README.splitlines() if line.strip().startswith("daw-bridge ")]
    commands = [shlex.split(line, comments=True)[1:] for line in lines if "`" not in line]
    commands = [words for words in commands if words[0] != "gives"]  # the one sentence that says what it does
    assert {words[0] for words in commands} >= {"remix", "presets", "init", "serve", "send", "status", "jobs", "cancel"}
    for words in commands:
        parser().parse_args(words)


def test_the_readmes_python_runs(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    noise = 0.1 * np.random.default_rng(0).standard_normal((2, 22_050, 2))
    for name, samples in zip(("song", "record"), noise, strict=True):
        soundfile.write(tmp_path / f"{name}.wav", samples, 44_100)
    python(code, tmp_path, PYTHONPATH=str(TREE))
    assert soundfile.info(tmp_path / "remix.wav").frames == 22_050


def test_the_readmes_osc_table_is_the_one_that_the_service_uses() -> None:
    assert with_table(README) == README, "run: python -m tests.data_makers.write_osc_table"


def test_the_readmes_links_lead_somewhere() -> None:
    targets = [target for target in re.findall(r"\]\(([^)]+)\)", README) if "://" not in target]
    assert len(targets) > 4
    assert [target for target in targets if not (TREE / target).is_file()] == []
