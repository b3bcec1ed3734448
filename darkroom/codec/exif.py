"""EXIF blocks (TIFF structures) written anew, with the tags that still hold for another picture.

By hand, since Pillow's and other libraries' readers load every value, however large and however often the same bytes
are pointed at; here one budget bounds them all. Values keep their bytes.
"""

import struct
from collections.abc import Container

from darkroom.codec.ifd import TYPE_BYTES, Entry, TiffReader

MAX_BYTES = 2**20
"""A block is dropped beyond this."""
_EXIF, _GPS, _INTEROPERABILITY = 0x8769, 0x8825, 0xA005
_MAKER_NOTE = 0x927C
_POINTERS = {_EXIF: 1, _GPS: 1, _INTEROPERABILITY: 2}
"""Tags of directories within directories, and how deep they stand."""
_X_RESOLUTION, _Y_RESOLUTION, _RESOLUTION_UNIT = 0x011A, 0x011B, 0x0128
_DESCRIBING = frozenset(
    (
        *(0x010D, 0x010E, 0x010F, 0x0110, 0x011D, 0x0131, 0x0132, 0x013B, 0x013C, 0x4746, 0x4749, 0x8298),
        *(_EXIF, _GPS, _X_RESOLUTION, _Y_RESOLUTION, _RESOLUTION_UNIT),
        *range(0x9C9B, 0x9CA0),
    )
)
"""Tags of the first directory that are kept. The others describe how pixels are stored, thumbnails, or are private."""
_STALE = frozenset((0xA002, 0xA003, 0x9214, 0xA214, 0x1001, 0x1002))
"""Sizes and positions in pixels, in the inner directories."""
LOCATION = frozenset((_GPS, _MAKER_NOTE))
"""Tags that tell, or may tell, where a picture was taken."""
_CM_PER_INCH = 2.54
_SHORT, _LONG, _RATIONAL = 3, 4, 5


def rewritten(block: bytes, without: Container[int] = ()) -> bytes | None:
    """The EXIF block without orientation, sizes, thumbnail and the tags of `without`; None if it is malformed."""
    try:
        reader = TiffReader(block.removeprefix(b"Exif\0\0"))
        return of_directory(reader, reader.first, without)
    except (ValueError, struct.error):
        return None


def of_directory(reader: TiffReader, offset: int, without: Container[int] = ()) -> bytes | None:
    """`rewritten`, for one directory of a TIFF file; None if nothing is left. ValueError or struct.error if it is
    malformed or too large."""
    body = _directory(reader, offset, 8, without, 0)
    mark = b"II*\0" if reader.order == "<" else b"MM\0*"
    return mark + struct.pack(reader.order + "I", 8) + body if len(body) > 6 else None


def density_of(reader: TiffReader, entries: dict[int, Entry]) -> tuple[float, float] | None:
    """Pixels per inch, horizontal and vertical."""
    try:
        unit = reader.numbers(entries[_RESOLUTION_UNIT], 1)[0] if _RESOLUTION_UNIT in entries else 2
        factor = {2: 1.0, 3: _CM_PER_INCH}[unit]
        across, down = (_rational(reader, entries[tag]) for tag in (_X_RESOLUTION, _Y_RESOLUTION))
    except (KeyError, ValueError, struct.error, ZeroDivisionError):
        return None
    return across * factor, down * factor


def _rational(reader: TiffReader, entry: Entry) -> float:
    if entry.kind != _RATIONAL or entry.count != 1:
        raise ValueError("no rational number")
    over, under = struct.unpack(reader.order + "II", reader.blob(entry))
    return float(over) / float(under)


def _directory(reader: TiffReader, offset: int, at: int, without: Container[int], depth: int) -> bytes:
    """The directory at `offset` as it stands at `at` in the new structure, with its values and inner directories."""
    entries, _ = reader.directory(offset)
    kept: list[tuple[int, int, int, bytes | int]] = []
    spent = 0
    for tag, entry in sorted(entries.items()):
        if tag in without or (tag not in _DESCRIBING if depth == 0 else tag in _STALE):
            continue
        if tag in _POINTERS:
            if _POINTERS[tag] == depth + 1:
                kept.append((tag, _LONG, 1, reader.numbers(entry, at_most=1)[0]))
            continue
        size = TYPE_BYTES.get(entry.kind, 0) * entry.count
        spent += size
        if spent > MAX_BYTES:
            raise ValueError("more metadata than is allowed")
        if size and entry.kind <= 12 and reader.is_complete(entry):
            kept.append((tag, entry.kind, entry.count, reader.blob(entry)))
    values_at = at + 2 + 12 * len(kept) + 4
    table, values = struct.pack(reader.order + "H", len(kept)), b""
    for tag, kind, count, value in kept:
        if isinstance(value, int):
            try:
                value = _directory(reader, value, values_at + len(values), without, depth + 1)
            except (ValueError, struct.error):
                value = bytes(6)  # an empty directory
            field = struct.pack(reader.order + "I", values_at + len(values))
            values += value + b"\0" * (len(value) % 2)
        elif len(value) <= 4:
            field = value.ljust(4, b"\0")
        else:
            field = struct.pack(reader.order + "I", values_at + len(values))
            values += value + b"\0" * (len(value) % 2)
        table += struct.pack(reader.order + "HHI", tag, kind, count) + field
    return table + bytes(4) + values
