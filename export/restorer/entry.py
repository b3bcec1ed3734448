"""A user's restorer as one network of the face_enhance recipe."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from export.errors import ExportError
from export.ports import NUMBERS, PIXELS, Ports
from export.recipe import Facts, Network
from export.restorer import source
from export.restorer.source import Kind
from export.sources import Weights

GRAPH = 1
"""Revision of the coat: bump it when the exported file would change."""


@dataclass(frozen=True)
class Request:
    """What the command line said about the file."""

    path: Path
    name: str | None
    values: Literal["auto", "signed", "unit"]
    weight: float
    """Default of the second input, where the restorer has one."""
    licence: str


def network(request: Request) -> Network:
    """The recipe entry. Raises ExportError for a file that is no restorer, or a name that cannot be one."""
    from darkroom.digest import sha256

    kind = source.kind(request.path)
    name = request.name or _name_from(request.path)
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", name):
        allowed = "lower-case letters, digits and _, starting with a letter"
        raise ExportError(f'--restorer-name must be {allowed}; got "{name}".')
    weights = Weights(
        name=request.path.name,
        architecture="face restorer, 512x512",
        licence=request.licence,
        origin="brought by the user",
        files={request.path.name: sha256(request.path)},
    )
    settings = {"graph": GRAPH, "values": request.values, "weight": request.weight}

    def make(_: Mapping[str, bytes], folder: Path) -> Facts:
        return publishable(request, kind, folder, f"{name}.onnx")

    return Network(
        name=name,
        weights=weights,
        make=make,
        settings=settings,
        ports=Ports({"image": PIXELS}, {"output": PIXELS}, optional={"weight": NUMBERS}),
        no_parity="brought as ONNX, so there is no torch module to compare with" if kind == "onnx" else "",
    )


def publishable(request: Request, kind: Kind, folder: Path, file: str) -> dict[str, Any]:
    """Check, coat and measure the restorer; writes `folder/file`. Returns the facts for its record."""
    import onnx

    from export.restorer import checkpoint, coat, onnx_file, probe, signature

    label = request.path.name
    facts: dict[str, Any] = {}
    if kind == "onnx":
        model, values = onnx_file.load(request.path), request.values
    else:
        model, facts = checkpoint.export(source.read_tensors(request.path, kind), folder, label)
        values = "signed"
    ports = signature.read(model, label)
    if values == "auto":
        values = probe.value_range(model, ports, folder, label)
    path = folder / file
    onnx.save(coat.wrap(model, ports, values, batched=True), str(path))
    if not probe.batches(path, ports, label):
        onnx.save(coat.wrap(model, ports, values, batched=False), str(path))
    onnx.checker.check_model(str(path))
    run = probe.session(path, label)
    probe.is_repeatable(run, ports, label)
    return {
        **facts,
        **probe.measure(run, ports, request.weight, label),
        "values": values,
        "simulated_unit": signature.SIDE**2 * 3,  # one face costs one unit
    }


def ports(path: Path) -> dict[str, bool]:
    """What the exported file itself says: whether it is `batched` and `weighted` (has a second input)."""
    import onnx

    inputs = onnx.load(str(path), load_external_data=False).graph.input
    first = inputs[0].type.tensor_type.shape.dim[0]
    return {"batched": first.HasField("dim_param"), "weighted": len(inputs) > 1}


def pipeline(
    tunables: dict[str, Any], name: str, weight: float, kept: Collection[str], *, batched: bool, weighted: bool
) -> dict[str, Any]:
    """The newest version's pipeline.json -> that of a version which restores with `name`. `kept`: the networks that the
    new version has besides; an earlier user's restorer stays in its own version."""
    from export.restorer.signature import SIDE

    restorer: dict[str, Any] = {"sides": [SIDE]}
    if weighted:
        restorer["weight"] = weight
    pruned = _pruned(tunables, kept)
    cpu = {"cpu": _pruned(tunables["cpu"], kept)} if "cpu" in tunables else {}
    networks = pruned["networks"] | {name: {} if batched else {"max_batch": 1}}
    options = pruned["options"]
    restorers = options["restorers"] | {name: restorer}
    return pruned | cpu | {"networks": networks, "options": options | {"restorer": name, "restorers": restorers}}


def _pruned(section: dict[str, Any], kept: Collection[str]) -> dict[str, Any]:
    """Without the networks and restorers that are not `kept`; the two tables are there even if empty."""

    def only(table: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in table.items() if key in kept}

    options = section.get("options", {})
    return section | {
        "networks": only(section.get("networks", {})),
        "options": options | {"restorers": only(options.get("restorers", {}))},
    }


def _name_from(path: Path) -> str:
    name = re.sub(r"[^a-z0-9]+", "_", path.stem.lower()).strip("_")
    return name if name[:1].isalpha() else f"restorer_{name}"
