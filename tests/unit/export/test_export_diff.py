"""Two versions compared: what they are, how fast, how good, and a page to look at."""

import json
from pathlib import Path

import pytest

from export import __main__ as command
from tests.unit.export import toy


@pytest.fixture
def task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Version 1 gives the picture back; version 2 a darker one."""
    folder = toy.model_folder(tmp_path / "models")
    toy.export(folder.parent, toy.recipe(toy.network()))
    toy.published(folder.parent, toy.recipe(toy.network(0.5)), allow_worse="to compare with")
    monkeypatch.setattr(command, "discover", lambda complain: {toy.TASK_NAME: toy.recipe(toy.network())})
    return folder


def diff(task: Path, out: Path, *versions: str) -> int:
    return command.main(["diff", toy.TASK_NAME, *versions, "--repository", str(task.parent), "--out", str(out)])


def test_a_report_and_a_page_with_the_pictures_side_by_side(
    task: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "diff"
    assert diff(task, out, "1", "2") == 0

    report = json.loads((out / "diff.json").read_text())
    first, second = report["versions"]["1"], report["versions"]["2"]
    assert first["quality"]["as it is"] == {"psnr_db": 100.0, "ssim": 1.0}
    assert 5 < second["quality"]["as it is"]["psnr_db"] < 20
    assert report["apart"]["as it is"] == second["quality"]["as it is"]
    assert first["parameters"] == 1
    assert first["bytes"] == (task / "1" / "copy.onnx").stat().st_size
    assert first["networks"]["copy"]["unit_ms"] > 0
    assert first["answer_s"]["as it is"] > 0
    page = (out / "index.html").read_text()
    for name in ("crop-version-1", "crop-version-2", "crop-difference-8"):
        assert f'src="images/{name}.png"' in page
        assert (out / "images" / f"{name}.png").is_file()
    # the original is the very picture that was sent, and is kept once
    assert page.count('src="images/crop-sent.png"') == 2
    assert 'src="http' not in page
    assert "as it is: 100.00 dB / 1.000 -> " in capsys.readouterr().out


def test_equal_versions_are_not_apart(task: Path, tmp_path: Path) -> None:
    assert diff(task, tmp_path / "diff", "1", "1") == 0
    assert json.loads((tmp_path / "diff" / "diff.json").read_text())["apart"]["as it is"]["psnr_db"] == 100.0


def test_what_cannot_be_compared_is_named(task: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert diff(task, tmp_path / "diff", "1", "7") == 1
    assert "copying has no version 7; there are 1, 2." in capsys.readouterr().err
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("keep me")
    assert diff(task, tmp_path / "mine", "1", "2") == 1
    assert "holds something else" in capsys.readouterr().err
    assert (tmp_path / "mine" / "letter.txt").read_text() == "keep me"
