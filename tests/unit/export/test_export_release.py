"""The next version appears whole or not at all: also under kill -9 at any moment, and on a full disk."""

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from export import __main__ as command
from export import durable, publish, tunables
from export.errors import ExportError
from export.recipe import Plan
from export.release import Candidate, Request
from tests.unit.export import toy

CHANGED = ((("engine", "max_batch"), 8),)


@pytest.fixture
def task(tmp_path: Path) -> Path:
    """A model folder with version 1, exported."""
    folder = toy.model_folder(tmp_path)
    toy.export(tmp_path, toy.recipe(toy.network()))
    return folder


def files(version: Path) -> dict[str, bytes]:
    return {path.relative_to(version).as_posix(): path.read_bytes() for path in version.rglob("*") if path.is_file()}


def test_a_version_of_other_tunables_has_everything(task: Path) -> None:
    (task / "1" / "helper.py").write_text("# beside model.py\n")
    version = toy.published(task.parent, toy.recipe(toy.network()), changes=CHANGED)

    assert version == task / "2"
    found = files(version)
    python = f"cpython-{sys.version_info.major}{sys.version_info.minor}"
    assert set(found) == {
        *("model.py", "helper.py", f"__pycache__/model.{python}.pyc", f"__pycache__/helper.{python}.pyc"),
        *("copy.onnx", "networks.json", "pipeline.json", "publication.json"),
    }
    assert json.loads(found["pipeline.json"])["engine"] == {"max_batch": 8}
    assert (version / "copy.onnx").samefile(task / "1" / "copy.onnx")
    assert (version / "model.py").read_bytes() == (task / "1" / "model.py").read_bytes()


def test_the_bytecode_is_valid_where_it_lies(task: Path) -> None:
    version = toy.published(task.parent, toy.recipe(toy.network()), changes=CHANGED)
    compiled = next((version / "__pycache__").iterdir())
    before = (compiled.stat().st_mtime_ns, compiled.read_bytes())
    subprocess.run([sys.executable, "-m", "compileall", "-q", "-l", str(version)], check=True)
    assert (compiled.stat().st_mtime_ns, compiled.read_bytes()) == before, "Python would write it anew"
    assert str(version / "model.py").encode() in before[1]


def test_what_did_not_change_is_refused_unless_forced(task: Path) -> None:
    recipe = toy.recipe(toy.network())
    with pytest.raises(ExportError, match="Version 1 has the same networks and the same tunables already"):
        toy.published(task.parent, recipe)
    request = Request(always=True, gate=toy.without_canary)
    assert toy.export(task.parent, recipe, request, force=True).name == "2"


def test_a_damaged_newest_version_is_published_again(task: Path) -> None:
    recipe = toy.recipe(toy.network())
    second = toy.published(task.parent, recipe, changes=CHANGED)
    (second / "copy.onnx").unlink()
    (second / "copy.onnx").write_bytes(b"half")
    assert toy.published(task.parent, recipe).name == "3"


def test_it_starts_from_the_version_that_is_named(task: Path) -> None:
    recipe = toy.recipe(toy.network())
    toy.published(task.parent, recipe, changes=CHANGED)
    third = toy.published(task.parent, recipe, from_version=1, changes=((("engine", "streams"), 2),))
    assert json.loads((third / "pipeline.json").read_text())["engine"] == {"max_batch": 4, "streams": 2}
    assert json.loads((third / "publication.json").read_text())["base_version"] == "1"
    with pytest.raises(ExportError, match=r"no version 9 with model\.py"):
        toy.published(task.parent, recipe, from_version=9)


def test_networks_of_an_earlier_version_come_along(task: Path) -> None:
    both = toy.recipe(toy.network(), toy.network(0.5, name="brought"))
    toy.published(task.parent, both)
    third = toy.published(task.parent, toy.recipe(toy.network()), changes=CHANGED)
    assert publish.names_in(third) == ["copy", "brought"]
    assert (third / "brought.onnx").samefile(task / "2" / "brought.onnx")


def test_a_refusal_of_the_gate_leaves_nothing(task: Path) -> None:
    def refuse(candidate: Candidate, say: Callable[[str], None]) -> dict[str, object]:
        assert (candidate.folder / "networks.json").is_file()
        (candidate.scratch / "half").write_text("")
        raise ExportError("no")

    before = files(task)
    with pytest.raises(ExportError, match="no"):
        toy.published(task.parent, toy.recipe(toy.network()), changes=CHANGED, gate=refuse)
    assert files(task) == before
    assert [path.name for path in task.parent.iterdir()] == ["copying"]


def test_a_network_of_the_user_s_own_goes_through_the_gate_too(
    task: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = toy.recipe(toy.network(0.5))
    brought = replace(recipe, plan=lambda _: Plan((toy.network(0.5),), new_version=True))
    monkeypatch.setattr(command, "discover", lambda complain: {toy.TASK_NAME: brought})
    assert command.main([toy.TASK_NAME, "--repository", str(task.parent)]) == 1
    assert "The gate refuses version 2 (quality): Worse than version 1" in capsys.readouterr().err
    assert [version.name for version in publish.versions(task)] == ["1"]


def killed_at(moment: int, task: Path, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Publish in a process of its own that is killed with SIGKILL before its `moment`-th step on the disk; whether it
    came to that."""
    steps = 0

    def counted(real: Callable[..., object]) -> Callable[..., object]:
        def step(*arguments: object, **more: object) -> object:
            nonlocal steps
            steps += 1
            if steps == moment:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **more)

        return step

    child = os.fork()
    if child == 0:
        status = 1
        try:
            for owner, name in ((durable, "sync"), (os, "link"), (os, "mkdir"), (Path, "rename"), (Path, "write_text")):
                monkeypatch.setattr(owner, name, counted(getattr(owner, name)))
            toy.published(
                task.parent, toy.recipe(toy.network()), changes=CHANGED, gate=lambda candidate, say: {"steps": steps}
            )
            status = 0
        finally:
            os._exit(status)
    _, ended = os.waitpid(child, 0)
    assert os.WIFSIGNALED(ended) or os.WEXITSTATUS(ended) == 0
    return os.WIFSIGNALED(ended)


def test_kill_9_at_every_step_leaves_a_whole_version_or_none(task: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = files(toy.published(task.parent, toy.recipe(toy.network()), changes=CHANGED)).keys()
    _remove(task / "2")
    for moment in range(1, 200):
        if not killed_at(moment, task, monkeypatch):
            break
        versions = [version.name for version in publish.versions(task)]
        assert versions in (["1"], ["1", "2"])
        if versions == ["1", "2"]:
            assert files(task / "2").keys() == whole
            _remove(task / "2")
    else:
        raise AssertionError("it was never left alone")
    assert moment > 15, "hardly anything was interrupted"
    assert files(task / "2").keys() == whole, "the next publish succeeds after all those kills"
    assert [path.name for path in task.parent.iterdir()] == ["copying"], "and sweeps what they left"


def _remove(version: Path) -> None:
    for path in sorted(version.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    version.rmdir()


def test_a_full_disk_is_said_and_leaves_nothing(
    task: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    big = toy.network(0.99, write=lambda path: path.write_bytes(bytes(4_000_000)))
    monkeypatch.setattr(command, "discover", lambda complain: {toy.TASK_NAME: toy.recipe(big)})
    before, said = files(task), tmp_path_factory.mktemp("said") / "stderr"
    child = os.fork()
    if child == 0:  # no file of more than a megabyte from here on
        status = 99
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
            monkeypatch.setattr(sys, "stderr", said.open("w"))
            status = command.main([toy.TASK_NAME, "--publish", "--repository", str(task.parent)])
            sys.stderr.flush()
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
    assert said.read_text() == f"error: File too large: {task.parent}; nothing was published.\n"
    assert files(task) == before
    assert [path.name for path in task.parent.iterdir()] == ["copying"]


def test_a_disk_that_is_full_at_the_last_moment_leaves_nothing(
    task: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(durable, "sync", full)
    monkeypatch.setattr(
        command, "discover", lambda complain: {toy.TASK_NAME: toy.recipe(toy.network(), references=None)}
    )
    monkeypatch.setattr(command, "_request", lambda _: Request(always=True, changes=CHANGED))
    assert command.main([toy.TASK_NAME, "--publish", "--repository", str(task.parent)]) == 1
    assert f"error: No space left on device: {task.parent}; nothing was published." in capsys.readouterr().err
    assert [path.name for path in publish.versions(task)] == ["1"]
    assert [path.name for path in task.parent.iterdir()] == ["copying"]


def test_changes_are_read_as_json_or_as_text() -> None:
    changed = tunables.apply(
        {"engine": {"max_batch": 4}, "options": {"side": [1]}},
        [
            tunables.parse(text)
            for text in ("engine.max_batch=16", "options.name=gfpgan", "options.side=[2, 3]", "a.b=1")
        ],
    )
    assert changed == {"engine": {"max_batch": 16}, "options": {"side": [2, 3], "name": "gfpgan"}, "a": {"b": 1}}
    for wrong in ("engine.max_batch", "=3", "engine.=3"):
        with pytest.raises(ExportError, match=r"--set takes key\.path=value"):
            tunables.parse(wrong)
    with pytest.raises(ExportError, match=r"engine\.max_batch is a value and has no keys"):
        tunables.apply({"engine": {"max_batch": 4}}, [tunables.parse("engine.max_batch.more=1")])


def test_the_command_asks_for_what_belongs_together(
    task: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "discover", lambda complain: {toy.TASK_NAME: toy.recipe(toy.network())})
    for arguments, reason in (
        (["--set", "engine.max_batch=2"], "say --publish too"),
        (["--from-version", "1"], "say --publish too"),
        (["--publish", "--allow-worse", " "], "--allow-worse needs a reason"),
    ):
        assert command.main([toy.TASK_NAME, "--repository", str(task.parent), *arguments]) == 1
        assert reason in capsys.readouterr().err


def test_a_broken_recipe_does_not_stop_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from export import recipes

    (tmp_path / "half_written.py").write_text("import no_such_package\n")
    monkeypatch.setattr(recipes, "__path__", [*recipes.__path__, str(tmp_path)])
    assert command.main(["--list"]) == 0
    told = capsys.readouterr()
    assert "The recipe export/recipes/half_written.py is left out: ModuleNotFoundError: No module named" in told.err
    assert "super_resolution" in told.out
