"""What every test gets: nothing of the user's own is read or written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.plugin import building

# A busy machine takes long over what an idle one does at once; what must be quick is measured by tests of its own. The examples
# are the same in every run, so that a change that passes here passes anywhere; the soaks look for new ones.
settings.register_profile("any machine", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

# Before torch is imported, and for every process that a test starts: on a busy machine, threads that spin while they wait
# for each other keep everything else from working.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


@pytest.fixture(autouse=True, scope="session")
def _own_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAW_BRIDGE_STATE", str(tmp_path_factory.mktemp("state of nobody")))
        patch.setenv("DAW_BRIDGE_PRESETS", str(tmp_path_factory.mktemp("presets of nobody")))
        patch.setenv("DAW_BRIDGE_WEIGHTS", str(tmp_path_factory.mktemp("weights of nobody")))
        patch.setenv("DAW_BRIDGE_PLUGINS", str(tmp_path_factory.mktemp("plugins of nobody") / "plugins.json"))
        patch.delenv("DAW_BRIDGE_DEBUG", raising=False)
        yield


@pytest.fixture(scope="session")
def vst3(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real VST3 plugin, gain and delay, that crashes and hangs when told to."""
    if reason := building.missing():
        pytest.skip(reason)
    return building.build(tmp_path_factory.mktemp("plugin"))


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Torch on one thread: several on a busy machine wait for each other longer than they work."""
    import torch

    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)
