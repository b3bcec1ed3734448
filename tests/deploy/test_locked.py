"""What a stranger may not do, shown by requests that are refused. docs/threat_model.md says which attack is which."""

import json
import re
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
import tritonclient.grpc
from darkroom_gateway.callers import mint
from flights import THUMBNAIL, simulated_server
from gateway_process import gateway
from tritonclient.utils import InferenceServerException
from wire import Call, RefusedError, ask, grpc, post, raw

from darkroom.server import Server


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    with simulated_server("10,4") as server:
        yield server


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A caller's key, and the file that lets him in."""
    key, table = mint("alice")
    path = tmp_path_factory.mktemp("keys") / "keys.toml"
    path.write_text(table)
    return key, path


@pytest.fixture(scope="module")
def front(running: Server, key: tuple[str, Path]) -> Iterator[str]:
    with gateway(running.grpc_url, "--api-keys", str(key[1]), "--max-bytes", "200000") as url:
        yield url


RESTRICTED_PATHS = (
    "/v2/repository/index",
    "/v2/repository/models/super_resolution/load",
    "/v2/repository/models/super_resolution/unload",
    "/v2/systemsharedmemory/status",
    "/v2/systemsharedmemory/region/x/register",
    "/v2/systemsharedmemory/unregister",
    "/v2/cudasharedmemory/status",
    "/v2/cudasharedmemory/region/x/register",
    "/v2/cudasharedmemory/unregister",
    "/v2/trace/setting",
    "/v2/models/super_resolution/trace/setting",
    "/v2/logging",
)
NEVER_THE_KEY = ({}, {"darkroom-admin-key": ""}, {"darkroom-admin-key": "guess"}, {"Darkroom-Admin-Key": "guess"})


@pytest.mark.parametrize("path", RESTRICTED_PATHS)
def test_administration_over_http_is_forbidden(running: Server, path: str) -> None:
    for headers in NEVER_THE_KEY:
        status, _, body = post(running, path, b"{}", headers)
        assert (status, b"restricted" in body) == (403, True)


@pytest.mark.parametrize(
    "path",
    [
        "/v2//repository/index",
        "/v2/./repository/index",
        "/v2/x/../repository/index",
        "/v2/%72epository/index",
        "/V2/repository/index",
        "/v2/repository/index/",
        "/v2/repository/index?x",
        "/v2/repository/index%00",
    ],
)
def test_a_path_written_otherwise_is_no_way_round(running: Server, path: str) -> None:
    status, _, body = post(running, path, b"{}", {})
    assert status in (400, 403, 404)
    assert b"super_resolution" not in body


RESTRICTED_CALLS: dict[str, Callable[[Any], object]] = {
    "index": lambda client: client.get_model_repository_index(),
    "load": lambda client: client.load_model("super_resolution"),
    "load of an uploaded file": lambda client: client.load_model(
        "x", config='{"backend": "python"}', files={"file:1/model.py": b"import os"}
    ),
    "unload": lambda client: client.unload_model("super_resolution"),
    "shared memory": lambda client: client.register_system_shared_memory("x", "/darkroom", 16),
    "shared memory status": lambda client: client.get_system_shared_memory_status(),
    "shared memory off": lambda client: client.unregister_system_shared_memory(),
    "cuda memory": lambda client: client.register_cuda_shared_memory("x", b"x" * 64, 0, 16),
    "cuda memory status": lambda client: client.get_cuda_shared_memory_status(),
    "log": lambda client: client.update_log_settings({"log_file": "/tmp/owned"}),
    "log settings": lambda client: client.get_log_settings(),
    "trace": lambda client: client.update_trace_settings(settings={"trace_file": "/tmp/owned"}),
    "trace settings": lambda client: client.get_trace_settings(),
}


@pytest.mark.parametrize("name", RESTRICTED_CALLS)
def test_administration_over_grpc_is_forbidden(running: Server, name: str) -> None:
    client = tritonclient.grpc.InferenceServerClient(running.grpc_url)
    with pytest.raises(InferenceServerException, match="This protocol is restricted"):
        RESTRICTED_CALLS[name](client)
    client.close()


def test_the_list_of_all_jobs_is_forbidden(running: Server) -> None:
    for headers in ({}, {"darkroom-admin-key": "guess"}):
        with pytest.raises(RefusedError) as refused:
            ask(running, {"action": "list"}, headers)
        assert running.admin_key not in str(refused.value)
    assert ask(running, {"action": "list"}, running.admin_grpc_headers) == {"jobs": []}


@pytest.mark.parametrize("send", [raw, grpc])
def test_a_file_beyond_the_limit_is_refused_by_the_model(running: Server, send: Callable[..., Any]) -> None:
    with pytest.raises(RefusedError, match="bad_image") as refused:
        send(running, Call(THUMBNAIL + bytes(257 * 2**20)))
    assert refused.value.status in (400, "INVALID_ARGUMENT")


def test_a_file_beyond_the_limit_never_reaches_the_server(front: str, key: tuple[str, Path]) -> None:
    answer = httpx.post(f"{front}/v1/super-resolution", content=bytes(300_000), headers={"x-api-key": key[0]})
    assert (answer.status_code, answer.json()["reason"]) == (413, "too_large")


def test_crumbs_of_a_body_stop_at_the_gateway(running: Server, front: str, key: tuple[str, Path]) -> None:
    """Bodies of tiny chunks crash this Triton's HTTP (CVE-2025-23310): the gateway speaks gRPC, in one piece."""
    where = urlsplit(front)
    head = f"POST /v1/super-resolution?scale=2 HTTP/1.1\r\nhost: x\r\nx-api-key: {key[0]}\r\n"
    head += "connection: close\r\ntransfer-encoding: chunked\r\n\r\n"
    crumbs = b"".join(b"1\r\n%c\r\n" % byte for byte in THUMBNAIL + bytes(100_000)) + b"0\r\n\r\n"
    with socket.create_connection((where.hostname, where.port), timeout=60) as caller:
        caller.sendall(head.encode() + crumbs)
        answer = b"".join(iter(lambda: caller.recv(65536), b""))
    assert re.match(rb"HTTP/1.1 (200|400) ", answer)
    assert running.alive
    assert grpc(running, Call(THUMBNAIL, options={"scale": 2})).image


def test_without_a_key_the_gateway_does_nothing(front: str, key: tuple[str, Path]) -> None:
    (digest,) = re.findall(r"[0-9a-f]{64}", key[1].read_text())
    for headers in ({}, {"x-api-key": key[0][:-1]}, {"authorization": "Basic x"}, {"x-api-key": digest}):
        answer = httpx.post(f"{front}/v1/super-resolution", content=THUMBNAIL, headers=headers)
        assert (answer.status_code, answer.json()["reason"]) == (401, "api_key")
    assert httpx.get(f"{front}/v1/jobs/x").status_code == 401
    allowed = httpx.post(
        f"{front}/v1/super-resolution?scale=2", content=THUMBNAIL, headers={"x-api-key": key[0]}, timeout=60
    )
    assert allowed.status_code == 200


@pytest.mark.parametrize(
    "path", ["/v2/repository/index", "/v2/models/jobs/infer", "/v1/../v2/logging", "/static/../../settings.py"]
)
def test_the_gateway_passes_nothing_on_but_pictures(front: str, key: tuple[str, Path], path: str) -> None:
    answer = httpx.post(f"{front}{path}", content=b"{}", headers={"x-api-key": key[0]})
    assert answer.status_code in (404, 405)


def test_a_header_for_the_admin_does_not_pass_the_gateway(front: str, running: Server, key: tuple[str, Path]) -> None:
    headers = {"x-api-key": key[0], **running.admin_http_headers, "darkroom-network": "none"}
    answer = httpx.post(f"{front}/v1/super-resolution?scale=2", content=THUMBNAIL, headers=headers, timeout=60)
    assert answer.status_code == 200  # an option header that Triton saw would be refused


def test_only_loopback_listens(running: Server) -> None:
    tree = [psutil.Process(running.pid), *psutil.Process(running.pid).children(recursive=True)]
    listening = {c.laddr.ip for p in tree for c in p.net_connections() if c.status == psutil.CONN_LISTEN}
    assert {address.removeprefix("::ffff:") for address in listening} == {"127.0.0.1"}


def test_the_admin_key_stands_on_tritonservers_command_line_and_nowhere_else(running: Server, front: str) -> None:
    """Triton takes it no other way. Environments are as private as the key's file; command lines are everybody's."""
    shown = [p for p in psutil.process_iter(["cmdline"]) if running.admin_key in " ".join(p.info["cmdline"] or ())]
    assert [process.pid for process in shown] == [running.pid]
    assert all(running.admin_key not in " ".join(p.environ().values()) for p in shown)
    assert running.admin_key not in running.log_path.read_text()


def test_a_key_is_made_up_for_each_start(running: Server, front: str) -> None:
    assert len(running.admin_key) >= 32
    assert running.admin_key_path.parent == running.runtime_dir
    assert stat.S_IMODE(running.admin_key_path.stat().st_mode) == 0o600
    assert stat.S_IMODE(running.runtime_dir.stat().st_mode) == 0o700


def test_neighbours_cannot_write_into_shared_memory(running: Server) -> None:
    regions = list(Path("/dev/shm").glob(f"{running.runtime_dir.name}-*"))
    assert regions
    assert all(not region.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH) for region in regions)


def test_no_refusal_is_a_way_into_the_log(front: str, running: Server, key: tuple[str, Path]) -> None:
    """A line break in what a caller sends must not begin a line of its own."""
    forged = 'x\n{"level":"info","message":"forged"}'
    answer = httpx.post(
        f"{front}/v1/super-resolution", params={"network": forged}, content=THUMBNAIL, headers={"x-api-key": key[0]}
    )
    assert answer.status_code == 422
    assert json.loads(answer.text)["reason"] == "bad_option"
    assert not [line for line in running.log_path.read_text().splitlines() if line.startswith('{"level"')]
