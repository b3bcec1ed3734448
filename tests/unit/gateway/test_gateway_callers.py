"""API keys and their limits."""

import asyncio
import hashlib
import logging

import pytest
from darkroom_gateway import callers
from darkroom_gateway.callers import Caller, Callers, CallersError, mint
from darkroom_gateway.logs import JsonLines
from darkroom_gateway.problems import Problem

from tests.unit.gateway.fakes import FakeBackend, gateway, picture


@pytest.fixture
def keys(tmp_path):
    def table(name, more=""):
        return f'[{name}]\nsha256 = "{hashlib.sha256(f"key-of-{name}".encode()).hexdigest()}"\n{more}\n'

    path = tmp_path / "keys.toml"
    path.write_text(table("alice", "at_a_time = 1") + table("bob", "per_minute = 2") + table("carol"))
    return path


def bearer(name):
    return {"authorization": f"Bearer key-of-{name}"}


async def test_without_a_known_key_nothing_works_but_what_is_public(keys):
    async with gateway(FakeBackend(), api_keys=keys) as client:
        missing = await client.post("/v1/denoise", content=picture())
        wrong = await client.post("/v1/denoise", content=picture(), headers={"x-api-key": "guess"})
        for path in ("/", "/docs", "/v1/tasks", "/health/live", "/health/ready", "/metrics", "/openapi.json"):
            assert (await client.get(path)).status_code == 200
        document = (await client.get("/openapi.json")).json()
    assert missing.status_code == wrong.status_code == 401
    assert missing.headers["www-authenticate"] == "Bearer"
    assert "is missing" in missing.json()["detail"]
    assert "is not known" in wrong.json()["detail"]
    assert document["paths"]["/v1/denoise"]["post"]["security"]
    assert set(document["components"]["securitySchemes"]) == {"Bearer", "ApiKey"}


async def test_both_ways_to_send_a_key(keys):
    async with gateway(FakeBackend(), api_keys=keys) as client:
        for headers in (bearer("carol"), {"x-api-key": "key-of-carol"}):
            assert (await client.post("/v1/denoise", content=picture(), headers=headers)).status_code == 200


async def test_pictures_a_minute(keys):
    async with gateway(FakeBackend(), api_keys=keys) as client:
        answers = [await client.post("/v1/denoise", content=picture(), headers=bearer("bob")) for _ in range(3)]
        other = await client.post("/v1/denoise", content=picture(), headers=bearer("carol"))
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 25 <= int(answers[2].headers["retry-after"]) <= 30
    assert other.status_code == 200


async def test_pictures_at_a_time_count_background_jobs_too(keys):
    backend = FakeBackend(gate=asyncio.Event())
    async with gateway(backend, api_keys=keys) as client:
        job = (await client.post("/v1/denoise?async=true", content=picture(), headers=bearer("alice"))).json()
        refused = await client.post("/v1/denoise", content=picture(), headers=bearer("alice"))
        backend.gate.set()
        await asyncio.sleep(0.05)
        again = await client.post("/v1/denoise", content=picture(), headers=bearer("alice"))
        # somebody else's job does not exist
        for method, url in (("GET", job["url"]), ("GET", job["result_url"]), ("DELETE", job["url"])):
            assert (await client.request(method, url, headers=bearer("bob"))).status_code == 404
            assert (await client.request(method, url)).status_code == 401
    assert refused.status_code == 429
    assert again.status_code == 200


def test_the_bucket_fills_again(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(callers.time, "monotonic", lambda: now[0])
    caller = Caller("x", per_minute=60)
    for _ in range(60):
        with caller.picture():
            pass
    with pytest.raises(Problem), caller.picture():
        pass
    now[0] += 1.0
    with caller.picture():
        pass


def test_a_minted_key_works(tmp_path):
    key, table = mint("dora")
    (tmp_path / "keys.toml").write_text(table)
    assert key not in table
    from starlette.datastructures import Headers

    assert Callers(tmp_path / "keys.toml").known(Headers({"x-api-key": key})).name == "dora"


@pytest.mark.parametrize(
    ("content", "words"),
    [("[x", "is no TOML"), ('[x]\nsha256 = "abc"', "sha256"), ("[x]\nper_minute = 1", "sha256"), ("x = 1", "a table")],
)
def test_a_file_that_cannot_be_used(tmp_path, content, words):
    path = tmp_path / "keys.toml"
    path.write_text(content)
    with pytest.raises(CallersError, match=words):
        Callers(path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(CallersError, match="No such file"):
        Callers(tmp_path / "none.toml")


async def test_a_changed_file_is_read_again_and_a_damaged_one_is_not(keys, monkeypatch, caplog):
    monkeypatch.setattr(callers, "_LOOK_EVERY_S", 0.0)
    logging.getLogger("darkroom_gateway").propagate = True
    before = keys.read_text()
    async with gateway(FakeBackend(), api_keys=keys) as client:

        async def status(name):
            return (await client.post("/v1/denoise", content=picture(), headers=bearer(name))).status_code

        assert [await status("bob") for _ in range(3)] == [200, 200, 429]
        digest = hashlib.sha256(b"key-of-dora").hexdigest()
        keys.write_text(before.replace("[carol]", "[carla]") + f'[dora]\nsha256 = "{digest}"\n')
        assert await status("dora") == 200
        assert await status("bob") == 429  # what he has used stays used
        keys.write_text("[dora")
        assert await status("dora") == 200
        assert "is no TOML" in str([getattr(record, "facts", "") for record in caplog.records])
        keys.unlink()
        assert await status("dora") == 200
        keys.write_text(before)
        assert await status("dora") == 401


async def test_the_log_has_the_name_and_never_the_key(keys, caplog):
    caplog.set_level(logging.DEBUG)
    logging.getLogger("darkroom_gateway").propagate = True
    async with gateway(FakeBackend(), api_keys=keys) as client:
        await client.post("/v1/denoise", content=picture(), headers=bearer("carol"))
        await client.post("/v1/denoise", content=picture(), headers=bearer("nobody"))
    said = "\n".join(JsonLines().format(record) for record in caplog.records)
    assert '"caller": "carol"' in said
    assert "key-of" not in said
