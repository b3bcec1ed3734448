"""A simulated device with curves of its own for every network, through a real server; and how many engines share it."""

import asyncio
from pathlib import Path

import pytest

from darkroom.server import Server, ServerError
from perf.load import Shot, closed_loop, photo
from perf.plan.curves import ON_PAPER, Curve, read, write
from perf.plan.instances import with_instances

SLOW, FAST = Curve(300, 1), Curve(5, 1)


def test_each_network_takes_its_own_time(tmp_path: Path) -> None:
    file = tmp_path / "curves.json"
    write(file, "a test", read(ON_PAPER)[1] | {"span_x4": FAST, "realesrgan_x4plus": SLOW})
    with Server(models=["super_resolution", "jobs"], env={"DARKROOM_SIMULATE": f"@{file}"}) as server:
        networks = ("span", "realesrgan_x4plus")
        shots = [Shot(0, photo(96, 96), options={"network": network}) for network in networks]
        fast, slow = asyncio.run(closed_loop(server.grpc_url, shots, 1))
    assert fast.error == slow.error == ""
    assert fast.report["simulated"] is slow.report["simulated"] is True
    assert slow.report["infer_ms"] >= 300
    assert fast.report["infer_ms"] < slow.report["infer_ms"]


def test_a_network_without_a_curve_is_named_at_the_start(tmp_path: Path) -> None:
    file = tmp_path / "curves.json"
    write(file, "a test", {"span_x4": FAST})
    with (
        pytest.raises(ServerError, match=r"no curve for (span_x2|realesrgan_x4plus); there are span_x4"),
        Server(models=["super_resolution", "jobs"], env={"DARKROOM_SIMULATE": f"@{file}"}),
    ):
        pass


def test_two_engine_processes_share_one_device(tmp_path: Path) -> None:
    repository = with_instances(tmp_path, 2)
    with Server(repository, config_name="simulated", env={"DARKROOM_SIMULATE": "8,2"}) as server:
        outcomes = asyncio.run(closed_loop(server.grpc_url, [Shot(0, photo(96, 96, i)) for i in range(24)], 8))
    assert [outcome.error for outcome in outcomes] == [""] * 24
