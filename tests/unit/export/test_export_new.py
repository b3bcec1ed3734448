"""The files of a new task run as they are, and never take the place of others."""

import subprocess
import sys
from pathlib import Path

import pytest

from export import new
from export.errors import ExportError
from export.gate import model_config

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("network", [False, True])
def test_the_files_hold_to_our_own_rules(tmp_path: Path, network: bool) -> None:
    paths = new.write("auto_contrast", project=tmp_path, network=network)
    python = [str(path) for path in paths if path.suffix == ".py"]
    assert len(python) == (4 if network else 3)
    # The packages that the files import are this project's, wherever the files lie.
    settings = ["--config", str(ROOT / "pyproject.toml"), "--config", f'src = ["{ROOT}"]']
    ours = 'lint.isort.known-first-party = ["darkroom", "demo", "export"]'
    check = ["ruff", "check", "--no-cache", *settings, "--config", ours, *python]
    for arguments in (check, ["ruff", "format", "--no-cache", "--check", *settings[:2], *python]):
        done = subprocess.run([sys.executable, "-m", *arguments], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout
    parsed = model_config.load(tmp_path / "model_repository" / "auto_contrast")
    model_config.agree(tmp_path / "model_repository" / "auto_contrast", parsed, 30.0)


def test_the_test_of_a_new_task_passes(tmp_path: Path) -> None:
    new.write("auto_contrast", project=tmp_path)
    (tmp_path / "tests" / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text())
    # The new pipeline joins the installed package, as if it lay beside the others.
    (tmp_path / "conftest.py").write_text(
        f"import darkroom.pipelines\ndarkroom.pipelines.__path__.append({str(tmp_path / 'darkroom' / 'pipelines')!r})\n"
    )
    options = ["-q", "-p", "no:cacheprovider", f"--rootdir={tmp_path}", "-c", "/dev/null"]
    command = [sys.executable, "-m", "pytest", *options, str(tmp_path / "tests" / "unit")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


@pytest.mark.parametrize(
    "name", ["", "Contrast", "auto-contrast", "1st", "all", "diff", "new", "jobs", "class", "a" * 33]
)
def test_names_that_cannot_be_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ExportError, match="A task's name is of lower-case letters"):
        new.write(name, project=tmp_path)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("taken", ["darkroom/pipelines/sepia.py", "model_repository/sepia", "tests/unit/test_sepia.py"])
def test_what_is_there_is_never_written_over(tmp_path: Path, taken: str) -> None:
    place = tmp_path / taken
    place.parent.mkdir(parents=True)
    place.mkdir() if not place.suffix else place.write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ExportError, match=rf"The name sepia is taken: .*{taken} is there"):
        new.write("sepia", project=tmp_path)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_recipe_lies_in_the_project(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="--network and --into do not go together"):
        new.write("sepia", tmp_path, network=True)
