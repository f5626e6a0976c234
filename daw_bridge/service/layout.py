"""The folders that `init` and `serve` lay out in a project."""

from __future__ import annotations

from pathlib import Path

from ..errors import ForbiddenPath
from ..folders import ProjectFolders
from .hot_folder import SETTINGS
from .intake import project_folder

README = """daw-bridge
==========

drop/<folder>/   Put a recording named style.wav (or .flac, .aiff, .ogg, .mp3) into a folder, then drop stems beside it:
                 each of them comes back as a remix in that style. A new folder with a style is a new hot folder at once.
                 Optional in the folder: folder.toml with preset, parameters, and originals = "keep" or "move".
remixes/         The remixes, and a recipe (.json) beside each of them.
errors/          A note in plain words for each stem that could not be rendered.

The service must run:  daw-bridge serve "<this project's folder>"
"""

EXAMPLE = """# What makes stems dropped into this folder sound different. Every line is optional.
# style = "another recording.wav"     # default: the file named style.<anything> in this folder
# preset = "default"                  # see: daw-bridge presets list
# originals = "keep"                  # or "move": to done/ after the publish
#
# [parameters]
# strength = 0.8
"""


def make_folders(project: Path) -> list[Path]:
    """Make the folders that the service needs in a project; gives those that were missing.

    Raises:
        ForbiddenPath: the project cannot be written.
    """
    folders = ProjectFolders(project)
    try:
        missing = [path for path in (folders.drop, folders.remixes, folders.results) if not path.is_dir()]
        for path in missing:
            path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ForbiddenPath(f"{folders.root} cannot be written: {error.strerror}", "Choose one that you may write to.") from None
    return missing


def lay_out(project: Path) -> None:
    """Make the folders of a project that is there; in place of a drive that is away none are made.

    Raises:
        NotFound, ForbiddenPath: it is no folder, or cannot be written.
    """
    project_folder(str(project))
    make_folders(project)


def init_project(path: Path) -> list[Path]:
    """Make the hot-folder layout in a project, with one example folder and a README.txt; what exists is left alone.

    Args:
        path: the project's own folder; made when missing.

    Returns:
        the paths that were made, the drop folder of the example last; empty where everything was there.

    Raises:
        ForbiddenPath: the folder cannot be written.
    """
    project = path.expanduser().absolute()
    folders = ProjectFolders(project)
    made = make_folders(project)
    example = folders.drop / "example"
    try:
        if not (folders.root / "README.txt").exists():
            (folders.root / "README.txt").write_text(README, encoding="utf-8")
            made.append(folders.root / "README.txt")
        if not example.exists():
            example.mkdir()
            (example / SETTINGS).write_text(EXAMPLE, encoding="utf-8")
            made.append(example)
    except OSError as error:
        raise ForbiddenPath(f"{folders.root} cannot be written: {error.strerror}", "Choose one that you may write to.") from None
    return made
