"""What the receipt of a job says."""

import json
from pathlib import Path

import pytest
from pictures import opened, photo_file
from wire import Call, RefusedError, grpc

from darkroom.server import Server

TIMES = {"queue_ms", "decode_ms", "infer_ms", "encode_ms"}
WORK = {"tiles", "units", "batches", "guarded_pixels"}
COMMON = {"task", "version", "id", "network", "sha256", "weights", "promise_kept"} | WORK | TIMES


@pytest.mark.parametrize(
    ("task", "options", "network", "more"),
    [
        ("super_resolution", {}, "span_x4", {}),
        ("super_resolution", {"scale": 2}, "span_x2", {}),
        ("denoise", {"strength": 15.0}, "ffdnet_color", {"strength": 15.0}),
    ],
)
def test_the_receipt_of_each_task(
    server: Server, repository: Path, task: str, options: dict, network: str, more: dict
) -> None:
    report = grpc(server, Call(photo_file(140, 100), task, options=options, id="receipt")).report
    record = json.loads((repository / task / "1" / "networks.json").read_text())[network]
    assert set(report) == COMMON | set(more)
    stated = {"task": task, "version": "1", "id": "receipt", "network": network, **more}
    assert {key: report[key] for key in stated} == stated
    assert report["guarded_pixels"] == 0
    assert (report["sha256"], report["weights"]) == (record["sha256"], record["weights"])
    assert report["tiles"] == report["units"] >= report["batches"] >= 1
    assert all(report[key] >= 0 for key in TIMES)
    assert report["infer_ms"] > 0


def test_the_estimated_strength_is_told(server: Server) -> None:
    report = grpc(server, Call(photo_file(100, 100), "denoise")).report
    assert 0 <= report["strength"] < 20  # a clean photo


def test_a_quote_names_the_units_that_the_job_then_has(server: Server) -> None:
    data = photo_file(300, 300)
    quote = grpc(server, Call(data, "denoise", options={"quote": True})).report
    assert quote["units"] == grpc(server, Call(data, "denoise")).report["units"] > 1


def test_a_quote_of_a_bad_file_is_refused(server: Server) -> None:
    with pytest.raises(RefusedError, match="not an image"):
        grpc(server, Call(b"hello", options={"quote": True}))


def test_the_large_network_is_named_and_may_enlarge_less(server: Server) -> None:
    options = {"network": "realesrgan_x4plus", "scale": 2}
    answer = grpc(server, Call(photo_file(32, 32), options=options))
    assert opened(answer.image).size == (64, 64)
    assert answer.report["network"] == "realesrgan_x4plus"
