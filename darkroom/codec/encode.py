"""Picture -> encoded file."""

from darkroom.codec.image import Image, OutputFormat
from darkroom.codec.outputs import resolve_format
from darkroom.codec.writer import open_writer


def encode(image: Image, output_format: OutputFormat, quality: int | None) -> bytes:
    """The encoded file, 8 bits a sample: `open_writer` for a picture that lies in memory.

    Raises BadOptionError for a quality out of range or a format that cannot hold the size.
    """
    transparent = image.alpha is not None
    writer = open_writer(
        image.description,
        image.width,
        image.height,
        output_format=resolve_format(output_format, image.format, alpha=transparent),
        alpha=transparent,
        quality=quality,
    )
    writer.write(image.pixels, image.alpha)
    return writer.finish()
