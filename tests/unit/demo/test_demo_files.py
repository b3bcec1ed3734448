"""What the demo writes: folders that are whole or not there, the report, the terminal's table, the colour profile."""

import io
import json
import os
from pathlib import Path

import pytest
from PIL import Image, ImageCms

from demo import table
from demo.__main__ import main
from demo.errors import DemoError
from demo.folder import published
from demo.metrics import Quality
from demo.pictures import Picture, png
from demo.profile import wide_rgb
from demo.report import report
from demo.samples import at_least, equal, mean
from tests.unit.demo.fakes import outcome, run, sample

MARKER = "report.json"


def publish(folder: Path, text: str) -> None:
    with published(folder, MARKER) as work:
        (work / MARKER).write_text(text)


def test_a_folder_appears_whole_and_replaces_its_forerunner(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "demo"
    publish(folder, "first")
    (folder / "old.png").touch()
    publish(folder, "second")
    assert [path.name for path in folder.iterdir()] == [MARKER]
    assert (folder / MARKER).read_text() == "second"
    assert [path.name for path in folder.parent.iterdir()] == ["demo"]
    mask = os.umask(0o022)
    os.umask(mask)
    assert folder.stat().st_mode & 0o777 == 0o777 & ~mask


def fail_halfway(folder: Path) -> None:
    with published(folder, MARKER) as work:
        (work / "half.png").touch()
        raise RuntimeError("the server went away")


def test_a_failed_run_leaves_the_earlier_page(tmp_path: Path) -> None:
    publish(tmp_path / "demo", "first")
    with pytest.raises(RuntimeError):
        fail_halfway(tmp_path / "demo")
    assert (tmp_path / "demo" / MARKER).read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(DemoError, match="holds something else"):
        publish(tmp_path, "never")
    with pytest.raises(DemoError, match="is a file"):
        publish(tmp_path / "thesis.txt", "never")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_an_empty_folder_may_be_taken(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    publish(tmp_path / "demo", "first")
    assert (tmp_path / "demo" / MARKER).is_file()


def test_an_unknown_task_or_repository_ends_with_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--out", str(tmp_path / "demo"), "--tasks", "sculpture"]) == 2
    assert "There is no sculpture in demo/tasks" in capsys.readouterr().err
    assert main(["--out", str(tmp_path / "demo"), "--repository", str(tmp_path / "nowhere")]) == 2
    assert "nowhere is not a folder" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_report_is_json_with_every_figure() -> None:
    checks = [at_least("PSNR", 30.0, 29.9, decimals=1, unit="dB"), equal("mode", "L", "RGB")]
    single = outcome(sample("two"), seconds={"grpc": 1.0}, quality=None, baseline_quality=None)
    content = json.loads(json.dumps(report(run([outcome(), single], checks), 12.345)))
    assert content["passed"] is False
    assert content["total_s"] == 12.35
    assert content["machine"]["cores"] >= 1
    assert content["versions"]["numpy"]
    section = content["tasks"]["greying"]
    assert section["groups"]["grey"]["result"] == {"psnr_db": 30.0, "ssim": 0.9}
    assert [check["passed"] for check in section["checks"]] == [True, False]
    assert section["samples"][0]["same_bytes"] is True
    assert section["samples"][1]["same_bytes"] is None
    assert section["samples"][1]["result"] is None


def test_the_table_names_what_was_missed() -> None:
    checks = [at_least("PSNR", 29.8, 29.9, decimals=1, unit="dB"), equal("mode", "L", "RGB")]
    text = "\n".join(table.lines(run([outcome()], checks)))
    assert "20.00 dB / 0.500  30.00 dB / 0.900" in text
    assert "MISSED  greying: PSNR: 29.800 dB (at least 29.9)" in text
    assert "MISSED  greying: mode: L, must be RGB" in text


def test_a_figure_is_held_against_its_target_in_the_targets_decimals() -> None:
    assert at_least("", 34.083, 34.1, decimals=1).passed
    assert table.told(at_least("", 34.083, 34.1, decimals=1, unit="dB")) == "34.083 dB (at least 34.1 when rounded)"
    assert table.told(at_least("", 34.12, 34.1, decimals=1)) == "34.120 (at least 34.1)"
    assert not at_least("", 34.04, 34.1, decimals=1).passed
    assert at_least("", 0.84795, 0.848, decimals=3).passed


def test_means_are_of_one_group() -> None:
    outcomes = [outcome(), outcome(quality=Quality(20.0, 0.7)), outcome(sample(group="other"))]
    assert mean(outcomes, "grey") == Quality(25.0, 0.8)
    with pytest.raises(ValueError, match="nothing was measured in the group 'none'"):
        mean(outcomes, "none")


def test_transparency_is_measured_as_seen() -> None:
    clear = Image.new("RGBA", (2, 1), (255, 0, 0, 0))
    clear.putpixel((1, 0), (255, 0, 0, 255))
    assert Picture("", png(clear)).pixels().tolist() == [[[128, 128, 128], [255, 0, 0]]]


def test_the_profile_is_one_and_is_wider_than_srgb() -> None:
    profile = ImageCms.ImageCmsProfile(io.BytesIO(wide_rgb()))
    assert ImageCms.getProfileDescription(profile).strip() == "Darkroom demo, wide RGB"
    assert int.from_bytes(wide_rgb()[:4], "big") == len(wide_rgb())
    picture = Image.new("RGB", (2, 1), (128, 128, 128))
    picture.putpixel((1, 0), (0, 255, 0))
    wide = ImageCms.profileToProfile(picture, ImageCms.createProfile("sRGB"), profile)
    assert wide is not None
    grey, green = wide.getpixel((0, 0)), wide.getpixel((1, 0))
    assert max(grey) - min(grey) <= 1
    # the purest green of sRGB lies well inside
    assert green[0] > 100
