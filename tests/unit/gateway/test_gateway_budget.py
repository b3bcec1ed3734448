"""The bound on what all requests hold together."""

from pathlib import Path

import pytest
from darkroom_gateway import memory
from darkroom_gateway.budget import Budget
from darkroom_gateway.memory import LEAST, MOST, share_of, total_memory
from darkroom_gateway.problems import Problem
from darkroom_gateway.settings import Settings


def test_uploads_and_results_share_one_bound():
    budget = Budget(pictures=10, most_bytes=100)
    with budget.open() as held:
        held.grow_to(60)
        with pytest.raises(Problem) as caught:
            budget.send("job", 41)
        assert caught.value.status == 503
        assert caught.value.retry_after_s
        assert "no room for the result of 41 bytes" in caught.value.detail
        held.release()
        share = budget.send("job", 41)
        with pytest.raises(Problem) as caught:
            held.grow_to(60)
        assert caught.value.status == 429
    assert budget.bytes == 41
    share.close()
    share.close()
    assert budget.bytes == budget.pictures == 0


def test_readers_of_one_result_count_once():
    budget = Budget(pictures=10, most_bytes=100)
    first, second = budget.send("job", 80), budget.send("job", 80)
    assert budget.bytes == 80
    first.close()
    assert budget.bytes == 80
    second.close()
    assert budget.bytes == 0


def test_a_result_that_never_fits_is_refused_for_good():
    with pytest.raises(Problem) as caught:
        Budget(pictures=10, most_bytes=100).send("job", 101)
    assert (caught.value.status, caught.value.reason, caught.value.retry_after_s) == (422, "too_large", None)


@pytest.mark.parametrize(("total", "share"), [(4, LEAST), (8, LEAST), (16, 2**30), (64, 2**32), (1024, MOST)])
def test_the_bound_fits_the_machine(total, share):
    assert share_of(total * 2**30) == share
    assert share_of(total * 2**30) >= 2 * Settings().max_bytes


def test_a_container_s_limit_counts_where_it_is_lower(tmp_path: Path):
    limited, unlimited = tmp_path / "limited", tmp_path / "unlimited"
    limited.write_text("3221225472\n")
    unlimited.write_text("max\n")
    machine = total_memory((unlimited, tmp_path / "missing"))
    assert machine > 2**28
    assert total_memory((unlimited, limited)) == min(machine, 3 * 2**30)


async def test_memory_is_given_back_after_large_pictures_only(monkeypatch: pytest.MonkeyPatch):
    trims: list[bool] = []
    monkeypatch.setattr(memory, "_trim", lambda: trims.append(True))
    await memory.give_back(2**20)
    assert trims == []
    await memory.give_back(2**26)
    assert trims == [True]
