"""tritonserver's command line: which of its many switches we use, and why."""

from collections.abc import Sequence
from pathlib import Path

from darkroom.server.ports import Ports

ADMIN_HEADER = "darkroom-admin-key"
_RESTRICTED = "model-repository,shared-memory,trace,logging"
_OPTION_HEADERS = "(?i)darkroom-.*"


def triton_arguments(
    *,
    repository: Path | str,
    backends: Path,
    models: Sequence[str],
    config_name: str,
    host: str,
    ports: Ports,
    admin_key: str,
    region_prefix: str,
    exit_timeout_s: int,
) -> list[str]:
    """The arguments for one start. Triton takes the admin key no other way, so local users see it in `ps`."""
    restricted = f"{_RESTRICTED}:{ADMIN_HEADER}={admin_key}"
    arguments = [
        f"--model-repository={repository}",
        f"--backend-directory={backends}",
        f"--http-address={host}",
        f"--grpc-address={host}",
        f"--metrics-address={host}",
        f"--http-port={ports.http}",
        f"--grpc-port={ports.grpc}",
        f"--metrics-port={ports.metrics}",
        f"--http-restricted-api={restricted}",
        f"--grpc-restricted-protocol={restricted}",
        f"--http-header-forward-pattern={_OPTION_HEADERS}",
        f"--grpc-header-forward-pattern={_OPTION_HEADERS}",
        f"--exit-timeout-secs={exit_timeout_s}",
        f"--backend-config=python,shm-region-prefix-name={region_prefix}",
        # Our configurations are complete; completing them would start every stub twice (1.2 s a model).
        "--disable-auto-complete-config",
        # Loading and unloading by name, so that a model can be updated or healed while the others serve.
        "--model-control-mode=explicit",
        *(f"--load-model={name}" for name in models),
    ]
    if config_name != "a100":
        arguments += [
            f"--model-config-name={config_name}",
            "--allow-gpu-metrics=false",
            "--pinned-memory-pool-byte-size=0",
        ]
    return arguments
