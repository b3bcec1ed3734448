"""Is a network a face restorer, in which range does it work, may it be batched, what does it gain and cost?"""

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from darkroom.faces.area import Pixels
from export.errors import ExportError
from export.restorer import coat, portrait
from export.restorer.coat import Range
from export.restorer.signature import SIDE, Signature

CLEARLY = 1.5
"""How many times nearer to its input one range must bring a restorer than the other to be told apart."""
FOLLOWS_DB = 15.0
"""A restored portrait must be at least this near to the portrait; another face altogether is at about 12."""
RUNS = 3

Run = Callable[..., Pixels]
"""Pixels uint8 `[n, 512, 512, 3]` (and weights float32 `[n]`) -> pixels of the same shape."""


def session(path: Path, name: str) -> Run:
    """The coated network on the CPU. Raises ExportError where onnxruntime cannot load or run it."""
    from export import parity

    def refuse(error: Exception) -> ExportError:
        return ExportError(f"The restorer {name} cannot be run: {str(error).splitlines()[0][:300]}")

    try:
        loaded = parity.session(path)
    except Exception as error:
        raise refuse(error) from None
    names = [entry.name for entry in loaded.get_inputs()]

    def run(*inputs: np.ndarray[Any, Any]) -> Pixels:
        try:
            (output,) = loaded.run(None, dict(zip(names, inputs, strict=True)))
        except Exception as error:
            raise refuse(error) from None
        if output.shape != inputs[0].shape:
            raise ExportError(f"The restorer {name} gives {output.shape} for {inputs[0].shape}, not the same size.")
        pixels: Pixels = output
        return pixels

    return run


def value_range(model: onnx.ModelProto, signature: Signature, folder: Path, name: str) -> Range:
    """The range that brings the restored portrait clearly nearer to the portrait: a network fed with values it was
    not trained on bleaches or darkens. Raises ExportError where neither does."""
    given = portrait.face(portrait.photograph(), SIDE)
    distance = {}
    for values in ("signed", "unit"):
        path = folder / f"probe_{values}.onnx"
        onnx.save(coat.wrap(model, signature, values, batched=False), str(path))
        restored = session(path, name)(*feed(signature, given[None], 0.5))[0]
        path.unlink()
        distance[values] = float(np.abs(restored.astype(int) - given).mean())
    if distance["unit"] > CLEARLY * distance["signed"]:
        return "signed"
    if distance["signed"] > CLEARLY * distance["unit"]:
        return "unit"
    raise ExportError(
        f"Whether {name} works on -1..1 or 0..1 cannot be told (it moves a portrait by {distance['signed']:.1f} and "
        f"{distance['unit']:.1f} grey levels); state it with --restorer-range signed or unit."
    )


def feed(signature: Signature, crops: Pixels, weight: float) -> tuple[np.ndarray[Any, Any], ...]:
    """Inputs of the coated network for uint8 `[n, 512, 512, 3]`."""
    if signature.weight is None:
        return (crops,)
    return crops, np.full(len(crops), weight, np.float32)


def is_repeatable(run: Run, signature: Signature, name: str) -> None:
    """Raises ExportError where the same crop gives different pixels: noise drawn inside the graph."""
    given = portrait.face(portrait.worn(portrait.photograph()), SIDE)[None]
    if not np.array_equal(run(*feed(signature, given, 0.5)), run(*feed(signature, given, 0.5))):
        raise ExportError(
            f"The restorer {name} gives another picture each time: it draws random noise. Export it with fixed noise "
            "(randomize_noise=False in GFPGAN)."
        )


def batches(path: Path, signature: Signature, name: str) -> bool:
    """Whether the network, coated for batches, gives for three crops (with three weights) together the very bytes that
    each gives alone. Many files state a batch of one and could do more, and some state more than they can do."""
    clean = portrait.photograph()
    crops = np.stack([portrait.face(picture, SIDE) for picture in (clean, portrait.worn(clean), clean[:, ::-1].copy())])
    weights = np.array([0.1, 0.5, 0.9], np.float32)
    more = () if signature.weight is None else (weights,)
    try:
        run = session(path, name)
        together = run(crops, *more)
    except ExportError:
        return False
    alone = [run(crops[i : i + 1], *(extra[i : i + 1] for extra in more))[0] for i in range(3)]
    return all(map(np.array_equal, together, alone))


def measure(run: Run, signature: Signature, weight: float, name: str) -> dict[str, Any]:
    """What it does to the worn portrait, and the seconds it takes. Raises ExportError where the result is no
    restoration of it."""
    clean = portrait.face(portrait.photograph(), SIDE)
    worn = portrait.face(portrait.worn(portrait.photograph()), SIDE)
    seconds = []
    for _ in range(RUNS):
        started = time.perf_counter()
        restored = run(*feed(signature, worn[None], weight))[0]
        seconds.append(time.perf_counter() - started)
    found = portrait.quality(restored, clean)
    if found["psnr_db"] < FOLLOWS_DB:
        raise ExportError(
            f"{name} is no face restorer: what it makes of a portrait is {found['psnr_db']:.1f} dB from it; "
            f"at least {FOLLOWS_DB:g} are needed."
        )
    return {
        "seconds_a_face": round(statistics.median(seconds), 3),
        "portrait": {"worn": portrait.quality(worn, clean), "restored": found},
    }
