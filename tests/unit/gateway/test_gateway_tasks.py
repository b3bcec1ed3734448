"""Requests that are answered while their caller waits."""

import base64
import json

import pytest
from darkroom_client import errors

from tests.unit.gateway.fakes import FakeBackend, gateway, picture


async def test_a_form_and_a_bare_picture_get_the_same():
    backend = FakeBackend()
    async with gateway(backend) as client:
        form = await client.post("/v1/denoise", files={"image": picture()}, data={"strength": "25"})
        bare = await client.post("/v1/denoise?strength=25", content=picture())
    for response in (form, bare):
        assert response.status_code == 200
        assert response.headers["content-type"] == "image/jpeg"
        assert response.content == picture()
        assert json.loads(response.headers["darkroom-report"])["network"] == "ffdnet_color"
    first, second = (options for _, options in backend.calls)
    assert first["strength"] == second["strength"] == 25.0
    assert first["deadline_s"] == 30.0


async def test_json_on_request():
    async with gateway(FakeBackend()) as client:
        response = await client.post("/v1/denoise", content=picture(), headers={"accept": "application/json"})
    body = response.json()
    assert base64.b64decode(body["image"]) == picture()
    assert body["content_type"] == "image/jpeg"
    assert body["report"]["weights"] == "test"


async def test_accept_chooses_the_format_unless_an_option_does():
    backend = FakeBackend()
    async with gateway(backend) as client:
        await client.post("/v1/denoise", content=picture(), headers={"accept": "image/webp"})
        await client.post("/v1/denoise?output_format=png", content=picture(), headers={"accept": "image/webp"})
    assert [options["output_format"] for _, options in backend.calls] == ["webp", "png"]


@pytest.mark.parametrize(
    ("query", "accept", "name"),
    [
        ("output_format=jpg", "", "jpeg"),
        ("output_format=JPEG", "", "jpeg"),
        ("output_format=image/jpg", "", "jpeg"),
        ("output_format=tiff", "", "tiff"),
        ("output_format=TIF", "", "tiff"),
        ("output_format=avif", "", "avif"),
        ("", "image/jpg", "jpeg"),
        ("", "image/avif", "avif"),
        ("", "image/tiff", "tiff"),
    ],
)
async def test_formats_and_their_aliases_in_query_form_and_accept(query, accept, name):
    backend = FakeBackend()
    async with gateway(backend) as client:
        headers = {"accept": accept} if accept else {}
        await client.post(f"/v1/denoise?{query}", content=picture("png"), headers=headers)
        await client.post(
            "/v1/denoise", files={"image": picture("png")}, data=dict([query.split("=")] if query else [])
        )
    assert backend.calls[0][1]["output_format"] == name
    if query:
        assert backend.calls[1][1]["output_format"] == name


@pytest.mark.parametrize("kind", ["avif", "tiff", "webp", "gif"])
async def test_an_answer_has_its_content_type(kind):
    async with gateway(FakeBackend(lambda data, options: picture(kind))) as client:
        response = await client.post("/v1/denoise", content=picture())
    assert response.headers["content-type"] == f"image/{kind}"
    assert response.headers["content-length"] == str(len(response.content))
    assert response.content == picture(kind)


async def test_options_of_files_and_depth_travel_with_their_types():
    backend = FakeBackend()
    query = "metadata=no_location&frame=2&truncated=accept&output_depth=16"
    async with gateway(backend) as client:
        await client.post(f"/v1/super-resolution?{query}", content=picture())
        await client.post("/v1/face-enhance", files={"image": picture()}, data={"background": "keep"})
        wrong = await client.post("/v1/denoise?output_depth=12", content=picture())
    options = backend.calls[0][1]
    assert (options["metadata"], options["frame"], options["truncated"]) == ("no_location", 2, "accept")
    assert options["output_depth"] == 16
    assert backend.calls[1][1]["background"] == "keep"
    assert wrong.status_code == 422
    assert wrong.json()["detail"] == 'output_depth must be "same", 8 or 16, got "12".'


async def test_a_large_picture_goes_out_whole_as_file_and_as_json():
    large = picture("png") + bytes(range(256)) * 30_000 + b"x"
    async with gateway(FakeBackend(lambda data, options: large)) as client:
        response = await client.post("/v1/denoise", content=picture())
        json_response = await client.post("/v1/denoise", content=picture(), headers={"accept": "application/json"})
        metrics = (await client.get("/metrics")).text
    assert response.content == large
    assert int(json_response.headers["content-length"]) == len(json_response.content)
    assert base64.b64decode(json_response.json()["image"]) == large
    assert "darkroom_gateway_held_bytes 0.0" in metrics


async def test_a_result_without_room_is_refused_with_a_time():
    async with gateway(FakeBackend(lambda data, options: bytes(20_000)), held_bytes=10_000) as client:
        response = await client.post("/v1/denoise", content=picture())
    assert response.status_code == 422
    assert response.json()["detail"].startswith("The result has 20,000 bytes; this gateway holds at most 10,000.")


LATE = errors.DeadlinePassed("This job needs about 50 s; deadline_s=58 would do.", deadline_s=58.0)


async def test_a_deadline_that_would_do_is_kept_and_async_is_offered_once():
    async with gateway(FakeBackend(failure=LATE)) as client:
        waited = await client.post("/v1/denoise", content=picture())
        in_background = await client.post("/v1/denoise?async=true", content=picture())
        original = await client.post("/process", files={"image": picture()})
    assert waited.status_code == in_background.status_code == original.status_code == 504
    for response in (waited, in_background, original):
        assert response.json()["deadline_s"] == 58.0
    assert waited.json()["detail"] == f"{LATE.message} It can also run in the background: async=true."
    assert in_background.json()["detail"] == original.json()["detail"] == LATE.message


async def test_a_deadline_beyond_that_of_jobs_is_named_for_them_too():
    failure = errors.Busy("Full.", retry_after_s=2.0, deadline_s=900.0)
    async with gateway(FakeBackend(failure=failure)) as client:
        response = await client.post("/v1/denoise", content=picture())
    assert response.status_code == 429
    assert response.json()["detail"] == "Full. It can also run in the background: async=true&deadline_s=900."


@pytest.mark.parametrize("query", ["", "&async=true"])
async def test_the_longest_deadline_reaches_the_server(query):
    backend = FakeBackend()
    async with gateway(backend) as client:
        response = await client.post(f"/v1/denoise?deadline_s=3600{query}", content=picture())
    assert response.status_code == (202 if query else 200)
    assert backend.calls[0][1]["deadline_s"] == 3600.0


async def test_a_quote_is_json():
    backend = FakeBackend()
    async with gateway(backend) as client:
        response = await client.post("/v1/denoise?quote=true&deadline_s=5", content=picture())
    assert response.json() == {"units": 3, "work_s": 0.2, "done_in_s": 0.5}
    assert backend.calls[0][1]["deadline_s"] == 5.0


async def test_request_ids_come_back_and_go_on_to_the_server():
    backend = FakeBackend()
    async with gateway(backend) as client:
        kept = await client.post("/v1/denoise", content=picture(), headers={"x-request-id": "abc-1"})
        again = await client.post("/v1/denoise", content=picture(), headers={"x-request-id": "abc-1"})
        made = await client.post("/v1/denoise", content=picture(), headers={"x-request-id": "no\tgood {}"})
    assert kept.headers["x-request-id"] == again.headers["x-request-id"] == "abc-1"
    assert made.headers["x-request-id"] != "no good {}"
    ids = [options["request_id"] for _, options in backend.calls]
    assert ids[0].startswith("abc-1.")
    assert len(set(ids)) == 3


async def test_a_report_too_long_for_a_header_is_cut_and_says_so():
    backend = FakeBackend()
    backend.report["faces"] = [{"box": [1.5] * 4, "score": 0.99, "landmarks": []}] * 100
    async with gateway(backend) as client:
        response = await client.post("/v1/face-enhance", content=picture())
        whole = await client.post("/v1/face-enhance", content=picture(), headers={"accept": "application/json"})
    report = json.loads(response.headers["darkroom-report"])
    assert report["omitted"] == ["faces"]
    assert report["network"] == "ffdnet_color"
    assert len(whole.json()["report"]["faces"]) == 100


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (errors.BadImage("Damaged."), 400, "bad_image"),
        (errors.NotServed("Unknown."), 404, "not_served"),
        (errors.BadOption("Wrong."), 422, "bad_option"),
        (errors.Busy("Full.", retry_after_s=2.2), 429, "busy"),
        (errors.Busy("Full."), 429, "busy"),
        (errors.DeadlinePassed("Late."), 504, "deadline"),
        (errors.Cancelled("Stopped."), 409, "cancelled"),
        (errors.Unavailable("Reloading.", retry_after_s=0.2), 503, "unavailable"),
        (errors.LostJob("Lost."), 503, "unavailable"),
        (errors.Unreachable("There is no connection to grpc://10.0.0.7:8001."), 503, "unavailable"),
        (errors.NotAllowed("No."), 502, "not_allowed"),
        (errors.ServerError("A bug."), 500, "internal"),
    ],
)
async def test_every_error_has_a_status(error, status, reason):
    async with gateway(FakeBackend(failure=error)) as client:
        response = await client.post("/v1/denoise", content=picture())
    assert response.status_code == status
    body = response.json()
    assert body["reason"] == reason
    assert body["request_id"] == response.headers["x-request-id"]
    assert "10.0.0.7" not in body["detail"]
    if status in (429, 503):
        assert int(response.headers["retry-after"]) == (3 if error.retry_after_s == 2.2 else 1)


async def test_a_file_that_is_no_picture_is_415():
    refused = errors.BadImage("The 3 bytes are not an image.")
    async with gateway(FakeBackend(failure=refused)) as client:
        response = await client.post("/v1/denoise", content=b"abc")
        empty = await client.post("/v1/denoise", content=b"")
    assert response.status_code == 415
    assert empty.status_code == 400


async def test_a_bug_of_ours_is_500_without_details(caplog):
    async with gateway(FakeBackend(failure=RuntimeError("secret"))) as client:
        response = await client.post("/v1/denoise", content=picture())
    assert response.status_code == 500
    assert "secret" not in response.text
    assert response.json()["request_id"] == response.headers["x-request-id"]


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/v1/denoise", 405), ("POST", "/v1/nothing", 404)])
async def test_wrong_paths_are_json_too(method, path, status):
    async with gateway(FakeBackend()) as client:
        response = await client.request(method, path)
    assert response.status_code == status
    assert response.json()["reason"] == "not_found"


async def test_the_catalogue_tells_what_is_served_and_how_busy_it_is():
    async with gateway(FakeBackend(), root_path="/dark") as client:
        body = (await client.get("/v1/tasks")).json()
    tasks = {task["name"]: task for task in body["tasks"]}
    assert tasks["denoise"]["load"] == {"waiting": 2, "running": 0, "backlog_s": 1.5}
    assert tasks["denoise"]["path"] == "/dark/v1/denoise"
    assert not tasks["face_enhance"]["served"]
    assert next(iter(tasks["denoise"]["options"])) == "strength"


async def test_cross_origin_calls_only_where_allowed():
    origin = {"origin": "https://front.example"}
    async with gateway(FakeBackend(), cors_origins=("https://front.example",)) as client:
        allowed = await client.post("/v1/denoise", content=picture(), headers=origin)
        refused = await client.post("/v1/denoise?x=1", content=picture(), headers=origin)
    async with gateway(FakeBackend()) as client:
        closed = await client.post("/v1/denoise", content=picture(), headers=origin)
    for response in (allowed, refused):
        assert response.headers["access-control-allow-origin"] == "https://front.example"
        assert "Retry-After" in response.headers["access-control-expose-headers"]
    assert "access-control-allow-origin" not in closed.headers


async def test_the_original_services_contract():
    backend = FakeBackend()
    async with gateway(backend) as client:
        done = await client.post("/process", files={"file": picture()}, data={"session": "old", "scale": "2"})
        backend.failure = errors.Busy("Far too much to do.", retry_after_s=4)
        busy = await client.post("/process", files={"image": picture()})
    assert done.content == picture()
    assert backend.calls[0] == ("super_resolution", backend.calls[0][1])
    assert backend.calls[0][1]["scale"] == 2
    assert busy.status_code == 429
    assert busy.json()["detail"] == "Server busy"
    assert busy.headers["retry-after"] == "4"


async def test_the_original_paths_task_is_a_setting():
    backend = FakeBackend()
    async with gateway(backend, default_task="denoise") as client:
        await client.post("/process", files={"image": picture()})
    assert backend.calls[0][0] == "denoise"
