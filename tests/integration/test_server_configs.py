"""Triton itself accepts each A100 configuration; only the instance kind is replaced, since there is no GPU here."""

import shutil
from pathlib import Path

import tritonclient.grpc

from darkroom.server import Server

# Independent of weights: what is tried here is the configuration.
MODEL = """
import json
import numpy as np
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def initialize(self, args):
        self.outputs = [output["name"] for output in json.loads(args["model_config"])["output"]]

    def execute(self, requests):
        return [pb_utils.InferenceResponse(self.answer(request)) for request in requests]

    def answer(self, request):
        (first, *_) = request.inputs()
        value = first.as_numpy()
        text = np.full((1, 1), "{}", dtype=object)
        return [pb_utils.Tensor(name, text if name == "report" else value) for name in self.outputs]
"""


def test_triton_loads_and_warms_up_every_a100_configuration(repository: Path, tmp_path: Path) -> None:
    names = sorted(path.parent.name for path in repository.glob("*/config.pbtxt"))
    for name in names:
        model = tmp_path / name
        (model / "1").mkdir(parents=True)
        (model / "1" / "model.py").write_text(MODEL)
        text = (repository / name / "config.pbtxt").read_text()
        (model / "config.pbtxt").write_text(text.replace("KIND_GPU", "KIND_CPU"))
        if (repository / name / "warmup").is_dir():
            shutil.copytree(repository / name / "warmup", model / "warmup")
    with Server(tmp_path, config_name="a100") as server:
        client = tritonclient.grpc.InferenceServerClient(server.grpc_url)
        assert [name for name in names if not client.is_model_ready(name)] == []
