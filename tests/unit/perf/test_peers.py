"""The peers' pins, and what their answers mean."""

import math
import re

import pytest

from darkroom.errors import BusyError
from perf.load import photo
from perf.peers.__main__ import table_rows
from perf.peers.environment import HERE, peers
from perf.peers.house import ask_body, ask_form, reason_of
from perf.peers.restorer import Settings

PIN = re.compile(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+")


def test_there_are_three_peers() -> None:
    assert peers() == ["bentoml", "litserve", "ray"]


@pytest.mark.parametrize("peer", peers())
def test_every_requirement_is_pinned_and_names_no_registry(peer: str) -> None:
    lines = (HERE / peer / "requirements.lock").read_text().splitlines()
    assert lines
    assert [line for line in lines if not PIN.fullmatch(line)] == []


@pytest.mark.parametrize("peer", peers())
def test_what_both_run_is_the_same_version(peer: str) -> None:
    ours = (HERE.parents[1] / "requirements.lock").read_text().splitlines()
    theirs = (HERE / peer / "requirements.lock").read_text().splitlines()
    for name in ("numpy", "onnxruntime", "openvino", "pillow", "simplejpeg", "isal"):
        (pin,) = [line for line in ours if line.startswith(f"{name}==")]
        assert pin in theirs


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (200, b"\xff\xd8", "ok"),
        (429, b'{"error": "Too many requests"}', "busy"),
        (503, b"no JSON", "busy"),
        (504, b'{"detail": "Request timed out"}', "deadline"),
        (408, b"", "deadline"),
        (500, b"{}", "HTTP 500"),
    ],
)
def test_reasons(status: int, body: bytes, reason: str) -> None:
    assert reason_of(status, body) == reason


def test_our_own_refusals_name_their_reason() -> None:
    message = BusyError("Busy: too much.", retry_after_s=1.0).wire_message().replace('"', '\\"')
    assert reason_of(503, f'{{"error": "{message}"}}'.encode()) == "busy"
    assert reason_of(503, b'{"error": "Too late. {\\"reason\\": \\"deadline\\"}"}') == "deadline"


def test_ours_is_told_as_a_multiple_of_the_best_peer_s() -> None:
    columns = {
        "darkroom": {"8 callers: images/s": 30.0, "8 callers: p99 (s)": 1.0, "memory (MiB)": 300},
        "litserve": {"8 callers: images/s": 20.0, "8 callers: p99 (s)": 4.0, "memory (MiB)": 500},
        "ray": {"8 callers: images/s": 10.0, "8 callers: p99 (s)": 2.0, "overload: failed": 3},
    }
    rows = {row["what"]: row for row in table_rows("cpu", columns)}
    assert rows["8 callers: images/s"]["darkroom / best peer"] == 1.5
    assert rows["8 callers: p99 (s)"]["darkroom / best peer"] == 0.5
    assert math.isnan(rows["memory (MiB)"]["darkroom / best peer"])
    assert math.isnan(rows["memory (MiB)"]["ray"])
    assert math.isnan(rows["overload: failed"]["darkroom"])


def test_a_file_is_the_body_or_a_field() -> None:
    data = photo(96, 96)
    assert ask_body(data)["data"] == data
    assert ask_form(data)["data"].is_multipart


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = {"PEER_PORT": "8123", "PEER_TASK": "denoise", "PEER_DEADLINE_S": "2.5", "PEER_QUEUE": "0"}
    for name, value in wanted.items():
        monkeypatch.setenv(name, value)
    assert Settings.from_environment() == Settings(8123, "denoise", 2.5, 1)
