"""One module a format, or a family. `parse(data, choice) -> RawHeader` reads the header and allocates nothing that
grows with the picture; `load(data, header, choice) -> RawImage` opens the picture."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from darkroom.codec.formats import bmp, gif, heif, jpeg, jxl, png, tiff, webp
from darkroom.codec.image import InputFormat
from darkroom.codec.raw import Choice, RawHeader, RawImage


@dataclass(frozen=True)
class Format:
    """What reads one format."""

    parse: Callable[[bytes, Choice], RawHeader]
    load: Callable[[bytes, RawHeader, Choice], RawImage]


FORMATS: Mapping[InputFormat, Format] = MappingProxyType(
    {
        "jpeg": Format(jpeg.parse, jpeg.load),
        "png": Format(png.parse, png.load),
        "webp": Format(webp.parse, webp.load),
        "tiff": Format(tiff.parse, tiff.load),
        "bmp": Format(bmp.parse, bmp.load),
        "gif": Format(gif.parse, gif.load),
        "avif": Format(heif.parse_avif, heif.load_avif),
        "heic": Format(heif.parse_heic, heif.load_heic),
        "jxl": Format(jxl.parse, jxl.load),
    }
)
