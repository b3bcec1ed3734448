"""What perf_analyzer is asked, and how its answer is read."""

import base64

import pytest

from perf.analyze.analyzer import figures, input_data, reason
from perf.analyze.profiles import PROFILES, Point, points
from perf.tools.__main__ import OLDER_WHEEL, OWN_WHEEL, analyzer_wheel

HEAD = (
    "Concurrency,Inferences/Second,Client Send,Network+Server Send/Recv,Server Queue,Server Compute Input,"
    "Server Compute Infer,Server Compute Output,Client Recv,p50 latency,p90 latency,p95 latency,p99 latency"
)


def test_a_row_is_read_in_milliseconds() -> None:
    found = figures(f"{HEAD}\n4,19.5,10,20,30,40,4500,60,70,93900,133000,140000,175000\n")
    assert found["images/s"] == 19.5
    assert found["p50 (ms)"] == 93.9
    assert found["p99 (ms)"] == 175.0
    assert found["execute() (ms)"] == 4.5


def test_a_csv_without_figures_is_an_error() -> None:
    with pytest.raises(ValueError, match="without figures"):
        figures(HEAD)


def test_the_input_is_the_encoded_picture() -> None:
    image = input_data(b"\xff\xd8picture")["data"][0]["image"]
    assert base64.b64decode(image["content"]["b64"]) == b"\xff\xd8picture"
    assert image["shape"] == [9]


def test_the_telling_line_is_the_reason() -> None:
    assert reason("*** Measurement ***\nerror: failed to connect\n\nbye\n") == "error: failed to connect"
    assert reason("") == "it said nothing"


def test_every_combination_is_measured_once() -> None:
    laptop = PROFILES["laptop"]
    every = points(laptop)
    loads = len(laptop.concurrencies) + len(laptop.rates)
    assert len(every) == len(laptop.tasks) * len(laptop.sizes) * len(laptop.protocols) * loads
    assert len(set(every)) == len(every)


def test_what_is_asked_for_replaces_the_profile() -> None:
    asked = points(PROFILES["a100"], ["denoise"], [(64, 48)], ["http"], [], [2.5])
    assert asked == [Point("denoise", 64, 48, "http", rate=2.5)]
    assert asked[0].load == "2.5/s"


@pytest.mark.parametrize(
    ("glibc", "wheel"), [("2.36", OLDER_WHEEL), ("2.38", OWN_WHEEL), ("2.41", OWN_WHEEL), ("", OLDER_WHEEL)]
)
def test_the_wheel_fits_the_system(glibc: str, wheel: str) -> None:
    assert analyzer_wheel(glibc) == wheel
