"""Bodies that are too large, too slow, too many or of the wrong kind, over a real socket."""

import re
import socket
import time
from urllib.parse import urlsplit

import httpx
import pytest
from darkroom_client import BadImage

from tests.unit.gateway.fakes import FakeBackend, listening, picture

KILO = 1024


@pytest.fixture(scope="module")
def small():
    with listening(FakeBackend(), max_bytes=100 * KILO, held_bytes=150 * KILO, upload_s=1.0) as url:
        yield url


def chunks(total, piece=16 * KILO):
    for _ in range(total // piece):
        yield bytes(piece)


def test_a_body_that_says_it_is_too_large_is_not_read(small):
    response = httpx.post(f"{small}/v1/denoise", content=bytes(101 * KILO))
    assert response.status_code == 413
    assert response.json()["detail"] == "The picture file is too large; at most 102,400 bytes are allowed."


def test_a_body_of_unknown_length_is_stopped(small):
    response = httpx.post(f"{small}/v1/denoise", content=chunks(160 * KILO))
    assert response.status_code == 413
    assert response.headers["connection"] == "close"


def test_an_endless_body_is_stopped(small):
    with socket.create_connection((urlsplit(small).hostname, urlsplit(small).port), timeout=10) as raw:
        raw.sendall(b"POST /v1/denoise HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
        piece = b"4000\r\n" + bytes(0x4000) + b"\r\n"
        with pytest.raises(ConnectionError):
            raw.sendall(piece * 10_000)


def test_a_form_whose_picture_is_too_large(small):
    response = httpx.post(f"{small}/v1/denoise", files={"image": bytes(110 * KILO)})
    assert response.status_code == 413


def test_a_body_that_comes_too_slowly(small):
    def dribble():
        for _ in range(15):
            yield b"x"
            time.sleep(0.1)

    response = httpx.post(f"{small}/v1/denoise", content=dribble())
    assert response.status_code == 408
    assert re.fullmatch(
        r"The request did not arrive within 1 s \(\d+ bytes came\); a request has 1 s and a second more for every "
        r"1,048,576 bytes\.",
        response.json()["detail"],
    )


def test_a_large_body_may_come_slowly_as_long_as_it_comes():
    def dribble():
        for _ in range(8):
            yield bytes(KILO)
            time.sleep(0.1)

    with listening(FakeBackend(), upload_s=0.3, upload_bytes_per_s=4 * KILO) as url:
        response = httpx.post(f"{url}/v1/denoise", content=dribble())
    assert response.status_code == 200
    assert len(response.content) == 8 * KILO


def test_forty_megabytes_that_are_no_picture_get_a_sentence():
    refused = BadImage("The 40000000 bytes are not an image.")
    with listening(FakeBackend(failure=refused)) as url:
        rubbish = bytes(40_000_000)
        form = httpx.post(f"{url}/v1/denoise", files={"image": rubbish}, timeout=60)
        bare = httpx.post(f"{url}/v1/denoise", content=rubbish, headers={"expect": "100-continue"}, timeout=60)
        chunked = httpx.post(f"{url}/v1/denoise", content=chunks(40_000_000, 2**20), timeout=60)
    for response in (form, bare, chunked):
        assert response.status_code == 415
        assert response.json()["detail"] == refused.message


def test_expect_100_continue_gets_the_limit_before_the_body_is_sent(small):
    with socket.create_connection((urlsplit(small).hostname, urlsplit(small).port), timeout=10) as raw:
        raw.sendall(b"POST /v1/denoise HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 200000\r\n\r\n")
        answer = b"".join(iter(lambda: raw.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"at most 102,400 bytes are allowed" in answer


def test_a_stalled_reader_is_dropped_and_its_share_freed():
    result = bytes(40_000_000)
    with listening(FakeBackend(lambda data, options: result), held_bytes=50_000_000, upload_s=0.3) as url:
        with socket.create_connection((urlsplit(url).hostname, urlsplit(url).port), timeout=10) as raw:
            raw.sendall(b"POST /v1/denoise HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc")
            assert raw.recv(12) == b"HTTP/1.1 200"
            full = httpx.post(f"{url}/v1/denoise", content=b"abc")
            assert full.status_code == 503
            assert full.headers["retry-after"] == "1"
            assert "no room for the result of 40,000,000 bytes" in full.json()["detail"]
            for _ in range(100):
                if "darkroom_gateway_held_bytes 0.0" in httpx.get(f"{url}/metrics").text:
                    break
                time.sleep(0.05)
        assert httpx.post(f"{url}/v1/denoise", content=b"abc").status_code == 200


def test_all_uploads_together_are_bounded(small):
    with socket.create_connection((urlsplit(small).hostname, urlsplit(small).port)) as raw:
        raw.sendall(b"POST /v1/denoise HTTP/1.1\r\nhost: x\r\ncontent-length: 92160\r\n\r\nabc")
        time.sleep(0.2)
        response = httpx.post(f"{small}/v1/denoise", content=bytes(90 * KILO))
        assert response.status_code == 429
        assert response.headers["retry-after"] == "1"
    time.sleep(0.2)
    assert httpx.post(f"{small}/v1/denoise", content=bytes(90 * KILO)).status_code == 200


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "video/mp4"])
def test_content_types_that_are_no_picture(small, kind):
    response = httpx.post(f"{small}/v1/denoise", content=picture(), headers={"content-type": kind})
    assert response.status_code == 415
    assert kind in response.json()["detail"]


def test_the_number_of_pictures_in_work_is_bounded():
    with listening(FakeBackend(), held_pictures=1) as url:
        with socket.create_connection((urlsplit(url).hostname, urlsplit(url).port)) as raw:
            raw.sendall(b"POST /v1/denoise HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nabc")
            time.sleep(0.2)
            refused = httpx.post(f"{url}/v1/denoise", content=picture())
            assert refused.status_code == 429
            assert refused.json()["detail"].startswith("The gateway has 1 pictures in work already")
        time.sleep(0.2)
        assert httpx.post(f"{url}/v1/denoise", content=picture()).status_code == 200
