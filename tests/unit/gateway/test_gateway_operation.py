"""Health, metrics, logs, the command line, the OpenAPI document, the page's files."""

import json
import logging
import re

import pytest
from darkroom_client import Unreachable
from darkroom_gateway.__main__ import main
from darkroom_gateway.logs import JsonLines
from darkroom_gateway.tasks import TASKS

from tests.unit.gateway.fakes import FakeBackend, gateway, picture


async def test_live_and_ready():
    backend = FakeBackend()
    async with gateway(backend) as client:
        assert (await client.get("/health/live")).json() == {"status": "live"}
        assert (await client.get("/health/ready")).status_code == 200
        backend.is_ready = False
        assert (await client.get("/health/ready")).status_code == 503
        backend.failure = Unreachable("Nobody there.")
        response = await client.get("/health/ready")
        assert response.status_code == 503
        assert response.headers["retry-after"] == "1"
        assert (await client.get("/health/live")).status_code == 200


async def test_canaries_are_sent_once_for_all_who_ask():
    backend = FakeBackend(is_ready=False)
    async with gateway(backend) as client:
        responses = [await client.get("/health/models") for _ in range(3)]
    assert responses[0].status_code == 503
    assert responses[0].json() == {"denoise": {"ok": False, "seconds": 0.01, "error": "It is dead."}}
    assert len(backend.calls) == 1


async def test_metrics_and_log_lines(caplog):
    caplog.set_level(logging.INFO, "darkroom_gateway")
    logging.getLogger("darkroom_gateway").propagate = True
    async with gateway(FakeBackend()) as client:
        await client.post("/v1/denoise", content=picture(), headers={"x-request-id": "r1"})
        await client.post("/v1/denoise?strength=x", content=picture())
        metrics = (await client.get("/metrics")).text
    assert 'darkroom_gateway_requests_total{reason="",route="denoise",status="200"} 1.0' in metrics
    assert 'darkroom_gateway_requests_total{reason="bad_option",route="denoise",status="422"} 1.0' in metrics
    assert f'darkroom_gateway_bytes_total{{direction="in"}} {2.0 * len(picture())}' in metrics
    line = json.loads(JsonLines().format(caplog.records[0]))
    assert line["request_id"] == "r1"
    assert line["status"] == 200
    assert line["job_id"].startswith("r1.")
    assert line["bytes_in"] == line["bytes_out"] == len(picture())


def test_the_document_describes_every_task():
    from darkroom_gateway import Settings, create_app

    document = create_app(Settings(), FakeBackend()).openapi()
    for task in TASKS:
        operation = document["paths"][task.path]["post"]
        names = {parameter["name"] for parameter in operation["parameters"]}
        form = operation["requestBody"]["content"]["multipart/form-data"]
        assert names == {*task.options.model_fields, "async"}
        assert set(form["schema"]["properties"]) == {*names, "image"}
        assert form["examples"]
        assert "image/jpeg" in operation["requestBody"]["content"]
        assert {"200", "202", "400", "413", "415", "422", "429", "503", "504"} <= set(operation["responses"])
    assert "HTTPValidationError" not in json.dumps(document)


async def test_the_page_asks_nobody_else():
    async with gateway(FakeBackend()) as client:
        names = ["/", "/docs", *(f"/static/{name}" for name in ("page.js", "docs.js", "api.js", "style.css"))]
        for name in names:
            response = await client.get(name)
            assert response.status_code == 200
            assert "default-src 'none'" in response.headers["content-security-policy"]
            assert not re.search(r"""(?:src|href|import|url)\W{1,3}(?:https?:)?//""", response.text)
        assert (await client.get("/static/../app.py")).status_code == 404
        assert (await client.get("/static/none.js")).status_code == 404
    async with gateway(FakeBackend(), page=False) as client:
        assert (await client.get("/")).status_code == 404


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--max-bytes", "many"], "--max-bytes: Input should be a valid integer"),
        (["--deadline-s", "0"], "--deadline-s: Input should be greater than 0"),
        (["--name", "West!"], "--name: String should match pattern"),
        (["--triton", "ftp://x"], "must start with grpc://"),
        (["--api-keys", "/nowhere/keys.toml"], "cannot be read"),
        (["--host", "256.0.0.1"], "cannot be used"),
    ],
)
def test_wrong_settings_are_one_sentence(arguments, words, capsys):
    assert main([*arguments, "--port", "0"]) == 1
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
