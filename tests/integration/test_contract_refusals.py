"""Every bad file is refused with HTTP 400 or INVALID_ARGUMENT and a sentence, and the server goes on."""

import PIL.Image
import pytest
from pictures import file_of, photo, photo_file
from wire import TRANSPORTS, Call, RefusedError, grpc, raw

from darkroom.server import Server
from tests.unit.codec.codec_files import png

PHOTO = photo_file(64, 64)
JPEG = photo_file(200, 160, "JPEG")
FRAMES = [PIL.Image.fromarray(photo(8, 8, seed)) for seed in range(2)]


def moving(kind: str) -> bytes:
    return file_of(FRAMES[0], kind, save_all=True, append_images=FRAMES[1:])


BAD_FILES = {
    "empty": (b"", "The image is empty (0 bytes)"),
    "no image": (b"hello world", "The 11 bytes are not an image: they begin with 'hello wo'; JPEG, PNG, WebP"),
    "no format of ours": (file_of(FRAMES[0], "GIF"), "is a GIF file; JPEG, PNG, WebP, TIFF and BMP are accepted."),
    "cut in its header": (PHOTO[:20], "The PNG image is truncated: its header is not complete."),
    "cut in its pixels": (JPEG[: len(JPEG) // 2], "The JPEG image is truncated: its pixels are not complete."),
    "animated": (moving("WEBP"), "The WebP image is animated; only still images are accepted."),
    "animated PNG": (moving("PNG"), "The PNG image is animated (APNG); only still images are accepted."),
    "several pages": (moving("TIFF"), "The TIFF image has several pages; only single images are accepted."),
    "zero-sized": (png(0, 5, 8, 2, b""), "The image is 0 x 5 pixels; both sides must be at least 1."),
    "too many pixels": (png(5000, 4000, 1, 0, b"x" * 999), "5000 x 4000 pixels, 20000000 in all; at most 16000000"),
    "a bomb": (png(60_000, 60_000, 8, 2, b"x" * 999), "60000 x 60000 pixels; its longer side may have at most 16000."),
    "too many bytes": (PHOTO + bytes(2**25), f"has {len(PHOTO) + 2**25} bytes; at most 33554432 are allowed."),
}


@pytest.mark.parametrize("name", BAD_FILES)
@pytest.mark.parametrize(("transport", "status"), [(raw, 400), (grpc, "INVALID_ARGUMENT")])
def test_a_bad_file_is_refused_with_its_sentence_and_the_server_goes_on(
    server: Server, transport: object, status: object, name: str
) -> None:
    data, words = BAD_FILES[name]
    with pytest.raises(RefusedError) as refused:
        transport(server, Call(data, "denoise"))
    assert refused.value.status == status
    assert words in refused.value.sentence
    assert refused.value.sentence.endswith(".")
    assert refused.value.details == {"reason": "bad_image"}
    assert transport(server, Call(PHOTO, "denoise")).image


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_what_cannot_be_done_in_time_is_unavailable(server: Server, transport: object) -> None:
    with pytest.raises(RefusedError) as refused:
        transport(server, Call(PHOTO, headers={"darkroom-deadline-s": "0.001"}))
    assert refused.value.status == ("UNAVAILABLE" if transport is grpc else 503)
    assert refused.value.details["reason"] == "deadline"
    assert "its deadline is 0.0 s" in refused.value.sentence


def test_a_result_that_would_be_too_large_is_refused_before_any_work(server: Server) -> None:
    data = file_of(PIL.Image.new("L", (3600, 3600)))
    with pytest.raises(RefusedError, match="The result would be 14400 x 14400 pixels, 207360000 in all"):
        grpc(server, Call(data))


def test_no_refusal_tells_of_the_inside(server: Server) -> None:
    for data, _ in BAD_FILES.values():
        with pytest.raises(RefusedError) as refused:
            raw(server, Call(data))
        assert "Traceback" not in refused.value.message
        assert "/" not in refused.value.message
