"""torch -> ONNX, checked by onnx's own checker."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import onnx
import torch

from export.errors import ExportError

OPSET = 17


def write(
    module: torch.nn.Module,
    path: Path,
    inputs: Mapping[str, torch.Tensor],
    outputs: Sequence[str],
    dynamic_axes: Mapping[str, Mapping[int, str]],
    *,
    external_data: bool = False,
    wide: Sequence[str] = (),
) -> None:
    """Trace `module` on `inputs` (name -> example, in the order of its forward()) and write ONNX to `path`.

    `dynamic_axes`: input or output name -> {axis: name}, such as `{"image": {0: "n", 1: "h", 2: "w"}}`; axes
    with the same name are the same size. `external_data` puts the weights into one file `<path>.data` beside
    it, which protobuf demands beyond 2 GB. `wide`: inputs and outputs that are int32 in torch, whose exporter knows no
    uint16, and become uint16 in the file. Raises ExportError where the exporter or the checker refuses.
    """
    module.eval()
    try:
        with torch.no_grad(), warnings.catch_warnings():
            # The tracing exporter warns of its own age and of every Python branch; parity says whether they
            # mattered.
            warnings.simplefilter("ignore")
            torch.onnx.export(
                module,
                tuple(inputs.values()),
                str(path),
                input_names=list(inputs),
                output_names=list(outputs),
                dynamic_axes={name: dict(axes) for name, axes in dynamic_axes.items()},
                opset_version=OPSET,
                dynamo=False,
            )
        if wide:
            _make_wide(path, frozenset(wide))
        if external_data:
            _gather_external_data(path)
        onnx.checker.check_model(str(path), full_check=not external_data)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ExportError(f"{path.name} is not valid ONNX: {error}") from error
    except (RuntimeError, torch.onnx.errors.OnnxExporterError) as error:
        raise ExportError(f"{path.name}: torch could not export it: {error}") from error


def _make_wide(path: Path, names: frozenset[str]) -> None:
    """Turn the named int32 ports into uint16, with the casts that lead to the outputs among them.

    Between a port and its cast there may only be what moves values (Transpose, Reshape).
    """
    model = onnx.load(str(path))
    graph = model.graph
    for value in (*graph.input, *graph.output):
        if value.name in names:
            value.type.tensor_type.elem_type = onnx.TensorProto.UINT16
    made_by = {output: node for node in graph.node for output in node.output}
    for value in graph.output:
        if value.name not in names:
            continue
        node = made_by[value.name]
        while node.op_type in ("Transpose", "Reshape"):
            node = made_by[node.input[0]]
        if node.op_type != "Cast":
            raise ExportError(f"{path.name}: {value.name} comes from {node.op_type}, not from a cast to whole numbers.")
        for attribute in node.attribute:
            if attribute.name == "to":
                attribute.i = onnx.TensorProto.UINT16
    # The traced types of values in between are those of int32; onnx infers them anew.
    del graph.value_info[:]
    onnx.save_model(model, str(path))


def _gather_external_data(path: Path) -> None:
    # Beyond 2 GB the exporter scatters one file a tensor beside the model; one file is easier to publish and
    # to hash.
    scattered = {
        path.parent / entry.value
        for tensor in onnx.load(str(path), load_external_data=False).graph.initializer
        for entry in tensor.external_data
        if entry.key == "location"
    }
    location = f"{path.name}.data"
    model = onnx.load(str(path))
    onnx.save_model(model, str(path), save_as_external_data=True, all_tensors_to_one_file=True, location=location)
    for child in scattered - {path.parent / location}:
        child.unlink()
    # onnx makes it readable for its owner alone, and the server may run as another user.
    (path.parent / location).chmod(path.stat().st_mode)


def parameters(module: torch.nn.Module) -> int:
    """How many trained numbers the module holds."""
    return sum(parameter.numel() for parameter in module.parameters())


def versions() -> dict[str, str | int]:
    """What made the file, for its record."""
    return {"torch": torch.__version__, "onnx": onnx.__version__, "opset": OPSET}
