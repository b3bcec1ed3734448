"""The same call over raw HTTP, JSON, binary HTTP and gRPC, on real networks."""

import shutil
import subprocess
import urllib.request
from pathlib import Path

import pytest
from pictures import opened, photo_file
from wire import TRANSPORTS, Answer, Call, binary, grpc, parse_binary, post, raw, rest

from darkroom.server import Server

PHOTO = photo_file(72, 64)


@pytest.fixture(scope="module")
def expected(server: Server) -> Answer:
    return grpc(server, Call(PHOTO))


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_every_transport_gives_the_same_picture(server: Server, expected: Answer, transport: object) -> None:
    answer = transport(server, Call(PHOTO))
    assert opened(answer.image).size == (288, 256)
    assert answer.image == expected.image
    assert answer.shape == (1, len(answer.image))
    assert set(answer.report) == set(expected.report)


def test_a_file_as_the_whole_body_by_urllib(server: Server, expected: Answer) -> None:
    url = f"http://{server.http_url}/v2/models/super_resolution/infer"
    request = urllib.request.Request(url, data=PHOTO, headers={"Inference-Header-Content-Length": "0"})
    with urllib.request.urlopen(request, timeout=120) as answered:
        body, size = answered.read(), int(answered.headers["Inference-Header-Content-Length"])
    assert parse_binary(body, size).image == expected.image


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl on this machine")
def test_a_file_as_the_whole_body_by_curl(server: Server, expected: Answer, tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(PHOTO)
    url = f"{server.http_url}/v2/models/super_resolution/infer"
    command = ["curl", "-s", "-X", "POST", url, "-H", "Inference-Header-Content-Length: 0"]
    command += ["--data-binary", "@photo.png", "-D", "headers", "-o", "answer"]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=120)
    lines = [line.split(": ") for line in (tmp_path / "headers").read_text().splitlines()]
    size = next(int(line[1]) for line in lines if line[0].lower() == "inference-header-content-length")
    assert parse_binary((tmp_path / "answer").read_bytes(), size).image == expected.image


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_quote_is_a_report_and_an_empty_image(server: Server, transport: object) -> None:
    answer = transport(server, Call(PHOTO, headers={"darkroom-quote": "true"}))
    assert (answer.image, answer.shape) == (b"", (1, 0))
    assert set(answer.report) == {"task", "version", "units", "work_s", "done_in_s"}
    assert answer.report["units"] == 1
    assert answer.report["done_in_s"] >= answer.report["work_s"] > 0


@pytest.mark.parametrize("transport", [rest, binary, grpc])
def test_the_request_id_names_answer_and_job(server: Server, transport: object) -> None:
    answer = transport(server, Call(PHOTO, id="holiday/Köln 1"))
    assert answer.id == "holiday/Köln 1"
    assert answer.report["id"] == "holiday/Köln 1"


def test_without_an_id_one_is_made_up(server: Server) -> None:
    first, second = raw(server, Call(PHOTO)).report["id"], raw(server, Call(PHOTO)).report["id"]
    assert first
    assert second
    assert first != second


def test_one_output_can_be_asked_for_alone(server: Server) -> None:
    body = b'{"inputs": [{"name": "image", "shape": [1, %d], "datatype": "UINT8", "data": %s}], %s}' % (
        len(PHOTO),
        str(list(PHOTO)).encode(),
        b'"parameters": {"quote": true}, "outputs": [{"name": "report"}]',
    )
    status, _, answered = post(server, "/v2/models/super_resolution/infer", body, {})
    assert status == 200
    assert b'"name":"image"' not in answered


def test_metadata_tells_the_contract(server: Server) -> None:
    with urllib.request.urlopen(f"http://{server.http_url}/v2/models/denoise", timeout=30) as answered:
        text = answered.read()
    assert b'"inputs":[{"name":"image","datatype":"UINT8","shape":[-1,-1]}]' in text
    assert b'{"name":"report","datatype":"BYTES","shape":[-1,1]}' in text
