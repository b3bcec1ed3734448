"""File bytes <-> picture: formats, EXIF orientation, ICC profiles, alpha, limits.

    header = read_header(data, limits)          # from the header alone: cheap enough to ask before queueing
    image = decode(data, limits)                # upright RGB, grey and alpha kept
    answer = encode(image, "same", quality=None)

Everything wrong with the bytes is a BadImageError, a sentence that names the cause and what is allowed.
"""

from darkroom.codec.decode import decode
from darkroom.codec.encode import DEFAULT_QUALITY, check_output_size, encode, resolve_format
from darkroom.codec.header import read_header
from darkroom.codec.image import (
    Depth,
    Description,
    EncodedFormat,
    Header,
    Image,
    InputFormat,
    Metadata,
    OutputFormat,
    Pixels,
    Samples,
)
from darkroom.codec.reader import Reader, open_reader
from darkroom.codec.writer import Writer, open_writer, resolve_depth

__all__ = [
    "DEFAULT_QUALITY",
    "Depth",
    "Description",
    "EncodedFormat",
    "Header",
    "Image",
    "InputFormat",
    "Metadata",
    "OutputFormat",
    "Pixels",
    "Reader",
    "Samples",
    "Writer",
    "check_output_size",
    "decode",
    "encode",
    "open_reader",
    "open_writer",
    "read_header",
    "resolve_depth",
    "resolve_format",
]
