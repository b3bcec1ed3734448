"""What of a file's metadata goes along."""

from dataclasses import replace
from typing import Literal

from darkroom.codec.image import Metadata


def filtered(metadata: Metadata, choice: Literal["keep", "no_location", "strip"]) -> Metadata:
    """What the option `metadata` leaves."""
    return metadata if choice == "keep" else replace(metadata, exif=None, xmp=None, iptc=None)
