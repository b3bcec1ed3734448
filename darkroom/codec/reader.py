"""A picture read from its encoded file, from the top to the bottom, a band of rows at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Literal, Protocol, Self

import numpy as np

from darkroom.codec import icc, metadata, orientation
from darkroom.codec.depth import as_depth
from darkroom.codec.formats import FORMATS
from darkroom.codec.header import as_displayed, inspect
from darkroom.codec.image import Depth, Description, Header, Samples
from darkroom.codec.raw import Choice, RawHeader, RawImage, full_of
from darkroom.codec.recognise import NAMES
from darkroom.codec.spread import spread
from darkroom.codec.vips import VipsError
from darkroom.config import Limits
from darkroom.errors import BadImageError

_BAND_ROWS = 64
_ENDS_EARLY = ("truncated", "premature end", "no end", "ends early", "not enough")


class Reader(Protocol):
    """One opened picture. Used by one thread at a time; a context manager that frees what it holds."""

    header: Header
    description: Description
    bits: Depth
    """Of the samples that `read` returns."""

    @property
    def report(self) -> dict[str, Any]:
        """What the job's report should say about the file ({"frame": 2, "frames": 7}, {"truncated": true, ...});
        complete once the last row has been read."""

    def read(self, rows: int) -> tuple[Samples, Samples | None]:
        """The next `rows` rows (fewer at the bottom, none after it), upright: RGB [n, width, 3] and, where the header
        says so, alpha [n, width], both uint8 or uint16 as `bits` says. Colours under fully transparent pixels are
        those of the nearest visible ones. Raises BadImageError where the pixels are truncated or damaged."""

    def close(self) -> None:
        """Free the decoder. May be called more than once, from any thread that does not read."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def open_reader(
    data: bytes,
    limits: Limits,
    *,
    bits: Depth | None = None,
    frame: int | None = None,
    truncated: Literal["refuse", "accept"] = "refuse",
) -> Reader:
    """Open the encoded file `data`. `bits`: depth of the samples wanted (None: the file's own, `Header.bits`).
    `frame`: which frame of an animation or page, from 0; None refuses files with several. `truncated="accept"`: a
    file that ends early is read as far as it goes, the rest is grey. Raises BadImageError as `read_header` does.

    Palettes, 1 bit and YCbCr become RGB or grey; CMYK goes through its profile to sRGB, and so does Lab; premultiplied
    alpha is divided out. Profiles that are malformed or describe other channels are dropped."""
    choice = Choice(frame, truncated)
    raw = inspect(data, limits, choice)
    with _refusals(NAMES[raw.format]):
        image = FORMATS[raw.format].load(data, raw, choice)
        return _Reader(raw, image, bits or raw.bits)


class _Reader:
    """Rows as they are decoded or, for pictures that are turned or transparent, of the whole picture."""

    def __init__(self, raw: RawHeader, image: RawImage, bits: Depth) -> None:
        self.header = as_displayed(raw)
        self.bits: Depth = bits
        grey = raw.grey if image.grey is None else image.grey
        self.description = Description(
            format=raw.format,
            grey=grey,
            icc=icc.kept(image.icc, grey=grey),
            metadata=metadata.cleaned(image.metadata, turned=orientation.swaps_sides(raw.orientation)),
        )
        self._raw, self._image = raw, image
        self._left = raw.height
        self._whole: tuple[Samples, Samples | None] | None = None
        if raw.orientation != 1 or raw.alpha:
            self._whole = self._read_whole()
            image.rows.close()

    @property
    def report(self) -> dict[str, Any]:
        """What was chosen from the file, and what was missing."""
        frames = {"frame": self._raw.frame, "frames": self._raw.frames} if self._raw.frames > 1 else {}
        return {**frames, **self._image.report}

    def read(self, rows: int) -> tuple[Samples, Samples | None]:
        rows = min(rows, self._left)
        top = self.header.height - self._left if self._whole else 0
        self._left -= rows
        if self._whole is not None:
            pixels, alpha = self._whole
            part = slice(top, top + rows)
            return pixels[part], None if alpha is None else alpha[part]
        if not rows:
            return full_of((0, self._raw.width, 3), self.bits), None
        return self._band(rows)

    def close(self) -> None:
        self._image.rows.close()
        self._whole, self._left = None, 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _band(self, rows: int) -> tuple[Samples, Samples | None]:
        """The next rows as stored: RGB and, where the header says so, alpha."""
        with _refusals(NAMES[self._raw.format]):
            band = self._image.rows.read(rows)
        if band.shape[:2] != (rows, self._raw.width):
            raise BadImageError(
                f"The {NAMES[self._raw.format]} image is damaged: it holds another picture than its header announces."
            )
        band = as_depth(band, self.bits)
        if band.shape[2] < 3:
            pixels: Samples = np.repeat(band[..., :1], 3, axis=2)
        else:
            pixels = np.ascontiguousarray(band[..., :3])
        if not self._raw.alpha:
            return pixels, None
        if band.shape[2] in (2, 4):
            return pixels, np.ascontiguousarray(band[..., -1])
        return pixels, full_of(band.shape[:2], self.bits)

    def _read_whole(self) -> tuple[Samples, Samples | None]:
        """The picture upright, visible colours spread under its transparency."""
        raw = self._raw
        pixels = full_of((self.header.height, self.header.width, 3), self.bits)
        alpha = full_of(pixels.shape[:2], self.bits) if raw.alpha else None
        stored_pixels = orientation.as_stored(pixels, raw.orientation)
        stored_alpha = None if alpha is None else orientation.as_stored(alpha, raw.orientation)
        for top in range(0, raw.height, _BAND_ROWS):
            band, band_alpha = self._band(min(_BAND_ROWS, raw.height - top))
            stored_pixels[top : top + len(band)] = band
            if stored_alpha is not None and band_alpha is not None:
                stored_alpha[top : top + len(band)] = band_alpha
        if alpha is not None:
            spread(pixels, alpha)
        self._left = self.header.height
        return pixels, alpha


@contextmanager
def _refusals(name: str) -> Iterator[None]:
    """Turns whatever the libraries raise over damaged files into BadImageError."""
    try:
        yield
    except BadImageError:
        raise
    except Exception as error:
        if name == "PNG" and isinstance(error, VipsError):  # libpng's words do not reach us
            raise BadImageError(
                "The PNG image is truncated or damaged: its pixels are not complete; truncated=accept processes what "
                "is there."
            ) from error
        if any(word in str(error).lower() for word in _ENDS_EARLY):
            raise BadImageError(f"The {name} image is truncated: its pixels are not complete.") from error
        raise BadImageError(f"The {name} image is damaged or of an unknown kind: it cannot be decoded.") from error
