"""sha256 of files: how networks, and what belongs to them, are told apart."""

import hashlib
from pathlib import Path


def sha256(file: Path) -> str:
    """Of the file's content, 64 hex digits."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
