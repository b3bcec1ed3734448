"""image_to_image on a real tritonserver: a random model, labelled as one."""

import io
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import PIL.Image
import pytest
import tritonclient.grpc as grpcclient
import tritonclient.http as httpclient
from tritonclient.utils import InferenceServerException

from darkroom.server import Server


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Needs `make export`."""
    with Server(models=["image_to_image", "jobs"], config_name="cpu") as running:
        yield running


@pytest.fixture(scope="module")
def png() -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (96, 128, 3), np.uint8)
    out = io.BytesIO()
    PIL.Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[grpcclient.InferenceServerClient]:
    with grpcclient.InferenceServerClient(server.grpc_url) as client:
        yield client


def ask(
    client: grpcclient.InferenceServerClient, data: bytes, request_id: str = "", **options: Any
) -> tuple[bytes, dict[str, Any]]:
    tensor = grpcclient.InferInput("image", [1, len(data)], "UINT8")
    tensor.set_data_from_numpy(np.frombuffer(data, np.uint8)[None])
    parameters = {"size": 128, "deadline_s": 120.0, **options}
    result = client.infer("image_to_image", [tensor], parameters=parameters, request_id=request_id)
    return result.as_numpy("image").tobytes(), json.loads(result.as_numpy("report").ravel()[0])


def test_a_picture_comes_back_repainted_and_labelled(client: grpcclient.InferenceServerClient, png: bytes) -> None:
    image, report = ask(client, png, prompt="a red house", seed=3, steps=4)
    picture = PIL.Image.open(io.BytesIO(image))
    assert picture.size == (128, 96)
    assert report["weights"] == "random, for testing"
    assert report["task"] == "image_to_image"
    assert report["seed"] == 3
    assert report["steps"] == 3


def test_company_does_not_matter(client: grpcclient.InferenceServerClient, png: bytes) -> None:
    requests = [
        {"prompt": "a", "seed": n, "steps": (4, 20)[n % 2], "guidance_scale": 1.0 + 4 * (n % 3)} for n in range(6)
    ]
    alone = [ask(client, png, **options)[0] for options in requests]
    with ThreadPoolExecutor(len(requests)) as pool:
        together = list(pool.map(lambda options: ask(client, png, **options)[0], requests))
    assert together == alone


def test_options_travel_as_headers(server: Server, png: bytes) -> None:
    with httpclient.InferenceServerClient(server.http_url) as client:
        tensor = httpclient.InferInput("image", [1, len(png)], "UINT8")
        tensor.set_data_from_numpy(np.frombuffer(png, np.uint8)[None])
        headers = {
            "darkroom-prompt": "42",
            "Darkroom-Steps": "2",
            "darkroom-size": "128",
            "darkroom-guidance-scale": "1",
            "darkroom-init": "noise",
        }
        report = json.loads(client.infer("image_to_image", [tensor], headers=headers).as_numpy("report").ravel()[0])
    assert report["steps"] == 2
    assert report["guidance_scale"] == 1
    assert report["bucket"] == [160, 96]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"size": 99}, "size must be 256 or 128 for this model version, got 99."),
        ({"scheduler": "lcm", "steps": 60}, "steps must be at most 50 with the scheduler lcm, got 60."),
    ],
)
def test_bad_options_are_refused_in_a_sentence(
    client: grpcclient.InferenceServerClient, png: bytes, options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InferenceServerException) as refused:
        ask(client, png, **options)
    assert "INVALID_ARGUMENT" in str(refused.value.status())
    assert refused.value.message().startswith(sentence)


def test_progress_and_previews_can_be_watched(client: grpcclient.InferenceServerClient, png: bytes) -> None:
    with ThreadPoolExecutor(1) as pool:
        job = pool.submit(ask, client, png, "watched", steps=150, strength=1.0, preview=2, size=256)
        states = []
        while not job.done():
            states += [state] if (state := _state(client, "watched")) else []
            time.sleep(0.05)
    assert job.result()[1]["steps"] == 150
    done = [state["units_done"] for state in states]
    assert done == sorted(done)
    assert 0 < max(done) <= states[-1]["units_total"]
    assert any("preview" in state for state in states)


def _state(client: grpcclient.InferenceServerClient, job_id: str) -> dict[str, Any] | None:
    """What the `jobs` model knows of a running job."""
    query = grpcclient.InferInput("query", [1], "BYTES")
    query.set_data_from_numpy(np.array([json.dumps({"action": "state", "id": job_id}).encode()], dtype=np.object_))
    state: dict[str, Any] = json.loads(client.infer("jobs", [query]).as_numpy("answer").ravel()[0])
    return None if state["state"] == "unknown" else state


def test_a_cancelled_call_stops_its_steps(client: grpcclient.InferenceServerClient, png: bytes) -> None:
    tensor = grpcclient.InferInput("image", [1, len(png)], "UINT8")
    tensor.set_data_from_numpy(np.frombuffer(png, np.uint8)[None])
    ended = threading.Event()
    call = client.async_infer(
        "image_to_image",
        [tensor],
        lambda result, error: ended.set(),
        parameters={"steps": 150, "strength": 1.0, "size": 256, "deadline_s": 600.0},
        request_id="to-cancel",
    )
    while _state(client, "to-cancel") is None:
        time.sleep(0.02)
    call.cancel()
    assert ended.wait(5)
    deadline = time.monotonic() + 5
    while _state(client, "to-cancel") is not None:
        assert time.monotonic() < deadline, "the job is still there"
        time.sleep(0.05)
