"""Reads networks in ncnn's format: a `.param` text of layers and a `.bin` of their weights.

Format: https://github.com/Tencent/ncnn/wiki/param-and-model-file-structure and the layers' load_model(). Only
what trained convolutional networks carry is read: Convolution, PReLU and MemoryData hold weights, every other
layer of `WEIGHTLESS` holds none, and any other layer type is refused, for its weights could not be told from
its neighbours'.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from export.errors import ExportError

MAGIC = "7767517"
FP16_TAG = 0x01306B47
RAW_TAG = 0

WEIGHTLESS = frozenset(
    {"BinaryOp", "Concat", "Eltwise", "Input", "Interp", "PixelShuffle", "ReLU", "Sigmoid", "Split", "Swish"}
)

_ARRAY_KEY = -23300
"""Key -23300 - id marks an array; its value starts with its length."""

Floats = NDArray[np.float32]
Value = int | float | tuple[int | float, ...]


@dataclass(frozen=True)
class Layer:
    """One line of the `.param` file, and the weights that go with it."""

    kind: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    params: Mapping[int, Value]
    """Key -> value; an array key -23300 - id appears under its id."""
    weights: Mapping[str, Floats] = field(default_factory=dict)
    """Convolution: `weight` [out, in, kernel h, kernel w] and, where it has one, `bias` [out]; PReLU: `slope`
    [c]; MemoryData: `data` [c, h, w] (fewer axes where the file states fewer)."""


def read(param: bytes, weights: bytes) -> list[Layer]:
    """The layers in file order, with their weights as float32.

    Raises ExportError where the text is not ncnn's, a layer type is unknown, or the weights do not end
    exactly at the last byte.
    """
    blob = _Blob(weights)
    layers = [_with_weights(layer, blob) for layer in _parse(param)]
    if blob.left:
        raise ExportError(f"The ncnn weights have {blob.left} bytes left over after the last layer.")
    return layers


def read_files(files: Mapping[str, bytes]) -> list[Layer]:
    """`read` on the one `.param` and the one `.bin` among `files` (name -> content). Raises ExportError."""
    param, weights = (
        [content for name, content in files.items() if name.endswith(ending)] for ending in (".param", ".bin")
    )
    if len(param) != 1 or len(weights) != 1:
        raise ExportError(f"An ncnn network is one .param and one .bin file, got {', '.join(files) or 'no file'}.")
    return read(param[0], weights[0])


class _Blob:
    """The `.bin` file, read from front to back."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._content) - self._at

    def take(self, size: int, owner: str) -> bytes:
        if size > self.left:
            raise ExportError(f"The ncnn weights end early: {owner} needs {size} bytes, {self.left} are left.")
        self._at += size
        return self._content[self._at - size : self._at]

    def floats(self, count: int, owner: str) -> Floats:
        return np.frombuffer(self.take(4 * count, owner), "<f4").astype(np.float32)

    def tagged(self, count: int, owner: str) -> Floats:
        tag = int.from_bytes(self.take(4, owner), "little")
        if tag == FP16_TAG:
            padded = self.take((2 * count + 3) // 4 * 4, owner)
            return np.frombuffer(padded[: 2 * count], "<f2").astype(np.float32)
        if tag == RAW_TAG:
            return self.floats(count, owner)
        raise ExportError(f"The ncnn weights of {owner} have tag {tag:#010x}; {FP16_TAG:#010x} and 0 can be read.")


def _parse(param: bytes) -> list[Layer]:
    lines = param.decode("utf-8", errors="replace").splitlines()
    if len(lines) < 2 or lines[0].strip() != MAGIC:
        raise ExportError(f"This is not an ncnn .param file: its first line must be {MAGIC}.")
    try:
        expected = int(lines[1].split()[0])
        layers = [_parse_layer(line.split()) for line in lines[2:] if line.strip()]
    except (ValueError, IndexError) as error:
        raise ExportError(f"The ncnn .param file is damaged: {error}.") from None
    if len(layers) != expected:
        raise ExportError(f"The ncnn .param file promises {expected} layers and holds {len(layers)}.")
    return layers


def _parse_layer(fields: list[str]) -> Layer:
    kind, name, n_in, n_out = fields[0], fields[1], int(fields[2]), int(fields[3])
    first_out, first_param = 4 + n_in, 4 + n_in + n_out
    if len(fields) < first_param:
        raise ValueError(f"{kind} {name} names fewer than {n_in} inputs and {n_out} outputs")
    params = dict(_parse_param(text) for text in fields[first_param:])
    return Layer(kind, name, tuple(fields[4:first_out]), tuple(fields[first_out:first_param]), params)


def _parse_param(text: str) -> tuple[int, Value]:
    key_text, _, value = text.partition("=")
    key = int(key_text)
    if key > _ARRAY_KEY:
        return key, _number(value)
    length, *items = value.split(",")
    if int(length) != len(items):
        raise ValueError(f"{text} promises {length} values and holds {len(items)}")
    return _ARRAY_KEY - key, tuple(map(_number, items))


def _number(text: str) -> int | float:
    return float(text) if any(mark in text for mark in ".eE") else int(text)


def _with_weights(layer: Layer, blob: _Blob) -> Layer:
    if layer.kind in WEIGHTLESS:
        return layer
    owner = f"{layer.kind} {layer.name}"
    found: dict[str, Floats]
    if layer.kind == "Convolution":
        found = _convolution(layer, blob, owner)
    elif layer.kind == "PReLU":
        found = {"slope": blob.floats(_whole(layer, 0), owner)}
    elif layer.kind == "MemoryData":
        # Written w, h, c; stored with c outermost. A zero means the axis does not exist.
        shape = [size for size in (_whole(layer, 2, 0), _whole(layer, 1, 0), _whole(layer, 0, 0)) if size]
        found = {"data": blob.floats(math.prod(shape), owner).reshape(shape)}
    else:
        raise ExportError(f"The ncnn layer {owner} is of a type this reader does not know.")
    return Layer(layer.kind, layer.name, layer.inputs, layer.outputs, layer.params, found)


def _convolution(layer: Layer, blob: _Blob, owner: str) -> dict[str, Floats]:
    out, width, count = _whole(layer, 0), _whole(layer, 1), _whole(layer, 6)
    height = _whole(layer, 11, width)
    if out <= 0 or count % (out * height * width):
        raise ExportError(f"{owner}: {count} weights do not fill {out} kernels of {height}x{width}.")
    found = {"weight": blob.tagged(count, owner).reshape(out, -1, height, width)}
    if _whole(layer, 5, 0):
        found["bias"] = blob.floats(out, owner)
    return found


def _whole(layer: Layer, key: int, default: int | None = None) -> int:
    value = layer.params.get(key, default)
    if not isinstance(value, int):
        raise ExportError(f"{layer.kind} {layer.name}: parameter {key} must be a whole number, got {value}.")
    return value
