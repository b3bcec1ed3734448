"""The manifests against the schemas of Kubernetes 1.37, strictly; what KEDA and KServe add has no schema here and is
checked by hand as far as it goes. No cluster ever ran them."""

import io
import json
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from darkroom_gateway.__main__ import _parser as gateway_parser

from darkroom import metrics
from darkroom.server.__main__ import _parser as server_parser
from tests.deploy.pinned import carried
from tests.deploy.programs import ROOT

KUBERNETES = ROOT / "deploy" / "kubernetes"
_SCHEMAS = "kubernetes_validate/kubernetes-json-schema/v1.37.0-local-strict/_definitions.json"
_SCHEMAS_SHA256 = "a3dcf2f82ff63d271aaa62f6b77442a0ac00b73239c39109a4dd235251b16f41"
_ADDRESS = "https://kubernetes.io/api/_definitions.json"
_DEFINED_IN = {
    ("v1", "Pod"): "core.v1",
    ("v1", "Service"): "core.v1",
    ("v1", "PersistentVolumeClaim"): "core.v1",
    ("apps/v1", "Deployment"): "apps.v1",
    ("autoscaling/v2", "HorizontalPodAutoscaler"): "autoscaling.v2",
    ("batch/v1", "Job"): "batch.v1",
    ("networking.k8s.io/v1", "NetworkPolicy"): "networking.v1",
    ("policy/v1", "PodDisruptionBudget"): "policy.v1",
}


def objects(file: str) -> list[dict[str, Any]]:
    return [each for each in yaml.safe_load_all((KUBERNETES / file).read_text()) if each]


def only(file: str, kind: str) -> dict[str, Any]:
    (found,) = [each for each in objects(file) if each["kind"] == kind]
    return found


CORE = [each for file in ("triton.yaml", "services.yaml", "models.yaml", "scaling.yaml") for each in objects(file)]
POD = only("triton.yaml", "Deployment")["spec"]["template"]["spec"]
CONTAINERS = {container["name"]: container for container in POD["containers"]}
KSERVE = only("kserve.yaml", "InferenceService")["spec"]["predictor"]


class Schemas:
    """What an object must look like, by its apiVersion and kind."""

    def __init__(self, definitions: dict[str, Any]) -> None:
        self._registry = jsonschema_rs.Registry([(_ADDRESS, definitions)])

    def mistakes(self, manifest: dict[str, Any]) -> list[str]:
        kind = manifest["kind"]
        place = f"{_ADDRESS}#/$defs/io.k8s.api.{_DEFINED_IN[manifest['apiVersion'], kind]}.{kind}"
        validator = jsonschema_rs.validator_for({"$ref": place}, registry=self._registry)
        return [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(manifest)]


@pytest.fixture(scope="module")
def schemas() -> Schemas:
    return Schemas(json.loads(carried("kubernetes-validate==1.37.0", _SCHEMAS, _SCHEMAS_SHA256)))


@pytest.mark.parametrize("manifest", CORE, ids=lambda each: f"{each['kind']} {each['metadata']['name']}")
def test_the_manifest_is_what_kubernetes_wants(schemas: Schemas, manifest: dict[str, Any]) -> None:
    assert schemas.mistakes(manifest) == []


def test_the_schemas_would_find_a_mistake(schemas: Schemas) -> None:
    wrong = json.loads(json.dumps(only("triton.yaml", "Deployment")))
    wrong["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    assert schemas.mistakes(wrong)


def test_the_probes_ask_what_the_supervisor_answers() -> None:
    triton = CONTAINERS["triton"]
    (health,) = [port["containerPort"] for port in triton["ports"] if port["name"] == "health"]
    assert health == server_parser().parse_args([]).health_port
    asked = {name: triton[f"{name}Probe"]["httpGet"] for name in ("startup", "readiness", "liveness")}
    assert {name: get["path"] for name, get in asked.items()} == {
        "startup": "/healthz",
        "readiness": "/healthz",
        "liveness": "/livez",
    }
    assert {get["port"] for get in asked.values()} == {"health"}
    startup = triton["startupProbe"]
    assert startup["periodSeconds"] * startup["failureThreshold"] >= server_parser().parse_args([]).start_timeout


def test_the_commands_are_understood() -> None:
    assert server_parser().parse_args(CONTAINERS["triton"]["args"]).config_name == "a100"
    asked = gateway_parser().parse_args(CONTAINERS["gateway"]["args"])
    assert asked.triton == "127.0.0.1:8001"
    assert CONTAINERS["gateway"]["ports"] == [{"name": "rest", "containerPort": asked.port}]


def test_a_pod_has_the_time_to_stop() -> None:
    (_, before) = CONTAINERS["triton"]["lifecycle"]["preStop"]["exec"]["command"]
    assert POD["terminationGracePeriodSeconds"] > int(before) + server_parser().parse_args([]).exit_timeout + 3


def test_a_pod_has_a_gpu_reads_the_models_and_can_do_no_more() -> None:
    assert CONTAINERS["triton"]["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert {"name": "models", "mountPath": "/models", "readOnly": True} in CONTAINERS["triton"]["volumeMounts"]
    volumes = {volume["name"] for volume in POD["volumes"]}
    for container in CONTAINERS.values():
        assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert POD["securityContext"]["runAsNonRoot"] is True
    assert POD["automountServiceAccountToken"] is False


def test_the_admin_key_is_a_secret_that_is_read_from_a_file() -> None:
    (key,) = CONTAINERS["triton"]["env"]
    (mount,) = [one for one in CONTAINERS["triton"]["volumeMounts"] if one["name"] == "admin-key"]
    (volume,) = [one for one in POD["volumes"] if one["name"] == "admin-key"]
    assert key == {"name": "DARKROOM_ADMIN_KEY_FILE", "value": f"{mount['mountPath']}/admin.key"}
    assert volume["secret"]["secretName"] == "darkroom-admin"
    assert "kind: Secret" not in "".join(file.read_text() for file in KUBERNETES.glob("*.yaml"))


def test_what_belongs_together_has_the_same_labels_and_ports() -> None:
    labels = only("triton.yaml", "Deployment")["spec"]["template"]["metadata"]["labels"]
    ports = {port["name"] for container in CONTAINERS.values() for port in container["ports"]}
    for manifest in CORE:
        if manifest["kind"] == "Service":
            assert manifest["spec"]["selector"].items() <= labels.items()
            assert {port["targetPort"] for port in manifest["spec"]["ports"]} <= ports
    assert only("triton.yaml", "PodDisruptionBudget")["spec"]["selector"]["matchLabels"].items() <= labels.items()
    claims = {each["metadata"]["name"] for each in CORE if each["kind"] == "PersistentVolumeClaim"}
    for manifest in CORE:
        if manifest["kind"] in ("Deployment", "Job"):
            for volume in manifest["spec"]["template"]["spec"]["volumes"]:
                assert volume.get("persistentVolumeClaim", {}).get("claimName", "darkroom-models") in claims


def test_the_metrics_that_scale_are_published_and_provided() -> None:
    published = Path(metrics.__file__).read_text()
    rules = yaml.safe_load((KUBERNETES / "adapter.yaml").read_text())["rules"]["custom"]
    provided = {rule["name"]["as"]: rule["seriesQuery"].partition("{")[0] for rule in rules}
    wanted = only("scaling.yaml", "HorizontalPodAutoscaler")["spec"]["metrics"]
    assert {one["pods"]["metric"]["name"] for one in wanted if one["type"] == "Pods"} == set(provided)
    assert all(f'"{series}"' in published for series in provided.values())
    names = {one["containerResource"]["container"] for one in wanted if one["type"] == "ContainerResource"}
    assert names <= set(CONTAINERS)
    assert all("cpu" in CONTAINERS[name]["resources"]["requests"] for name in names)


def test_keda_follows_the_same_rule(schemas: Schemas) -> None:
    """Of KEDA's own fields only that they are there, with the types that its documentation names."""
    scaled, ours = only("keda.yaml", "ScaledObject"), only("scaling.yaml", "HorizontalPodAutoscaler")["spec"]
    assert scaled["apiVersion"] == "keda.sh/v1alpha1"
    spec = scaled["spec"]
    assert spec["scaleTargetRef"] == ours["scaleTargetRef"]
    assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == (ours["minReplicas"], ours["maxReplicas"])
    behaviour = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    autoscaler = only("scaling.yaml", "HorizontalPodAutoscaler")
    assert schemas.mistakes({**autoscaler, "spec": {**ours, "behavior": behaviour}}) == []
    backlog, busy, processor = spec["triggers"]
    for trigger, series, threshold in (
        (backlog, "darkroom_backlog_seconds", "6"),
        (busy, "darkroom_device_busy_seconds_total", "0.7"),
    ):
        assert (trigger["type"], trigger["metricType"]) == ("prometheus", "AverageValue")
        assert all(isinstance(value, str) for value in trigger["metadata"].values())
        assert series in trigger["metadata"]["query"]
        assert trigger["metadata"]["threshold"] == threshold
    assert processor == {
        "type": "cpu",
        "metricType": "Utilization",
        "metadata": {"containerName": "triton", "value": "70"},
    }


def test_kserve_runs_the_same_container(schemas: Schemas) -> None:
    """Of KServe's own fields only their names; the rest of a predictor is a pod."""
    service = only("kserve.yaml", "InferenceService")
    assert service["apiVersion"] == "serving.kserve.io/v1beta1"
    pod = {name: value for name, value in KSERVE.items() if name not in ("minReplicas", "maxReplicas")}
    assert schemas.mistakes({"apiVersion": "v1", "kind": "Pod", "spec": pod}) == []
    (container,) = pod["containers"]
    assert container["name"] == "kserve-container"
    ours = CONTAINERS["triton"]
    for name in ("image", "args", "env", "volumeMounts", "lifecycle", "securityContext"):
        assert container[name] == ours[name], name
    for name in ("startup", "readiness", "liveness"):
        probe = {**ours[f"{name}Probe"], "httpGet": {**ours[f"{name}Probe"]["httpGet"], "port": 8003}}
        assert container[f"{name}Probe"] == probe


def test_the_models_are_unpacked_beside_what_is_there(tmp_path: Path) -> None:
    """The job's own command, with the folders of this test instead of the container's."""
    (unpack,) = only("models.yaml", "Job")["spec"]["template"]["spec"]["initContainers"]
    packed = subprocess.run(
        ["git", "archive", "HEAD:model_repository"], cwd=ROOT, capture_output=True, check=True, timeout=60
    ).stdout
    assert len(packed) < 900_000  # a ConfigMap holds 1 MiB
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        assert "denoise/config.pbtxt" in archive.getnames()
    (tmp_path / "models.tar").write_bytes(packed)
    repository = tmp_path / "repository"
    (repository / "denoise" / "2").mkdir(parents=True)
    (repository / "denoise" / "config.pbtxt").write_text("the operator's own\n")
    here = {"/models/models.tar": str(tmp_path / "models.tar"), "/src/model_repository": str(repository)}
    command = list(unpack["command"])
    for theirs, mine in here.items():
        command = [word.replace(theirs, mine) for word in command]
    for _ in range(2):
        subprocess.run(command, check=True, timeout=60)
    assert (repository / "denoise" / "config.pbtxt").read_text() == "the operator's own\n"
    assert (repository / "denoise" / "2").is_dir()
    assert (repository / "denoise" / "1" / "model.py").is_file()
