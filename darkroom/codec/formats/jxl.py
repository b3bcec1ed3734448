"""JPEG XL (ISO/IEC 18181). The plugin decodes at once what it opens, so size and kind are read here before.

The plugin carries the GPL: it is imported when the first JPEG XL file comes, and may be missing.
"""

from typing import Any

import numpy as np

from darkroom.codec import colour
from darkroom.codec.formats import jpeg
from darkroom.codec.formats.heif import boxes
from darkroom.codec.image import Metadata
from darkroom.codec.raw import ArrayRows, Choice, RawHeader, RawImage, choose_frame, type_of
from darkroom.errors import BadImageError

_CODESTREAM = b"\xff\x0a"
_HEADER_BYTES = 4096
_MAX_EXTRA_CHANNELS = 4
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_SIDES = ((1, 9), (1, 13), (1, 18), (1, 30))
_PREVIEW_SIDES = ((1, 6), (65, 8), (321, 10), (1345, 12))
_PREVIEW_EIGHTHS = ((16, 0), (32, 0), (1, 5), (33, 9))
_ENUM = ((0, 0), (1, 0), (2, 4), (18, 6))
_ALPHA, _SPOT, _CFA = 0, 2, 5
_RGB, _GREY = 0, 1
_CUSTOM = 2


def parse(data: bytes, choice: Choice) -> RawHeader:
    """Raises BadImageError for animations and floating point, and where the plugin is not installed; IndexError if
    the header ends early."""
    bits = _Bits(_codestream(data))
    width, height = _size(bits)
    depth, turn, alpha, grey = 8, 1, False, False
    if not bits.read(1):
        if bits.read(1):
            turn = 1 + bits.read(3)
            if bits.read(1):
                _size(bits)
            if bits.read(1):
                _preview(bits)
            if bits.read(1):
                raise BadImageError("The JPEG XL image is animated; only still images are accepted: export one frame.")
        depth = _depth(bits)
        bits.read(1)
        extra = bits.choose(((0, 0), (1, 0), (2, 4), (1, 12)))
        if extra > _MAX_EXTRA_CHANNELS:
            raise BadImageError(
                f"The JPEG XL image has {extra} extra channels; at most {_MAX_EXTRA_CHANNELS} are allowed."
            )
        alpha = _ALPHA in [_extra_channel(bits) for _ in range(extra)]
        bits.read(1)
        grey = _is_grey(bits)
    choose_frame("JPEG XL", 1, choice)
    _decoder()
    if not data.startswith(_CODESTREAM) and any(name == b"jbrd" for name, _, _ in boxes(data)):
        return RawHeader("jxl", width, height, grey, False, orientation=turn)
    if turn >= 5:  # the decoder turns upright all but JPEGs that were packed without loss
        width, height = height, width
    return RawHeader("jxl", width, height, grey, alpha, 16 if depth > 8 else 8)


def load(data: bytes, header: RawHeader, choice: Choice) -> RawImage:
    """A JPEG that was packed without loss comes as that JPEG."""
    is_jpeg, info, decoded, profile, _ = _decoder()(data)
    if is_jpeg:
        image = jpeg.load(bytes(decoded), jpeg.parse(bytes(decoded), choice), choice)
        return RawImage(image.rows, image.icc, image.metadata, grey=info.num_channels == 1)
    channels = info.num_channels + info.has_alpha_channel
    deep = len(decoded) == 2 * info.width * info.height * channels
    samples = np.frombuffer(decoded, type_of(16 if deep else 8)).reshape(info.height, info.width, channels)
    return RawImage(ArrayRows(samples), profile, _metadata(data), grey=info.num_channels == 1)


def _decoder() -> Any:
    try:
        from pillow_jxl import Decoder
    except ImportError:
        raise BadImageError("JPEG XL is not installed on this server; send the image as PNG, JPEG or AVIF.") from None
    return Decoder(num_threads=0)


def _metadata(data: bytes) -> Metadata:
    found: dict[bytes, bytes] = {}
    if not data.startswith(_CODESTREAM):
        for name, start, end in boxes(data):
            if name in (b"Exif", b"xml "):
                found.setdefault(name, data[start:end])
    exif = found.get(b"Exif", b"")
    if exif[:2] not in (b"II", b"MM"):  # four bytes say where the block begins, which some writers leave out
        exif = exif[4 + int.from_bytes(exif[:4], "big") :]
    return Metadata(exif or None, found.get(b"xml "))


def _codestream(data: bytes) -> bytes:
    """The beginning of the codestream, behind its signature."""
    parts = [data[:_HEADER_BYTES]]
    if not data.startswith(_CODESTREAM):
        parts = [
            data[start + (4 if name == b"jxlp" else 0) : min(end, start + _HEADER_BYTES)]
            for name, start, end in boxes(data)
            if name in (b"jxlc", b"jxlp")
        ]
    stream = b"".join(parts)
    if not stream.startswith(_CODESTREAM):
        raise BadImageError("The JPEG XL image is truncated or damaged: it holds no picture.")
    return stream[2:]


class _Bits:
    """Bits from the lowest up (ISO/IEC 18181-1, B.2). IndexError where they end."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def read(self, count: int) -> int:
        if self._at + count > 8 * len(self._data):
            raise IndexError("the header ends early")
        last = (self._at + count + 7) // 8
        value = int.from_bytes(self._data[self._at // 8 : last], "little") >> self._at % 8
        self._at += count
        return value & ((1 << count) - 1)

    def choose(self, ways: tuple[tuple[int, int], ...]) -> int:
        """U32: two bits choose a constant and how many bits are added to it."""
        base, count = ways[self.read(2)]
        return base + self.read(count)


def _size(bits: _Bits) -> tuple[int, int]:
    """Width and height."""
    eighths = bits.read(1)

    def side() -> int:
        return 8 * (1 + bits.read(5)) if eighths else bits.choose(_SIDES)

    return _sides(bits, side)


def _preview(bits: _Bits) -> None:
    eighths = bits.read(1)
    _sides(bits, lambda: 8 * bits.choose(_PREVIEW_EIGHTHS) if eighths else bits.choose(_PREVIEW_SIDES))


def _sides(bits: _Bits, side: Any) -> tuple[int, int]:
    height = side()
    ratio = bits.read(3)
    if not ratio:
        return side(), height
    over, under = _RATIOS[ratio - 1]
    return height * over // under, height


def _depth(bits: _Bits) -> int:
    if bits.read(1):
        raise BadImageError("The JPEG XL image has floating point samples; only integers are accepted: save it as PNG.")
    return bits.choose(((8, 0), (10, 0), (12, 0), (1, 6)))


def _is_grey(bits: _Bits) -> bool:
    """Of the colour encoding, which says grey or colour. Raises BadImageError for HDR."""
    if bits.read(1):
        return False
    has_profile, space = bits.read(1), bits.choose(_ENUM)
    if not has_profile and space in (_RGB, _GREY):
        _chromaticities(bits, 1)
        if space == _RGB:
            _chromaticities(bits, 3)
        if not bits.read(1):
            colour.of_cicp("JPEG XL", 0, bits.choose(_ENUM))
    return space == _GREY


def _chromaticities(bits: _Bits, count: int) -> None:
    """A white point or primaries: a number for known ones, or that they follow, `count` pairs of coordinates."""
    if bits.choose(_ENUM) == _CUSTOM:
        for _ in range(2 * count):
            bits.choose(((0, 19), (524288, 19), (1048576, 20), (2097152, 21)))


def _extra_channel(bits: _Bits) -> int:
    """The type of the next extra channel."""
    if bits.read(1):
        return _ALPHA
    kind = bits.choose(_ENUM)
    _depth(bits)
    bits.choose(((0, 0), (3, 0), (4, 0), (1, 3)))
    for _ in range(bits.choose(((0, 0), (0, 4), (16, 5), (48, 10)))):
        bits.read(8)
    if kind == _ALPHA:
        bits.read(1)
    elif kind == _SPOT:
        bits.read(64)
    elif kind == _CFA:
        bits.choose(((1, 0), (0, 2), (3, 4), (19, 8)))
    return kind
