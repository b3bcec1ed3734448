"""Encoded file -> picture."""

from types import MappingProxyType

from darkroom.codec import icc
from darkroom.codec.formats import bmp, jpeg, png, tiff, webp
from darkroom.codec.header import inspect
from darkroom.codec.image import Image
from darkroom.codec.orientation import upright
from darkroom.codec.recognise import NAMES
from darkroom.config import Limits
from darkroom.errors import BadImageError

_LOADERS = MappingProxyType({"jpeg": jpeg.load, "png": png.load, "webp": webp.load, "tiff": tiff.load, "bmp": bmp.load})
_ENDS_EARLY = ("truncated", "premature end", "no end", "ends early", "not enough")


def decode(data: bytes, limits: Limits) -> Image:
    """The picture in the encoded file `data`, upright, as a viewer would show it.

    Palettes, 1 bit and YCbCr become RGB or grey; CMYK goes through its profile to sRGB; 16 bits keep their high
    byte; premultiplied alpha is divided out. Profiles that are malformed or describe other channels are dropped.
    Raises BadImageError for everything `read_header` refuses, and for pixels that are truncated or damaged: there
    is no partial picture. Thread-safe; the libraries release the GIL while they decode.
    """
    facts = inspect(data, limits)
    name = NAMES[facts.format]
    try:
        raster = _LOADERS[facts.format](data, facts)
    except BadImageError:
        raise
    except Exception as error:  # hostile bytes make the libraries raise anything; none of it may travel on
        if any(word in str(error).lower() for word in _ENDS_EARLY):
            raise BadImageError(f"The {name} image is truncated: its pixels are not complete.") from error
        raise BadImageError(f"The {name} image is damaged or of an unknown kind: it cannot be decoded.") from error
    if raster.pixels.shape != (facts.height, facts.width, 3):
        raise BadImageError(f"The {name} image is damaged: it holds another picture than its header announces.")
    return Image(
        pixels=upright(raster.pixels, facts.orientation),
        alpha=None if raster.alpha is None else upright(raster.alpha, facts.orientation),
        grey=raster.grey,
        icc=icc.kept(raster.icc, grey=raster.grey),
        format=facts.format,
    )
