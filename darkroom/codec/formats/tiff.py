"""TIFF 6.0 and BigTIFF, one page, up to 16 bits a sample."""

import io
import struct
from collections.abc import Iterable, Iterator

import numpy as np
from PIL import TiffImagePlugin

from darkroom.codec.facts import Facts, Raster
from darkroom.codec.ifd import ORIENTATION, Entry, TiffReader
from darkroom.codec.modes import grey_raster, to_raster
from darkroom.errors import BadImageError

_SUBFILE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 254, 256, 257, 258, 259, 262
_STRIPS, _SAMPLES, _STRIP_ROWS, _STRIP_BYTES, _PLANAR = 273, 277, 278, 279, 284
_FILL_ORDER = 266
_TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_BYTES = 322, 323, 324, 325
_EXTRA, _FORMAT, _PROFILE, _SUBSAMPLING = 338, 339, 34675, 530
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _YCBCR = 0, 1, 6
_NO_PAGE = 0x1 | 0x4
"""NewSubfileType bits of thumbnails and of transparency masks."""
_MAX_DIRECTORIES = 16

_DECODED = {
    **dict.fromkeys(
        (_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER, _SAMPLES, _STRIP_ROWS, _PLANAR), 64
    ),
    **dict.fromkeys((292, 293, 317, _TILE_WIDTH, _TILE_HEIGHT, 332, _EXTRA, _FORMAT, 529, _SUBSAMPLING, 532), 64),
    **dict.fromkeys((_STRIPS, _STRIP_BYTES, _TILES, _TILE_BYTES), 100_000),
    **dict.fromkeys((320, 347, *range(512, 522)), 2**18),
}
"""The tags that the pixels depend on, and how many values each may have. No other tag reaches the decoder, which
would read all of them into memory, however large and however often the same bytes are pointed at."""

_PLAIN_ONES = (_COMPRESSION, _FILL_ORDER, _PLANAR)
"""Tags that are 1, or absent, where the bytes of the strips are the pixels."""
_PLAIN_TAGS = frozenset(
    (_WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC, _STRIPS, _SAMPLES, _STRIP_ROWS, _STRIP_BYTES, _FORMAT, *_PLAIN_ONES)
)
"""No other tag of `_DECODED` may stand beside them."""
_PLAIN_KINDS = (((1,), (8,), ()), ((1,), (8,), (1,)), ((2,), (8, 8, 8), (3,)))
"""Their photometric interpretation, bits and samples."""
_SHORT, _LONG, _LONG8 = 3, 4, 16


def parse(data: bytes) -> Facts:
    """Raises BadImageError for several pages, sample types that have no range to be shown and absurd tags;
    struct.error or ValueError where the directory ends early or makes no sense."""
    reader = TiffReader(data)
    entries, following = reader.directory(reader.first)
    _refuse_pages(reader, following)
    tags = _Tags(reader, entries)
    bits, samples = tags.first(_BITS, 1), tags.first(_SAMPLES, 1)
    if tags.first(_FORMAT, 1) != 1 or bits > 16:
        raise BadImageError(
            f"The TIFF image has {bits}-bit samples of type {tags.first(_FORMAT, 1)}; "
            "only unsigned integers of up to 16 bits are accepted."
        )
    for tag, most in _DECODED.items():
        if tag not in entries:
            continue
        count = entries[tag].count
        if count > most:
            raise BadImageError(f"The TIFF image is damaged: tag {tag} has {count} values, at most {most} are allowed.")
        reader.check_complete(entries[tag])
    width, height = tags.first(_WIDTH, 0), tags.first(_HEIGHT, 0)
    tile = tags.first(_TILE_WIDTH, 1), tags.first(_TILE_HEIGHT, 1)
    if tile[0] > max(1024, 2 * width) or tile[1] > max(1024, 2 * height):
        raise BadImageError(f"The TIFF image is damaged: its tiles are {tile[0]} x {tile[1]} pixels.")
    _refuse_layouts(tags, bits)
    alpha = any(kind in (1, 2) for kind in tags.all(_EXTRA)) or (samples == 4 and tags.photometric == 2)
    grey = tags.photometric in (_WHITE_IS_ZERO, _BLACK_IS_ZERO)
    turn = tags.first(ORIENTATION, 1)
    return Facts("tiff", width, height, grey, alpha, bits, turn if 1 <= turn <= 8 else 1)


def load(data: bytes, facts: Facts) -> Raster:
    """Decodes the first page."""
    reader = TiffReader(data)
    entries, _ = reader.directory(reader.first)
    tags = _Tags(reader, entries)
    _refuse_truncated(reader, entries, tags)
    profile = reader.blob(entries[_PROFILE]) if _PROFILE in entries else None
    if _is_plain(entries, tags):
        return _plain(reader, entries[_STRIPS], facts, tags.first(_STRIP_ROWS, facts.height), profile)
    inverted = facts.bits > 8 and tags.photometric == _WHITE_IS_ZERO
    with TiffImagePlugin.TiffImageFile(io.BytesIO(_clean(reader, entries, black_is_zero=inverted))) as picture:
        picture.load()
        raster = to_raster(picture, profile, facts.bits)
    if inverted:
        return Raster(np.invert(raster.pixels), raster.alpha, raster.grey, raster.icc)
    return raster


class _Tags:
    """The unsigned numbers of one directory."""

    def __init__(self, reader: TiffReader, entries: dict[int, Entry]) -> None:
        self._reader = reader
        self._entries = entries
        self.photometric = self.first(_PHOTOMETRIC, _WHITE_IS_ZERO)

    def all(self, tag: int) -> tuple[int, ...]:
        return self._reader.numbers(self._entries[tag], at_most=64) if tag in self._entries else ()

    def first(self, tag: int, default: int) -> int:
        return (self.all(tag) or (default,))[0]


def _refuse_pages(reader: TiffReader, offset: int) -> None:
    """A thumbnail or a mask behind the picture is no page."""
    for _ in range(_MAX_DIRECTORIES):
        if not offset:
            return
        try:
            entries, offset = reader.directory(offset)
        except (ValueError, struct.error):
            return
        if not _Tags(reader, entries).first(_SUBFILE, 0) & _NO_PAGE:
            break
    raise BadImageError("The TIFF image has several pages; only single images are accepted.")


def _refuse_layouts(tags: _Tags, bits: int) -> None:
    """Uncompressed layouts that the decoder would take for something else, and show wrong."""
    if tags.first(_COMPRESSION, 1) != 1:
        return
    if tags.photometric == _YCBCR and tags.all(_SUBSAMPLING) != (1, 1):
        raise BadImageError("The TIFF image is uncompressed YCbCr with subsampled chroma, which is not accepted.")
    if tags.first(_PLANAR, 1) == 2 and bits != 8 and tags.first(_SAMPLES, 1) > 1:
        raise BadImageError(f"The TIFF image has separate planes of {bits} bits uncompressed, which is not accepted.")


def _refuse_truncated(reader: TiffReader, entries: dict[int, Entry], tags: _Tags) -> None:
    """The decoder leaves strips and tiles that are not listed black, some compressions fill up what is missing, and
    without compression it would read on into the directory that `_clean` appends."""
    width, height = tags.first(_WIDTH, 0), tags.first(_HEIGHT, 0)
    across, down = width, min(tags.first(_STRIP_ROWS, height), height)
    offsets, sizes = _STRIPS, _STRIP_BYTES
    if offsets not in entries:
        across, down = tags.first(_TILE_WIDTH, 0), tags.first(_TILE_HEIGHT, 0)
        offsets, sizes = _TILES, _TILE_BYTES
    planes = tags.first(_SAMPLES, 1) if tags.first(_PLANAR, 1) == 2 else 1
    starts = reader.numbers(entries[offsets], _DECODED[offsets])
    if len(starts) < -(-width // across) * -(-height // down) * planes:
        raise BadImageError("The TIFF image is truncated: its pixels are not complete.")
    lengths: Iterable[int] = ()
    if tags.first(_COMPRESSION, 1) == 1:
        lengths = _uncompressed_lengths(tags, across, down)
    elif sizes in entries:
        lengths = reader.numbers(entries[sizes], _DECODED[sizes])
    if any(start + length > len(reader.data) for start, length in zip(starts, lengths, strict=False)):
        raise BadImageError("The TIFF image is truncated: its pixels are not complete.")


def _uncompressed_lengths(tags: _Tags, across: int, down: int) -> Iterator[int]:
    """Bytes of every strip or tile of `across` x `down` pixels, up to the last one that lies in the picture."""
    width, height, samples = tags.first(_WIDTH, 0), tags.first(_HEIGHT, 0), tags.first(_SAMPLES, 1)
    planes, bits = (samples, 1) if tags.first(_PLANAR, 1) == 2 else (1, samples)
    bits *= tags.first(_BITS, 1)
    for _ in range(planes):
        for top in range(0, height, down):
            for left in range(0, width, across):
                rows, columns = min(down, height - top), min(across, width - left)
                yield (rows - 1) * -(-across * bits // 8) + -(-columns * bits // 8)


def _is_plain(entries: dict[int, Entry], tags: _Tags) -> bool:
    """Uncompressed strips of 8-bit grey or RGB, stated so plainly that there is nothing to interpret."""
    decoded = entries.keys() & _DECODED.keys()
    height = tags.first(_HEIGHT, 0)
    return (
        decoded <= _PLAIN_TAGS
        and all(entries[tag].kind in (_SHORT, _LONG, _LONG8) and entries[tag].count for tag in decoded)
        and all(entries[tag].count == 1 for tag in decoded & {_WIDTH, _HEIGHT, _STRIP_ROWS})
        and all(tags.all(tag) in ((), (1,)) for tag in _PLAIN_ONES)
        and set(tags.all(_FORMAT)) <= {1}
        and (tags.all(_PHOTOMETRIC), tags.all(_BITS), tags.all(_SAMPLES)) in _PLAIN_KINDS
        and entries[_STRIPS].count == -(-height // tags.first(_STRIP_ROWS, height))
    )


def _plain(reader: TiffReader, strips: Entry, facts: Facts, strip_rows: int, profile: bytes | None) -> Raster:
    """The strips put together, where `_is_plain`: the decoder takes several times as long over the same pixels."""
    samples = 1 if facts.grey else 3
    row = facts.width * samples
    starts = reader.numbers(strips, _DECODED[_STRIPS])
    tops = range(0, facts.height, strip_rows)
    view = memoryview(reader.data)
    rows = b"".join(
        view[start : start + min(strip_rows, facts.height - top) * row] for start, top in zip(starts, tops, strict=True)
    )
    pixels = np.frombuffer(rows, np.uint8).reshape(facts.height, facts.width, samples)
    return grey_raster(pixels[..., 0], None, profile) if facts.grey else Raster(pixels, None, False, profile)


def _clean(reader: TiffReader, entries: dict[int, Entry], *, black_is_zero: bool) -> bytes:
    """The same file with a new directory at its end: only the tags of `_DECODED`, no orientation, no next page.

    `black_is_zero` relabels a white-is-zero picture, since the decoder knows 16-bit grey only so.
    """
    rows = {tag: entry.raw for tag, entry in sorted(entries.items()) if tag in _DECODED}
    if black_is_zero:
        wide = reader.order + ("HHQHxxxxxx" if reader.big else "HHIHxx")
        rows[_PHOTOMETRIC] = struct.pack(wide, _PHOTOMETRIC, 3, 1, _BLACK_IS_ZERO)
        rows = dict(sorted(rows.items()))
    padding = b"\0" * (-len(reader.data) % 8)
    count = struct.pack(reader.order + ("Q" if reader.big else "H"), len(rows))
    head = reader.data[: reader.offset_at] + struct.pack(reader.offset_format, len(reader.data) + len(padding))
    last = struct.pack(reader.offset_format, 0)
    return b"".join((head, memoryview(reader.data)[len(head) :], padding, count, *rows.values(), last))
