"""Reads the directories of TIFF 6.0 and BigTIFF structures: whole TIFF files, and the EXIF blocks of other formats.

Every method raises `struct.error` where the data ends early and ValueError where it makes no sense.
"""

import struct
from collections.abc import Container
from dataclasses import dataclass

ORIENTATION = 274
_MAX_ENTRIES = 4096
TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_UNSIGNED = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}


@dataclass(frozen=True)
class Entry:
    """One tag of a directory."""

    raw: bytes
    """The entry as it stands in the file, 12 bytes (20 in BigTIFF)."""
    kind: int
    """TIFF's type number: 3 is SHORT, 4 is LONG."""
    count: int
    field: int
    """Where in the data the value (or the offset to it) stands."""


class TiffReader:
    """Walks the directories of one TIFF structure that begins at the start of `data`."""

    def __init__(self, data: bytes) -> None:
        try:
            self.order, self.big = {
                b"II*\0": ("<", False),
                b"MM\0*": (">", False),
                b"II+\0": ("<", True),
                b"MM\0+": (">", True),
            }[data[:4]]
        except KeyError:
            raise ValueError("not a TIFF structure") from None
        self.data = data
        self.offset_format = self.order + ("Q" if self.big else "I")
        self.offset_at = 8 if self.big else 4
        """Where the offset of the first directory stands."""

    @property
    def first(self) -> int:
        """Offset of the first directory."""
        return self._number(self.offset_format, self.offset_at)

    def directory(self, offset: int) -> tuple[dict[int, Entry], int]:
        """The entries of the directory at `offset`, by tag, and the offset of the next one (0: none)."""
        count = self._number(self.order + ("Q" if self.big else "H"), offset)
        if count > _MAX_ENTRIES:
            raise ValueError(f"a directory of {count} tags")
        start = offset + (8 if self.big else 2)
        size = 20 if self.big else 12
        entries: dict[int, Entry] = {}
        for at in range(start, start + count * size, size):
            tag, kind, values = struct.unpack_from(self.order + ("HHQ" if self.big else "HHI"), self.data, at)
            raw = self.data[at : at + size]
            entries.setdefault(tag, Entry(raw, kind, values, at + (12 if self.big else 8)))
        return entries, self._number(self.offset_format, start + count * size)

    def glance(self, offset: int, tags: Container[int]) -> tuple[dict[int, int], int]:
        """The numbers under `tags`, of which each stands in its entry and among the directory's first four, and the
        offset of the next directory: quick, for files with thousands of directories."""
        count = self._number(self.order + ("Q" if self.big else "H"), offset)
        if count > _MAX_ENTRIES:
            raise ValueError(f"a directory of {count} tags")
        start, size = offset + (8 if self.big else 2), 20 if self.big else 12
        found = {}
        for at in range(start, start + min(count, 4) * size, size):
            tag, kind = struct.unpack_from(self.order + "HH", self.data, at)
            if tag in tags and kind in _UNSIGNED:
                found[tag] = self._number(self.order + _UNSIGNED[kind], at + (12 if self.big else 8))
        return found, self._number(self.offset_format, start + count * size)

    def numbers(self, entry: Entry, at_most: int) -> tuple[int, ...]:
        """The unsigned values of `entry`; ValueError if there are more than `at_most` or they are not unsigned."""
        if entry.kind not in _UNSIGNED or not 1 <= entry.count <= at_most:
            raise ValueError(f"{entry.count} values of type {entry.kind}")
        code = f"{self.order}{entry.count}{_UNSIGNED[entry.kind]}"
        return self._unpack(code, self._start(entry))

    def blob(self, entry: Entry) -> bytes:
        """The value of `entry` as bytes; shorter than announced where the data ends early."""
        start = self._start(entry)
        return self.data[start : start + entry.count * TYPE_BYTES.get(entry.kind, 1)]

    def is_complete(self, entry: Entry) -> bool:
        """Whether the value of `entry` lies within the data."""
        return self._start(entry) + entry.count * TYPE_BYTES.get(entry.kind, 1) <= len(self.data)

    def _start(self, entry: Entry) -> int:
        inline = entry.count * TYPE_BYTES.get(entry.kind, 1) <= (8 if self.big else 4)
        return entry.field if inline else self._number(self.offset_format, entry.field)

    def _number(self, code: str, at: int) -> int:
        return self._unpack(code, at)[0]

    def _unpack(self, code: str, at: int) -> tuple[int, ...]:
        if at > len(self.data):  # BigTIFF has offsets for which unpack_from would raise OverflowError
            raise struct.error(f"offset {at} lies beyond the end")
        return struct.unpack_from(code, self.data, at)
