"""`python -m daw_bridge.renderer`: for the service's supervisor, not for people."""

from __future__ import annotations

from . import entry, stages

if __name__ == "__main__":
    entry.main(stages)
