"""Colour spaces: the answer must look like the source, by its profile or by conversion."""

import io
import struct
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import PIL.Image
import pyvips
from PIL import ImageCms

from perf.field.case import BANDED, Case
from perf.field.checks import carries, file_is, shows
from perf.field.files import jxl_of_jpeg, opened, png, saved, tiff, with_chunks
from perf.field.pictures import Array, cat, grey
from perf.field.profiles import ADOBE_RGB, BT2020, DISPLAY_P3, SRGB, WIDE, grey_profile, matrix_profile
from perf.field.viewer import to_srgb

PALE = "upscayl/upscayl#1265, Sanster/IOPaint#437"
CMYK = "LadybirdBrowser/ladybird#6486, lovell/sharp#1313"
RGB_JPEG = "image-rs/jpeg-decoder#249, python-pillow/Pillow#3952"
GAMMA = "etemesi254/zune-image#54"
PROFILES = {
    "Display P3": matrix_profile(DISPLAY_P3),
    "Adobe RGB": matrix_profile(ADOBE_RGB, 2.19921875),
    "sRGB": matrix_profile(SRGB),
    "wide, gamma 1.8": matrix_profile(WIDE, 1.8),
    "BT.2020": matrix_profile(BT2020),
}


def cases() -> list[Case]:
    return [*_profiles(), *_answers(), *_grey(), *_cmyk(), *_rgb_jpegs(), *_png_chunks(), *_lab()]


def _case(name: str, data: bytes, *checks: Any, source: str = "", **more: Any) -> Case:
    return Case("colour", name, partial(bytes, data), checks, source, **more)


def _shown(profile: bytes) -> Array:
    return to_srgb(cat(), profile)


def _profiles() -> list[Case]:
    made = []
    for name, profile in PROFILES.items():
        files = {
            "jpeg": (saved(cat(), "JPEG", quality=97, subsampling=0, icc_profile=profile), 36.0),
            "png": (saved(cat(), "PNG", icc_profile=profile), 50.0),
            "webp": (saved(cat(), "WEBP", lossless=True, icc_profile=profile), 50.0),
            "tiff": (saved(cat(), "TIFF", icc_profile=profile), 50.0),
            "avif": (saved(cat(), "AVIF", quality=97, icc_profile=profile), 33.0),
            "jpeg xl": (jxl_of_jpeg(saved(cat(), "JPEG", quality=97, subsampling=0, icc_profile=profile)), 36.0),
        }
        made += [
            _case(f"{name} in {kind}", data, shows(partial(_shown, profile), least), source=PALE)
            for kind, (data, least) in files.items()
        ]
    return made


def _answers() -> list[Case]:
    """The profile, or its effect, survives every output format."""
    profile = PROFILES["Display P3"]
    data = saved(cat(), "PNG", icc_profile=profile)
    least = {"png": 50.0, "jpeg": 34.0, "webp": 31.0, "tiff": 50.0, "avif": 31.0}
    return [
        _case(
            f"Display P3 to {kind}",
            data,
            shows(partial(_shown, profile), bound),
            source=PALE,
            ways=(BANDED,),
            options={"output_format": kind},
        )
        for kind, bound in least.items()
    ]


def _grey() -> list[Case]:
    three = np.dstack([grey()] * 3)
    toned = grey_profile(1.8)
    return [
        _case(
            "RGB profile on a grey jpeg",
            saved(grey(), "JPEG", quality=97, icc_profile=PROFILES["Display P3"]),
            shows(partial(np.asarray, three), 40),
            carries("neutral", lambda view: _neutral(view.srgb)),
        ),
        _case(
            "grey jpeg",
            saved(grey(), "JPEG", quality=97),
            shows(partial(np.asarray, three), 40),
            carries("neutral", lambda view: _neutral(view.srgb)),
            source="xinntao/Real-ESRGAN#558",
        ),
        _case(
            "grey jpeg, answered as jpeg",
            saved(grey(), "JPEG", quality=97),
            shows(partial(np.asarray, three), 36),
            carries("neutral", lambda view: _neutral(view.srgb)),
            options={},
        ),
        _case("grey stored as colour", saved(three, "JPEG", quality=95), shows(partial(np.asarray, three), 36)),
        _case(
            "grey profile in png",
            saved(grey(), "PNG", icc_profile=toned),
            shows(lambda: to_srgb(three, toned, True), 40),
        ),
        _case("grey profile on colour is ignored", saved(cat(), "PNG", icc_profile=toned), shows(cat, 50)),
        _case("profile of garbage", saved(cat(), "PNG", icc_profile=b"\0" * 200), shows(cat, 50)),
        _case(
            "profile cut",
            saved(cat(), "JPEG", quality=97, subsampling=0, icc_profile=PROFILES["Adobe RGB"][:150]),
            shows(cat, 40),
        ),
    ]


def _neutral(pixels: Array) -> bool:
    return bool((pixels.max(axis=-1).astype(int) - pixels.min(axis=-1) <= 1).all())


def _cmyk() -> list[Case]:
    picture = PIL.Image.fromarray(cat()).convert("CMYK")
    inks = np.asarray(picture)
    plain = saved(picture, "JPEG", quality=97, subsampling=0)
    ycc = np.asarray(PIL.Image.fromarray(inks[..., :3]).convert("YCbCr"))
    # Pillow stores 255 - value under an Adobe marker; transform 2 says that the first three are YCbCr of it
    wrapped = saved(
        PIL.Image.fromarray(np.dstack((255 - ycc, inks[..., 3])), "CMYK"), "JPEG", quality=97, subsampling=0
    )
    at = wrapped.index(b"Adobe") + 11
    ycck = wrapped[:at] + b"\x02" + wrapped[at + 1 :]
    files = {
        "CMYK jpeg": plain,
        "YCCK jpeg": ycck,
        "CMYK jpeg, progressive": saved(picture, "JPEG", quality=97, subsampling=0, progressive=True),
        "CMYK tiff": saved(picture, "TIFF"),
        "CMYK tiff, lzw": saved(picture, "TIFF", compression="tiff_lzw"),
    }
    press = bytes(pyvips.Image.profile_load("cmyk"))
    described = to_srgb_from_inks(picture, press)
    with_profile = {
        "CMYK jpeg with a profile": saved(picture, "JPEG", quality=97, subsampling=0, icc_profile=press),
        "CMYK tiff with a profile": saved(picture, "TIFF", icc_profile=press),
    }
    profiled = [
        _case(name, data, shows(partial(np.asarray, described), 28), file_is(alpha=False), source=CMYK)
        for name, data in with_profile.items()
    ]
    # without a profile viewers differ in saturation, not in what is light and dark
    return profiled + [
        _case(name, data, shows(partial(opened, data), 22), file_is(alpha=False), source=CMYK)
        for name, data in files.items()
    ]


def to_srgb_from_inks(picture: PIL.Image.Image, profile: bytes) -> Array:
    """What a CMYK picture looks like: uint8 [h, w, 3]."""
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
    srgb = ImageCms.createProfile("sRGB")
    return np.asarray(ImageCms.profileToProfile(picture, source, srgb, renderingIntent=intent, outputMode="RGB"))


def _rgb_jpegs() -> list[Case]:
    data = saved(cat(), "JPEG", quality=97, keep_rgb=True)
    made = [_case("jpeg coded as RGB", data, shows(cat, 38), source=RGB_JPEG)]
    at = data.find(b"\xff\xee")
    if at > 0:
        length = struct.unpack_from(">H", data, at + 2)[0]
        bare = data[:at] + data[at + 2 + length :]
        made.append(_case("jpeg coded as RGB, no Adobe marker", bare, shows(cat, 38), source=RGB_JPEG))
    made.append(
        _case(
            "jpeg coded as RGB, progressive",
            saved(cat(), "JPEG", quality=97, keep_rgb=True, progressive=True),
            shows(cat, 38),
            source=RGB_JPEG,
        )
    )
    return made


def _gamma(value: float) -> tuple[bytes, bytes]:
    return b"gAMA", struct.pack(">I", round(value * 100_000))


def _png_chunks() -> list[Case]:
    def chromaticities(primaries: Any) -> tuple[bytes, bytes]:
        points = [(0.3127, 0.3290), *primaries]
        return b"cHRM", struct.pack(">8I", *(round(v * 100_000) for point in points for v in point))

    linear = np.where(cat() / 255 <= 0.04045, cat() / 255 / 12.92, ((cat() / 255 + 0.055) / 1.055) ** 2.4)
    light = np.rint(linear * 255).astype(np.uint8)
    light16 = np.rint(linear * 65535).astype(np.uint16)
    grey_linear = np.rint(
        65535 * np.where(grey() / 255 <= 0.04045, grey() / 255 / 12.92, ((grey() / 255 + 0.055) / 1.055) ** 2.4)
    ).astype(np.uint16)
    p3 = PROFILES["Display P3"]
    straight = matrix_profile(SRGB, 1.0)
    few = PIL.Image.fromarray(cat()).quantize(128)
    plain = saved(cat(), "PNG")
    gamma18 = matrix_profile(SRGB, 1.8)
    with_icc = saved(cat(), "PNG", icc_profile=PROFILES["Adobe RGB"])
    files: dict[str, tuple[bytes, Callable[[], Any], float]] = {
        "png gAMA 1.0": (with_chunks(saved(light, "PNG"), _gamma(1.0)), lambda: to_srgb(light, straight), 30),
        "png gAMA 1.0, 16 bits": (png(light16, 16, 2, chunks=[_gamma(1.0)]), cat, 38),
        "png gAMA 1.0, grey, 16 bits": (
            png(grey_linear, 16, 0, chunks=[_gamma(1.0)]),
            lambda: np.dstack([grey()] * 3),
            38,
        ),
        "png gAMA 0.45455": (with_chunks(plain, _gamma(0.45455)), cat, 40),
        "png gAMA 1/1.8": (with_chunks(plain, _gamma(1 / 1.8)), lambda: to_srgb(cat(), gamma18), 40),
        "png gAMA and cHRM of P3": (
            with_chunks(plain, _gamma(0.45455), chromaticities(DISPLAY_P3)),
            lambda: to_srgb(cat(), p3),
            36,
        ),
        "png gAMA and cHRM of sRGB": (with_chunks(plain, _gamma(0.45455), chromaticities(SRGB)), cat, 40),
        "png sRGB with gAMA 1.0": (with_chunks(plain, (b"sRGB", b"\0"), _gamma(1.0)), cat, 50),
        "png cICP of P3": (with_chunks(plain, (b"cICP", bytes((12, 13, 0, 1)))), lambda: to_srgb(cat(), p3), 36),
        "png cICP of sRGB": (with_chunks(plain, (b"cICP", bytes((1, 13, 0, 1)))), cat, 50),
        "png cICP of P3 over iCCP": (
            with_chunks(with_icc, (b"cICP", bytes((12, 13, 0, 1)))),
            lambda: to_srgb(cat(), p3),
            36,
        ),
        "png iCCP over gAMA": (with_chunks(with_icc, _gamma(1.0)), lambda: to_srgb(cat(), PROFILES["Adobe RGB"]), 40),
        "png gAMA 0": (with_chunks(plain, _gamma(0.0)), cat, 50),
        "png gAMA on palette": (
            with_chunks(saved(few, "PNG"), _gamma(1 / 1.8)),
            lambda: to_srgb(np.asarray(few.convert("RGB")), gamma18),
            40,
        ),
    }
    made = []
    for name, (data, wanted, least) in files.items():
        made.append(_case(name, data, shows(wanted, least), source=GAMMA))
    for kind in ("jpeg", "webp", "tiff"):
        made.append(
            _case(
                f"png gAMA 1/1.8 to {kind}",
                with_chunks(plain, _gamma(1 / 1.8)),
                shows(lambda: to_srgb(cat(), gamma18), 30),
                source=GAMMA,
                ways=(BANDED,),
                options={"output_format": kind},
            )
        )
        made.append(
            _case(
                f"png cICP of P3 to {kind}",
                with_chunks(plain, (b"cICP", bytes((12, 13, 0, 1)))),
                shows(lambda: to_srgb(cat(), p3), 30),
                source=GAMMA,
                ways=(BANDED,),
                options={"output_format": kind},
            )
        )
    return made


def _lab() -> list[Case]:
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    converted = ImageCms.profileToProfile(PIL.Image.fromarray(cat()), srgb, lab, outputMode="LAB")
    assert converted is not None
    return [
        _case("tiff LAB", saved(converted, "TIFF"), shows(cat, 26), source="w3c/png#310"),
        _case("tiff YCbCr", saved(cat(), "TIFF", compression="jpeg", quality=97), shows(cat, 34)),
        _case(
            "tiff RGB, ProPhoto-like profile, 16 bits",
            tiff(cat().astype(np.uint16) * 257, iccprofile=PROFILES["wide, gamma 1.8"]),
            shows(partial(_shown, PROFILES["wide, gamma 1.8"]), 40),
        ),
    ]
