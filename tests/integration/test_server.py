"""What the embedded server offers while it runs, on a scratch repository."""

import json
import stat
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import tritonclient.grpc
from echo_model import add_model, echo, post
from tritonclient.utils import InferenceServerException

from darkroom.server import Server


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    repository = tmp_path_factory.mktemp("repository")
    add_model(repository)
    with Server(repository, config_name="cpu") as server:
        yield server


def test_a_raw_file_with_option_headers_in_any_case_over_http(running: Server) -> None:
    status, body = post(
        running,
        "/v2/models/echo/infer",
        b"picture",
        Inference_Header_Content_Length="0",
        DarkRoom_Scale="4",
        darkroom_output_format="png",
    )
    assert status == 200
    # urllib writes header names in a case of its own: names are compared without it.
    seen = {name.lower(): value for name, value in json.loads(body[body.index(b'{"options"') :])["options"].items()}
    assert seen == {"darkroom-scale": "4", "darkroom-output-format": "png"}


def test_option_headers_over_grpc(running: Server) -> None:
    assert echo(running, darkroom_scale="4")["options"] == {"darkroom-scale": "4"}


def test_model_processes_learn_where_the_runtime_directory_and_the_admin_key_are(running: Server) -> None:
    env = echo(running)["env"]
    assert Path(env["DARKROOM_RUNTIME_DIR"]) == running.runtime_dir
    assert Path(env["DARKROOM_ADMIN_KEY_FILE"]).read_text() == running.admin_key
    assert stat.S_IMODE(running.runtime_dir.stat().st_mode) == 0o700
    assert stat.S_IMODE(running.admin_key_path.stat().st_mode) == 0o600
    assert {"jobs", "engines", "device.lock"} <= {path.name for path in running.runtime_dir.iterdir()}


def test_loading_an_unchanged_model_again_does_nothing(running: Server) -> None:
    before = echo(running)["pid"]
    client = tritonclient.grpc.InferenceServerClient(running.grpc_url)
    client.load_model("echo", headers=running.admin_grpc_headers)
    assert echo(running)["pid"] == before


@pytest.mark.parametrize(
    "path", ["/v2/repository/index", "/v2/systemsharedmemory/region/x/register", "/v2/trace/setting", "/v2/logging"]
)
def test_admin_apis_want_the_key_over_http(running: Server, path: str) -> None:
    refused, sentence = post(running, path, b"{}")
    assert refused == 403
    assert b"darkroom-admin-key" in sentence
    assert post(running, path, b"{}", **running.admin_http_headers)[0] != 403


def test_admin_apis_want_the_key_over_grpc(running: Server) -> None:
    client = tritonclient.grpc.InferenceServerClient(running.grpc_url)
    with pytest.raises(InferenceServerException, match="restricted"):
        client.get_model_repository_index()
    index = client.get_model_repository_index(headers=running.admin_grpc_headers)
    assert [model.name for model in index.models] == ["echo"]


def test_metrics_are_served(running: Server) -> None:
    with urllib.request.urlopen(running.metrics_url, timeout=10) as page:
        assert b"nv_inference_request_success" in page.read()
