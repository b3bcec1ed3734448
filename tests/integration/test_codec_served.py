"""What pictures carry besides RGB pixels, and the formats they come back in, through the server."""

import PIL.Image
import pytest
from pictures import file_of, opened, photo, pixels_of
from wire import Call, raw

from darkroom.server import Server
from tests.unit.codec.codec_files import SRGB, exif

PHOTO = photo(72, 48)


def enlarge(server: Server, data: bytes, **headers: str) -> PIL.Image.Image:
    named = {f"darkroom-{name.replace('_', '-')}": value for name, value in headers.items()}
    return opened(raw(server, Call(data, headers={"darkroom-scale": "2", **named})).image)


def test_grey_stays_grey(server: Server) -> None:
    answer = enlarge(server, file_of(PIL.Image.fromarray(PHOTO).convert("L")))
    assert (answer.mode, answer.size) == ("L", (144, 96))


def test_alpha_is_enlarged_along(server: Server) -> None:
    picture = PIL.Image.fromarray(PHOTO).convert("RGBA")
    alpha = PIL.Image.linear_gradient("L").resize(picture.size)
    picture.putalpha(alpha)
    answer = enlarge(server, file_of(picture))
    assert (answer.mode, answer.size) == ("RGBA", (144, 96))
    again = answer.getchannel("A").resize(picture.size, PIL.Image.Resampling.BOX)
    assert max(abs(a - b) for a, b in zip(again.tobytes(), alpha.tobytes(), strict=True)) <= 4


def test_the_colour_profile_is_kept(server: Server) -> None:
    assert enlarge(server, file_of(PHOTO, icc_profile=SRGB)).info["icc_profile"] == SRGB
    assert enlarge(server, file_of(PHOTO, "JPEG", icc_profile=SRGB)).info["icc_profile"] == SRGB


def test_a_photo_taken_sideways_comes_back_upright(server: Server) -> None:
    """Orientation 6: the camera was turned; a viewer turns the stored picture clockwise by 90 degrees."""
    stored = file_of(PIL.Image.fromarray(PHOTO).transpose(PIL.Image.Transpose.ROTATE_90), exif=exif(6))
    answer = enlarge(server, stored)
    assert answer.size == (144, 96)
    assert answer.getexif().get(274, 1) == 1
    assert answer.tobytes() == enlarge(server, file_of(PHOTO)).tobytes()


@pytest.mark.parametrize(
    ("sent", "answered"), [("PNG", "PNG"), ("JPEG", "JPEG"), ("WEBP", "WEBP"), ("TIFF", "TIFF"), ("BMP", "PNG")]
)
def test_the_answer_has_the_format_of_the_question_where_we_write_it(server: Server, sent: str, answered: str) -> None:
    assert enlarge(server, file_of(PHOTO, sent)).format == answered


def test_lossless_formats_give_the_same_pixels(server: Server) -> None:
    answers = {enlarge(server, file_of(PHOTO, kind)).tobytes() for kind in ("PNG", "TIFF", "BMP")}
    assert len(answers) == 1


@pytest.mark.parametrize("wanted", ["png", "jpeg", "webp", "avif", "tiff"])
def test_output_format(server: Server, wanted: str) -> None:
    assert enlarge(server, file_of(PHOTO), output_format=wanted).format == wanted.upper()


@pytest.mark.parametrize("wanted", ["jpeg", "webp", "avif"])
def test_output_quality_costs_bytes(server: Server, wanted: str) -> None:
    sizes = []
    for quality in ("20", "95"):
        headers = {"darkroom-output-format": wanted, "darkroom-output-quality": quality}
        sizes.append(len(raw(server, Call(file_of(PHOTO), "denoise", headers=headers)).image))
    assert sizes[0] < sizes[1]


def test_denoising_keeps_the_size_and_the_look(server: Server) -> None:
    answer = raw(server, Call(file_of(PHOTO), "denoise", headers={"darkroom-strength": "5"}))
    difference = abs(pixels_of(answer.image).astype(int) - PHOTO)
    assert pixels_of(answer.image).shape == PHOTO.shape
    assert 0 < difference.mean() < 8
