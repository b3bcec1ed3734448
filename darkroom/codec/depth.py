"""Samples of 8 and 16 bits, one from the other."""

import numpy as np

from darkroom.codec.image import Depth, Samples


def as_depth(samples: Samples, bits: Depth) -> Samples:
    """The same samples with 8 or 16 bits: times 257, or divided by it and rounded."""
    if samples.dtype == (np.uint8 if bits == 8 else np.uint16):
        return samples
    if bits == 16:
        return samples.astype(np.uint16) * np.uint16(257)
    wide = samples.astype(np.uint32) * 255 + 32895  # shifted by 16 this is (sample + 128) // 257, for all 65,536
    return (wide >> 16).astype(np.uint8)
