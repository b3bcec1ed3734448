"""Which kind of file a restorer comes in, told by its content."""

import pickle
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from export.errors import ExportError

Kind = Literal["onnx", "safetensors", "torch"]

MAX_ONNX_BYTES = 2**31 - 1
"""What protobuf can hold; weights beside the file are not followed."""


def kind(path: Path) -> Kind:
    """Raises ExportError for a file that is none of the three."""
    if not path.is_file():
        raise ExportError(f"The restorer {path} is not a file.")
    with path.open("rb") as file:
        head = file.read(9)
    if head[:2] == b"PK" or head[:1] == b"\x80":
        return "torch"
    # safetensors: the length of a JSON object, then the object
    if len(head) == 9 and head[8:] == b"{" and struct.unpack("<Q", head[:8])[0] < path.stat().st_size:
        return "safetensors"
    if path.suffix.lower() == ".onnx":
        return "onnx"
    raise ExportError(
        f"The restorer {path.name} is neither an ONNX file (.onnx) nor a checkpoint (.safetensors, .pth, .pt, .ckpt)."
    )


def read_tensors(path: Path, found: Kind) -> Mapping[str, Any]:
    """The tensors of a checkpoint, nothing else: no code that the file may carry is run. Raises ExportError."""
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        content: Any = load_file(path) if found == "safetensors" else torch.load(path, "cpu", weights_only=True)
    except (pickle.UnpicklingError, SafetensorError, RuntimeError, EOFError, ValueError) as error:
        reason = str(error).splitlines()[0][:200]
        raise ExportError(
            f"The restorer {path.name} is refused: it cannot be read as tensors alone ({reason}). Files that need "
            "pickled code to load can do anything to this machine."
        ) from None
    if not isinstance(content, Mapping):
        raise ExportError(f"The restorer {path.name} must hold a state dict, got {type(content).__name__}.")
    return content
