"""MTCNN's networks, with random weights: shapes, sizes and the exported file; real weights are checked on export."""

import io
from pathlib import Path

import pytest
import torch

from export.architectures import mtcnn
from export.errors import ExportError
from export.parity import session
from export.recipes.face_enhance import NETWORKS

CLASSES = {"mtcnn_pnet": mtcnn.PNet, "mtcnn_rnet": mtcnn.RNet, "mtcnn_onet": mtcnn.ONet}


def state(network: torch.nn.Module) -> bytes:
    file = io.BytesIO()
    torch.save(network.state_dict(), file)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "parameters"), [("mtcnn_pnet", 6632), ("mtcnn_rnet", 100_178), ("mtcnn_onet", 389_040)]
)
def test_each_network_is_as_large_as_published(name: str, parameters: int) -> None:
    assert sum(parameter.numel() for parameter in CLASSES[name]().parameters()) == parameters


@pytest.mark.parametrize("size", [(12, 12), (13, 12), (40, 33), (61, 94)])
def test_pnet_answers_for_every_window(size: tuple[int, int]) -> None:
    with torch.inference_mode():
        score, offsets = mtcnn.PNet()(torch.zeros(2, *size, 3))
    rows, columns = (-(-(side - 2) // 2) - 4 for side in size)
    assert score.shape == (2, rows, columns)
    assert offsets.shape == (2, rows, columns, 4)
    assert ((score >= 0) & (score <= 1)).all()


def test_landmarks_are_pairs_of_x_and_y() -> None:
    network = mtcnn.ONet().eval()
    with torch.inference_mode():
        network.dense6_3.weight.zero_()
        network.dense6_3.bias.copy_(torch.arange(10.0))
        _, _, landmarks = network(torch.zeros(1, 48, 48, 3))
    # The weights list five x, then five y.
    assert landmarks[0].tolist() == [[0, 5], [1, 6], [2, 7], [3, 8], [4, 9]]


@pytest.mark.parametrize("network", [n for n in NETWORKS if n.name in CLASSES], ids=lambda n: n.name)
def test_the_exported_file_computes_the_same_alone_and_in_a_batch(network, tmp_path: Path) -> None:
    torch.manual_seed(0)
    facts = network.make({"weights.pt": state(CLASSES[network.name]())}, tmp_path)
    assert facts["parity"]["max_abs"] < 2e-5
    assert facts["simulated"] == "compute"
    inputs = session(tmp_path / f"{network.name}.onnx").get_inputs()
    assert [(entry.name, entry.type) for entry in inputs] == [("image", "tensor(float)")]


def test_other_weights_are_refused() -> None:
    with pytest.raises(RuntimeError, match="Missing key"):
        mtcnn.from_state_dict(mtcnn.PNet(), state(mtcnn.RNet()))
    file = io.BytesIO()
    torch.save([1, 2], file)
    with pytest.raises(ExportError, match="must hold a state dict, got list"):
        mtcnn.from_state_dict(mtcnn.PNet(), file.getvalue())
