"""Cut recordings that no preset was tuned to from Debian packages, for `tests.benchmarks.quality --pairs`.

    python -m tests.data_makers.cut_heldout_clips --clips CLIPS [--work DIR]

`--clips` gets the recordings beside those that `build_corpus.py` cut. Packages are fetched with `apt-get download` and unpacked
in `--work`; nothing is installed. Needs ffmpeg and fluidsynth, and mido.
"""

from __future__ import annotations

import argparse
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

FADE_SECONDS = 0.004  # so that a cut does not click
REST_SECONDS = 0.7  # between spoken phrases: digital silence
HIGHEST = 0.891  # of decoded peaks over full scale
SOUNDFONT = "fluid-soundfont-gm/usr/share/sounds/sf2/FluidR3_GM.sf2"
WESNOTH = "usr/share/games/wesnoth/1.16/data/core/music"
MIDI = "usr/share/games/openttd/baseset/openmsx"
ALSA = "usr/share/sounds/alsa"
SAMPLES = "usr/share/sonic-pi/samples"
SECTOID = "usr/share/games/fretsonfire/data/songs/sectoid"
SINGULARITY = "usr/share/games/singularity/music"


@dataclass(frozen=True)
class Clip:
    """One recording and where it comes from.

    Attributes:
        id: its file's name.
        package, files: in Debian; several files are phrases with rests between.
        start_seconds, length_seconds: of the cut.
        licence: of the files.
        channel: of a MIDI file, to be played alone; None plays all.
        repeats: of a loop.
        sample_rate, n_channels, subtype: of the result.
    """

    id: str
    package: str
    files: tuple[str, ...]
    start_seconds: float
    length_seconds: float
    licence: str
    channel: int | None = None
    repeats: int = 1
    sample_rate: int = 44_100
    n_channels: int = 2
    subtype: str = "PCM_16"


PHRASES = tuple(f"{ALSA}/{name}.wav" for name in ("Front_Center", "Front_Left", "Side_Right", "Rear_Center", "Rear_Left"))
CLIPS = (
    Clip("speech", "alsa-utils", PHRASES, 0, 10.5, "GPL-2", sample_rate=48_000, n_channels=1),
    Clip("bass", "openttd-openmsx", (f"{MIDI}/slow_neasy_redfarn.mid",), 8, 12, "GPL-2", channel=3),
    Clip("harp", "openttd-openmsx", (f"{MIDI}/harp_harmony.mid",), 8, 12, "GPL-2", sample_rate=48_000, subtype="PCM_24"),
    Clip("blues", "openttd-openmsx", (f"{MIDI}/boogi_marabi_redfarn.mid",), 12, 12, "GPL-2"),
    Clip("pad", "singularity-music", (f"{SINGULARITY}/Nebula.ogg",), 60, 12, "CC-BY-SA-3.0"),
    Clip("synth", "singularity-music", (f"{SINGULARITY}/Coherence.ogg",), 80, 12, "CC-BY-SA-3.0"),
    Clip("chimes", "singularity-music", (f"{SINGULARITY}/lose/Chimes They Fade.ogg",), 4, 12, "CC-BY-SA-3.0"),
    Clip("amen", "sonic-pi-samples", (f"{SAMPLES}/loop_amen_full.flac",), 0, 12, "CC0", repeats=2, n_channels=1),
    Clip("industrial", "sonic-pi-samples", (f"{SAMPLES}/loop_industrial.flac",), 0, 12, "CC0", repeats=16),
    Clip("folk", "wesnoth-1.16-music", (f"{WESNOTH}/traveling_minstrels.ogg",), 20, 12, "GPL-2+"),
    Clip("sad", "wesnoth-1.16-music", (f"{WESNOTH}/sad.ogg",), 2, 12, "GPL-2+"),
    Clip("love", "wesnoth-1.16-music", (f"{WESNOTH}/love_theme.ogg",), 30, 12, "GPL-2+"),
    Clip("march", "wesnoth-1.16-music", (f"{WESNOTH}/knalgan_theme.ogg",), 40, 12, "GPL-2+"),
    Clip("palace", "hyperrogue-music", ("usr/share/hyperrogue/music/hr-savino-palace.ogg",), 20, 12, "GPL-2+"),
    Clip("graveyard", "hyperrogue-music", ("usr/share/hyperrogue/music/hr3-graveyard.ogg",), 40, 12, "GPL-2+"),
    Clip("chip", "supertux-data", ("usr/share/games/supertux2/music/antarctic/chipdisko.ogg",), 20, 12, "GPL-2+"),
    Clip("forest", "supertux-data", ("usr/share/games/supertux2/music/forest/forest.ogg",), 20, 12, "GPL-2+"),
    Clip("ambient", "ufoai-music", ("pk3/music/Crystan-Geosphere02.ogg",), 60, 12, "GPL-2+"),
    Clip("firefight", "ufoai-music", ("pk3/music/MarineFireFight.ogg",), 40, 12, "GPL-2+"),
    Clip("thunder", "nexuiz-music", ("pk3/sound/cdtracks/thunder.ogg",), 10, 12, "GPL-2+"),
    Clip("tavern", "drascula-music", ("usr/share/scummvm/drascula/audio/track5.ogg",), 10, 12, "Drascula-License"),
    Clip("castle", "drascula-music", ("usr/share/scummvm/drascula/audio/track3.ogg",), 10, 12, "Drascula-License", n_channels=1),
    Clip("lead", "fretsonfire-songs-sectoid", (f"{SECTOID}/Feelings/guitar.ogg",), 60, 12, "Expat"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("heldout"))
    given = parser.parse_args()
    for package in sorted({clip.package for clip in CLIPS} | {SOUNDFONT.partition("/")[0]}):
        fetch(package, given.work)
    given.clips.mkdir(parents=True, exist_ok=True)
    for clip in CLIPS:
        samples = cut(clip, given.work)
        soundfile.write(given.clips / f"{clip.id}.wav", samples, clip.sample_rate, subtype=clip.subtype)
        peak_db = 20 * np.log10(max(float(np.abs(samples).max()), 1e-9))
        print(f"{clip.id}: {len(samples) / clip.sample_rate:.2f} s, peak {peak_db:.1f} dBFS, {clip.package}, {clip.licence}")


def fetch(package: str, work: Path) -> None:
    """Unpack a Debian package, and the game archives in it, into a folder of its name."""
    folder = work / package
    if folder.exists():
        return
    work.mkdir(parents=True, exist_ok=True)
    subprocess.run(["apt-get", "download", "-q", package], cwd=work, check=True)
    subprocess.run(["dpkg", "-x", str(next(work.glob(f"{package}_*.deb"))), str(folder)], check=True)
    for archive in folder.rglob("*.pk3"):
        with zipfile.ZipFile(archive) as unpacked:
            unpacked.extractall(folder / "pk3")


def cut(clip: Clip, work: Path) -> np.ndarray:
    """The samples of a clip, `(N, C)`, peaks under full scale."""
    parts = [_decoded(work / clip.package / file, clip, work) for file in clip.files]
    if len(parts) > 1:
        rest = np.zeros((round(REST_SECONDS * clip.sample_rate), clip.n_channels))
        samples = np.concatenate([piece for part in parts for piece in (rest, _faded(part, clip.sample_rate))])
    else:
        samples = np.tile(parts[0], (clip.repeats, 1))
    first = round(clip.start_seconds * clip.sample_rate)
    samples = _faded(samples[first : first + round(clip.length_seconds * clip.sample_rate)], clip.sample_rate)
    highest = float(np.abs(samples).max())
    return samples * (HIGHEST / highest) if highest > HIGHEST else samples


def _decoded(path: Path, clip: Clip, work: Path) -> np.ndarray:
    if path.suffix == ".mid":
        path = _played(path, clip, work)
    form = ["-ar", str(clip.sample_rate), "-ac", str(clip.n_channels), "-f", "f32le"]
    raw = subprocess.run(["ffmpeg", "-v", "error", "-i", str(path), *form, "-"], check=True, capture_output=True).stdout
    return np.frombuffer(raw, np.float32).reshape(-1, clip.n_channels).astype(np.float64)


def _played(score: Path, clip: Clip, work: Path) -> Path:
    import mido

    midi = mido.MidiFile(score)
    if clip.channel is not None:
        for track in midi.tracks:
            for event in track:
                if event.type == "note_on" and event.channel != clip.channel:
                    event.velocity = 0
    alone, played = work / f"{clip.id}.mid", work / f"{clip.id}.wav"
    midi.save(alone)
    words = ["fluidsynth", "-ni", "-q", "-g", "0.5", "-r", str(clip.sample_rate), "-O", "float", "-F", str(played)]
    subprocess.run([*words, str(work / SOUNDFONT), str(alone)], check=True, capture_output=True)
    return played


def _faded(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    ramp = np.linspace(0.0, 1.0, round(FADE_SECONDS * sample_rate))[:, None]
    faded = samples.copy()
    faded[: len(ramp)] *= ramp
    faded[-len(ramp) :] *= ramp[::-1]
    return faded


if __name__ == "__main__":
    main()
