"""The documentation of presets as Markdown, made of the settings, pedalboard's parameters and the shipped presets."""

from __future__ import annotations

import dataclasses
from typing import Any

from .effects import Knob, knobs
from .preset import SECTIONS, Preset
from .presets import preset_files, read_preset, shipped_folder

OPENING = """\
# Presets

A preset is a TOML file: a transfer, and the chain after it. These come with daw-bridge; your own lie in the folder that
`daw-bridge presets new` names, and one of the same name hides a shipped one. `extends = "default"` takes everything from another
preset that the file does not say itself, section by section; a `[[post]]` replaces the whole chain. A preset that extends its own
name extends the shipped one that it hides.

```sh
daw-bridge presets list
daw-bridge presets show vinyl                  # all settings, what is extended included
daw-bridge presets new my-vinyl --from vinyl   # a file of your own to change
daw-bridge presets edit-check my-vinyl         # your editor, and a check when you leave it
daw-bridge presets check                       # every preset, its chain too
daw-bridge presets schema > preset.schema.json # for editors that complete and check while you type
```

A running service reads a changed preset with the next request. If the file is broken, it says so and goes on with the last good
version. This page is made by `python -m tests.data_makers.write_preset_docs`.
"""


FILTERS = """\
### The paper's two filters

Wang and Chu end with a low-pass that takes off "highs which should not appear in a song", and a mid-frequency enhancer that lifts
the singer; they give no frequencies. Here they are:

- *Low-pass*: what should not appear is what lies above anything that the recordings hold. That edge is measured: the highest
  place where the long-term spectrum lies less than 90 dB under its peak and 10 dB over the rounding of 16 bits. The default,
  `dehash = "both"`, takes the higher edge of content and style, since the style's own highs are wanted; `"content"`, as in the
  paper's presets, the content's. The filter has no delay and no phase shift: flat up to the edge, 90 dB down a tenth above it.
- A second one at 12 kHz in the paper's presets alone: made-up phases (Griffin-Lim) are mostly noise there, and a singer's
  consonants end below it.
- *Enhancer*: a bell of 3 dB at 2 kHz, about two octaves wide (q = 0.7), in the paper's presets: from 1 to 4 kHz lie the formants
  that tell vowels apart and most of what makes words understood. `vocal-lift` puts it at 2.8 kHz, the singer's formant.
"""

HOSTED_PLUGINS = """\
### Plugins of your own

A VST3 plugin or, on macOS, an Audio Unit takes part by its name, once you have allowed it on this computer. A preset names no
path, and no message from the network allows anything, so a preset from elsewhere loads nothing that you did not let in.

```sh
daw-bridge plugins allow ~/.vst3/Thing.vst3
daw-bridge plugins show Thing                  # a step to paste, with every parameter and its range
daw-bridge plugins show Thing --preset my.vstpreset
```

```toml
[[post]]
plugin = "vst3"                                # or "audio_unit"
name = "Thing"
state = "…"                                    # base64, of `plugins show --preset`; may be left out

[post.parameters]
gain_db = -6.0
```

It runs in a process of its own. Where it crashes, or gives no sign of life for 20 s (`plugins allow --limit`), the job fails
with `plugin_failed` and the next one goes on. The delay that it reports is taken out, and one that
it does not report as well, where the cross-correlation shows it clearly.
"""


def markdown() -> str:
    """The page `presets/README.md`."""
    return "\n".join([OPENING, *_shipped(), *_settings(), *_plugins()])


def _shipped() -> list[str]:
    files = preset_files((shipped_folder(),))
    presets = [read_preset(paths[-1], files) for paths in files.values()]
    rows = [f"| `{p.id}` | {p.title} | {p.about} |" for p in presets]
    paper = (
        "Two kinds need weights that the package does not bring: `paper-vgg16-best` listens to all 13 convolutions of VGG16, the "
        "`paper-vggish-…` ones to VGGish. Get them once with `daw-bridge weights fetch vgg16` and `daw-bridge weights fetch "
        "vggish`; `daw-bridge remix` does so by itself. The service refuses such a preset with `weights_missing` until they are "
        "there."
    )
    return ["## Shipped", "", "| id | title | about |", "|---|---|---|", *rows, "", paper, ""]


def _settings() -> list[str]:
    lines = ["## Settings", "", "Numbers move by OSC, too: `/daw_bridge/param/<name>` takes 0 to 1 of the range.", ""]
    for name, cls in SECTIONS.items():
        lines += [
            f"### [{name}]",
            "",
            str(cls.__doc__).strip(),
            "",
            "| setting | default | range | meaning |",
            "|---|---|---|---|",
        ]
        lines += [f"| `{f.name}` | {_default(name, f)} | {_range(f)} | {f.metadata['about']} |" for f in dataclasses.fields(cls)]
        lines.append("")
    return lines


def _default(section: str, setting: dataclasses.Field[Any]) -> str:
    value = getattr(getattr(Preset("", "", ""), section), setting.name)
    if isinstance(value, tuple):
        return ", ".join(layer if weight == 1.0 else f"{layer} = {weight:g}" for layer, weight in value)
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


def _range(setting: dataclasses.Field[Any]) -> str:
    rule = setting.metadata
    numbers = [f"{rule[low]:g} to {rule[high]:g} {rule['unit']}".strip() for low, high in _RANGES if low in rule]
    return "; ".join([", ".join(rule.get("names", ())), *numbers]).strip("; ") or (
        "layers" if "is_layers" in rule else "true, false"
    )


_RANGES = (("low", "high"), ("or_low", "or_high"))


def _plugins() -> list[str]:
    rows = [f"| `{name}` | {', '.join(map(_knob, found)) or 'none'} |" for name, found in knobs().items()]
    intro = (
        "pedalboard's own effects by their own names; nothing that loads a plugin or reads a file. Standard values in brackets."
    )
    return ["## Chain", "", intro, "", "| plugin | parameters |", "|---|---|", *rows, "", FILTERS, HOSTED_PLUGINS]


def _knob(knob: Knob) -> str:
    return f"{knob.name} ({str(knob.standard).lower() if isinstance(knob.standard, bool) else knob.standard})"
