"""Files of curves: written, read, fitted; the committed one can be served."""

import json
from pathlib import Path

import pytest

from darkroom.config import load_pipeline
from darkroom.engine.simulated import Simulation
from perf.plan.card import A100
from perf.plan.curves import COUNTED, ON_PAPER, PUBLISHED, Curve, fit, read, sources, write


def test_what_is_written_is_read(tmp_path: Path) -> None:
    curves = {"span_x4": Curve(1.5, 0.25, 13.9, 4, "counted"), "unet": Curve(9.5, 6.06)}
    write(tmp_path / "curves.json", "a card", curves, card=sources(A100))
    assert read(tmp_path / "curves.json") == ("a card", curves)
    assert Simulation.from_curves(tmp_path / "curves.json").of("unet").seconds(2) == pytest.approx(0.02162)


def test_the_committed_curves_serve_every_task() -> None:
    device, curves = read(ON_PAPER)
    assert "A100" in device
    assert set(curves) == {*COUNTED, *PUBLISHED}
    for task in ("super_resolution", "denoise", "face_enhance", "image_to_image"):
        assert set(load_pipeline(Path("model_repository") / task / "1", cpu=False).networks) <= set(curves)


def test_every_number_of_the_card_names_its_source() -> None:
    card = json.loads(ON_PAPER.read_text())["card"]
    assert card == sources(A100), "python -m perf.plan --on-paper writes it anew"
    assert all(len(entry["source"]) > 10 for entry in card.values())


def test_a_line_is_found() -> None:
    base, unit = fit([(n, 0.04 + 0.002 * n) for n in (1, 2, 4, 8, 32)])
    assert (base, unit) == pytest.approx((0.04, 0.002))


@pytest.mark.parametrize("points", [[(4, 0.02)], [(1, 0.005), (8, 0.04)], [(1, 0.004), (8, 0.04)]])
def test_one_size_or_more_than_proportional_growth_has_no_base(points: list[tuple[float, float]]) -> None:
    base, unit = fit(points)
    assert base == pytest.approx(0, abs=1e-9)
    assert unit == pytest.approx(sum(s / n for n, s in points) / len(points), rel=1e-6)


def test_no_time_is_no_curve() -> None:
    with pytest.raises(ValueError, match="no times of batches"):
        fit([(1, 0.0)])
