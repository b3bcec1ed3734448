"""A restorer that comes as ONNX: read whole, and refused where it is damaged or wants more than its own bytes."""

from pathlib import Path

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from export.errors import ExportError
from export.restorer.source import MAX_ONNX_BYTES


def load(path: Path) -> onnx.ModelProto:
    """The model. Raises ExportError."""
    size = path.stat().st_size
    if size > MAX_ONNX_BYTES:
        raise ExportError(f"The restorer {path.name} has {size:,} bytes; at most {MAX_ONNX_BYTES:,} are allowed.")
    try:
        model = onnx.load(str(path), load_external_data=False)
        # The path of weights outside of the file is the file's own choice: any file of this machine.
        if any(onnx.external_data_helper.uses_external_data(tensor) for tensor in model.graph.initializer):
            raise ExportError(f"The restorer {path.name} keeps weights in other files; bring it as one ONNX file.")
        onnx.checker.check_model(model)
    except (DecodeError, onnx.checker.ValidationError, ValueError) as error:
        reason = (str(error).splitlines() or ["no reason given"])[0][:200]
        raise ExportError(f"The restorer {path.name} is not a valid ONNX file ({reason}).") from None
    return model
