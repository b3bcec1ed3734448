"""A job whose process died is noticed, and one whose process lives is left alone."""

import pytest
from darkroom_client import LostJob, Retry
from darkroom_client.jobs import Engine, JobState
from darkroom_client.link import drive
from darkroom_client.liveness import Tracked, is_lost, needs_closer_look, ready_before
from darkroom_client.wire import Failure
from fake_link import NEVER, FakeLink, Later, asked, core, picture, told

A, B = frozenset("a"), frozenset("b")


def state(start_id=None, kind="running"):
    return JobState("id", kind, start_id=start_id)


def test_nothing_is_said_about_somebodys_plain_model():
    job = Tracked("custom", "id")
    assert not any(needs_closer_look(job, frozenset(), served_by_engines=False) for _ in range(5))


def test_a_living_engine_is_above_suspicion():
    job = Tracked("denoise", "id")
    assert not any(needs_closer_look(job, A, served_by_engines=True) for _ in range(5))


def test_a_restart_alongside_is_no_reason():
    job = Tracked("denoise", "id")
    needs_closer_look(job, A, served_by_engines=True)
    assert not needs_closer_look(job, A | B, served_by_engines=True)


def test_two_looks_must_agree():
    job = Tracked("denoise", "id")
    needs_closer_look(job, A, served_by_engines=True)
    assert needs_closer_look(job, B, served_by_engines=True)
    assert not is_lost(job, state(kind="unknown"), B)
    assert is_lost(job, state(kind="unknown"), B)


def test_a_job_that_another_engine_holds_is_fine():
    job = Tracked("denoise", "id")
    needs_closer_look(job, A | B, served_by_engines=True)
    assert needs_closer_look(job, B, served_by_engines=True)
    assert not is_lost(job, state("b"), B)
    assert not needs_closer_look(job, B, served_by_engines=True)


def test_a_death_before_the_first_look_is_noticed_where_engines_were_seen_before():
    job = Tracked("denoise", "id")
    assert needs_closer_look(job, frozenset(), served_by_engines=True)


def test_an_engine_that_started_after_the_job_was_sent_does_not_hold_it():
    old, new, silent = (Engine("denoise", "1", name, up_s=up_s) for name, up_s in (("a", 9.0), ("b", 1.0), ("c", None)))
    assert ready_before(10.0, (old, new, silent), seen_at=12.0) == (old, silent)
    assert ready_before(10.0, (old, new, silent), seen_at=9.5) == (old, new, silent)


def server_that_dies(link, at, comes_back_at=NEVER):
    def jobs(call):
        old, new = link.time < at, link.time >= comes_back_at
        up = {"a": 500.0} if old else {"b": link.time - comes_back_at} if new else {}
        if asked(call)["action"] == "totals":
            known = {"task": "denoise", "version": "1"}
            return told(call, engines=[known | {"start_id": start, "up_s": up_s} for start, up_s in up.items()])
        return told(call, id="id", state="running", start_id="a") if old else told(call, state="unknown")

    return jobs


@pytest.mark.parametrize("dies_after_s", [0.01, 0.3, 1.0, 7.9])
@pytest.mark.parametrize("gone_s", [1.5, NEVER])
def test_a_lost_job_is_raised_within_three_seconds(dies_after_s, gone_s):
    link = FakeLink(lambda call: Later(NEVER))
    link.jobs = server_that_dies(link, 1000 + dies_after_s, 1000 + dies_after_s + gone_s)
    with pytest.raises(LostJob, match="is gone"):
        drive(core(link, retry=Retry.OFF).run("denoise", b"image", {}))
    assert link.time - (1000 + dies_after_s) <= 3.0
    assert len(link.abandoned) == 1


def test_a_death_while_nobody_could_look_is_noticed_by_what_was_seen_before():
    link = FakeLink(lambda call: picture(call) if len(link.calls) == 1 else Later(NEVER))
    told_of = server_that_dies(link, 1006, 1007)
    link.jobs = lambda call: told_of(call) if not 1004 < link.time < 1009 else Failure("UNAVAILABLE", "not now")
    client = core(link, retry=Retry.OFF)
    drive(client.run("denoise", b"image", {}))
    link.time = 1005
    with pytest.raises(LostJob, match="is gone"):
        drive(client.run("denoise", b"image", {"deadline_s": 60.0}))
    assert link.time <= 1012


@pytest.mark.parametrize("first_look", [Later(NEVER), Failure("UNAVAILABLE", "not now")])
def test_a_model_that_was_back_before_anyone_could_look_does_not_have_the_job(first_look):
    link = FakeLink(lambda call: Later(NEVER))
    told_of = server_that_dies(link, 1001, 1002)
    link.jobs = lambda call: first_look if link.time < 1003 else told_of(call)
    with pytest.raises(LostJob, match="is gone"):
        drive(core(link, retry=Retry.OFF).run("denoise", b"image", {"deadline_s": 60.0}))
    assert link.time <= 1009


def test_and_sent_again():
    link = FakeLink(lambda call: Later(NEVER) if len(link.calls) == 1 else picture(call))
    link.jobs = server_that_dies(link, 1002, 1003)
    assert drive(core(link).run("denoise", b"image", {})).bytes == b"picture"


def test_a_long_job_of_a_living_engine_is_waited_for_with_one_look_a_second():
    link = FakeLink(lambda call: Later(60.0, picture(call)))
    link.jobs = server_that_dies(link, NEVER)
    drive(core(link).run("denoise", b"image", {}))
    assert link.time == pytest.approx(1060)
    assert len(link.questions) <= 62


def test_a_server_without_jobs_is_not_asked_all_the_time():
    link = FakeLink(lambda call: Later(60.0, picture(call)))
    drive(core(link).run("denoise", b"image", {}))
    assert len(link.questions) <= 13


def test_short_jobs_cost_one_question_a_client():
    link = FakeLink(lambda call: Later(0.04, picture(call)))
    client = core(link)
    for _ in range(20):
        drive(client.run("denoise", b"image", {}))
    assert link.questions == [{"action": "totals"}]
