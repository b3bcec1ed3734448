"""What goes into a network and what comes out: names, element types and numbers of axes, read off the ONNX file."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from export.errors import ExportError

Port = tuple[str, int]
"""numpy's name of the element type, number of axes (the batch's included): `("uint8", 4)`."""

PIXELS: Port = ("uint8", 4)
WIDE_PIXELS: Port = ("uint16", 4)
GUARDED: Port = ("uint8", 3)
"""Weights of the guard's fallback, at the size of the input."""
NUMBERS: Port = ("float32", 1)


@dataclass(frozen=True)
class Ports:
    """The border of one network, by name."""

    inputs: Mapping[str, Port]
    outputs: Mapping[str, Port]
    """What the pipeline reads. Further outputs are refused: the pipeline takes them by position."""
    optional: Mapping[str, Port] | None = None
    """Inputs that only some networks of this kind have."""


def read(path: Path) -> Ports:
    """The ports of an ONNX file; its weights need not be there. Raises ExportError for a file that is no network."""
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        graph = onnx.load(str(path), load_external_data=False).graph
    except (DecodeError, OSError) as error:
        raise ExportError(f"{path.name} cannot be read as ONNX ({error}).") from None
    constants = {tensor.name for tensor in graph.initializer}
    inputs = {value.name: _port(value) for value in graph.input if value.name not in constants}
    outputs = {value.name: _port(value) for value in graph.output}
    if not inputs or not outputs:
        raise ExportError(f"{path.name} holds no network: {len(inputs)} inputs, {len(outputs)} outputs.")
    return Ports(inputs, outputs)


def check(path: Path, wanted: Ports) -> None:
    """Raises ExportError, naming what differs, where the file's ports are not the wanted ones."""
    found = read(path)
    optional = dict(wanted.optional or {})
    allowed = dict(wanted.inputs) | {name: port for name, port in optional.items() if name in found.inputs}
    for what, has, wants in (("inputs", found.inputs, allowed), ("outputs", found.outputs, dict(wanted.outputs))):
        if dict(has) != wants:
            raise ExportError(f"{path.name} has the {what} {_told(has)}; the pipeline needs {_told(wants)}.")


def _port(value: object) -> Port:
    import onnx

    assert isinstance(value, onnx.ValueInfoProto)
    tensor = value.type.tensor_type
    try:
        element = str(onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type))
    except KeyError:
        element = f"element type {tensor.elem_type}"
    return element, len(tensor.shape.dim)


def _told(ports: Mapping[str, Port]) -> str:
    return ", ".join(f"{name} {element} of {rank} axes" for name, (element, rank) in ports.items()) or "none"
