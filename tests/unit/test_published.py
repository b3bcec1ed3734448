"""What lies in the model repository, and what a version of it will take."""

import json
import os
from pathlib import Path

import pytest

from darkroom.board import BoardReader
from darkroom.errors import DarkroomError
from darkroom.headroom import (
    BYTES_PER_FILE_BYTE,
    PROCESS_BYTES,
    _container_bytes,
    available_bytes,
    expected_bytes,
    private_bytes,
)
from darkroom.jobs import ADMIN_KEY_FILE, Jobs


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for name, versions in (("denoise", ("1", "2", "10", "0", "next")), ("jobs", ("1",))):
        for version in versions:
            (tmp_path / "repository" / name / version).mkdir(parents=True)
        (tmp_path / "repository" / name / "config.pbtxt").touch()
    (tmp_path / "repository" / "notes").mkdir()
    (tmp_path / "repository" / "denoise" / "2" / "network.onnx").write_bytes(bytes(1000))
    return tmp_path / "repository"


def versions(jobs: Jobs, key: str = "") -> dict:
    return json.loads(jobs.answer('{"action": "versions"}', {"Darkroom-Admin-Key": key}))


@pytest.fixture
def key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "key").write_text("a-key-of-some-length")
    monkeypatch.setenv(ADMIN_KEY_FILE, str(tmp_path / "key"))
    return "a-key-of-some-length"


def test_versions_are_numbers_oldest_first(repository: Path, tmp_path: Path, key: str) -> None:
    told = versions(Jobs(BoardReader(tmp_path / "board"), repository / "jobs"), key)
    assert [each["version"] for each in told["models"]["denoise"]] == [1, 2, 10]
    assert list(told["models"]) == ["denoise", "jobs"]
    assert told["models"]["denoise"][1]["memory_bytes"] == PROCESS_BYTES + 1000 * BYTES_PER_FILE_BYTE
    assert told["available_bytes"] > 0


def test_a_running_engine_says_what_the_next_will_take(repository: Path, tmp_path: Path, key: str) -> None:
    board = BoardReader(tmp_path / "board")
    own = {"task": "denoise", "pid": os.getpid(), "process_start": _start()}
    (tmp_path / "board" / "engines" / "denoise-1.json").write_text(json.dumps(own))
    told = versions(Jobs(board, repository / "jobs"), key)
    memory = {each["memory_bytes"] for each in told["models"]["denoise"]}
    assert len(memory) == 1
    assert memory.pop() == pytest.approx(private_bytes(os.getpid()), rel=0.2)


def _start() -> str:
    return Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]


def test_an_object_stores_copy_knows_no_neighbours(repository: Path, tmp_path: Path, key: str) -> None:
    copy = (repository / "jobs").rename(repository / "folder1a2b3c")
    assert versions(Jobs(BoardReader(tmp_path / "board"), copy), key)["models"] == {}


def test_versions_need_the_key(repository: Path, tmp_path: Path, key: str) -> None:
    with pytest.raises(DarkroomError, match="darkroom-admin-key"):
        versions(Jobs(BoardReader(tmp_path / "board"), repository / "jobs"), "wrong")


def test_a_containers_limit_counts(tmp_path: Path) -> None:
    for name, content in (
        ("memory.max", "1000"),
        ("memory.current", "700"),
        ("memory.stat", "anon 1\ninactive_file 50"),
    ):
        (tmp_path / name).write_text(content + "\n")
    assert _container_bytes(tmp_path, 9999) == 350
    (tmp_path / "memory.max").write_text("max\n")
    assert _container_bytes(tmp_path, 9999) == 9999
    assert _container_bytes(tmp_path / "none", 9999) == 9999


def test_memory_of_what_is_not_there(tmp_path: Path) -> None:
    assert private_bytes(2**22 - 1) is None
    assert expected_bytes(tmp_path / "gone") == PROCESS_BYTES
    assert available_bytes() > 2**20
