"""The machine in simulated time keeps the laws that every queue keeps."""

from dataclasses import replace

import pytest

from darkroom.config import EngineConfig, TilingConfig
from darkroom.engine.fair import Share
from perf.plan.curves import Curve
from perf.plan.events import Clock, Job, Threads, Turns
from perf.plan.jobs import Host, Kind, parse_mix
from perf.plan.simulate import Machine, closed_loop, open_loop

TILING = TilingConfig(heights=(144, 280), widths=(112, 144, 280), halo=14, blend=4, margin=8)
FAST = Host(codec_threads=64, decode_s=0, encode_s=0, place_s=0, job_s=0, batch_s=0)
"""A host that takes no time: what is left is the device."""


def kind(width: int = 128, height: int = 128) -> Kind:
    return parse_mix(f"{width}x{height}", TILING, 4)[0]


def test_events_come_in_their_order() -> None:
    clock, seen = Clock(), list[tuple[float, str]]()
    clock.after(2, lambda: seen.append((clock.now, "late")))
    clock.after(1, lambda: clock.after(0.5, lambda: seen.append((clock.now, "from within"))))
    clock.after(2, lambda: seen.append((clock.now, "as late, asked later")))
    clock.run()
    assert seen == [(1.5, "from within"), (2, "late"), (2, "as late, asked later")]


def test_the_device_takes_one_at_a_time_and_whoever_waits_longest() -> None:
    turns, seen = Turns(), list[str]()
    for name in ("a", "b", "c"):
        turns.ask(lambda name=name: seen.append(name))  # type: ignore[misc]
    assert seen == ["a"]
    turns.release()
    turns.release()
    assert seen == ["a", "b", "c"]
    turns.release()
    assert not turns.busy


def test_threads_work_side_by_side_and_skip_who_is_late() -> None:
    clock, ends = Clock(), list[float]()
    threads = Threads(clock, 2)
    jobs = [Job(kind(), kind().price(FAST), Share("interactive", age), 0, 1, lambda job: None) for age in range(4)]
    jobs[2].late = True
    for job in jobs:
        threads.submit(job, 1.0, lambda: ends.append(clock.now))
    clock.run()
    assert ends == [1, 1, 2]
    assert threads.busy_s == 3


def test_one_job_alone_takes_its_batches() -> None:
    result = closed_loop(Machine(Curve(40, 2), host=FAST), [kind()], callers=1, jobs=5)
    (count,) = kind().tiles.values()
    assert count == 1
    own = 0.040 + 0.002 * (144 * 144) / (128 * 128)
    assert result.p50_s == pytest.approx(own)
    assert result.device_busy == pytest.approx(1)
    assert result.units_a_batch == 1


def test_a_full_device_does_what_full_batches_allow() -> None:
    machine = Machine(Curve(40, 2), host=FAST)
    result = closed_loop(machine, [kind()], callers=64, jobs=1600)
    full = 0.040 + 32 * 0.002 * (144 * 144) / (128 * 128)
    assert result.units_a_batch == pytest.approx(32, rel=0.05)
    assert result.rate == pytest.approx(32 / full, rel=0.05)


def test_littles_law() -> None:
    machine = Machine(Curve(40, 2), host=FAST)
    result = closed_loop(machine, [kind()], callers=16, jobs=800)
    assert result.rate * result.p50_s == pytest.approx(16, rel=0.05)


def test_codecs_bound_a_fast_device() -> None:
    host = replace(FAST, codec_threads=2, job_s=0.050)
    result = closed_loop(Machine(Curve(0.1, 0.01), host=host), [kind()], callers=16, jobs=400)
    assert result.rate == pytest.approx(2 / 0.050, rel=0.03)
    assert result.codecs_busy > 0.95
    assert result.device_busy < 0.1


def test_batches_are_bounded_in_time() -> None:
    slow = Machine(Curve(0, 100), EngineConfig(max_batch=32, max_batch_s=0.5), FAST)
    assert closed_loop(slow, [kind()], callers=64, jobs=256).units_a_batch <= 3  # 0.127 s a tile


def test_overload_is_refused_and_what_is_admitted_comes_in_time() -> None:
    machine = Machine(Curve(400, 20), host=FAST)
    peak = closed_loop(machine, [kind()], callers=64, jobs=640).rate
    result = open_loop(machine, [kind()], 3 * peak, 20, deadline_s=4)
    assert 0.55 < result.refused < 0.75
    assert result.late <= 0.01 * result.offered
    assert result.p99_s <= 4
    assert result.rate > 0.85 * peak


def test_a_small_picture_does_not_wait_for_a_large_one() -> None:
    mix = parse_mix("96x96:1,2000x1500:1", TILING, 4)
    result = closed_loop(Machine(Curve(40, 2), host=FAST), mix, callers=6, jobs=120)
    small, large = result.by_kind["96x96"], result.by_kind["2000x1500"]
    assert small[0] < large[0] / 3


def test_two_engines_fill_smaller_batches_of_the_same_load() -> None:
    one = closed_loop(Machine(Curve(40, 2), host=FAST), [kind()], callers=32, jobs=640)
    two = closed_loop(Machine(Curve(40, 2), host=FAST, instances=2), [kind()], callers=32, jobs=640)
    assert two.units_a_batch < one.units_a_batch
    assert two.rate < one.rate


def test_the_same_seed_gives_the_same_run() -> None:
    mix = parse_mix("96x96:3,512x512:1", TILING, 4)
    runs = [open_loop(Machine(Curve(40, 2)), mix, 20, 10, 5, seed) for seed in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]


@pytest.mark.parametrize("text", ["", "96", "96x", "96x96:0", "96x96:-1", "0x96", "96x96,big", "20000x10"])
def test_a_mix_that_cannot_be_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="A mix is sizes in pixels with shares"):
        parse_mix(text, TILING, 4)


@pytest.mark.parametrize(
    ("curve", "mix", "rate", "deadline_s"),
    [
        (Curve(1.7, 0.24), "256x256:6,512x512:3,1200x1200:1", 65, 3),
        (Curve(8, 2), "96x96,128x128,192x192,256x256,384x384", 250, 5),
        (Curve(40, 2), "96x96:20,1600x1200:1", 120, 5),
    ],
    ids=["the codecs are behind", "device and codecs are as busy", "thumbnails among posters"],
)
def test_nobody_admitted_comes_late_and_no_size_is_shut_out(
    curve: Curve, mix: str, rate: float, deadline_s: float
) -> None:
    kinds = parse_mix(mix, TILING, 4)
    result = open_loop(Machine(curve, host=Host(encode_s=1.2e-8)), kinds, rate, 20, deadline_s)
    assert result.refused > 0.1
    assert result.late <= 0.001 * result.offered
    assert result.p99_s <= deadline_s
    assert set(result.by_kind) == {kind.name for kind in kinds}
