"""The coat around a restorer: uint8 pictures in and out, like every network that maps pixels to pixels."""

from typing import Literal

import onnx
from onnx import TensorProto, helper

from export.restorer.signature import SIDE, Port, Signature

Range = Literal["signed", "unit"]
"""Pixel values a network works with: -1..1 or 0..1."""

PREFIX = "restorer/"


def wrap(model: onnx.ModelProto, signature: Signature, values: Range, *, batched: bool) -> onnx.ModelProto:
    """`model` with input `image` uint8 `[n, 512, 512, 3]` (and `weight` float32 `[n]` where it has a second input) and
    output `output` uint8 `[n, 512, 512, 3]`: clamped, then rounded half to even. n is 1 unless `batched`."""
    inner = onnx.compose.add_prefix(model, PREFIX)
    n: str | int = "n" if batched else 1
    pixels = [n, SIDE, SIDE, 3]
    inputs = [helper.make_tensor_value_info("image", TensorProto.UINT8, pixels)]
    nodes, constants = _dressing(signature.image, values)
    if signature.weight is not None:
        inputs.append(helper.make_tensor_value_info("weight", TensorProto.FLOAT, [n]))
        more, shapes = _weight(signature.weight)
        nodes, constants = nodes + more, constants + shapes
    undressing, more_constants = _undressing(signature.output, values)
    # Shapes stated inside were those of the batch size that the file was exported with.
    del inner.graph.value_info[:]
    graph = helper.make_graph(
        [*nodes, *inner.graph.node, *undressing],
        "restorer",
        inputs,
        [helper.make_tensor_value_info("output", TensorProto.UINT8, pixels)],
        [*inner.graph.initializer, *constants, *more_constants],
        sparse_initializer=inner.graph.sparse_initializer,
    )
    return helper.make_model(
        graph, opset_imports=inner.opset_import, ir_version=inner.ir_version, functions=inner.functions
    )


def _dressing(image: Port, values: Range) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    scale, shift = (127.5, -1.0) if values == "signed" else (255.0, 0.0)
    return [
        helper.make_node("Cast", ["image"], ["image_float"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["image_float"], ["image_planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Div", ["image_planes", "scale"], ["image_scaled"]),
        helper.make_node("Add", ["image_scaled", "shift"], ["image_shifted"]),
        helper.make_node("Cast", ["image_shifted"], [PREFIX + image.name], to=image.element),
    ], [_number("scale", scale), _number("shift", shift)]


def _weight(port: Port) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    shape = [-1 if axis == 0 else 1 for axis in range(len(port.shape))]
    return [
        helper.make_node("Cast", ["weight"], ["weight_cast"], to=port.element),
        helper.make_node("Reshape", ["weight_cast", "weight_shape"], [PREFIX + port.name]),
    ], [helper.make_tensor("weight_shape", TensorProto.INT64, [len(shape)], shape)]


def _undressing(output: str, values: Range) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    unshift = 1.0 if values == "signed" else 0.0
    return [
        helper.make_node("Cast", [PREFIX + output], ["restored_float"], to=TensorProto.FLOAT),
        helper.make_node("Add", ["restored_float", "unshift"], ["restored_shifted"]),
        helper.make_node("Mul", ["restored_shifted", "scale"], ["restored_levels"]),
        helper.make_node("Clip", ["restored_levels", "black", "white"], ["restored_clamped"]),
        helper.make_node("Round", ["restored_clamped"], ["restored_rounded"]),
        helper.make_node("Cast", ["restored_rounded"], ["restored_pixels"], to=TensorProto.UINT8),
        helper.make_node("Transpose", ["restored_pixels"], ["output"], perm=[0, 2, 3, 1]),
    ], [_number("unshift", unshift), _number("black", 0.0), _number("white", 255.0)]


def _number(name: str, value: float) -> onnx.TensorProto:
    return helper.make_tensor(name, TensorProto.FLOAT, [], [value])
