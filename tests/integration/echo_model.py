"""A model without weights, which gives its input back, and two ways to call it. Loads in a fraction of a second."""

import json
import urllib.request
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import numpy as np
import tritonclient.grpc

from darkroom.server import Server

ECHO = '''
import json
import os
import time

import numpy as np
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    """Gives the image back; the report tells what the model process saw. `darkroom-sleep` works that long."""

    def initialize(self, args):
        if os.environ.get("ECHO_REFUSES"):
            raise RuntimeError(os.environ["ECHO_REFUSES"])

    def execute(self, requests):
        return [self.answer(request) for request in requests]

    def answer(self, request):
        options = json.loads(request.parameters())
        time.sleep(float(options.get("darkroom-sleep", 0)))
        seen = {"options": options, "pid": os.getpid(), "env": dict(os.environ)}
        image = pb_utils.get_input_tensor_by_name(request, "image").as_numpy()
        report = np.array([[json.dumps(seen)]], dtype=object)
        return pb_utils.InferenceResponse([pb_utils.Tensor("image", image), pb_utils.Tensor("report", report)])
'''

ECHO_CONFIG = """
name: "{name}"
backend: "python"
max_batch_size: 8
input {{ name: "image" data_type: TYPE_UINT8 dims: [ -1 ] allow_ragged_batch: true }}
output [
  {{ name: "image" data_type: TYPE_UINT8 dims: [ -1 ] }},
  {{ name: "report" data_type: TYPE_STRING dims: [ 1 ] }}
]
dynamic_batching {{ }}
instance_group {{ kind: KIND_CPU count: 1 }}
"""


def add_model(repository: Path, name: str = "echo", code: str = ECHO) -> Path:
    """Write a model folder with version 1 into `repository`."""
    model = repository / name
    (model / "1").mkdir(parents=True)
    (model / "1" / "model.py").write_text(code)
    (model / "config.pbtxt").write_text(ECHO_CONFIG.format(name=name))
    return model


def post(server: Server, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(f"http://{server.http_url}{path}", data=body, headers=named)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read()
    except HTTPError as error:
        return error.code, error.read()


def echo(server: Server, content: bytes = b"picture", **headers: str) -> dict[str, Any]:
    """What the echo model saw."""
    client = tritonclient.grpc.InferenceServerClient(server.grpc_url)
    tensor = tritonclient.grpc.InferInput("image", [1, len(content)], "UINT8")
    tensor.set_data_from_numpy(np.frombuffer(content, np.uint8)[None])
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = client.infer("echo", [tensor], headers=named)
    assert answer.as_numpy("image").tobytes() == content
    seen: dict[str, Any] = json.loads(answer.as_numpy("report")[0, 0])
    return seen
