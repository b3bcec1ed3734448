"""Operations and bytes of an ONNX graph, counted from its shapes."""

import math
from dataclasses import dataclass
from pathlib import Path

import onnx
from onnx import shape_inference

MULTIPLIERS = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul"})
"""What tensor cores compute. Everything else is taken to be fused into the kernel before it, as TensorRT does."""

OPEN_AXIS = 128
"""Pixels of an axis that the graph leaves open."""


@dataclass(frozen=True)
class Kernel:
    """One convolution or matrix product over one unit."""

    name: str
    flops: float
    """Multiplications and additions, each counted."""
    values: float
    """Numbers read and written: input, weights, output."""


def kernels(path: Path, shape: tuple[int, ...]) -> list[Kernel]:
    """The kernels of one unit whose first input has `shape` (with its batch axis, 1). Raises ValueError when a shape
    cannot be inferred."""
    model = onnx.load(str(path))
    first = model.graph.input[0].type.tensor_type.shape.dim
    if len(first) != len(shape):
        raise ValueError(f"{path.name} takes {len(first)} axes, got {shape}.")
    for axis, size in zip(first, shape, strict=True):
        axis.ClearField("dim_param")
        axis.dim_value = size
    for other in model.graph.input[1:]:
        other.type.tensor_type.shape.dim[0].dim_value = shape[0]
    graph = shape_inference.infer_shapes(model, data_prop=True).graph
    shapes = {value.name: _shape(value) for value in [*graph.input, *graph.value_info, *graph.output]}
    shapes |= {weight.name: tuple(weight.dims) for weight in graph.initializer}
    return [_kernel(node, shapes, path) for node in graph.node if node.op_type in MULTIPLIERS]


def unit_shape(path: Path) -> tuple[int, ...]:
    """Of one unit of the graph's first input: axes that it leaves open are 128."""
    axes = onnx.load(str(path), load_external_data=False).graph.input[0].type.tensor_type.shape.dim[1:]
    return tuple(axis.dim_value or OPEN_AXIS for axis in axes)


def _kernel(node: onnx.NodeProto, shapes: dict[str, tuple[int, ...]], path: Path) -> Kernel:
    sizes = [shapes.get(name, ()) for name in (*node.input[:2], node.output[0])]
    if node.op_type == "Conv" and len(sizes[0]) > 1 and len(sizes[1]) > 1 and not sizes[0][1]:
        # what comes out of a Reshape may have lost its channels; the weights know them
        groups = next((attribute.i for attribute in node.attribute if attribute.name == "group"), 1)
        sizes[0] = (sizes[0][0], sizes[1][1] * groups, *sizes[0][2:])
    if not all(sizes) or any(axis <= 0 for size in sizes for axis in size):
        raise ValueError(f"{path.name}: the shapes at {node.name or node.op_type} are unknown: {sizes}.")
    data, weight, output = sizes
    # per output value: input channels of its group times the window; for a matrix product its inner length
    if node.op_type == "Conv":
        inner = math.prod(weight[1:])
    elif node.op_type == "ConvTranspose":
        inner = data[1] * math.prod(weight[2:]) // math.prod(output[2:]) * math.prod(data[2:])
    else:
        inner = data[-1]
    return Kernel(
        node.name or node.output[0],
        2.0 * inner * math.prod(output),
        float(math.prod(data) + math.prod(weight) + math.prod(output)),
    )


def _shape(value: onnx.ValueInfoProto) -> tuple[int, ...]:
    return tuple(axis.dim_value for axis in value.type.tensor_type.shape.dim)
