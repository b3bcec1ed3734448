"""The files of a new task, which run as they are: `python -m export new TASK`."""

import io
import json
import keyword
import re
from collections.abc import Mapping
from pathlib import Path
from string import Template

import numpy as np
import PIL.Image

from export.errors import ExportError
from export.gate.model_config import CONFIG_FILE

PROJECT = Path(__file__).resolve().parents[1]
TEMPLATES = Path(__file__).with_name("templates")
RESERVED = frozenset({"all", "diff", "new", "jobs", "test"})
"""Commands of the export, the model that is no task, a word that pytest takes for itself."""
_ON_A_GPU = ("On an NVIDIA A100 with 40 GB.", "KIND_GPU", 32, 64)
_ON_A_CPU = ("Without a GPU; differs from config.pbtxt in sizes and instances only.", "KIND_CPU", 8, 64)
_SIMULATED = (
    "The GPU's numbers on a simulated device (DARKROOM_SIMULATE); differs from config.pbtxt in instances only.",
    *("KIND_CPU", 32, 64),
)
CONFIGS = {CONFIG_FILE: _ON_A_GPU, "configs/cpu.pbtxt": _ON_A_CPU, "configs/simulated.pbtxt": _SIMULATED}
"""File -> heading, instance kind, requests an execute(), requests a queue."""


def write(task: str, into: Path | None = None, *, network: bool = False, project: Path = PROJECT) -> list[Path]:
    """Write the files of `task` and return their paths.

    In the project: pipeline, model folder, unit test and, with `network`, a recipe. `into`: one model folder in
    there, whose model.py holds the pipeline itself. Raises ExportError for a name that cannot be one or is taken;
    nothing is written then.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,31}", task) or keyword.iskeyword(task) or task in RESERVED:
        raise ExportError(
            "A task's name is of lower-case letters, digits and _, starts with a letter, has at most 32 of them and is "
            f'no word of Python or of this command; got "{task}".'
        )
    if into is not None and network:
        raise ExportError("A recipe lies in the project: --network and --into do not go together.")
    files = _alone(task, into) if into is not None else _in_project(task, project, network)
    taken = [path for path in (*files, *(path.parent for path in files if path.name == CONFIG_FILE)) if path.exists()]
    if taken:
        raise ExportError(f"The name {task} is taken: {taken[0]} is there.")
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return list(files)


def _in_project(task: str, project: Path, network: bool) -> dict[Path, bytes]:
    words = _words(task)
    pipeline = "pipeline_network.py" if network else "pipeline.py"
    files = {
        project / "darkroom" / "pipelines" / f"{task}.py": _filled(pipeline, words),
        project / "tests" / "unit" / f"test_{task}.py": _filled("test.py", words),
        **_model(project / "model_repository" / task, words, _filled("model.py", words), network),
    }
    if network:
        files[project / "export" / "recipes" / f"{task}.py"] = _filled("recipe.py", words)
    return files


def _alone(task: str, into: Path) -> dict[Path, bytes]:
    words = _words(task) | {
        "import_model": "\nfrom darkroom.triton import TaskModel",
        "model_class": "\n\n\nclass TritonPythonModel(TaskModel):\n    task = TASK",
    }
    return _model(into / task, words, _filled("pipeline.py", words), network=False)


def _model(folder: Path, words: Mapping[str, str], code: bytes, network: bool) -> dict[Path, bytes]:
    gradient = _gradient()
    files = {folder / "1" / "model.py": code, folder / "1" / "pipeline.json": _tunables(words["network"], network)}
    for name, (heading, kind, max_batch, queue) in CONFIGS.items():
        sizes = {"max_batch": str(max_batch), "queue": str(queue), "warmup_bytes": str(len(gradient))}
        files[folder / name] = _filled("config.pbtxt", {**words, **sizes, "heading": heading, "kind": kind})
    return files | {folder / "warmup" / "gradient.png": gradient}


def _words(task: str) -> dict[str, str]:
    spoken = task.replace("_", " ")
    return {
        "task": task,
        "network": f"{task}_net",
        "title": spoken[0].upper() + spoken[1:],
        "title_case": "".join(part.capitalize() for part in task.split("_")),
        "summary": spoken,
        "import_model": "",
        "model_class": "",
    }


def _filled(template: str, words: Mapping[str, str]) -> bytes:
    text = Template((TEMPLATES / f"{template}.in").read_text()).substitute(words)
    return text.encode()


def _tunables(network: str, with_network: bool) -> bytes:
    tiling = {"heights": [128, 256], "widths": [128, 256], "halo": 12, "blend": 8, "margin": 12}
    networks = {network: {"tiling": tiling}} if with_network else {}
    return (json.dumps({"networks": networks, "limits": {}, "engine": {}}, indent=2) + "\n").encode()


def _gradient() -> bytes:
    ramp = np.tile(np.arange(0, 256, 4, np.uint8), (64, 1))
    file = io.BytesIO()
    PIL.Image.fromarray(np.dstack([ramp, ramp.T, ramp[::-1]])).save(file, "PNG")
    return file.getvalue()
