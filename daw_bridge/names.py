"""Names of files that every system takes."""

from __future__ import annotations

import hashlib
import re
import unicodedata

MAX_PART_BYTES = 60
RESERVED_NAMES = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}


def portable(text: str) -> str:
    """A part of a file name that every file system takes: 1 to 60 of A-Z a-z 0-9 . _ - without `__`.

    Accents are dropped, other characters become `-`; what leaves nothing over becomes a short hash.
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", plain)
    plain = re.sub(r"_{2,}", "_", plain)[:MAX_PART_BYTES].strip("-._")
    if not plain:
        return "x" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    if plain.split(".")[0].lower() in RESERVED_NAMES:
        return f"x-{plain}"[:MAX_PART_BYTES].rstrip("-._")
    return plain
