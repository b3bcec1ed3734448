"""File bytes <-> picture: formats, EXIF orientation, ICC profiles, alpha, limits.

    header = read_header(data, limits)          # from the header alone: cheap enough to ask before queueing
    image = decode(data, limits)                # upright RGB, grey and alpha kept
    answer = encode(image, "same", quality=None)

Everything wrong with the bytes is a BadImageError, a sentence that names the cause and what is allowed.
"""

from darkroom.codec.decode import decode
from darkroom.codec.encode import DEFAULT_QUALITY, check_output_size, encode, resolve_format
from darkroom.codec.header import read_header
from darkroom.codec.image import EncodedFormat, Header, Image, InputFormat, OutputFormat, Pixels

__all__ = [
    "DEFAULT_QUALITY",
    "EncodedFormat",
    "Header",
    "Image",
    "InputFormat",
    "OutputFormat",
    "Pixels",
    "check_output_size",
    "decode",
    "encode",
    "read_header",
    "resolve_format",
]
