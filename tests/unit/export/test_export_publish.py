"""Publishing: a version is complete, or it is plainly not exported."""

import argparse
import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from darkroom.config import load_networks
from export import __main__ as command
from export import run
from export.errors import ExportError
from export.recipe import Facts, Network, Plan, Recipe
from export.sources import Weights

Write = Callable[[Path], None]


def network(name: str, content: bytes = b"graph", fail: BaseException | None = None, digest: str = "a") -> Network:
    """A network whose "ONNX file" is `content`, or whose making fails after the file was written."""

    def make(files: Mapping[str, bytes], folder: Path) -> Facts:
        MADE.append(name)
        (folder / f"{name}.onnx").write_bytes(content)
        (folder / "vocabulary").mkdir()
        (folder / "vocabulary" / f"{name}.txt").write_text("words")
        if fail is not None:
            raise fail
        return {"parameters": 7}

    weights = Weights(f"weights of {name}", "Test", "CC0", "this test", {"w": digest * 64})
    return Network(name, weights, make, settings={"sizes": (512, 768)})


MADE: list[str] = []


@pytest.fixture(autouse=True)
def _forget() -> None:
    MADE.clear()


def export(repository: Path, *networks: Network, task: str = "sharpen", force: bool = False, **plan: Any) -> Path:
    recipe = Recipe(task, "a test", lambda _: Plan(networks, **plan))
    return run.export(recipe, argparse.Namespace(repository=repository, force=force), lambda line: None)


def leftovers(repository: Path) -> list[str]:
    return sorted(path.relative_to(repository).as_posix() for path in repository.rglob("*") if path.is_file())


def test_a_version_holds_files_and_records_that_the_server_reads(tmp_path: Path) -> None:
    version = export(tmp_path, network("one", b"1"), network("two", b"22"))

    records = load_networks(version)
    assert version == tmp_path / "sharpen" / "1"
    assert {name: record.sha256 for name, record in records.items()} == {
        "one": hashlib.sha256(b"1").hexdigest(),
        "two": hashlib.sha256(b"22").hexdigest(),
    }
    assert records["two"].model_dump()["bytes"] == 2
    assert records["two"].model_dump()["parameters"] == 7
    assert records["one"].weights == "weights of one"
    assert leftovers(version) == [
        "networks.json", "one.onnx", "two.onnx", "vocabulary/one.txt", "vocabulary/two.txt",
    ]  # fmt: skip


@pytest.mark.parametrize("failure", [ExportError("parity"), KeyboardInterrupt(), OSError(28, "No space left")])
def test_a_failure_in_the_last_network_leaves_nothing(tmp_path: Path, failure: BaseException) -> None:
    with pytest.raises(type(failure)):
        export(tmp_path, network("one"), network("two", fail=failure))
    assert leftovers(tmp_path) == []


def test_a_failure_leaves_the_published_version_as_it_was(tmp_path: Path) -> None:
    version = export(tmp_path, network("one"))
    before = {name: (version / name).read_bytes() for name in leftovers(version)}

    with pytest.raises(ExportError):
        export(tmp_path, network("one", b"better", digest="b"), network("two", fail=ExportError("no")))

    assert {name: (version / name).read_bytes() for name in leftovers(version)} == before


def test_a_refused_check_of_the_whole_publishes_nothing(tmp_path: Path) -> None:
    def check(folder: Path) -> Mapping[str, Facts]:
        assert (folder / "one.onnx").is_file()
        raise ExportError("They do not fit.")

    with pytest.raises(ExportError, match="do not fit"):
        export(tmp_path, network("one"), check=check)
    assert leftovers(tmp_path) == []


def test_what_is_there_is_not_made_again_unless_forced(tmp_path: Path) -> None:
    export(tmp_path, network("one"))
    export(tmp_path, network("one"))
    assert MADE == ["one"]
    export(tmp_path, network("one"), force=True)
    assert MADE == ["one", "one"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda version: (version / "one.onnx").write_bytes(b"grape"),
        lambda version: (version / "one.onnx").unlink(),
        lambda version: (version / "vocabulary" / "one.txt").unlink(),
        lambda version: (version / "networks.json").write_text("{"),
    ],
    ids=["changed", "missing", "missing beside", "damaged listing"],
)
def test_a_damaged_version_is_exported_again(tmp_path: Path, damage: Write) -> None:
    version = export(tmp_path, network("one"))
    damage(version)
    export(tmp_path, network("one"))
    assert (version / "one.onnx").read_bytes() == b"graph"
    assert (version / "vocabulary" / "one.txt").is_file()
    assert MADE == ["one", "one"]


def test_other_weights_or_a_further_network_are_exported(tmp_path: Path) -> None:
    export(tmp_path, network("one"))
    export(tmp_path, network("one", digest="b"))
    export(tmp_path, network("one", digest="b"), network("two"))
    assert MADE == ["one", "one", "two"]


def test_the_same_network_of_another_task_is_linked(tmp_path: Path) -> None:
    first = export(tmp_path, network("one"))
    second = export(tmp_path, network("one"), task="blur")
    assert MADE == ["one"]
    assert (second / "one.onnx").samefile(first / "one.onnx")
    assert load_networks(second) == load_networks(first)


def test_a_killed_export_is_swept_by_the_next(tmp_path: Path) -> None:
    stale = tmp_path / ".staging-sharpen.killed"
    stale.mkdir(parents=True)
    (stale / "half.onnx").write_bytes(b"")
    export(tmp_path, network("one"))
    assert not stale.exists()


def test_a_second_export_of_the_task_is_refused(tmp_path: Path) -> None:
    task = tmp_path / "sharpen"
    task.mkdir()
    handle = os.open(task, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(ExportError, match="Another export of sharpen is running"):
            export(tmp_path, network("one"))
    finally:
        os.close(handle)


def test_networks_json_is_gone_while_described_files_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version = export(tmp_path, network("one"))
    rename = Path.replace

    def killed_at_the_last_file(path: Path, target: Path) -> Path:
        if path.name == "networks.json":
            raise KeyboardInterrupt
        return rename(path, target)

    monkeypatch.setattr(Path, "replace", killed_at_the_last_file)
    with pytest.raises(KeyboardInterrupt):
        export(tmp_path, network("one", b"other", digest="b"))
    assert (version / "one.onnx").read_bytes() == b"other"
    assert not (version / "networks.json").exists()


def test_a_new_version_is_complete_and_made_once(tmp_path: Path) -> None:
    version = export(tmp_path, network("one"))
    (version / "model.py").write_text("# the adapter")
    (version / "pipeline.json").write_text('{"networks": {"one": {}}}')

    def add(pipeline: dict[str, Any]) -> dict[str, Any]:
        return pipeline | {"networks": {"mine": {}}}

    second = export(tmp_path, network("mine"), new_version=True, pipeline=add)
    again = export(tmp_path, network("mine"), new_version=True, pipeline=add)

    assert second == again == tmp_path / "sharpen" / "2"
    assert (second / "model.py").read_text() == "# the adapter"
    assert json.loads((second / "pipeline.json").read_text()) == {"networks": {"mine": {}}}
    assert set(load_networks(second)) == {"mine"}
    assert json.loads((version / "pipeline.json").read_text()) == {"networks": {"one": {}}}


def test_a_new_version_needs_an_older_one_to_take_the_pipeline_from(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"no version with model\.py and pipeline\.json"):
        export(tmp_path, network("mine"), new_version=True)
    assert leftovers(tmp_path) == []


def test_the_command_says_one_sentence_and_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = network("one", fail=ExportError("The file is not what was pinned."))
    recipe = Recipe("sharpen", "a test", lambda _: Plan((broken,)))
    monkeypatch.setattr(command, "discover", lambda complain: {"sharpen": recipe})

    assert command.main(["sharpen", "--repository", str(tmp_path)]) == 1
    assert capsys.readouterr().err == "error: The file is not what was pinned.\n"


def test_all_uses_the_defaults_of_each_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[argparse.Namespace] = []

    def plan(arguments: argparse.Namespace) -> Plan:
        seen.append(arguments)
        return Plan((network("one"),))

    recipe = Recipe("sharpen", "a test", plan, lambda parser: parser.add_argument("--source", default="random"))
    monkeypatch.setattr(command, "discover", lambda complain: {"sharpen": recipe})

    assert command.main(["all", "--repository", str(tmp_path)]) == 0
    assert command.main(["sharpen", "--repository", str(tmp_path), "--source", "here"]) == 0
    assert [arguments.source for arguments in seen] == ["random", "here"]
