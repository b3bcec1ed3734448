"""Files, folders and globs -> which picture goes where."""

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from darkroom_client.formats import SUFFIXES, answer_format_of_file, format_of_file, suffix_of_format


class PlanError(Exception):
    """The arguments cannot be meant; the message is a sentence."""


@dataclass(frozen=True)
class Item:
    """One picture to make."""

    source: Path
    output: Path
    output_format: str
    """jpeg | png | webp | avif | tiff: as the output is called, so that no file lies about its content."""


@dataclass(frozen=True)
class Plan:
    items: tuple[Item, ...]
    root: Path | None
    """The folder that mirrors the inputs; None for one file that goes to one file."""


def plan(inputs: Sequence[str], output: str | None, *, task: str, output_format: str | None) -> Plan:
    """Decide every output before the first request. Raises PlanError.

    One file goes to the file `output`, or into it where it is a folder or ends in a slash; without `output` it goes
    beside its source, as `<name>-<task>`. Anything else goes into the folder `output`, which mirrors the structure
    below each folder or glob. Results keep their sources' endings; HEIC becomes .jpg, and BMP, GIF and JPEG XL become
    .png, unless `output_format` or the output's ending says otherwise. In folders and globs, files count as pictures by
    their endings (`formats.SUFFIXES`, in any case); a file that is named outright may be called anything.
    """
    root = _root(inputs, output)
    if root is None:
        return Plan((_single(Path(inputs[0]), output, task, output_format),), None)
    items: dict[Path, Item] = {}
    for source, relative in _sources(inputs, root):
        item = _item(source, root / relative, output_format)
        other = items.setdefault(item.output, item)
        if other.source != source:
            raise PlanError(f"{str(other.source)!r} and {str(source)!r} would both be written to {str(item.output)!r}.")
    if not items:
        raise PlanError(f"No pictures in {' '.join(map(repr, inputs))} (looked for {' '.join(SUFFIXES)}).")
    return Plan(tuple(items.values()), root)


def _root(inputs: Sequence[str], output: str | None) -> Path | None:
    single = len(inputs) == 1 and not Path(inputs[0]).is_dir() and not _is_glob(inputs[0])
    if single and (output is None or not _means_folder(output)):
        return None
    if output is None:
        raise PlanError("Several inputs need a folder for their results: -o FOLDER.")
    if Path(output).exists() and not Path(output).is_dir():
        raise PlanError(f"The results of several inputs go into a folder, but {output!r} is a file.")
    return Path(output)


def _means_folder(output: str) -> bool:
    return output.endswith(("/", os.sep)) or Path(output).is_dir()


def _is_glob(text: str) -> bool:
    return glob.has_magic(text) and not Path(text).exists()


def _single(source: Path, output: str | None, task: str, output_format: str | None) -> Item:
    if output is None:
        beside = source.with_name(f"{source.stem}-{task.replace('_', '-')}{source.suffix}")
        return _item(source, beside, output_format)
    target = Path(output)
    known = format_of_file(target)
    if known is None and output_format is None:
        endings = ".png, .jpg, .webp, .avif or .tif"
        raise PlanError(f"The output {output!r} must end in {endings}, or --format must say what it is.")
    if _same_file(source, target):
        raise PlanError(f"The output {output!r} would replace its own source.")
    return Item(source, target, output_format or str(known))


def _item(source: Path, target: Path, output_format: str | None) -> Item:
    chosen = output_format or answer_format_of_file(target)
    named = target if format_of_file(target) == chosen else target.with_suffix(suffix_of_format(chosen))
    if _same_file(source, named):
        raise PlanError(f"The result of {str(source)!r} would replace it; choose another folder with -o.")
    return Item(source, named, chosen)


def _same_file(source: Path, target: Path) -> bool:
    return source.resolve() == target.resolve()


def _sources(inputs: Sequence[str], root: Path) -> Iterator[tuple[Path, Path]]:
    """(file, path below the output folder), each file once, in a stable order."""
    seen: set[Path] = set()
    for text in inputs:
        for source, relative in _expand(text, root):
            key = source.resolve()
            if key not in seen:
                seen.add(key)
                yield source, relative


def _expand(text: str, root: Path) -> Iterator[tuple[Path, Path]]:
    path = Path(text)
    if path.is_dir():
        yield from ((file, file.relative_to(path)) for file in _walk(path, root))
    elif _is_glob(text):
        base = _base(text)
        # Path.glob has no patterns that begin at the root, and no '**/*' that ends in files only.
        for match in sorted(glob.glob(text, recursive=True)):  # noqa: PTH207
            found = Path(match)
            if found.is_dir():
                yield from ((file, file.relative_to(base)) for file in _walk(found, root))
            elif found.suffix.lower() in SUFFIXES:
                yield found, found.relative_to(base)
    else:
        yield path, Path(path.name)


def _walk(folder: Path, root: Path) -> Iterator[Path]:
    """Pictures below a folder; hidden ones and those in the output folder itself are left out."""
    for name, folders, files in os.walk(folder):
        here = Path(name)
        folders[:] = sorted(
            child for child in folders if not child.startswith(".") and not _same_file(here / child, root)
        )
        for file in sorted(files):
            if not file.startswith(".") and Path(file).suffix.lower() in SUFFIXES:
                yield here / file


def _base(pattern: str) -> Path:
    """The part of a glob before its first wildcard, as a folder."""
    parts = Path(pattern).parts
    plain = 0
    while plain < len(parts) and not glob.has_magic(parts[plain]):
        plain += 1
    return Path(*parts[:plain])
