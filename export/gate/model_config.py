"""config.pbtxt and its variants: what every task's configurations have in common."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from export.errors import ExportError

CONFIG_FILE = "config.pbtxt"
VARIANTS = ("cpu", "simulated")


def load(task: Path) -> dict[str, Any]:
    """File name -> parsed configuration (tritonclient's ModelConfig). Raises ExportError."""
    from google.protobuf import text_format  # type: ignore[import-untyped]
    from tritonclient.grpc import model_config_pb2

    files = {CONFIG_FILE: task / CONFIG_FILE}
    files |= {f"configs/{name}.pbtxt": task / "configs" / f"{name}.pbtxt" for name in VARIANTS}
    parsed = {}
    for name, path in files.items():
        try:
            parsed[name] = text_format.Parse(path.read_text(), model_config_pb2.ModelConfig())
        except FileNotFoundError:
            raise ExportError(f"{path} is missing.") from None
        except text_format.ParseError as error:
            raise ExportError(f"{path} is no Triton configuration: {error}.") from None
    return parsed


def agree(task: Path, configs: Mapping[str, Any], deadline_s: float) -> None:
    """Raises ExportError where a configuration is not that of this task, gives up at another time than the engine
    does, or differs from config.pbtxt in more than instances and sizes."""
    first = configs[CONFIG_FILE]
    for name, config in configs.items():
        if config.name != task.name:
            raise ExportError(f'{name} names the model "{config.name}"; the folder is {task.name}.')
        if config.backend != "python":
            raise ExportError(f'{name}: the backend must be "python", got "{config.backend}".')
        inputs = [tensor.name for tensor in config.input]
        outputs = [tensor.name for tensor in config.output]
        if inputs != ["image"] or outputs != ["image", "report"]:
            raise ExportError(
                f"{name}: a task has the input image and the outputs image, report; "
                f"got {', '.join(inputs) or 'none'} and {', '.join(outputs) or 'none'}."
            )
        timeout_us = config.dynamic_batching.default_queue_policy.default_timeout_microseconds
        if timeout_us != round(deadline_s * 1e6):
            raise ExportError(
                f"{name}: default_timeout_microseconds is {timeout_us}, default_deadline_s of pipeline.json is "
                f"{deadline_s:g} s; they must be the same."
            )
        if _common(config) != _common(first):
            raise ExportError(f"{name} differs from {CONFIG_FILE} in more than instances and sizes.")


def _common(config: Any) -> Any:
    rest = type(config)()
    rest.CopyFrom(config)
    rest.ClearField("instance_group")
    rest.max_batch_size = 0
    rest.dynamic_batching.default_queue_policy.max_queue_size = 0
    return rest
