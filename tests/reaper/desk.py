"""A producer's desk for one test: a project folder with recordings, a state folder, and a song to work on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from tests.reaper.simulator import Reaper

RATE = 44_100


class Desk:
    """What lies on the disk, and how a test plays the service's part by its files."""

    def __init__(self, folder: Path) -> None:
        self.project, self.state = folder / "My Song č", folder / "state"
        self.project.mkdir()
        self.content, self.style = self.project / "vocal take.wav", folder / "style.wav"
        rng = np.random.default_rng(1)
        for path, seconds in ((self.content, 4), (self.style, 2)):
            soundfile.write(path, 0.1 * rng.standard_normal((RATE * seconds, 2)), RATE, subtype="PCM_24")

    @property
    def env(self) -> dict[str, str]:
        return {"DAW_BRIDGE_STATE": str(self.state), "HOME": str(self.state / "home")}

    def tickets(self) -> list[dict[str, Any]]:
        """The tickets that wait, as the service would read them."""
        return [json.loads(path.read_text(encoding="utf-8")) for path in sorted((self.state / "tickets").glob("*"))]

    def take(self) -> dict[str, Any]:
        """Take the one ticket that waits, as the service does."""
        (path,) = (self.state / "tickets").iterdir()
        ticket: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        path.unlink()
        return ticket

    def answer(self, ticket: dict[str, Any], **outcome: Any) -> Path:
        """Write a result ticket as scripts read it; a finished one with its file."""
        remix = self.project / "daw_bridge" / "remixes" / "vocal take__default__style__v001.wav"
        remix.parent.mkdir(parents=True, exist_ok=True)
        if not remix.exists():
            n_samples = round(ticket["length_seconds"] * RATE)
            soundfile.write(remix, np.full((n_samples, 2), 0.25), RATE, subtype="PCM_24")
        result = {"schema": 1, "job": "0123.1", "reqid": ticket["reqid"], "state": "done", "file": str(remix), "error": None}
        path = self.project / "daw_bridge" / "results" / f"{ticket['reqid']}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({**result, "reaper": ticket["reaper"], **outcome}), encoding="utf-8")
        return remix


def song(reaper: Reaper, desk: Desk, **values: float) -> Any:
    """A project of drums, a coloured vocal track with the content on it, and bass; the style comes from a file."""
    project = reaper.add_project(desk.project)
    reaper.add_track(project, "Drums")
    vocal = reaper.add_track(project, "Vocal", I_CUSTOMCOLOR=0x1FF8000)
    reaper.add_track(project, "Bass")
    item: dict[str, Any] = {"D_POSITION": 12.3456789, "D_LENGTH": 2.0, "D_STARTOFFS": 0.5, "I_CUSTOMCOLOR": 0x10000FF} | values
    reaper.add_item(vocal, desk.content, name="vocal take", **item)
    reaper.world["file_answer"] = str(desk.style)
    return project


def new_item(project: Any, track_number: int = 3) -> Any:
    (item,) = project.tracks[track_number]["items"].values()
    return item
