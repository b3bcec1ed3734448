"""docs/deploying.md: every command is one that a test runs, or one that needs Docker or a cluster and whose files and
names are there."""

import itertools
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from perf.balancer import environment, program
from tests.deploy.certificates import authority, issued
from tests.deploy.programs import ROOT

PAGE = (ROOT / "docs" / "deploying.md").read_text()
README = (ROOT / "README.md").read_text()
HAPROXY = ROOT / "deploy" / "haproxy" / "haproxy.cfg"


def commands(text: str) -> list[str]:
    blocks = re.findall(r"^```bash\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [line.split("  #")[0].strip() for block in blocks for line in block.splitlines() if line.strip()]


def of(*words: str) -> list[str]:
    return [command for command in commands(PAGE) if any(word in command for word in words)]


DOCKER, KUBECTL, SOCAT = of("docker compose"), of("kubectl "), of("| socat")
CONTAINERS = [*DOCKER, *KUBECTL]
TESTED_ELSEWHERE = {
    *commands(README),  # by tests/integration/test_readme.py
    "export DARKROOM_ADMIN_KEY_FILE=secrets/admin.key",  # tests/deploy/test_compose.py makes that file
    *of("(umask"),  # the same in docker-compose.yml, which test_compose.py runs
    *SOCAT,  # tests/deploy/test_scale_out.py sends the same through the same socket
    *of("git archive"),  # tests/deploy/test_kubernetes.py
}
HERE = {"pip install clients/", *of("haproxy -")}


def test_every_command_is_run_somewhere_or_needs_what_is_not_here() -> None:
    assert set(commands(PAGE)) == {*CONTAINERS, *(TESTED_ELSEWHERE & set(commands(PAGE))), *HERE}
    assert len(CONTAINERS) > 5
    assert {*of("darkroom "), *of("curl ")} - set(CONTAINERS) <= set(commands(README))
    (keys,) = of("(umask")
    assert keys in (ROOT / "docker-compose.yml").read_text()


@pytest.mark.parametrize("command", DOCKER)
def test_compose_has_the_services_and_files_that_are_named(command: str) -> None:
    words = shlex.split(command)
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    assert all((ROOT / file).is_file() for flag, file in itertools.pairwise(words) if flag == "-f")
    if "run" in words:
        position = words.index("--rm") + 1
        assert words[position] in services
        # The entry point is python -m export, and this is a line of the README, whose test runs it.
        assert shlex.join(["python", "-m", *words[position:]]) in commands(README)
    if "logs" in words:
        assert words[-1] in services


@pytest.mark.parametrize("command", KUBECTL)
def test_the_manifests_that_are_applied_are_there(command: str) -> None:
    words = shlex.split(command)
    assert all((ROOT / file).is_file() for flag, file in itertools.pairwise(words) if flag == "-f")
    manifests = "".join(file.read_text() for file in (ROOT / "deploy" / "kubernetes").glob("*.yaml"))
    if "create" in words:
        kind, name = {"secret": ("secretName", 4), "configmap": ("configMap: { name", 3)}[words[2]]
        assert f"{kind}: {words[name]}" in manifests


@pytest.mark.parametrize("command", SOCAT)
def test_an_operator_names_machines_that_the_balancer_has(command: str) -> None:
    config = HAPROXY.read_text()
    told = re.findall(r"set server (\w+)/(\w+) state (?:drain|ready)\b", command)
    assert told
    for backend, machine in told:
        section = config.partition(f"\nbackend {backend}\n")[2].partition("\n\n")[0]
        assert re.search(rf"^    server {machine} .*check", section, re.MULTILINE)
    (socket,) = re.findall(r"stats socket (\S+)", config)
    assert f"socat stdio {socket}" in command


def test_haproxy_takes_the_configuration(tmp_path: Path) -> None:
    pair = issued(authority(tmp_path), tmp_path, "server")
    both = tmp_path / "darkroom.pem"
    both.write_text(pair.certificate.read_text() + pair.key.read_text())
    config = tmp_path / "haproxy.cfg"
    config.write_text(HAPROXY.read_text().replace("/etc/haproxy/darkroom.pem", str(both)))
    check, start = of("haproxy -")
    assert start.startswith("haproxy -W -D ")
    arguments = shlex.split(check)[1:]
    where = arguments.index("deploy/haproxy/haproxy.cfg")
    arguments[where] = str(config)
    done = subprocess.run([*program(), *arguments], env=environment(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr


def test_the_client_installs_from_its_folder(tmp_path: Path) -> None:
    (command,) = of("pip install")
    left_out = shutil.ignore_patterns("gateway", "*.egg-info", "build", "__pycache__")
    shutil.copytree(ROOT / "clients", tmp_path / "clients", ignore=left_out)
    here = ["--no-deps", "--no-build-isolation", "--quiet", "--disable-pip-version-check", "--target", "installed"]
    done = subprocess.run(
        [sys.executable, "-m", *shlex.split(command), *here], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "installed" / "bin" / "darkroom").is_file()


def test_every_link_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", PAGE):
        assert (ROOT / "docs" / target).exists(), target
    for path in re.findall(r"`((?:deploy|perf|docs)/[\w./-]+)`", PAGE):
        assert (ROOT / path).exists(), path
