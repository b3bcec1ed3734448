"""The simulated device: what DARKROOM_SIMULATE may say, what a batch costs, what comes out."""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from darkroom.config import NetworkRecord
from darkroom.engine.simulated import VARIABLE, SimulatedRunner, Simulation, nearest
from darkroom.network import Unit
from darkroom.network_errors import DeviceLostError, OutOfMemoryError, kind_of
from tests.unit.tiny_onnx import record


def runner(simulation: Simulation, **changes: Any) -> SimulatedRunner:
    return SimulatedRunner(simulation, NetworkRecord(**record(**changes)))


@pytest.mark.parametrize(
    ("text", "base_s", "unit_s"), [("8,2", 0.008, 0.002), (" 40 , 0.5", 0.04, 0.0005), ("0,1", 0, 0.001)]
)
def test_two_numbers_of_milliseconds(monkeypatch: pytest.MonkeyPatch, text: str, base_s: float, unit_s: float) -> None:
    monkeypatch.setenv(VARIABLE, text)
    simulation = Simulation.from_environment()
    assert simulation is not None
    assert (simulation.base_s, simulation.unit_s) == pytest.approx((base_s, unit_s))
    assert simulation.seconds(10) == pytest.approx(base_s + 10 * unit_s)


@pytest.mark.parametrize("text", ["8", "8,2,1", "fast,2", "-1,2", "8,-2", "0,0", "nan,1", "60000,1", ","])
def test_anything_else_is_named(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv(VARIABLE, text)
    with pytest.raises(ValueError, match=r'DARKROOM_SIMULATE must be two numbers in ms.*like "8,2"; got') as wrong:
        Simulation.from_environment()
    assert str(wrong.value).endswith(f'got "{text}".')


@pytest.mark.parametrize("text", [None, ""])
def test_without_the_variable_nothing_is_simulated(monkeypatch: pytest.MonkeyPatch, text: str | None) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    if text is not None:
        monkeypatch.setenv(VARIABLE, text)
    assert Simulation.from_environment() is None


def test_curves_of_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "curves.json"
    curves = {"span_x4": {"base_ms": 1.5, "unit_ms": 0.5, "said by": "a test"}, "unet": {"base_ms": 0, "unit_ms": 6}}
    file.write_text(json.dumps({"device": "one", "networks": curves}))
    monkeypatch.setenv(VARIABLE, f"@{file}")
    simulation = Simulation.from_environment()
    assert simulation is not None
    assert simulation.of("span_x4").seconds(3) == pytest.approx(0.003)
    assert simulation.of("unet").seconds(2) == pytest.approx(0.012)
    with pytest.raises(ValueError, match="no curve for span_x2; there are span_x4, unet"):
        simulation.of("span_x2")


def test_without_curves_all_networks_are_alike() -> None:
    assert Simulation(8, 2).of("anything") == Simulation(8, 2)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"networks": {}}',
        '{"networks": {"a": {"base_ms": 1}}}',
        '{"networks": {"a": {"base_ms": -1, "unit_ms": 1}}}',
    ],
)
def test_a_file_that_holds_no_curves_is_named(tmp_path: Path, content: str) -> None:
    file = tmp_path / "curves.json"
    file.write_text(content)
    with pytest.raises(ValueError, match=r"DARKROOM_SIMULATE: .*curves\.json"):
        Simulation.from_curves(file)


def test_every_pixel_is_repeated() -> None:
    batch = np.random.default_rng(0).integers(0, 256, (2, 3, 5, 3), np.uint8)
    np.testing.assert_array_equal(nearest(batch, 4), batch.repeat(4, axis=1).repeat(4, axis=2))
    np.testing.assert_array_equal(nearest(batch, 1), batch)
    output, guarded = runner(Simulation(0, 1e-6), scale=2).run((batch,))
    np.testing.assert_array_equal(output, nearest(batch, 2))
    np.testing.assert_array_equal(guarded, np.zeros((2, 3, 5), np.uint8))


def test_sixteen_bits_stay_sixteen_bits() -> None:
    batch = np.random.default_rng(0).integers(0, 65536, (1, 3, 5, 3), np.uint16)
    output, guarded = runner(Simulation(0, 1e-6), scale=2, bits=16).run((batch,))
    np.testing.assert_array_equal(output, batch.repeat(2, axis=1).repeat(2, axis=2))
    assert guarded.dtype == np.uint8


def test_a_network_for_sixteen_bits_has_the_curve_of_the_one_for_eight() -> None:
    simulation = Simulation(0, 1, {"span_x4": Simulation(0.001, 0.002)})
    assert simulation.of("span_x4_16bit").seconds(1) == pytest.approx(0.003)


def test_a_latent_comes_back_as_it_is() -> None:
    latent = np.ones((2, 4, 8, 8), np.float32)
    (output,) = runner(Simulation(0, 1e-6), simulated="echo", scale=2).run((latent, np.zeros(2)))
    np.testing.assert_array_equal(output, latent)


def test_a_network_that_decides_computes_within_the_batch_s_time() -> None:
    class Real:
        def run(self, inputs: Unit) -> Unit:
            time.sleep(0.02)
            return (inputs[0] + 1,)

    simulated = SimulatedRunner(Simulation(0.05, 0), NetworkRecord(**record(simulated="compute")), Real())
    started = time.monotonic()
    (output,) = simulated.run((np.zeros((1, 4)),))
    assert (output == 1).all()
    assert time.monotonic() - started >= 0.05


@pytest.mark.parametrize(
    ("shape", "units"), [((1, 128, 128, 3), 1), ((1, 256, 256, 3), 4), ((5, 128, 128, 3), 5), ((1, 64, 64, 3), 0.25)]
)
def test_a_batch_costs_its_pixels(monkeypatch: pytest.MonkeyPatch, shape: tuple[int, ...], units: float) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    runner(Simulation(base_s=8, unit_s=2)).run((np.zeros(shape, np.uint8),))
    assert slept[0] == pytest.approx(8 + 2 * units, abs=0.5)


def test_a_unit_may_be_something_else_than_a_tile(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    latents = np.zeros((3, 4, 64, 64), np.float32)
    runner(Simulation(base_s=8, unit_s=2), simulated="echo", simulated_unit=4 * 64 * 64).run((latents,))
    assert slept[0] == pytest.approx(8 + 2 * 3, abs=0.5)


def test_faults_come_after_the_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "0,0.001,oom=2, poison=4")
    simulation = Simulation.from_environment()
    assert simulation is not None
    device, batch = runner(simulation), np.zeros((2, 4, 4, 3), np.uint8)
    device.run((batch,))
    with pytest.raises(RuntimeError, match="Failed to allocate memory") as full:
        device.run((np.zeros((3, 4, 4, 3), np.uint8),))
    assert kind_of(full.value) is OutOfMemoryError
    device.run((batch,))
    for _ in range(2):
        with pytest.raises(RuntimeError, match="CUDA failure 700") as lost:
            device.run((batch,))
        assert kind_of(lost.value) is DeviceLostError


@pytest.mark.parametrize("text", ["8,2,oom", "8,2,oom=0", "8,2,oom=x", "8,2,slow=3", "8,2,", "8,2,poison=-1"])
def test_faults_that_are_none_are_named(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv(VARIABLE, text)
    with pytest.raises(ValueError, match="DARKROOM_SIMULATE must be two numbers"):
        Simulation.from_environment()
