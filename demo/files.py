"""The pictures beside the page, each content once."""

import hashlib
from pathlib import Path

from demo.pictures import Picture

FOLDER = "images"


class PictureFiles:
    """Writes pictures into `folder`/images and tells their address, relative to the page."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / FOLDER
        self._folder.mkdir()
        self._known: dict[bytes, str] = {}

    def add(self, name: str, picture: Picture) -> str:
        """The address of the file; a picture that is there already keeps its first name."""
        key = hashlib.sha256(picture.data).digest()
        if key not in self._known:
            file = f"{name}.{picture.ending}"
            (self._folder / file).write_bytes(picture.data)
            self._known[key] = f"{FOLDER}/{file}"
        return self._known[key]
