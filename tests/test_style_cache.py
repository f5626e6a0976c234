"""What was heard of a style is kept, found again bit for bit, and never trusted when damaged."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from daw_bridge import pipeline, style_cache
from daw_bridge.analysis import analysis_for
from daw_bridge.audio import Audio
from daw_bridge.band_statistics import statistics_of
from daw_bridge.pipeline import render
from daw_bridge.presets import load_preset
from daw_bridge.settings import TransferSettings
from daw_bridge.style_cache import SUFFIX, StyleCache, style_key
from daw_bridge.style_target import StyleTarget

pytestmark = pytest.mark.usefixtures("one_thread")
CPU = torch.device("cpu")


def target(seed: int = 0) -> StyleTarget:
    generator = torch.Generator().manual_seed(seed)
    gram = torch.randn(1, 5, 5, generator=generator)
    return StyleTarget(
        statistics_of(torch.randn(8, 90, generator=generator), 12), {"wyse_1@long": gram}, {"wyse_1@long": gram[:, 0]}
    )


def same(one: StyleTarget, other: StyleTarget) -> bool:
    bands = zip(dataclasses.astuple(one.bands), dataclasses.astuple(other.bands), strict=True)
    kinds = ((one.grams, other.grams), (one.centres, other.centres))
    return all(torch.equal(a, b) for a, b in bands) and all(
        a.keys() == b.keys() and all(torch.equal(a[layer], b[layer]) for layer in a) for a, b in kinds
    )


def test_what_was_kept_is_found_bit_for_bit(tmp_path: Path) -> None:
    cache = StyleCache(tmp_path / "styles")
    assert cache.find("a") is None
    cache.keep("a", target(1))
    found = cache.find("a")
    assert found is not None and same(found, target(1)) and cache.find("b") is None


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "cut short": lambda data: data[:-9],
    "one bit": lambda data: data[:-40] + bytes([data[-40] ^ 1]) + data[-39:],
    "empty": lambda data: b"",
    "something else": lambda data: b"RIFF" * 99,
    "a header without end": lambda data: b"\xff" * 8 + data[8:],
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_file_is_thrown_away(tmp_path: Path, kind: str) -> None:
    cache = StyleCache(tmp_path)
    cache.keep("a", target())
    path = tmp_path / f"a{SUFFIX}"
    path.write_bytes(DAMAGE[kind](path.read_bytes()))
    assert cache.find("a") is None and not path.exists()


def test_what_was_used_longest_ago_makes_room(tmp_path: Path) -> None:
    StyleCache(tmp_path).keep("a", target())
    size = (tmp_path / f"a{SUFFIX}").stat().st_size
    (tmp_path / "mine.txt").write_text("not ours")
    cache = StyleCache(tmp_path, most_bytes=3 * size)
    for age, key in enumerate(("b", "c")):
        cache.keep(key, target())
        os.utime(tmp_path / f"{key}{SUFFIX}", (100.0 + age, 100.0 + age))
    assert cache.find("b") is not None, "used just now"
    cache.keep("d", target())
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["mine.txt", *(f"{key}{SUFFIX}" for key in "abd")])


def test_what_a_kill_left_half_written_is_removed_later(tmp_path: Path) -> None:
    left, fresh, others = (tmp_path / f"{name}.partial" for name in ("0" * 31 + "a", "b" * 32, "download"))
    for path in (left, fresh, others):
        path.write_bytes(b"half")
    for path in (left, others):
        os.utime(path, (100.0, 100.0))
    StyleCache(tmp_path).keep("a", target())
    assert not left.exists() and fresh.exists() and others.exists()


def test_a_folder_that_cannot_be_made_costs_nothing_but_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    StyleCache(tmp_path / "file" / "styles").keep("a", target())


def key_of(settings: TransferSettings, **changes: object) -> str:
    how: dict[str, object] = {"seed": 0, "dtype": torch.float32, "block_frames": 1536, "n_lags": 0, "weights": {}} | changes
    sha256 = str(how.pop("sha256", "sound"))
    rate = how.pop("rate", 44_100)
    assert isinstance(rate, int)
    return style_key(sha256, settings, analysis_for(rate, 64, CPU), **how)  # type: ignore[arg-type]


def test_the_key_knows_all_that_has_a_say_and_nothing_else() -> None:
    wyse = TransferSettings(style_layers=(("wyse_1", 1.0),), n_bands=64, content_weight=0.0)
    heard = [
        key_of(wyse),
        key_of(wyse, sha256="another"),
        key_of(wyse, rate=48_000),
        key_of(wyse, seed=1),
        key_of(wyse, dtype=torch.bfloat16),
        key_of(wyse, block_frames=768),
        key_of(wyse, n_lags=172),
        key_of(wyse, weights={"vgg16": "abc"}),
        key_of(dataclasses.replace(wyse, gate_db=-40.0)),
        key_of(dataclasses.replace(wyse, band_scale="log")),
        key_of(dataclasses.replace(wyse, is_gram_centred=True)),
        key_of(dataclasses.replace(wyse, is_multiresolution=True)),
        key_of(dataclasses.replace(wyse, style_layers=(("wyse_2", 1.0),))),
    ]
    assert len(set(heard)) == len(heard)
    others = dataclasses.replace(wyse, style_layers=(("wyse_1", 9.0),), num_steps=3, style_weight=2.0, strength=0.1)
    assert key_of(others) == key_of(wyse)
    vgg16 = dataclasses.replace(wyse, style_layers=(("relu1_1", 1.0),))
    assert key_of(vgg16, seed=1) == key_of(vgg16)


def test_a_second_render_hears_no_style_and_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = np.random.default_rng(0)
    content, style = (Audio(chance.normal(0, 0.1, (2, 30_000)).astype(np.float32), 44_100) for _ in range(2))
    preset = load_preset("fast").with_parameters({"num_steps": 2, "rhythm_weight": 1.0})
    plain = render(content, style, preset, device="cpu").audio.samples
    first = render(content, style, preset, device="cpu", cache=tmp_path).audio.samples

    def never(*_: object, **__: object) -> None:
        raise AssertionError("the style was heard again")

    monkeypatch.setattr(pipeline, "style_target", never)
    second = render(content, style, preset, device="cpu", cache=tmp_path).audio.samples
    assert np.array_equal(plain, first) and np.array_equal(first, second)
    assert len(list(tmp_path.glob(f"*{style_cache.SUFFIX}"))) == 1
