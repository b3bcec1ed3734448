"""Files in the shape of published face restorers, small enough to run in milliseconds: each gives back nearly the
face it is given, as a trained one does."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIDE = 512


def gfpgan_shaped(path: Path, *, side: int = SIDE, noise: bool = False) -> Path:
    """One picture at a time on -1..1, input `input`, a second output that nobody wants; ends in tanh."""
    nodes = [
        helper.make_node("Conv", ["input", "sharpen"], ["sharp"], pads=[1, 1, 1, 1], group=3),
        helper.make_node("Mul", ["sharp", "gain"], ["loud"]),
        helper.make_node("Tanh", ["loud"], ["restored" if noise else "output"]),
        helper.make_node("AveragePool", ["sharp"], ["small"], kernel_shape=[8, 8], strides=[8, 8]),
    ]
    if noise:
        nodes += [
            helper.make_node("RandomNormal", [], ["noise"], shape=[1, 3, side, side], scale=0.05),
            helper.make_node("Add", ["restored", "noise"], ["output"]),
        ]
    shape = [1, 3, side, side]
    return save(
        path,
        nodes,
        [port("input", shape)],
        [port("small", [1, 3, side // 8, side // 8]), port("output", shape)],
        [kernel("sharpen", 1.2, -0.025), tensor("gain", 1.3)],
    )


def codeformer_shaped(path: Path, *, weight_shape: tuple[int | str, ...] = (), batch: int | str = 1) -> Path:
    """-1..1 with a second input `w`, a double: how much of the picture goes around the restoration
    (which here blurs, and darkens)."""
    weight = port("w", list(weight_shape), TensorProto.DOUBLE)
    nodes = [
        helper.make_node("Conv", ["x", "blur"], ["blurred"], pads=[1, 1, 1, 1], group=3),
        helper.make_node("Sub", ["x", "blurred"], ["detail"]),
        helper.make_node("Cast", ["w"], ["w32"], to=TensorProto.FLOAT),
        helper.make_node("Reshape", ["w32", "everywhere"], ["w4"]),
        helper.make_node("Mul", ["detail", "w4"], ["kept"]),
        helper.make_node("Add", ["blurred", "kept"], ["sum"]),
        helper.make_node("Tanh", ["sum"], ["y"]),
    ]
    shape = [batch, 3, SIDE, SIDE]
    everywhere = helper.make_tensor("everywhere", TensorProto.INT64, [4], [-1, 1, 1, 1])
    return save(path, nodes, [port("x", shape), weight], [port("y", shape)], [kernel("blur", 0.2, 0.08), everywhere])


def unit_range(path: Path, *, element: int = TensorProto.FLOAT) -> Path:
    """Any number of pictures on 0..1, ending in a sigmoid; of any float type."""
    nodes = [
        helper.make_node("Sub", ["image", "half"], ["centred"]),
        helper.make_node("Mul", ["centred", "gain"], ["steep"]),
        helper.make_node("Sigmoid", ["steep"], ["output"]),
    ]
    shape = ["batch", 3, "height", "width"]
    constants = [tensor("half", 0.5, element), tensor("gain", 5.0, element)]
    return save(path, nodes, [port("image", shape, element)], [port("output", shape, element)], constants)


def unchanged(path: Path) -> Path:
    """Gives back what it is given: works on any range, and no probe can tell which."""
    shape = ["n", 3, SIDE, SIDE]
    return save(path, [helper.make_node("Identity", ["a"], ["b"])], [port("a", shape)], [port("b", shape)], [])


def upside_down(path: Path) -> Path:
    """Ends in tanh, and gives a picture that has nothing to do with the face."""
    nodes = [
        helper.make_node("Slice", ["a", "last", "first", "axis", "back"], ["turned"]),
        helper.make_node("Mul", ["turned", "gain"], ["loud"]),
        helper.make_node("Tanh", ["loud"], ["b"]),
    ]
    constants = [
        helper.make_tensor(name, TensorProto.INT64, [1], [value])
        for name, value in (("last", SIDE), ("first", -SIDE - 1), ("axis", 2), ("back", -1))
    ]
    shape = [1, 3, SIDE, SIDE]
    return save(path, nodes, [port("a", shape)], [port("b", shape)], [*constants, tensor("gain", -2.0)])


def save(
    path: Path,
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
    constants: list[onnx.TensorProto],
    opset: int = 17,
    domain: str | None = None,
) -> Path:
    opsets = [helper.make_opsetid("", opset)] + ([helper.make_opsetid(domain, 1)] if domain else [])
    graph = helper.make_graph(nodes, "test", inputs, outputs, constants)
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), str(path))
    return path


def port(name: str, shape: list[int | str], element: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, element, shape)


def tensor(name: str, value: float, element: int = TensorProto.FLOAT) -> onnx.TensorProto:
    return numpy_helper.from_array(np.array(value, helper.tensor_dtype_to_np_dtype(element)), name)


def kernel(name: str, centre: float, around: float) -> onnx.TensorProto:
    weights = np.full((3, 1, 3, 3), around, np.float32)
    weights[:, :, 1, 1] = centre
    return numpy_helper.from_array(weights, name)
