"""Options as parameters and as headers, over HTTP and gRPC: what is understood, which wins, what is refused."""

from typing import Any

import pytest
from pictures import opened, photo_file
from wire import TRANSPORTS, Call, RefusedError, binary, grpc, raw, rest

from darkroom.server import Server

PHOTO = photo_file(64, 64)


def width(server: Server, transport: Any, **call: Any) -> int:
    return opened(transport(server, Call(PHOTO, **call)).image).width


@pytest.mark.parametrize("transport", [rest, binary, grpc])
def test_options_as_parameters(server: Server, transport: object) -> None:
    assert width(server, transport, options={"scale": 2}) == 128


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("name", ["darkroom-scale", "Darkroom-Scale", "DARKROOM-SCALE"])
def test_options_as_headers_of_any_case(server: Server, transport: object, name: str) -> None:
    if transport is grpc:
        name = name.lower()  # gRPC itself allows no other
    assert width(server, transport, headers={name: "2"}) == 128


@pytest.mark.parametrize("transport", [rest, binary, grpc])
def test_a_parameter_wins_over_a_header(server: Server, transport: object) -> None:
    assert width(server, transport, options={"scale": 2}, headers={"darkroom-scale": "4"}) == 128


@pytest.mark.parametrize("name", ["darkroom-output-format", "darkroom-output_format", "Darkroom-Output-Format"])
def test_a_header_of_two_words(server: Server, name: str) -> None:
    answer = raw(server, Call(PHOTO, "denoise", headers={name: "jpeg"}))
    assert opened(answer.image).format == "JPEG"


def test_numbers_and_words_in_one_option(server: Server) -> None:
    for headers, strength in (({"darkroom-strength": "12.5"}, 12.5), ({"darkroom-strength": "0"}, 0)):
        assert raw(server, Call(PHOTO, "denoise", headers=headers)).report["strength"] == strength
    assert raw(server, Call(PHOTO, "denoise", headers={"darkroom-strength": "auto"})).report["strength"] >= 0


def test_a_whole_number_may_come_as_a_float(server: Server) -> None:
    assert width(server, grpc, options={"scale": 2.0}) == 128


def test_the_lane_and_the_admin_key_are_understood(server: Server) -> None:
    headers = {"darkroom-lane": "bulk", "darkroom-admin-key": "whatever"}
    assert width(server, raw, headers=headers) == 256


REFUSED = [
    ({"scale": 3}, "scale must be 2 or 4, got 3."),
    ({"scale": "2"}, 'scale must be 2 or 4, got "2".'),
    ({"scale": 2.5}, "scale must be 2 or 4, got 2.5."),
    ({"scale": True}, "scale must be 2 or 4, got true."),
    ({"quote": "yes"}, 'quote must be true or false, got "yes".'),
    ({"lane": "fast"}, 'lane must be "interactive" or "bulk", got "fast".'),
    ({"deadline_s": 0}, "deadline_s must be a number of seconds above 0, at most 3600, got 0."),
    ({"output_format": "gif"}, 'output_format must be "same", "png", "jpeg", "webp", "avif" or "tiff", got "gif".'),
    ({"output_quality": 101}, "output_quality must be a whole number from 1 to 100, got 101."),
    ({"network": "esrgan"}, 'network must be one of realesrgan_x4plus, span, got "esrgan".'),
]


@pytest.mark.parametrize(("options", "sentence"), REFUSED, ids=lambda value: str(value)[:24])
@pytest.mark.parametrize("transport", [rest, grpc])
def test_a_wrong_option_is_named_with_its_value_and_what_is_allowed(
    server: Server, transport: object, options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(RefusedError) as refused:
        transport(server, Call(PHOTO, options=options))
    assert refused.value.sentence == sentence
    assert refused.value.details == {"reason": "bad_option"}
    assert refused.value.status == (400 if transport is rest else "INVALID_ARGUMENT")


@pytest.mark.parametrize("transport", [rest, binary, grpc])
def test_an_unknown_option_is_named_with_the_known_ones(server: Server, transport: object) -> None:
    with pytest.raises(RefusedError, match=r'Unknown option "scales"\. Did you mean scale\? Known options: .*quote'):
        transport(server, Call(PHOTO, options={"scales": 2}))


def test_an_unknown_header_is_named_too(server: Server) -> None:
    with pytest.raises(RefusedError, match=r'Unknown option "strength"\. Known options'):
        raw(server, Call(PHOTO, headers={"Darkroom-Strength": "3"}))
