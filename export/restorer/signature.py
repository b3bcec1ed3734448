"""What an ONNX face restorer takes and gives."""

from dataclasses import dataclass
from typing import Any

import onnx

from export.errors import ExportError

SIDE = 512
"""Pixels: the crop that all published restorers of this kind were trained on."""
MIN_OPSET = 11
"""Below, Clip and Round lack what the coat needs."""
DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml", "com.microsoft"})
"""Operator sets that onnxruntime runs without a foreign library."""
FLOATS = {
    onnx.TensorProto.FLOAT: "float32",
    onnx.TensorProto.FLOAT16: "float16",
    onnx.TensorProto.DOUBLE: "float64",
}


@dataclass(frozen=True)
class Port:
    """One input or output of a graph."""

    name: str
    element: int
    """onnx.TensorProto data type; one of FLOATS."""
    shape: tuple[int | None, ...]
    """None where the graph leaves the size open."""


@dataclass(frozen=True)
class Signature:
    """A restorer's ports: GFPGAN's kind has one input, CodeFormer's a second one."""

    image: Port
    """`[n, 3, 512, 512]`."""
    weight: Port | None
    """A single number, or one for each picture."""
    output: str


def read(model: onnx.ModelProto, name: str) -> Signature:
    """The signature of a restorer; `name` is what messages call it. Raises ExportError for anything else."""
    _refuse_foreign(model, name)
    weights = {tensor.name for tensor in model.graph.initializer}
    ports = [_port(value, name) for value in model.graph.input if value.name not in weights]
    images = [port for port in ports if len(port.shape) == 4]
    others = [port for port in ports if len(port.shape) != 4]
    if len(images) != 1 or len(others) > 1:
        raise ExportError(
            f"The restorer {name} must have one picture input [n, 3, {SIDE}, {SIDE}] and at most one number beside it; "
            f"it has {_listed(ports)}."
        )
    image = images[0]
    if image.shape[0] not in (None, 1) or any(
        size not in (None, wanted) for size, wanted in zip(image.shape[1:], (3, SIDE, SIDE), strict=True)
    ):
        raise ExportError(f"The restorer {name} must take [n, 3, {SIDE}, {SIDE}]; it takes {_listed([image])}.")
    if others and any(size not in (None, 1) for size in others[0].shape):
        raise ExportError(f"The second input of {name} must be a single number; it is {_listed(others)}.")
    return Signature(image, others[0] if others else None, _output(model, name))


def _refuse_foreign(model: onnx.ModelProto, name: str) -> None:
    opset = max((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), default=0)
    if opset < MIN_OPSET:
        raise ExportError(f"The restorer {name} has ONNX opset {opset}; at least {MIN_OPSET} is needed.")
    foreign = sorted({entry.domain for entry in model.opset_import} - DOMAINS - {f.domain for f in model.functions})
    if foreign:
        raise ExportError(f"The restorer {name} needs operators of {foreign[0]}, which onnxruntime does not have.")


def _port(value: onnx.ValueInfoProto, name: str) -> Port:
    tensor = value.type.tensor_type
    if tensor.elem_type not in FLOATS:
        raise ExportError(f"The input {value.name} of {name} must be floating-point numbers.")
    shape = tuple(axis.dim_value if axis.HasField("dim_value") else None for axis in tensor.shape.dim)
    return Port(value.name, tensor.elem_type, shape)


def _output(model: onnx.ModelProto, name: str) -> str:
    # Some exports give intermediate pictures or code books besides; the picture comes first.
    for value in model.graph.output:
        axes: Any = value.type.tensor_type.shape.dim
        sizes = [axis.dim_value if axis.HasField("dim_value") else None for axis in axes]
        unknown = not sizes
        picture = len(sizes) == 4 and all(
            size in (None, wanted) for size, wanted in zip(sizes[1:], (3, SIDE, SIDE), strict=True)
        )
        if unknown or picture:
            return str(value.name)
    raise ExportError(f"The restorer {name} has no output of shape [n, 3, {SIDE}, {SIDE}].")


def _listed(ports: list[Port]) -> str:
    def text(port: Port) -> str:
        sizes = ", ".join("?" if size is None else str(size) for size in port.shape)
        return f"{port.name} {FLOATS[port.element]} [{sizes}]"

    return ", ".join(map(text, ports)) or "none"
