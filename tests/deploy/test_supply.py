"""What comes into the house: no pickled code, nothing that is not pinned, and a threat model whose tests exist."""

import ast
import functools
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.programs import ROOT

_SERVING = ("darkroom", "clients", "model_repository")
_UNPICKLERS = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
"""Modules whose `load` runs what it is given."""


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def sources(*folders: str) -> Iterator[tuple[Path, ast.Module]]:
    """Every Python file that git knows of under `folders`, parsed."""
    listed = subprocess.run(["git", "ls-files", "-z", *folders], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in listed.stdout.split("\0"):
        if name.endswith(".py") and (ROOT / name).is_file():
            yield ROOT / name, parsed(ROOT / name)


def imported(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


def calls(tree: ast.Module, *names: str) -> Iterator[ast.Call]:
    """Calls of functions written like `torch.load`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and dotted(node.func) in names:
            yield node


def dotted(function: ast.expr) -> str:
    """`load` or `torch.load`; empty for anything longer."""
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        return f"{function.value.id}.{function.attr}"
    return function.id if isinstance(function, ast.Name) else ""


def keyword(call: ast.Call, name: str) -> object:
    return next((ast.literal_eval(word.value) for word in call.keywords if word.arg == name), None)


def test_what_serves_can_unpickle_nothing() -> None:
    files = list(sources(*_SERVING))
    assert len(files) > 80
    found = {path.name: hits for path, tree in files if (hits := imported(tree) & (_UNPICKLERS | {"torch", "yaml"}))}
    assert not found
    assert not [path for path, tree in files for _ in calls(tree, "eval", "exec", "np.load", "numpy.load")]


def test_what_reads_weights_reads_tensors_only() -> None:
    files = list(sources("export", "perf", "demo"))
    loads = [(path, call) for path, tree in files for call in calls(tree, "torch.load")]
    assert loads
    assert all(keyword(call, "weights_only") is True for _, call in loads)
    for path, tree in files:
        assert not list(calls(tree, *(f"{module}.{name}" for module in _UNPICKLERS for name in ("load", "loads")))), (
            path
        )
        assert not list(calls(tree, "yaml.load", "yaml.unsafe_load")), path
        assert all(keyword(call, "allow_pickle") is not True for call in calls(tree, "np.load", "numpy.load")), path


def test_no_shell_is_given_a_string() -> None:
    for path, tree in sources("darkroom", "clients", "export", "demo", "model_repository"):
        assert not list(calls(tree, "os.system", "os.popen")), path
        for call in ast.walk(tree):
            if isinstance(call, ast.Call):
                assert keyword_is_true(call, "shell") is False, path


def keyword_is_true(call: ast.Call, name: str) -> bool:
    return any(word.arg == name and ast.unparse(word.value) == "True" for word in call.keywords)


def locks() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    return [ROOT / name for name in listed if re.search(r"\.lock$|requirements[^/]*\.txt$", name)]


@pytest.mark.parametrize("lock", locks(), ids=lambda path: path.name)
def test_every_package_is_pinned_and_comes_from_the_usual_place(lock: Path) -> None:
    lines = [line.partition(" #")[0].strip() for line in lock.read_text().splitlines()]
    packages = [line for line in lines if line and not line.startswith("#")]
    assert packages
    for line in packages:
        assert re.fullmatch(r"[A-Za-z0-9._-]+(\[[a-z,]+\])?==[A-Za-z0-9.+!]+( *;.*)?", line), f"not pinned: {line}"


def test_every_test_that_the_threat_model_names_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", (ROOT / "docs" / "threat_model.md").read_text())
    assert len(named) > 20
    for file, test in named:
        assert re.search(rf"^(async )?def {test}\(", (ROOT / file).read_text(), re.MULTILINE), f"{file} has no {test}"
