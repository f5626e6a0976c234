"""What the paper says of VGG16's layers and steps, tried on recordings: a JSON file and a table of what was seen.

    python -m tests.benchmarks.paper_claims CONTENT STYLE [--start S] [--length S] [--steps N] [--modes best cheap] [--out FILE]

"Almost the same style loss" is tried by one transfer with all 13 layers and one with layers 1 to 4, each judged by the other's
ears, too, once its colour planes have become grey. "Flat after 60 of 500 iterations" is tried by how much of the whole fall has
happened at each step. All 13 layers need `daw-bridge weights fetch vgg16`. Results are added to `--out`, so that long ones can
be run one after the other.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from collections import deque
from pathlib import Path
from typing import Any

import torch

from daw_bridge.analysis import Analysis, analysis_for
from daw_bridge.audio_files import read_audio
from daw_bridge.band_statistics import band_statistics
from daw_bridge.devices import pick_dtype
from daw_bridge.extractors.loading import load_extractor
from daw_bridge.losses import content_loss, style_loss
from daw_bridge.networks import VGG16
from daw_bridge.planes import N_PLANES
from daw_bridge.presets import load_preset
from daw_bridge.resampling import at_rate
from daw_bridge.scratch import Scratch
from daw_bridge.settings import TransferSettings
from daw_bridge.sounding import Sounding, sounding
from daw_bridge.style_target import style_target
from daw_bridge.transfer import Step, transfer

ALL, FOUR = VGG16.layers, VGG16.layers[:4]
CPU = torch.device("cpu")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("content", type=Path)
    parser.add_argument("style", type=Path)
    parser.add_argument("--start", type=float, default=0.0)
    parser.add_argument("--length", type=float, default=6.0)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--bands", type=int, default=256)
    parser.add_argument("--modes", nargs="+", choices=("best", "cheap"), default=["best", "cheap"])
    parser.add_argument("--planes", choices=tuple(N_PLANES), default="colour")
    parser.add_argument("--out", type=Path, default=Path("claims.json"))
    given = parser.parse_args()
    analysis = analysis_for(44_100, given.bands, CPU)
    content, style = (_heard(path, given.start, given.length, analysis) for path in (given.content, given.style))
    found = json.loads(given.out.read_text()) if given.out.exists() else []
    for mode in given.modes:
        asked = {"num_steps": given.steps, "n_bands": given.bands, "planes": given.planes}
        settings = dataclasses.replace(load_preset(f"paper-vgg16-{mode}").transfer, **asked)
        row = {"pair": f"{given.content.stem} → {given.style.stem}", "mode": mode, **asked}
        found.append(row | _tried(content, style, settings, analysis))
        given.out.write_text(json.dumps(found, indent=1))
        print(json.dumps({key: value for key, value in found[-1].items() if key != "curves"}))


def _heard(path: Path, start: float, length: float, analysis: Analysis) -> Sounding:
    audio = read_audio(path, start_seconds=start, length_seconds=length)
    levels = analysis.levels(at_rate(audio, analysis.sample_rate, Scratch()), Scratch())
    return sounding(levels, -60.0)


def _tried(content: Sounding, style: Sounding, settings: TransferSettings, analysis: Analysis) -> dict[str, Any]:
    bands = band_statistics(style.levels.shape[0], style.n_frames, style.bands)
    by_all = dataclasses.replace(settings, style_layers=tuple((layer, 1.0) for layer in ALL))
    network = load_extractor(by_all, bands.mean, analysis, 0, pick_dtype(CPU))
    target = style_target(style, bands, network, settings)
    last: deque[Step] = deque(maxlen=1)
    began = time.perf_counter()
    done = transfer(content, target, network, settings, frames_per_second=analysis.frames_per_second, on_step=last.append)
    seconds = time.perf_counter() - began
    curves = {"content": done.content_losses, "style": done.style_losses}
    total = [settings.content_weight * c + settings.style_weight * s for c, s in zip(*curves.values(), strict=True)]
    marks = [step for step in (1, 10, 30, 60, 120, 250, 500) if step <= len(total)]
    fallen = {step: round((total[0] - total[step - 1]) / (total[0] - min(total)), 4) for step in marks}
    with torch.no_grad():
        sound = content.block(0, content.n_frames, CPU)
        features = network.features(last[-1].levels()[None, None], ALL, sound)
        kept = network.features(sound.levels[None, None], ALL[4:5], sound)
        wanted = style_target(style, bands, network, by_all)
        judged = {
            name: style_loss(features, {n: wanted.grams[n] for n in layers}, wanted.centres, dict.fromkeys(layers, 1.0)).item()
            for name, layers in (("style_by_13", ALL), ("style_by_4", FOUR), ("style_by_5_to_13", ALL[4:]))
        }
        judged["content_by_5th"] = content_loss(features, kept, {ALL[4]: 1.0}).item()
    return {"seconds": round(seconds, 1), "fallen": fallen, **{k: round(v, 5) for k, v in judged.items()}, "curves": curves}


if __name__ == "__main__":
    main()
