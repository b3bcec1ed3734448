"""Addresses, TLS, results, files, driving coroutines, and looking at the server."""

import asyncio
import io
import stat
from pathlib import Path

import numpy as np
import pytest
from darkroom_client import BadOption, Darkroom, NotAllowed, Result, Tls, Unreachable, address, inspection
from darkroom_client.files import write_atomically
from darkroom_client.link import drive, iterate
from darkroom_client.results import Report
from darkroom_client.wire import Failure
from fake_link import FakeLink, core, picture, told
from PIL import Image


@pytest.mark.parametrize(
    ("url", "means"),
    [
        ("127.0.0.1:8001", "grpc://127.0.0.1:8001"),
        ("gpu-box", "grpc://gpu-box:8001"),
        ("grpc://gpu-box:9", "grpc://gpu-box:9"),
        ("http://gpu-box", "http://gpu-box:8000"),
        ("https://gpu-box/", "https://gpu-box:443"),
        ("https://gpu-box/darkroom/", "https://gpu-box:443/darkroom"),
        ("grpcs://gpu-box", "grpcs://gpu-box:443"),
        ("[::1]:8001", "grpc://[::1]:8001"),
    ],
)
def test_addresses(url, means):
    assert str(address.parse(url)) == means


@pytest.mark.parametrize(
    "url", ["", "ftp://x", "http://", "x:port", "x:99999", "grpc://x/path", "http://u:p@x", "http://x?y=1"]
)
def test_addresses_that_cannot_be_meant(url):
    with pytest.raises(BadOption, match="server address"):
        address.parse(url)


def test_tls_is_checked_before_any_connection(tmp_path: Path):
    with pytest.raises(BadOption, match="use grpcs:// or https://"):
        Darkroom("127.0.0.1:8001", tls=Tls())
    with pytest.raises(BadOption, match="does not exist"):
        Darkroom("grpcs://127.0.0.1:8001", tls=Tls(ca=tmp_path / "no.pem"))
    with pytest.raises(BadOption, match="needs its key"):
        Darkroom("https://127.0.0.1:8001", tls=Tls(certificate="x.pem"))
    (tmp_path / "bad.pem").write_text("not PEM")
    with pytest.raises(BadOption, match="cannot be used"):
        Tls(ca=tmp_path / "bad.pem").context()


def test_wrong_defaults_surface_where_they_are_made():
    with pytest.raises(BadOption, match="deadline_s"):
        Darkroom(deadline_s=-1)


def result_of(image: Image.Image, kind: str = "png") -> Result:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return Result(buffer.getvalue(), Report(), "id")


@pytest.mark.parametrize(
    ("mode", "shape"), [("L", (4, 6)), ("RGB", (4, 6, 3)), ("RGBA", (4, 6, 4)), ("P", (4, 6, 3)), ("LA", (4, 6, 4))]
)
def test_results_as_arrays(mode, shape):
    pixels = result_of(Image.new(mode, (6, 4))).numpy()
    assert pixels.dtype == np.uint8
    assert pixels.shape == shape


def test_results_are_saved_whole(tmp_path: Path):
    result = result_of(Image.new("RGB", (6, 4), "red"))
    path = result.save(tmp_path / "x.png")
    assert path.read_bytes() == result.bytes
    assert result.pil().getpixel((0, 0)) == (255, 0, 0)
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.png"]
    assert stat.S_IMODE(path.stat().st_mode) & 0o400


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch):
    path = tmp_path / "x.png"
    path.write_bytes(b"old")

    def fails(self, target):
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", fails)
    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.png"]


def test_report_of_faces():
    face = {"box": [1, 2, 3, 4], "landmarks": [[1, 2], [3, 4]], "score": 0.9}
    report = Report.parse({"faces": [face], "simulated": True, "queue_ms": 1.5})
    assert report.faces[0].box == (1.0, 2.0, 3.0, 4.0)
    assert report.faces[0].landmarks == ((1.0, 2.0), (3.0, 4.0))
    assert report.simulated
    assert report.queue_ms == 1.5
    assert report.seed is None


def test_driving_a_coroutine_that_suspends_is_a_bug_of_ours():
    with pytest.raises(RuntimeError, match="suspended"):
        drive(asyncio.sleep(0))


def test_iterating_closes_the_generator():
    closed = []

    async def numbers():
        try:
            for number in range(9):
                yield number
        finally:
            closed.append(True)

    states = iterate(numbers())
    assert [next(states), next(states)] == [0, 1]
    states.close()
    assert closed == [True]
    assert list(iterate(numbers())) == list(range(9))


def test_models_with_the_admin_key():
    link = FakeLink(lambda call: picture(call))
    link.answers["index"] = [{"name": "a", "version": "1", "state": "READY"}, {"name": "b"}]
    models = drive(inspection.models(core(link, admin_key="k")))
    assert [(model.name, model.state) for model in models] == [("a", "READY"), ("b", "UNAVAILABLE")]


def test_models_without_it_are_found_by_name():
    link = FakeLink(
        lambda call: picture(call), jobs=lambda call: told(call, engines=[{"task": "mine", "start_id": "x"}])
    )

    def metadata(question):
        if question.model not in ("denoise", "mine"):
            raise Failure("NOT_FOUND", f"Request for unknown model: '{question.model}' is not found")
        return {"name": question.model, "versions": ["1", "2"]}

    link.answers = {"index": Failure("PERMISSION_DENIED", "restricted"), "model": metadata}
    models = drive(inspection.models(core(link)))
    assert [(model.name, model.version) for model in models] == [
        ("denoise", "1"),
        ("denoise", "2"),
        ("mine", "1"),
        ("mine", "2"),
    ]


def test_health_sends_a_picture_through_every_loaded_model():
    def script(call):
        if call.model == "dead":
            return Failure("INTERNAL", "Stub process 'dead_0_0' is not healthy.")
        return picture(call)

    link = FakeLink(script, jobs=lambda call: told(call, engines=[]))
    names = ("denoise", "dead", "jobs")
    index = [{"name": name, "version": "1", "state": "READY"} for name in names]
    link.answers = {"server_ready": True, "index": [*index, {"name": "never loaded"}]}
    outcomes = drive(inspection.health(core(link)))
    assert [(outcome.model, outcome.ok) for outcome in outcomes] == [("denoise", True), ("dead", False), ("jobs", True)]
    assert "not healthy" in outcomes[1].error
    assert len(link.calls) == 2
    assert Image.open(io.BytesIO(link.calls[0].input_bytes)).size == (64, 64)


def test_health_of_no_server():
    link = FakeLink(lambda call: picture(call))
    link.answers["server_ready"] = Failure("UNREACHABLE", "Connection refused")
    with pytest.raises(Unreachable):
        drive(inspection.health(core(link)))


def test_restricted_questions_are_not_allowed():
    link = FakeLink(lambda call: picture(call))
    link.answers["model"] = Failure("UNAVAILABLE", "This protocol is restricted, expecting header")
    with pytest.raises(NotAllowed):
        drive(inspection.describe(core(link), "x"))
