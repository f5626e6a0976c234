"""What every test gets: nothing of the user's own is read or written."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="session")
def _own_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAW_BRIDGE_STATE", str(tmp_path_factory.mktemp("state of nobody")))
        patch.setenv("DAW_BRIDGE_PRESETS", str(tmp_path_factory.mktemp("presets of nobody")))
        patch.delenv("DAW_BRIDGE_DEBUG", raising=False)
        yield
