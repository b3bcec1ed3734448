import pytest
from darkroom_gateway.negotiation import Wanted, negotiate
from darkroom_gateway.problems import Problem

SAME = Wanted()
JSON = Wanted(as_json=True)


@pytest.mark.parametrize(
    ("accept", "source", "wanted"),
    [
        ("", "jpeg", SAME),
        ("*/*", "jpeg", SAME),
        ("image/*", "webp", SAME),
        ("image/png", "jpeg", Wanted("png")),
        ("image/png", "png", SAME),
        ("image/png", "bmp", SAME),  # BMP, GIF and JPEG XL come back as PNG anyway
        ("image/png", "jxl", SAME),
        ("image/png", "tiff", Wanted("png")),
        ("image/jpg", "heic", SAME),  # HEIC comes back as JPEG anyway
        ("image/jpg", "png", Wanted("jpeg")),
        ("image/JPG;q=0.9, image/png;q=0.1", "png", Wanted("jpeg")),
        ("image/avif", "jpeg", Wanted("avif")),
        ("image/tiff", "png", Wanted("tiff")),
        ("image/tif", "tiff", SAME),
        ("image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", "heic", SAME),
        ("image/avif,image/webp", "tiff", Wanted("avif")),
        ("image/webp, image/jpeg", "jpeg", SAME),
        ("image/webp, image/jpeg", "png", Wanted("webp")),
        ("image/png;q=0.5, image/jpeg", "png", Wanted("jpeg")),
        ("IMAGE/PNG", "jpeg", Wanted("png")),
        ("image/avif,image/webp,image/apng,image/*,*/*;q=0.8", "jpeg", SAME),
        ("application/json", "jpeg", JSON),
        ("application/json, text/plain, */*", "jpeg", SAME),  # what axios always says
        ("application/json, image/*;q=0.5", "jpeg", JSON),
        ("image/png;q=nonsense, image/jpeg;q=0.1", "png", Wanted("jpeg")),
        (",,", "png", SAME),
    ],
)
def test_accept(accept, source, wanted):
    assert negotiate(accept, source) == wanted


@pytest.mark.parametrize("accept", ["text/html", "image/heic", "image/gif, application/json;q=0", "*/*;q=0"])
def test_nothing_acceptable(accept):
    with pytest.raises(Problem) as caught:
        negotiate(accept, "png")
    assert caught.value.status == 406
    assert repr(accept) in caught.value.detail
