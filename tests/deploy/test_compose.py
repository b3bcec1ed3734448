"""docker-compose.yml, as far as that can be seen without an engine: the schema, the paths, the ports, the secrets, and
every command held against the program it is for. No container was ever run."""

import json
import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from darkroom_gateway.__main__ import _parser as gateway_parser

from darkroom.server.__main__ import _parser as server_parser
from darkroom.server.arguments import triton_arguments
from darkroom.server.distribution import find_distribution
from darkroom.server.ports import Ports
from tests.deploy.pinned import carried
from tests.deploy.programs import ROOT, program

_SCHEMA = ("docker-compose==1.29.2", "compose/config/compose_spec.json")
_SCHEMA_SHA256 = "0dc04bd346dcfee1b1419628fff79937bbf076925f298f272a2b490e2b112bac"
"""Of 2021, the newest that a package carries. What Compose learned later is taken out before (`known_in_2021`)."""
LOOPBACK = "127.0.0.1:"


def settings() -> dict[str, str]:
    lines = [line for line in (ROOT / ".env").read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


MACHINE = {"MACHINE": "10.0.0.11", "NAME": "one"}
"""What fleet.yml asks an operator for."""


def interpolated(text: str) -> str:
    """With the values of .env, as docker compose reads it; EXPOSE and the like may be overridden by the operator."""

    def value(found: re.Match[str]) -> str:
        name, default = found[1], found[2]
        known = settings().get(name)
        assert known is None or known == default, f".env and docker-compose.yml differ in {name}"
        return known or default

    text = re.sub(r"\$\{(\w+):-([^}]*)\}", value, text)
    return re.sub(r"\$\{(\w+)(:\?[^}]*)?\}", lambda found: MACHINE[found[1]], text)


COMPOSE: dict[str, Any] = yaml.safe_load(interpolated((ROOT / "docker-compose.yml").read_text()))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
TRITONS = ("triton", "triton-cpu")


def known_in_2021() -> dict[str, Any]:
    content = {key: value for key, value in COMPOSE.items() if key != "name"}
    content["services"] = {name: dict(service) for name, service in SERVICES.items()}
    for service in content["services"].values():
        if isinstance(service.get("depends_on"), dict):
            service["depends_on"] = {
                name: {key: value for key, value in how.items() if key != "required"}
                for name, how in service["depends_on"].items()
            }
    return content


@pytest.fixture(scope="module")
def schema() -> Any:
    return jsonschema_rs.validator_for(json.loads(carried(*_SCHEMA, _SCHEMA_SHA256)))


def test_the_file_is_what_the_specification_wants(schema: Any) -> None:
    assert [error.message for error in schema.iter_errors(known_in_2021())] == []


def test_the_schema_would_find_a_mistake(schema: Any) -> None:
    content = known_in_2021()
    content["services"]["gateway"]["portz"] = []
    assert not schema.is_valid(content)


def test_what_the_schema_does_not_know_is_written_as_docker_has_it() -> None:
    assert re.fullmatch(r"[a-z0-9][a-z0-9_-]*", COMPOSE["name"])
    for name, how in SERVICES["gateway"]["depends_on"].items():
        assert name in TRITONS
        assert how["required"] is False


def test_one_triton_is_served_with_a_gpu_and_another_without() -> None:
    assert settings()["COMPOSE_PROFILES"] == "gpu"
    assert {name: SERVICES[name]["profiles"] for name in TRITONS} == {"triton": ["gpu"], "triton-cpu": ["cpu"]}
    assert not any("profiles" in service for name, service in SERVICES.items() if name not in TRITONS)
    (device,) = SERVICES["triton"]["deploy"]["resources"]["reservations"]["devices"]
    assert device == {"driver": "nvidia", "count": 1, "capabilities": ["gpu"]}
    assert "deploy" not in SERVICES["triton-cpu"]
    assert all("triton" in SERVICES[name]["networks"]["default"]["aliases"] for name in TRITONS)


def test_every_mounted_path_is_there() -> None:
    for service in SERVICES.values():
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (ROOT / source).exists(), source
            else:
                assert source in COMPOSE["volumes"]


def test_the_secrets_are_made_by_the_command_that_is_told(tmp_path: Path) -> None:
    told = re.search(r"^#   (\(umask .*)$", (ROOT / "docker-compose.yml").read_text(), re.MULTILINE)
    assert told
    subprocess.run(["bash", "-ec", told[1]], cwd=tmp_path, check=True, timeout=30)
    keys = {name: (tmp_path / secret["file"]).read_text().strip() for name, secret in COMPOSE["secrets"].items()}
    assert len(set(keys.values())) == len(keys)
    assert all(re.fullmatch(r"[0-9a-f]{48}", key) for key in keys.values())
    modes = {path.name: path.stat().st_mode & 0o777 for path in [tmp_path / "secrets", *tmp_path.glob("secrets/*")]}
    assert modes == {"secrets": 0o700, "admin.key": 0o644, "grafana.key": 0o644}
    ignored = subprocess.run(["git", "check-ignore", "-q", "secrets/admin.key"], cwd=ROOT, timeout=30)
    assert ignored.returncode == 0


def test_no_secret_is_in_an_environment_or_a_command() -> None:
    for name, service in SERVICES.items():
        words = [f"{name}={value}" for name, value in service.get("environment", {}).items()]
        words += map(str, service.get("command", ()))
        for word in words:
            about = re.search(r"key|password|secret|token", word, re.IGNORECASE)
            assert not about or re.search(r"FILE=/run/secrets/[\w-]+$", word), f"{name}: {word}"
        for secret in service.get("secrets", ()):
            assert any(word.endswith(f"=/run/secrets/{secret}") for word in words), f"{name} does not read {secret}"


def test_only_the_gateway_can_be_reached_from_elsewhere() -> None:
    for name, service in SERVICES.items():
        for port in service.get("ports", ()):
            assert port.startswith(LOOPBACK), f"{name}: {port}"
    assert "${EXPOSE:-127.0.0.1}:${GATEWAY_PORT:-8080}:8080" in (ROOT / "docker-compose.yml").read_text()
    assert (ROOT / "docker-compose.yml").read_text().count("${EXPOSE") == 1


def test_a_machine_of_several_opens_what_the_balancer_asks(schema: Any) -> None:
    fleet = yaml.safe_load(interpolated((ROOT / "deploy" / "docker" / "fleet.yml").read_text()))
    assert schema.is_valid(fleet)
    opened = {port for service in fleet["services"].values() for port in service["ports"]}
    balancer = (ROOT / "deploy" / "haproxy" / "haproxy.cfg").read_text()
    asked = set(re.findall(r"10\.0\.0\.11:(\d+)|check port (\d+)|connect port (\d+)", balancer))
    assert {f"10.0.0.11:{port}:{port}" for ports in asked for port in ports if port} <= opened
    assert gateway_parser().parse_args(fleet["services"]["gateway"]["command"]).name in re.findall(
        r"server (\w+) ", balancer
    )


def test_every_image_is_named_with_a_version() -> None:
    for service in SERVICES.values():
        assert re.fullmatch(r"[a-z0-9./-]+:v?\d[\w.-]*", service["image"])
        if "build" in service:
            assert (ROOT / service["build"]["dockerfile"]).is_file()
            declared = re.findall(r"^ARG (\w+)=", (ROOT / service["build"]["dockerfile"]).read_text(), re.MULTILINE)
            assert set(service["build"].get("args", {})) <= set(declared)


def test_what_listens_to_others_can_change_nothing() -> None:
    for name in (*TRITONS, "gateway"):
        assert SERVICES[name]["read_only"] is True
        assert SERVICES[name]["cap_drop"] == ["ALL"]
        assert SERVICES[name]["security_opt"] == ["no-new-privileges:true"]
    assert all("./model_repository:/models:ro" in SERVICES[name]["volumes"] for name in TRITONS)


def test_the_servers_commands_are_understood() -> None:
    for name in TRITONS:
        assert server_parser().parse_args(SERVICES[name].get("command", [])).models is None
    asked = gateway_parser().parse_args(SERVICES["gateway"]["command"])
    assert asked.triton == "triton:8001"
    grace = server_parser().parse_args([]).exit_timeout
    assert int(SERVICES["triton"]["stop_grace_period"].removesuffix("s")) > grace + 3


def test_prometheus_knows_its_arguments_and_finds_its_files() -> None:
    service = SERVICES["prometheus"]
    known = subprocess.run([program("prometheus"), "--help"], capture_output=True, text=True, timeout=60)
    for argument in service["command"]:
        assert argument.split("=")[0] in known.stdout + known.stderr, argument
    for targets in (ROOT / "deploy" / "docker" / "targets").glob("*.yml"):
        assert (ROOT / "deploy" / "prometheus" / "targets" / targets.name).is_file()
        for group in yaml.safe_load(targets.read_text()):
            for target in group["targets"]:
                host, port = target.split(":")
                assert host in SERVICES
                assert port in {"8002", "8003", "8080"}


def test_grafana_is_told_what_its_files_ask_for() -> None:
    told = SERVICES["grafana"]["environment"]
    files = "".join(file.read_text() for file in (ROOT / "deploy" / "grafana" / "provisioning").rglob("*.yml"))
    assert set(re.findall(r"\$\{(\w+)\}", files)) <= set(told)
    mounted = {volume.split(":")[1] for volume in SERVICES["grafana"]["volumes"]}
    assert {told["DARKROOM_DASHBOARDS"], told["GF_PATHS_PROVISIONING"]} <= mounted


def test_the_real_tritonserver_knows_every_flag_that_it_is_given() -> None:
    """That of the wheel, 2.51: the image's is newer, and was never run."""
    triton = find_distribution()
    environment = triton.environment(os.environ)
    done = subprocess.run([triton.binary, "--help"], env=environment, capture_output=True, text=True, timeout=60)
    known = set(re.findall(r"--[a-z][\w-]+", done.stdout + done.stderr))
    assert len(known) > 50
    for config_name in ("a100", "cpu"):
        arguments = triton_arguments(
            repository="/models",
            backends=Path("/backends"),
            models=["denoise"],
            config_name=config_name,
            host="0.0.0.0",
            ports=Ports(8000, 8001, 8002),
            admin_key="key",
            region_prefix="darkroom",
            exit_timeout_s=30,
        )
        unknown = {argument.split("=")[0] for argument in arguments} - known
        assert not unknown
    traced = shlex.split((ROOT / "deploy" / "tracing" / "triton.arguments").read_text())
    assert {argument.split("=")[0] for argument in traced} <= known
