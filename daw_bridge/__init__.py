"""Style transfer between recordings, as a background service beside a DAW."""

__version__ = "0.1.0"
