"""`.ci/run` on a machine whose programs are stand-ins: what it does with the disk."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

GATE = Path(__file__).parents[1] / ".ci" / "run"
PYTHON = """#!/bin/sh
mkdir -p "$3/bin"
cat >"$3/bin/python" <<'END'
#!/bin/sh
echo "$0 $TMPDIR" >"$TOLD"
exit 3
END
chmod +x "$3/bin/python"
"""


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash on this machine")
@pytest.mark.parametrize("is_named", [True, False])
def test_the_gate_puts_torch_and_what_pip_unpacks_on_a_disk_and_not_into_half_the_memory(tmp_path: Path, is_named: bool) -> None:
    for name in ("apt-get", "npm", "sudo", "python3"):
        program = tmp_path / name
        program.write_text(PYTHON if name == "python3" else "#!/bin/sh\n")
        program.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:/usr/bin:/bin", "TOLD": str(tmp_path / "told")}
    environment.pop("TMPDIR", None)
    room = tmp_path if is_named else Path("/var/tmp")
    ran = subprocess.run(
        ["bash", str(GATE)],
        env={**environment, **({"TMPDIR": str(room)} if is_named else {})},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 3, ran.stderr
    python, unpacked = (Path(word) for word in (tmp_path / "told").read_text().split())
    workplace = python.parents[2]
    assert workplace.parent == room and unpacked == workplace
    assert not workplace.exists(), "it is cleaned up, also after a failure"
