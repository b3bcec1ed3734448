"""index.html: two versions side by side."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from demo.files import PictureFiles
from demo.markup import document, escape, image, linked, paragraph, table
from demo.pictures import Picture, Pixels, png
from export.diff.measure import Comparison, Side, text

PAGE_FILE = "index.html"
LOUDER = 8
"""The picture of the differences shows them so many times as large."""


def write(comparison: Comparison, report: Mapping[str, Any], folder: Path) -> None:
    """Write index.html and its pictures into `folder`."""
    files = PictureFiles(folder)
    first, second = (side.number for side in comparison.sides)
    title = f"{comparison.task}: version {first} and version {second}"
    machine = report["machine"]
    where = (
        f"Measured on {report['made']}: {machine['cpu']}, {machine['cores']} cores, load before "
        f"{machine['load_before']}; in one process, without Triton."
    )
    parts = [
        f"<header>\n<h1>{escape(title)}</h1>\n{paragraph(where)}\n</header>",
        _groups(comparison),
        _networks(comparison),
        *(_card(comparison, index, files) for index in range(len(comparison.references))),
    ]
    (folder / PAGE_FILE).write_text(document(title, "\n".join(parts)), encoding="utf-8")


def _groups(comparison: Comparison) -> str:
    first, second = comparison.sides
    before, after = comparison.seconds(first), comparison.seconds(second)
    rows = [
        [escape(name), *map(text, found), f"{before[name]:.3f}", f"{after[name]:.3f}"]
        for name, found in comparison.groups().items()
    ]
    head = (
        *("pictures", f"version {first.number}", f"version {second.number}", "against each other"),
        *(f"version {side.number}, s" for side in comparison.sides),
    )
    return table(
        "PSNR / SSIM against the originals, averaged; seconds from request to answer", head, rows, numbers_from=1
    )


def _networks(comparison: Comparison) -> str:
    rows = [
        [f"version {side.number}", escape(name), f"{network.bytes / 1e6:.2f}", _number(network.parameters, "{:,}"),
         _number(network.unit_ms, "{:.1f}"), _same(name, comparison.sides)]
        for name in sorted({name for side in comparison.sides for name in side.networks})
        for side in comparison.sides
        if (network := side.networks.get(name)) is not None
    ]  # fmt: skip
    head = ("version", "network", "MB", "parameters", "ms a unit", "file")
    totals = " ".join(
        f"Version {side.number}: {side.bytes / 1e6:.1f} MB, {side.parameters:,} parameters."
        for side in comparison.sides
    )
    listed = table("Networks; a unit is the smallest tile, face or step", head, rows, numbers_from=2)
    return f"{listed}\n{paragraph(totals)}"


def _same(name: str, sides: tuple[Side, Side]) -> str:
    digests = {side.networks[name].sha256 for side in sides if name in side.networks}
    there = all(name in side.networks for side in sides)
    return ("the same" if len(digests) == 1 else "differs") if there else "in one only"


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else form.format(value)


def _card(comparison: Comparison, index: int, files: PictureFiles) -> str:
    reference = comparison.references[index]
    done = [side.answers[index] for side in comparison.sides]
    numbers = [side.number for side in comparison.sides]
    shown = [Picture("sent", reference.file)]
    shown += [Picture(f"version {n}", one.picture.data) for n, one in zip(numbers, done, strict=True)]
    if reference.original is not None:
        shown.append(Picture("original", png(reference.original)))
    if done[0].pixels.shape == done[1].pixels.shape:
        shown.append(Picture(f"difference × {LOUDER}", png(_difference(done[0].pixels, done[1].pixels))))
    figures = [
        f"version {side.number}: {text(side.qualities[index])}, {side.answers[index].seconds:.3f} s"
        for side in comparison.sides
    ]
    figures.append(f"against each other: {text(comparison.apart[index])}")
    strip = "\n".join(_figure(reference.name, reference.title, picture, files) for picture in shown)
    return (
        f'<article id="{escape(reference.name)}">\n<h3>{escape(reference.title)}</h3>\n'
        f'<p class="quiet">{escape(reference.recipe)}. {linked(reference.credit)}</p>\n'
        f"{paragraph(' · '.join(figures))}\n"
        f'<div class="strip">\n{strip}\n</div>\n</article>'
    )


def _figure(name: str, title: str, picture: Picture, files: PictureFiles) -> str:
    ending = picture.label.replace(" × ", "-").replace(" ", "-")
    address = files.add(f"{name}-{ending}", picture)
    width, height = picture.size
    shown = image(address, f"{title}: {picture.label}", picture.size, kind="pixels chequered")
    caption = f"{picture.label}, {width} × {height}"
    return f'<figure><a href="{escape(address)}">{shown}</a><figcaption>{escape(caption)}</figcaption></figure>'


def _difference(a: Pixels, b: Pixels) -> Pixels:
    louder: Pixels = np.clip(LOUDER * np.abs(a.astype(np.int16) - b), 0, 255).astype(np.uint8)
    return louder
