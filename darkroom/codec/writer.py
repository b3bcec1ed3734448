"""A picture written into its encoded file, from the top to the bottom, a band of rows at a time."""

from typing import Protocol

from darkroom.codec.image import Depth, Description, EncodedFormat, Samples
from darkroom.codec.outputs import DEFAULT_QUALITY, LOSSY, check_output_size, resolve_depth
from darkroom.codec.write_jpeg import JpegWriter
from darkroom.codec.write_png import PngWriter
from darkroom.codec.write_tiff import TiffWriter
from darkroom.codec.write_whole import WholeWriter
from darkroom.errors import BadOptionError


class Writer(Protocol):
    """One picture under way. Used by one thread at a time."""

    bits: Depth
    """Of the samples that `write` takes (it converts others) and, where the format holds as many, of the file."""

    def write(self, pixels: Samples, alpha: Samples | None) -> None:
        """The next rows: RGB [n, width, 3] and, where the writer was opened with `alpha`, alpha [n, width]. The arrays
        may be changed by the caller afterwards. ValueError for more rows than the picture has."""

    def finish(self) -> bytes:
        """The encoded file, when all rows have been written. Called once. ValueError while rows are missing."""


def open_writer(
    description: Description,
    width: int,
    height: int,
    *,
    output_format: EncodedFormat,
    bits: Depth = 8,
    alpha: bool = False,
    quality: int | None = None,
) -> Writer:
    """Begin a picture of `width` x `height` pixels. `description`: greyness, profile and metadata that go along.
    Deterministic: the same rows and options give the same bytes, however they are divided into bands.

    png, tiff: lossless, 8 or 16 bits; grey and alpha kept; `quality` is ignored.
    jpeg: `quality` 1..100 (95 if None); grey kept; transparent parts are laid over white, since JPEG has no alpha.
    webp, avif: lossy, `quality` 1..100 (90 if None); alpha kept and lossless; grey is written as colour. The writer
    holds the whole picture; those of png, jpeg and tiff hold the file so far and a band.
    The ICC profile goes along if it describes the channels written (a grey profile not into WebP or AVIF).
    Metadata is written as far as the format has a place for it: `docs/pictures.md`.
    Raises BadOptionError for a quality out of range or a format that cannot hold the size or the depth."""
    check_output_size(width, height, output_format)
    resolve_depth(bits, bits, output_format)
    if output_format == "png":
        return PngWriter(description, width, height, bits=bits, alpha=alpha)
    if output_format == "tiff":
        return TiffWriter(description, width, height, bits=bits, alpha=alpha)
    quality = DEFAULT_QUALITY[output_format] if quality is None else quality
    if not 1 <= quality <= 100:
        raise BadOptionError(f"output_quality must be 1 to 100 for {LOSSY[output_format]}, got {quality}.")
    if output_format == "jpeg":
        return JpegWriter(description, width, height, alpha=alpha, quality=quality)
    return WholeWriter(description, width, height, output_format=output_format, alpha=alpha, quality=quality)
