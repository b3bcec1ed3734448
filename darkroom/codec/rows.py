"""A picture as the rows an encoder wants, a band at a time, so that no second picture lies in memory."""

from collections.abc import Iterator

import numpy as np

from darkroom.codec.image import Image, Pixels

BAND_ROWS = 64
"""Rows at a time: a band of a 8000-pixel-wide picture is 1.5 MB and stays in the processor's cache."""


def bands(image: Image, *, alpha: bool) -> Iterator[Pixels]:
    """Bands uint8 [rows, width, channels] from the top: 1 channel if grey, else 3; one more with `alpha`."""
    for top in range(0, image.height, BAND_ROWS):
        band = image.pixels[top : top + BAND_ROWS]
        light = luma(band)[..., None] if image.grey else band
        if alpha and image.alpha is not None:
            yield np.concatenate((light, image.alpha[top : top + BAND_ROWS, :, None]), axis=2)
        else:
            yield np.ascontiguousarray(light)


def luma(band: Pixels) -> Pixels:
    """Rec. 601 luma of RGB [h, w, 3], rounded; exact where the channels are equal. uint8 [h, w]."""
    weighted = band[..., 0].astype(np.uint32) * 19595
    weighted += band[..., 1].astype(np.uint32) * 38470
    weighted += band[..., 2].astype(np.uint32) * 7471
    return ((weighted + 32768) >> 16).astype(np.uint8)


def flattened(image: Image) -> Pixels:
    """The picture over a white page, without its alpha: uint8 [h, w, 1 or 3]."""
    if image.alpha is None and not image.grey:
        return np.ascontiguousarray(image.pixels)
    page = np.empty((image.height, image.width, 1 if image.grey else 3), np.uint8)
    top = 0
    for band in bands(image, alpha=False):
        target = page[top : top + len(band)]
        if image.alpha is None:
            target[...] = band
        else:
            opacity = image.alpha[top : top + len(band), :, None].astype(np.uint16)
            target[...] = (band * opacity + 255 * (255 - opacity) + 127) // 255
        top += len(band)
    return page
