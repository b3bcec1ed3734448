"""Questions to the `jobs` model that no client of ours would ask."""

import json
from pathlib import Path

import pytest

from darkroom.board import BoardReader, files
from darkroom.errors import BadOptionError, NotAllowedError
from darkroom.jobs import Jobs


@pytest.fixture
def jobs(tmp_path: Path) -> Jobs:
    files.prepare(tmp_path)
    return Jobs(BoardReader(tmp_path))


@pytest.mark.parametrize(
    "query",
    [
        "",
        "\0",
        "[" * 100_000,
        "9" * 5_000,
        "null",
        "[]",
        '"state"',
        json.dumps({"action": "x" * 1_000_000}),
        json.dumps({"action": ["state"]}),
        json.dumps({"action": "state"}),
        json.dumps({"action": "state", "id": 7}),
        json.dumps({"action": "state", "id": ""}),
        json.dumps({"action": "cancel", "id": "x" * 1_000_000}),
        json.dumps({"action": "cancel", "id": "\ud800"}),
        json.dumps({"action": "state", "id": {"$ne": 1}}),
    ],
    ids=range(15),
)
def test_a_question_that_makes_no_sense_is_refused_with_a_short_sentence(jobs: Jobs, query: str) -> None:
    with pytest.raises(BadOptionError) as refused:
        jobs.answer(query, {})
    assert len(refused.value.wire_message().encode()) < 300


@pytest.mark.parametrize("action", ["list", "versions"])
def test_what_is_the_operator_s_business_needs_the_key(jobs: Jobs, action: str) -> None:
    with pytest.raises(NotAllowedError, match="needs the header darkroom-admin-key"):
        jobs.answer(json.dumps({"action": action}), {})


@pytest.mark.parametrize("job_id", ["../../etc/passwd", "/", ".", "a\0b", "x" * 256], ids=range(5))
def test_any_id_may_be_asked_for(jobs: Jobs, job_id: str) -> None:
    assert json.loads(jobs.answer(json.dumps({"action": "state", "id": job_id}), {}))["state"] == "unknown"
