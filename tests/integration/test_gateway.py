"""The gateway in front of a real server with the real networks."""

import io
import json
import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
import skimage.data
from bad_files import bad_files
from darkroom_client import Darkroom
from flights import BIG, MEDIUM
from gateway_process import gateway
from PIL import Image
from wire import ask, until

from darkroom.server import Server

LIMIT = 2 * 2**20


@pytest.fixture(scope="module", params=["grpc", "http"])
def url(server: Server, request: pytest.FixtureRequest) -> Iterator[str]:
    where = f"grpc://{server.grpc_url}" if request.param == "grpc" else f"http://{server.http_url}"
    with gateway(where, "--max-bytes", str(LIMIT)) as running:
        yield running


@pytest.fixture(scope="module", params=["grpc", "http"])
def slow(simulated: Server, request: pytest.FixtureRequest) -> Iterator[str]:
    """In front of a simulated device that takes its time."""
    where = f"grpc://{simulated.grpc_url}" if request.param == "grpc" else f"http://{simulated.http_url}"
    with gateway(where) as running:
        yield running


def photo(side: int, kind: str = "JPEG") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(skimage.data.astronaut()).resize((side, side)).save(buffer, kind)
    return buffer.getvalue()


def decoded(response: httpx.Response) -> Image.Image:
    assert response.status_code == 200, response.text
    return Image.open(io.BytesIO(response.content))


def test_two_tasks_give_pictures(url):
    post = httpx.Client(base_url=url, timeout=60).post
    larger = decoded(post("/v1/super-resolution", files={"image": photo(64)}, data={"scale": "2"}))
    assert (larger.format, larger.size) == ("JPEG", (128, 128))
    clean = decoded(post("/v1/denoise?strength=10", content=photo(64), headers={"accept": "image/webp"}))
    assert (clean.format, clean.size) == ("WEBP", (64, 64))


@pytest.mark.parametrize(
    ("query", "accept", "format_name"),
    [
        ("&output_format=jpg", "", "JPEG"),
        ("&output_format=JPEG", "", "JPEG"),
        ("&output_format=tiff", "", "TIFF"),
        ("&output_format=avif", "", "AVIF"),
        ("", "image/jpg", "JPEG"),
        ("", "image/avif", "AVIF"),
        ("", "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", "PNG"),
    ],
)
def test_formats_out_and_their_aliases(url, query, accept, format_name):
    headers = {"accept": accept} if accept else {}
    target = f"{url}/v1/super-resolution?scale=2{query}"
    response = httpx.post(target, files={"image": photo(64, "PNG")}, headers=headers, timeout=60)
    picture = decoded(response)
    assert (picture.format, picture.size) == (format_name, (128, 128))
    assert response.headers["content-type"] == f"image/{format_name.lower()}"


def test_bodies_of_forty_megabytes_that_are_no_picture_get_a_sentence(server):
    rubbish = np.random.default_rng(0).bytes(40_000_000)
    with gateway(server.grpc_url) as url, httpx.Client(base_url=url, timeout=90) as client:
        pieces = iter([rubbish[:20_000_000], rubbish[20_000_000:]])
        for response in (
            client.post("/v1/super-resolution", files={"image": ("x.png", rubbish)}),
            client.post("/v1/super-resolution", content=rubbish, headers={"expect": "100-continue"}),
            client.post("/v1/super-resolution", content=pieces, headers={"content-type": "image/png"}),
        ):
            assert response.status_code == 415, response.text
            assert response.json()["detail"].endswith(".")


def test_the_other_two_and_their_health():
    models = ["face_enhance", "image_to_image", "jobs"]
    with Server(models=models, config_name="cpu") as others, gateway(others.grpc_url) as url:
        post = httpx.Client(base_url=url, timeout=120).post
        faces = post("/v1/face-enhance", params={"fidelity": 1}, content=photo(256))
        assert len(json.loads(faces.headers["darkroom-report"])["faces"]) == 1
        fields = {"prompt": "a cat", "steps": "2", "strength": "0.5", "output_format": "png"}
        painted = post("/v1/image-to-image", files={"image": photo(64)}, data=fields)
        assert decoded(painted).format == "PNG"
        assert "random" in json.loads(painted.headers["darkroom-report"])["weights"]
        size = post("/v1/image-to-image?size=7", content=photo(64))
        assert (size.status_code, size.json()["reason"]) == (422, "bad_option")
        outcome = httpx.get(f"{url}/health/models", timeout=120)
        assert outcome.status_code == 200, outcome.text
        assert set(outcome.json()) == set(models)


def test_the_picture_is_the_one_that_the_server_gives(url, server):
    through = httpx.post(f"{url}/v1/super-resolution?scale=2", content=photo(64, "PNG"), timeout=60)
    with Darkroom(server.grpc_url) as direct:
        straight = direct.super_resolution(photo(64, "PNG"), scale=2)
    assert np.array_equal(np.asarray(decoded(through)), straight.numpy())


@pytest.mark.parametrize("count", [40, pytest.param(200, marks=pytest.mark.slow)])
def test_bad_files_get_the_right_status(url, count):
    with httpx.Client(base_url=url, timeout=30) as client:
        for number, bad in enumerate(bad_files(count, LIMIT, seed=count)):
            if number % 2 and bad.content_type == "application/octet-stream":
                response = client.post("/v1/denoise", files={"image": ("x", bad.data)})
            else:
                response = client.post("/v1/denoise", content=bad.data, headers={"content-type": bad.content_type})
            assert response.status_code == bad.status, (bad.what, response.text)
            assert response.json()["detail"].endswith(".")


def test_an_option_that_only_the_server_can_judge(url):
    response = httpx.post(f"{url}/v1/denoise?network=none", content=photo(64))
    assert (response.status_code, response.json()["reason"]) == (422, "bad_option")


def test_a_task_that_is_not_served(url):
    response = httpx.post(f"{url}/v1/image-to-image", content=photo(64))
    assert (response.status_code, response.json()["reason"]) == (404, "not_served")


def test_a_deadline_that_nobody_can_meet(slow):
    response = httpx.post(f"{slow}/v1/super-resolution?scale=2&deadline_s=0.5", content=BIG, timeout=30)
    assert response.status_code in (429, 504)


def test_a_quote_and_a_job_with_events(slow):
    client = httpx.Client(base_url=slow, timeout=60)
    quote = client.post("/v1/super-resolution?scale=2&quote=true", content=MEDIUM).json()
    job = client.post("/v1/super-resolution?scale=2&async=true", content=MEDIUM).json()
    with client.stream("GET", job["events_url"]) as stream:
        states = [json.loads(line[6:]) for line in stream.iter_lines() if line.startswith("data: ")]
    assert states[-1]["state"] == "done"
    assert states[-1]["report"]["units"] == quote["units"] > 2
    running = [state for state in states if state["state"] == "running"]
    assert any(0 < state.get("units_done", 0) <= quote["units"] for state in running)
    assert all(0 <= state.get("progress", 0) <= 1 for state in states)
    assert decoded(client.get(job["result_url"])).size == (1000, 800)
    assert client.delete(job["url"]).status_code == 204
    assert client.get(job["url"]).status_code == 404


def in_work(server: Server) -> int:
    engines = ask(server, {"action": "totals"})["engines"]
    return sum(engine["jobs_waiting"] + engine["jobs_running"] for engine in engines)


def test_a_caller_who_hangs_up_takes_his_job_along(slow, simulated):
    where = urlsplit(slow)
    head = f"POST /v1/super-resolution?scale=2 HTTP/1.1\r\nhost: x\r\ncontent-length: {len(BIG)}\r\n\r\n"
    with socket.create_connection((where.hostname, where.port)) as caller:
        caller.sendall(head.encode() + BIG)
        until(lambda: in_work(simulated) == 1)
    started = time.monotonic()
    until(lambda: in_work(simulated) == 0)
    assert time.monotonic() - started < 3  # of some 5 s of work


def test_a_deleted_job_stops(slow, simulated):
    job = httpx.post(f"{slow}/v1/super-resolution?scale=2&async=true", content=BIG).json()
    until(lambda: in_work(simulated) == 1)
    assert httpx.delete(f"{slow}{job['url']}", timeout=10).status_code == 204
    until(lambda: in_work(simulated) == 0)


def test_without_a_server_behind_it_says_so():
    with gateway("127.0.0.1:9") as url:
        assert httpx.get(f"{url}/health/live").status_code == 200
        assert httpx.get(f"{url}/health/ready").status_code == 503
        response = httpx.post(f"{url}/v1/denoise", content=photo(64), timeout=20)
        assert response.status_code == 503
        assert response.headers["retry-after"] == "1"
        assert all(not task["served"] for task in httpx.get(f"{url}/v1/tasks", timeout=20).json()["tasks"])
