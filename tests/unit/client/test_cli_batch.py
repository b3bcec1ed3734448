"""Batches: failures alone, resume after a crash, a server that goes away, Ctrl-C."""

import asyncio
from pathlib import Path

import pytest
from darkroom_client import BadImage, BadOption, Busy, Cancelled, DeadlinePassed, LostJob, ServerError, Unreachable
from darkroom_client.cli import display, exits
from darkroom_client.cli.batch import Batch
from darkroom_client.cli.exits import Exit
from darkroom_client.cli.journal import FILE_NAME, Journal, fingerprint
from darkroom_client.cli.plan import plan
from darkroom_client.results import Report, Result


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    (folder / "deep").mkdir(parents=True)
    for number in range(8):
        (folder / ("deep" if number % 2 else "") / f"{number}.png").write_bytes(bytes([number]))
    return folder


class Server:
    """Answers every picture with its own bytes twice; `meets` says what else a file name meets."""

    def __init__(self, **meets):
        self.meets = meets
        self.sent = []

    async def __call__(self, item, on_progress):
        self.sent.append(item.source.stem)
        await asyncio.sleep(0)
        met = self.meets.get(f"at_{item.source.stem}")
        if isinstance(met, BaseException):
            raise met
        if met is not None:
            await met()
        return Result(item.source.read_bytes() * 2, Report(task="denoise"), "id")


def batch_of(photos: Path, server, *, jobs=2, force=False, options="o", shown=None) -> Batch:
    planned = plan([str(photos)], str(photos.parent / "out"), task="denoise", output_format=None)
    journal = Journal(planned.root)
    return Batch(planned, server, shown or display.Silent(), journal, options, jobs, force)


def ran(photos: Path, server, **how) -> Batch:
    batch = batch_of(photos, server, **how)
    asyncio.run(batch.run())
    return batch


def counted(batch: Batch) -> dict[str, int]:
    return {status: n for status, n in display.counts(batch.outcomes).items() if n}


def outputs(photos: Path) -> set[str]:
    out = photos.parent / "out"
    return {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}


def test_a_folder_is_mirrored(photos):
    batch = ran(photos, Server())
    assert counted(batch) == {"done": 8}
    assert batch.code is Exit.DONE
    assert outputs(photos) == {*(f"{n}.png" for n in (0, 2, 4, 6)), *(f"deep/{n}.png" for n in (1, 3, 5, 7)), FILE_NAME}
    assert (photos.parent / "out/deep/3.png").read_bytes() == b"\x03\x03"


def test_a_file_that_fails_stops_nobody(photos):
    batch = ran(photos, Server(at_0=BadImage("0 is bad."), at_3=BadImage("3 is bad."), at_4=OSError(28, "No space")))
    assert counted(batch) == {"done": 5, "failed": 3}
    assert {outcome.error for outcome in batch.outcomes if outcome.error} == {
        "0 is bad.",
        "3 is bad.",
        "The result cannot be written: No space.",
    }
    lines = [line.plain for line in display.summary(batch.outcomes, 2.0, 8)]
    assert lines[0] == "5 done, 3 failed of 8 in 2.0 s, 2.50 a second."
    assert len(lines) == 4


def test_what_is_done_is_skipped(photos):
    ran(photos, Server())
    again = Server()
    assert counted(ran(photos, again)) == {"skipped": 8}
    assert again.sent == []


def test_force_does_it_again(photos):
    ran(photos, Server())
    assert counted(ran(photos, Server(), force=True)) == {"done": 8}


def test_changed_sources_options_and_missing_results_are_done_again(photos):
    ran(photos, Server())
    (photos / "0.png").write_bytes(b"new")
    (photos.parent / "out/2.png").unlink()
    again = Server()
    ran(photos, again)
    assert sorted(again.sent) == ["0", "2"]
    assert counted(ran(photos, Server(), options="other")) == {"done": 8}


def test_a_batch_that_was_stopped_goes_on_where_it_was(photos):
    async def crash():
        raise SystemExit

    first = batch_of(photos, Server(at_5=crash), jobs=1)
    with pytest.raises((SystemExit, BaseExceptionGroup)):
        asyncio.run(first.run())
    second = Server()
    assert counted(ran(photos, second))["skipped"] == len(first.outcomes) > 0
    assert not set(second.sent) & {outcome.item.source.stem for outcome in first.outcomes}


def test_half_a_line_in_the_journal_is_no_harm(photos):
    ran(photos, Server())
    journal = photos.parent / "out" / FILE_NAME
    text = journal.read_text()
    journal.write_text(text[:-20])
    again = Server()
    assert counted(ran(photos, again)) == {"skipped": 7, "done": 1}


def test_a_result_nobody_noted_is_made_again(photos):
    (photos.parent / "out").mkdir()
    (photos.parent / "out/0.png").write_bytes(b"from somewhere")
    ran(photos, Server())
    assert (photos.parent / "out/0.png").read_bytes() == b"\x00\x00"


def test_without_a_server_the_rest_is_left(photos):
    batch = ran(photos, Server(at_0=Unreachable("gone")), jobs=1)
    assert counted(batch) == {"failed": 1, "untried": 7}
    assert batch.code is Exit.UNAVAILABLE


def test_no_more_than_so_many_at_once(photos):
    now, most = 0, 0

    async def busy_for_a_while():
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.01)
        now -= 1

    ran(photos, Server(**{f"at_{n}": busy_for_a_while for n in range(8)}), jobs=3)
    assert most == 3


def test_cancelling_the_batch_cancels_what_is_in_work(photos):
    cancelled = []

    async def forever():
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    async def stop_soon(batch):
        running = asyncio.create_task(batch.run())
        await asyncio.sleep(0.05)
        running.cancel()
        await running

    batch = batch_of(photos, Server(**{f"at_{n}": forever for n in (2, 4, 6)}), jobs=3)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(stop_soon(batch))
    assert cancelled == [True] * 3
    assert not [name for name in outputs(photos) if name.endswith(".part")]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BadImage("x"), Exit.FAILED),
        (ServerError("x"), Exit.FAILED),
        (Cancelled("x"), Exit.FAILED),
        (OSError("x"), Exit.FAILED),
        (BadOption("x"), Exit.USAGE),
        (Unreachable("x"), Exit.UNAVAILABLE),
        (LostJob("x"), Exit.UNAVAILABLE),
        (Busy("x"), Exit.TOO_BUSY),
        (DeadlinePassed("x"), Exit.TOO_BUSY),
    ],
)
def test_exit_codes(error, code):
    assert exits.of(error) is code


def test_exit_code_of_a_batch():
    assert exits.of_all([]) is Exit.DONE
    assert exits.of_all([Exit.TOO_BUSY, Exit.TOO_BUSY]) is Exit.TOO_BUSY
    assert exits.of_all([Exit.TOO_BUSY, Exit.USAGE]) is Exit.FAILED


def test_fingerprints_tell_options_apart():
    one = fingerprint("denoise", {"strength": 5, "network": "x"})
    assert one == fingerprint("denoise", {"network": "x", "strength": 5})
    assert (
        len({one, fingerprint("denoise", {"strength": 6, "network": "x"}), fingerprint("other", {"strength": 5})}) == 3
    )
