"""TIFF 6.0 and BigTIFF, up to 16 bits a sample. libvips (libtiff) decodes; the directory is judged here before, since
libtiff shows tiles and strips that are not there as black."""

import io
import struct
from collections.abc import Callable, Iterable, Iterator
from functools import partial

import numpy as np
from PIL import TiffImagePlugin

from darkroom.codec import exif, icc, photoshop
from darkroom.codec.depth import as_depth
from darkroom.codec.ifd import ORIENTATION, TYPE_BYTES, Entry, TiffReader
from darkroom.codec.image import Metadata, Samples
from darkroom.codec.raw import (
    NO_ROWS,
    ArrayRows,
    Choice,
    MappedRows,
    RawHeader,
    RawImage,
    Rows,
    choose_frame,
)
from darkroom.codec.vips import VipsRows
from darkroom.errors import BadImageError

_SUBFILE, _OLD_SUBFILE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 254, 255, 256, 257, 258, 259, 262
_STRIPS, _SAMPLES, _STRIP_ROWS, _STRIP_BYTES, _PLANAR = 273, 277, 278, 279, 284
_FILL_ORDER = 266
_TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_BYTES = 322, 323, 324, 325
_EXTRA, _FORMAT, _PROFILE, _SUBSAMPLING = 338, 339, 34675, 530
_XMP, _IPTC, _PHOTOSHOP = 700, 33723, 34377
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK, _YCBCR, _LAB = 0, 1, 2, 3, 5, 6, 8
_SHOWN = frozenset((_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK, _YCBCR, _LAB))
_JPEG, _LZMA, _ZSTD = 7, 34925, 50000
_INNER, _DNG = 330, 50706
_NO_PAGE = 0x1 | 0x4
"""NewSubfileType bits of thumbnails and of transparency masks."""
_MAX_DIRECTORIES = 10_000
_BAND_BYTES = 2**26
"""Bytes of a strip, or of a row of tiles, up to which the picture counts as read in bands."""

_LIMIT_BYTES = 2**24
"""Well below the 50 MiB that libtiff allows itself for tags."""

_DECODED = {
    **dict.fromkeys(
        (_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER, _SAMPLES, _STRIP_ROWS, _PLANAR), 64
    ),
    **dict.fromkeys((292, 293, 317, _TILE_WIDTH, _TILE_HEIGHT, 332, _EXTRA, _FORMAT, 529, _SUBSAMPLING, 532), 64),
    **dict.fromkeys((_STRIPS, _STRIP_BYTES, _TILES, _TILE_BYTES), 2**20),
    **dict.fromkeys((320, 347, *range(512, 522)), 2**18),
}
"""The tags that the pixels depend on, and how many values each may have."""


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


def parse(data: bytes, choice: Choice) -> RawHeader:
    """Raises BadImageError for several pages without a chosen one, sample types that have no range to be shown and
    absurd tags; struct.error or ValueError where the directory ends early or makes no sense."""
    reader = TiffReader(data)
    pages = _pages(reader)
    _refuse_raw(reader, pages)
    frame = choose_frame("TIFF", len(pages), choice, "pages")
    entries, _ = reader.directory(pages[frame][1])
    tags = _Tags(reader, entries)
    bits, samples = tags.first(_BITS, 1), tags.first(_SAMPLES, 1)
    if tags.first(_FORMAT, 1) != 1 or bits > 16:
        raise BadImageError(
            f"The TIFF image has {bits}-bit samples of type {tags.first(_FORMAT, 1)}; only unsigned integers of up to "
            "16 bits are accepted: save it with 8 or 16 bits a channel."
        )
    for tag, most in _DECODED.items():
        if tag not in entries:
            continue
        count = entries[tag].count
        if count > most:
            raise BadImageError(f"The TIFF image is damaged: tag {tag} has {count} values, at most {most} are allowed.")
        if not reader.is_complete(entries[tag]):
            raise struct.error("a value ends early")
    if _weight(entries) > len(data):
        raise BadImageError("The TIFF image is damaged: its tags have more values than the file has bytes.")
    width, height = tags.first(_WIDTH, 0), tags.first(_HEIGHT, 0)
    tile = tags.first(_TILE_WIDTH, 1), tags.first(_TILE_HEIGHT, 1)
    if tile[0] > max(1024, 2 * width) or tile[1] > max(1024, 2 * height):
        raise BadImageError(f"The TIFF image is damaged: its tiles are {tile[0]} x {tile[1]} pixels.")
    _refuse_layouts(tags)
    alpha = any(kind in (1, 2) for kind in tags.all(_EXTRA)) or (samples == 4 and tags.photometric == _RGB)
    grey = tags.photometric in (_WHITE_IS_ZERO, _BLACK_IS_ZERO)
    turn = tags.first(ORIENTATION, 1)
    down = tile[1] if _TILES in entries else min(tags.first(_STRIP_ROWS, height), height)
    by_lines = _TILES not in entries and tags.first(_PLANAR, 1) == 1 and tags.photometric != _YCBCR
    banded = not _is_rare(tags) and (by_lines or down * width * samples * bits // 8 <= _BAND_BYTES)
    return RawHeader(
        "tiff",
        width,
        height,
        grey,
        alpha and tags.photometric != _LAB,
        16 if bits > 8 and tags.photometric not in (_PALETTE, _CMYK, _LAB) else 8,
        turn if 1 <= turn <= 8 else 1,
        frame,
        len(pages),
        banded,
    )


def load(data: bytes, header: RawHeader, choice: Choice) -> RawImage:
    """Decodes one page."""
    reader = TiffReader(data)
    number, offset = _pages(reader)[header.frame]
    entries, _ = reader.directory(offset)
    tags = _Tags(reader, entries)
    _refuse_truncated(reader, entries, tags)

    def blob(tag: int) -> bytes | None:
        return reader.blob(entries[tag]) if tag in entries else None

    try:
        block = exif.of_directory(reader, offset)
    except (ValueError, struct.error):
        block = None
    iptc = blob(_IPTC) or photoshop.iptc_of(blob(_PHOTOSHOP) or b"")
    metadata = Metadata(block, blob(_XMP), iptc, exif.density_of(reader, entries))
    image = RawImage(NO_ROWS, blob(_PROFILE), metadata)
    convert = icc.cmyk_converter(image.icc) if tags.photometric == _CMYK else None
    if _is_rare(tags):
        rows: Rows = ArrayRows(_in_pillow(data, number, entries, tags.first(_BITS, 1)))
    else:
        # libtiff's own limit would refuse files that carry Photoshop's layers
        rows = VipsRows("tiff", data, page=number, fail_on="error", unlimited=_weight(entries) > _LIMIT_BYTES)
    image.rows = MappedRows(rows, partial(_channels, header=header, convert=convert))
    if convert is not None or tags.photometric == _LAB:
        image.icc = None
    return image


def _weight(entries: dict[int, Entry]) -> int:
    """Bytes of the values of all tags: the decoders load them, however often the same bytes are pointed at."""
    return sum(entry.count * TYPE_BYTES.get(entry.kind, 1) for entry in entries.values())


def _is_rare(tags: _Tags) -> bool:
    """Whether the page is of a kind that libvips, as it is built, does not read or takes for something else."""
    compression = tags.first(_COMPRESSION, 1)
    return (
        tags.photometric == _LAB
        or (tags.photometric == _YCBCR and compression != _JPEG)
        or 8 < tags.first(_BITS, 1) < 16
        or compression in (_LZMA, _ZSTD)
        or (tags.first(_PLANAR, 1) == 2 and tags.first(_TILE_WIDTH, 0) > 0)
    )


def _in_pillow(data: bytes, number: int, entries: dict[int, Entry], bits: int) -> Samples:
    """A rare page. Pillow loads every tag of the directories up to it."""
    if number or _weight(entries) > _BAND_BYTES:
        raise BadImageError("The TIFF image is of a rare kind, which is accepted only as a file's first page.")
    with TiffImagePlugin.TiffImageFile(io.BytesIO(data)) as picture:
        picture.load()
        if picture.mode == "LAB":
            return icc.lab_to_srgb(picture)
        if picture.mode.startswith("I;16"):
            samples = np.asarray(picture).astype(np.uint32)
            return (samples * 65535 // ((1 << bits) - 1)).astype(np.uint16)
        if bits > 8:
            raise BadImageError(
                f"The TIFF image has {bits} bits in a rare layout; save it in strips, with LZW or Deflate."
            )
        known = picture.mode in ("L", "LA", "RGB", "RGBA", "CMYK")
        mode = picture.mode if known else {"1": "L", "PA": "RGBA"}.get(picture.mode, "RGB")
        return np.asarray(picture if known else picture.convert(mode))


def _channels(band: Samples, header: RawHeader, convert: Callable[[Samples], Samples] | None) -> Samples:
    """Grey or RGB, and alpha; further channels have no meaning."""
    if convert is not None:
        band = as_depth(band, 8)
    colours = 4 if convert else 1 if header.grey or band.shape[2] < 3 else 3
    light = band[..., :colours]
    if convert is not None:
        light = convert(light)
    elif colours == 1 and not header.grey:  # a palette of greys
        light = np.repeat(light, 3, axis=2)
    return np.concatenate((light, band[..., colours, None]), axis=2) if header.alpha else light


def _pages(reader: TiffReader) -> list[tuple[int, int]]:
    """Number and offset of the directories that are pages: thumbnails and masks are none, unless there is nothing
    else."""
    pages: list[tuple[int, int]] = []
    others: list[tuple[int, int]] = []
    seen = set()
    offset = reader.first
    for number in range(_MAX_DIRECTORIES):
        if offset in seen:
            break
        seen.add(offset)
        try:
            kind, following = reader.glance(offset, (_SUBFILE, _OLD_SUBFILE))
        except (ValueError, struct.error):
            if not number:
                raise
            break
        thumbnail = kind.get(_SUBFILE, 0) & _NO_PAGE or kind.get(_OLD_SUBFILE) == 2
        (others if thumbnail else pages).append((number, offset))
        offset = following
        if not offset:
            break
    return pages or others[:1]


def _refuse_raw(reader: TiffReader, pages: list[tuple[int, int]]) -> None:
    """Camera raws are TIFF structures too; what they offer as a page is a small preview."""
    entries, _ = reader.directory(reader.first)
    shown = pages[0][1] == reader.first
    preview = shown and entries.keys() >= {_SUBFILE, _INNER} and _Tags(reader, entries).first(_SUBFILE, 0) & 1
    if preview or _DNG in entries or reader.data[8:10] == b"CR":
        raise BadImageError("The image is a camera raw file; develop it and save the picture as TIFF, PNG or JPEG.")


def _refuse_layouts(tags: _Tags) -> None:
    """Layouts that the decoders would take for something else, and show wrong."""
    photometric, bits = tags.photometric, tags.first(_BITS, 1)
    if photometric not in _SHOWN or (photometric == _LAB and bits != 8):
        raise BadImageError(
            f"The TIFF image stores its colours in a rare way (photometric interpretation {photometric}, {bits} bits); "
            "save it as RGB."
        )
    if tags.first(_COMPRESSION, 1) == 1 and photometric == _YCBCR and tags.all(_SUBSAMPLING) != (1, 1):
        raise BadImageError("The TIFF image is uncompressed YCbCr with subsampled chroma, which is not accepted.")


def _refuse_truncated(reader: TiffReader, entries: dict[int, Entry], tags: _Tags) -> None:
    """The decoder leaves strips and tiles that are not listed black, and some compressions fill up what is missing."""
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
