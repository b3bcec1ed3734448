"""Colour codings that a file states by numbers instead of by an ICC profile.

Another transfer curve than sRGB's is converted away, sample by sample; other primaries are described by a profile that
goes along. So networks always see samples that are spaced as the eye sees them, and nothing is clipped.
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from darkroom.codec import icc
from darkroom.codec.image import Samples
from darkroom.codec.raw import most_of
from darkroom.errors import BadImageError

Floats = NDArray[np.float64]
Curve = Callable[[Floats], Floats]
"""From samples 0..1 to light 0..1."""

_SRGB = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06), (0.3127, 0.3290))
"""Chromaticities x, y of red, green, blue and white."""
_PRIMARIES: Mapping[int, icc.Primaries] = {
    4: ((0.67, 0.33), (0.21, 0.71), (0.14, 0.08), (0.310, 0.316)),
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), (0.3127, 0.3290)),
    11: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), (0.314, 0.351)),
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), (0.3127, 0.3290)),
}
"""ITU-T H.273, table 2. The others are close to sRGB's, or unspecified."""
_GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0}
"""ITU-T H.273, table 3. The curves of BT.709 and its kin are shown as sRGB's, which is what viewers do."""
_HDR = {16: "PQ", 18: "HLG"}
_NEAR = 0.05
"""Files whose gamma is so close to 1 / 2.2 mean sRGB (libpng's threshold)."""
_NEAR_XY = 0.005


@dataclass(frozen=True)
class Coding:
    """What to do with the samples, and what describes them then."""

    icc: bytes | None = None
    transfer: Curve | None = None
    """The curve of the samples, where it is to be replaced by sRGB's."""

    def to_srgb(self, band: Samples) -> Samples:
        """The same light with sRGB's curve; alpha, the last of 2 or 4 channels, stays."""
        assert self.transfer is not None
        most = most_of(band)
        light = np.clip(self.transfer(np.arange(most + 1) / most), 0, 1)
        coded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
        table = np.rint(coded * most).astype(band.dtype)
        converted: Samples = table[band]
        if band.shape[2] in (2, 4):
            converted[..., -1] = band[..., -1]
        return converted


def of_png(chunks: Mapping[bytes, bytes]) -> Coding:
    """W3C PNG, third edition, 4.3: cICP before iCCP before sRGB before gAMA and cHRM. `chunks`: name to body.
    Raises BadImageError for HDR."""
    cicp = chunks.get(b"cICP", b"")
    if len(cicp) == 4 and cicp[2] == 0:
        return of_cicp("PNG", cicp[0], cicp[1])
    profile = icc.kept(icc.inflated(chunks.get(b"iCCP", b"")), grey=False) or icc.kept(
        icc.inflated(chunks.get(b"iCCP", b"")), grey=True
    )
    if profile is not None:
        return Coding(profile)
    if b"sRGB" in chunks:
        return Coding()
    return _of_gamma(chunks.get(b"gAMA", b""), chunks.get(b"cHRM", b""))


def of_cicp(name: str, primaries: int, transfer: int) -> Coding:
    """The code points of ITU-T H.273. Raises BadImageError for HDR."""
    if transfer in _HDR:
        raise BadImageError(
            f"The {name} image is HDR ({_HDR[transfer]}), which would look wrong on ordinary screens; "
            "export it as SDR (sRGB or Display P3) first."
        )
    curve = _power(_GAMMAS[transfer]) if transfer in _GAMMAS else None
    wide = _PRIMARIES.get(primaries)
    return Coding(None if wide is None else icc.matrix_profile(wide), curve)


def _of_gamma(gama: bytes, chrm: bytes) -> Coding:
    gamma = struct.unpack(">I", gama)[0] / 1e5 if len(gama) == 4 else 0.0
    exponent = 1 / gamma if 0.01 <= gamma <= 100 else None
    near = exponent is None or abs(2.2 * gamma - 1) < _NEAR
    profile = None
    if len(chrm) == 32:
        white, *colours = (tuple(value / 1e5 for value in struct.unpack_from(">II", chrm, at)) for at in (0, 8, 16, 24))
        primaries = (colours[0], colours[1], colours[2], white)
        if not np.allclose(primaries, _SRGB, rtol=0, atol=_NEAR_XY):
            profile = icc.matrix_profile(primaries, exponent if near else None)
    return Coding(profile, None if near or exponent is None else _power(exponent))


def _power(exponent: float) -> Curve:
    return lambda samples: samples**exponent
