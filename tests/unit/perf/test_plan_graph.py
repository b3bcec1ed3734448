"""Operations of a graph, counted by hand and by perf.plan."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from darkroom.config import NetworkRecord
from perf.plan.card import A100
from perf.plan.curves import on_paper
from perf.plan.graph import kernels, unit_shape
from tests.unit.tiny_onnx import record


def convolution(path: Path, groups: int = 1) -> Path:
    """3x3, 8 channels to 16, padded, on open height and width."""
    weights = numpy_helper.from_array(np.zeros((16, 8 // groups, 3, 3), np.float32), "weights")
    node = helper.make_node("Conv", ["x", "weights"], ["y"], kernel_shape=[3, 3], pads=[1, 1, 1, 1], group=groups)
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 8, "h", "w"])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 16, "h", "w"])
    graph = helper.make_graph([node], "one", [x], [y], [weights])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), str(path))
    return path


@pytest.mark.parametrize("groups", [1, 2])
def test_a_convolution_multiplies_its_window_for_every_output(tmp_path: Path, groups: int) -> None:
    (kernel,) = kernels(convolution(tmp_path / "one.onnx", groups), (1, 8, 32, 20))
    assert kernel.flops == 2 * (8 // groups) * 9 * 16 * 32 * 20
    assert kernel.values == 8 * 32 * 20 + 16 * (8 // groups) * 9 + 16 * 32 * 20


def test_a_matrix_product_multiplies_its_inner_axis(tmp_path: Path) -> None:
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    weights = numpy_helper.from_array(np.zeros((24, 10), np.float32), "w")
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 24])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 10])
    graph = helper.make_graph([node], "one", [x], [y], [weights])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), str(tmp_path / "m.onnx"))
    (kernel,) = kernels(tmp_path / "m.onnx", (1, 24))
    assert kernel.flops == 2 * 24 * 10


def test_a_shape_of_other_axes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"one\.onnx takes 4 axes"):
        kernels(convolution(tmp_path / "one.onnx"), (1, 8, 32))


def test_open_axes_are_128_pixels(tmp_path: Path) -> None:
    assert unit_shape(convolution(tmp_path / "one.onnx")) == (8, 128, 128)


def test_the_curve_follows_from_the_counted_operations(tmp_path: Path) -> None:
    path = convolution(tmp_path / "one.onnx")
    one = NetworkRecord(**record(simulated_unit=8 * 128 * 128))
    curve = on_paper(path, A100, one)
    (kernel,) = kernels(path, (1, 8, 128, 128))
    moved = 2 * kernel.values / (A100.bandwidth.value * A100.bandwidth_utilisation.value)
    computed = kernel.flops / (A100.flops.value * A100.utilisation.value)
    copied = 8 * 128 * 128 * (1 + one.scale**2) / A100.bus.value
    assert curve.unit_ms == pytest.approx(1000 * (max(moved, computed) + copied), abs=1e-4)
    assert curve.base_ms == pytest.approx(1000 * (A100.host_s.value + A100.kernel_s.value), abs=1e-3)
    half = on_paper(path, A100, one.model_copy(update={"simulated_unit": 4 * 128 * 128}))
    assert half.unit_ms == pytest.approx(curve.unit_ms / 2, abs=1e-4)
