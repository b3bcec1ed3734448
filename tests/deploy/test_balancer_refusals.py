"""What the balancer itself refuses, whatever the machines behind it are. Here there are none: what passes gets 503."""

from collections.abc import Iterator
from http.client import HTTPConnection

import httpx
import pytest
from darkroom_client import Darkroom, NotAllowed, Retry, Unavailable

from perf.balancer import Balancer, balancer, network

INFER = "/v2/models/denoise/infer"


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Balancer]:
    with balancer(tmp_path_factory.mktemp("haproxy"), network()) as running:
        yield running


@pytest.fixture(scope="module")
def http(alone: Balancer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://{alone.http}", timeout=60) as client:
        yield client


@pytest.mark.parametrize("path", [INFER, "/v2/models/denoise/versions/2/infer", "/v2/health/ready", "/v2/models/jobs"])
def test_what_callers_need_passes(http: httpx.Client, path: str) -> None:
    assert http.post(path, content=b"x").status_code == 503


@pytest.mark.parametrize(
    "path",
    [
        "/v2/repository/index",
        "/v2/repository/models/denoise/unload",
        "/v2//repository/index",
        "/v2/./repository/index",
        "/v2/%72epository/index",
        "/v2/systemsharedmemory/region/x/register",
        "/v2/cudasharedmemory/status",
        "/v2/trace/setting",
        "/v2/logging",
        "/v2/models/denoise/../../repository/index",
        "/metrics",
        "/",
    ],
)
def test_everything_else_does_not(alone: Balancer, path: str) -> None:
    # Without a client that tidies the path up first.
    connection = HTTPConnection(alone.http, timeout=60)
    connection.request("POST", path, b"x", {"darkroom-admin-key": "whatever it is"})
    assert connection.getresponse().status == 403
    connection.close()


def test_questions_about_jobs_want_a_name(http: httpx.Client) -> None:
    for path in ("/v2/models/jobs/infer", "/v2/models/jobs/versions/1/infer"):
        assert http.post(path, content=b"{}").status_code == 403
        assert http.post(path, content=b"{}", headers={"client-id": "a"}).status_code == 503


def test_a_body_without_a_length_or_too_long_does_not_reach_triton(alone: Balancer, http: httpx.Client) -> None:
    assert http.post(INFER, content=iter([b"crumb", b"crumb"])).status_code == 400
    connection = HTTPConnection(alone.http, timeout=60)
    connection.putrequest("POST", INFER)
    connection.putheader("Content-Length", str(261 * 2**20))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


def test_the_same_over_grpc(alone: Balancer) -> None:
    with Darkroom(f"grpc://{alone.grpc}", retry=Retry.OFF, admin_key="whatever it is") as client:
        with pytest.raises(Unavailable):
            client.denoise(b"picture", deadline_s=10)
        with pytest.raises(NotAllowed):
            client.models.unload("denoise")
        with pytest.raises(NotAllowed):
            client.totals()
    named = Darkroom(f"grpc://{alone.grpc}", retry=Retry.OFF, headers={"client-id": "a"})
    with named as client, pytest.raises(Unavailable):
        client.totals()
