"""Tasks are found by themselves, and each keeps the protocol."""

import re
import sys
from pathlib import Path

import pytest

from demo.pictures import opened
from demo.run import absent
from demo.samples import Demo
from demo.tasks import discover


def test_the_tasks_of_this_repository_in_their_order() -> None:
    found = discover()
    assert {"super_resolution", "denoise", "formats"} <= set(found)
    assert [demo.order for demo in found.values()] == sorted(demo.order for demo in found.values())
    assert next(iter(found)) == "super_resolution"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    folder = tmp_path / "found_tasks"
    folder.mkdir()
    (folder / "__init__.py").touch()
    yield folder
    for name in [name for name in sys.modules if name.startswith("found_tasks")]:
        del sys.modules[name]


def test_a_new_file_joins_by_itself(package: Path) -> None:
    for name, order in (("late", 9), ("early", 1)):
        text = f"from demo.samples import Demo\nDEMO = Demo('m', '{name}', '', list, order={order})\n"
        (package / f"{name}.py").write_text(text)
    assert list(discover([str(package)], "found_tasks")) == ["early", "late"]


def test_a_file_without_demo_is_named(package: Path) -> None:
    (package / "empty.py").touch()
    with pytest.raises(ImportError, match=r"found_tasks\.empty has no DEMO"):
        discover([str(package)], "found_tasks")


def test_what_the_repository_lacks_is_left_out_with_a_reason(tmp_path: Path) -> None:
    for name, networks in (("bare", None), ("unexported", '{"networks": {"net": {}}}')):
        (tmp_path / name / "1").mkdir(parents=True)
        (tmp_path / name / "config.pbtxt").touch()
        if networks:
            (tmp_path / name / "1" / "pipeline.json").write_text(networks)
    demos = {name: Demo(name, name, "", list) for name in ("bare", "unexported", "unknown")}
    reasons = absent(demos, tmp_path)
    assert set(reasons) == {"unexported", "unknown"}
    assert "no model 'unknown'" in reasons["unknown"]
    assert "make export" in reasons["unexported"]


@pytest.mark.parametrize("name", ["super_resolution", "formats"])
def test_samples_keep_the_protocol(name: str) -> None:
    samples = list(discover()[name].samples())
    assert len({sample.name for sample in samples}) == len(samples)
    for sample in samples:
        assert re.fullmatch(r"[a-z0-9-]+", sample.name)
        assert sample.recipe
        before = opened(sample.before.data)
        scale = sample.options["scale"]
        assert sample.original is not None
        assert sample.original.size == (before.width * scale, before.height * scale)
        assert sample.baseline is not None
        assert sample.baseline.size == sample.original.size
