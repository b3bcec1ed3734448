"""EXIF blocks on their way into a file: made to fit, given a density, or turned into the directories of a TIFF."""

import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from PIL.TiffImagePlugin import ImageFileDirectory_v2 as Directory
from PIL.TiffTags import ASCII, LONG, RATIONAL, SHORT

PHOTO, GPS = 34665, 34853
"""Tags of the main directory that point to the directories of camera settings and of the place."""
X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 282, 283, 296
_MAKER_NOTE, _INTEROPERABILITY = 37500, 40965
_POINTERS = (PHOTO, GPS, _INTEROPERABILITY, 330, 513, 514)
_INCH = 2
_SIGNATURES = b"II*\0", b"MM\0*"
_HEADER = b"II*\0\x08\0\0\0"
_DENSITY_STEPS = 1000
"""Of a pixel per inch."""


@dataclass
class ExifDirectories:
    """What an EXIF block holds, as Pillow's directories, little-endian and without pointers to others."""

    main: Directory = field(default_factory=Directory)
    nested: dict[int, Directory] = field(default_factory=dict)
    """By the tag that points to it."""


def parsed(exif: bytes | None) -> ExifDirectories:
    """The directories in `exif`, a TIFF structure; empty where it is None or malformed. The thumbnail and the
    interoperability directory are left out."""
    result = ExifDirectories()
    if exif is None:
        return result
    try:
        source = Directory(exif[:8])
        stream = io.BytesIO(exif)
        result.main = _read(source, stream, source.next)
        for tag in (PHOTO, GPS):
            if tag in source:
                result.nested[tag] = _read(Directory(exif[:8], group=tag), stream, source[tag])
    except Exception:  # hostile bytes make the library raise anything, and a picture without EXIF is still right
        return ExifDirectories()
    return result


def laid_out(directories: ExifDirectories, offset: int) -> bytes:
    """The directories as they stand from `offset` of a file on: the main one, then those it points to."""
    main = directories.main
    for tag in directories.nested:
        main.tagtype[tag] = LONG
        main[tag] = 0
    size = len(main.tobytes(offset))
    blobs = b""
    for tag, directory in directories.nested.items():
        at = offset + size + len(blobs)
        main[tag] = at
        blobs += directory.tobytes(at)
    return main.tobytes(offset) + blobs


def fitting(exif: bytes | None, most: int) -> bytes | None:
    """`exif` if it has at most `most` bytes, else without the camera's maker note, else None."""
    if exif is None or len(exif) <= most:
        return exif
    directories = parsed(exif)
    photo = directories.nested.get(PHOTO)
    if photo is None or _MAKER_NOTE not in photo:
        return None
    del photo[_MAKER_NOTE]
    smaller = _block(directories)
    return smaller if len(smaller) <= most else None


def with_density(exif: bytes | None, density: tuple[float, float] | None) -> bytes | None:
    """`exif` with the density (pixels per inch), where it states none; for formats that have no other place for it.
    A block that is no TIFF structure is dropped: encoders refuse it."""
    if exif is not None and not exif.startswith(_SIGNATURES):
        exif = None
    if density is None:
        return exif
    directories = parsed(exif)
    if X_RESOLUTION in directories.main:
        return exif
    set_density(directories.main, density)
    return _block(directories)


def set_density(directory: Directory, density: tuple[float, float]) -> None:
    """Write pixels per inch into the main directory."""
    for tag, value in zip((X_RESOLUTION, Y_RESOLUTION), density, strict=True):
        directory.tagtype[tag] = RATIONAL
        directory[tag] = round(value * _DENSITY_STEPS) / _DENSITY_STEPS
    directory.tagtype[RESOLUTION_UNIT] = SHORT
    directory[RESOLUTION_UNIT] = _INCH


def _copied(source: Directory, tags: Iterable[int]) -> Directory:
    """A little-endian directory of those tags, with their types."""
    target = Directory(group=source.group)
    for tag in tags:
        value: Any = source[tag]
        kind = source.tagtype[tag]
        target.tagtype[tag] = kind
        # The library reads text as Latin-1 and writes it as ASCII: bytes keep what cameras wrote, often UTF-8.
        target[tag] = value.encode("latin-1") if kind == ASCII and isinstance(value, str) else value
    return target


def _read(directory: Directory, stream: io.BytesIO, offset: int) -> Directory:
    stream.seek(offset)
    directory.load(stream)
    return _copied(directory, (tag for tag in directory if tag not in _POINTERS))


def _block(directories: ExifDirectories) -> bytes:
    return _HEADER + laid_out(directories, len(_HEADER))
