"""Whose turn it is, for a thread: the fairest, then whoever is most behind, and what a job keeps of it."""

from darkroom.engine.commitment import Commitment
from darkroom.engine.fair import Share
from darkroom.engine.order import TaskLine
from darkroom.engine.price import Price


def job(age: int, tag: float, latest_start: float | None = None) -> Commitment:
    one = Commitment(Price((), 1), Share("interactive", age, latest_start=latest_start), 1000.0)
    one.tag = tag
    return one


def popped(line: TaskLine[Commitment, str], now: float = 0.0) -> list[str]:
    tasks = []
    while line:
        tasks.append(line.pop(now)[1])
    return tasks


def line_of(*tasks: tuple[Commitment, str]) -> TaskLine[Commitment, str]:
    line: TaskLine[Commitment, str] = TaskLine()
    for one, task in tasks:
        line.push(one, task)
    return line


def test_a_small_job_s_task_passes_a_large_one_s() -> None:
    assert popped(line_of((job(0, 5.0), "encode a poster"), (job(1, 0.1), "encode a thumbnail"))) == [
        "encode a thumbnail",
        "encode a poster",
    ]


def test_a_job_s_own_tasks_keep_their_order() -> None:
    one = job(0, 1.0)
    assert popped(line_of((one, "first"), (one, "second"), (one, "third"))) == ["first", "second", "third"]


def test_three_of_four_turns_are_for_whoever_is_most_behind() -> None:
    late = [(job(age, 9.0, latest_start=start), f"by {start}") for age, start in enumerate((3.0, 2.0, 4.0, 3.5))]
    small = [job(age, 0.1 * age) for age in range(4, 6)]
    line = line_of(*late, *((one, f"small {one.share.age}") for one in small))
    assert popped(line, now=5.0) == ["small 4", "by 2.0", "by 3.0", "by 3.5", "small 5", "by 4.0"]


def test_nobody_is_behind_before_the_time() -> None:
    line = line_of((job(0, 9.0, latest_start=3.0), "large"), (job(1, 0.1), "a"), (job(2, 0.2), "b"))
    assert popped(line, now=1.0) == ["a", "b", "large"]


def test_among_equals_the_older_job_is_first() -> None:
    assert popped(line_of((job(7, 1.0), "newer"), (job(3, 1.0), "older"))) == ["older", "newer"]
