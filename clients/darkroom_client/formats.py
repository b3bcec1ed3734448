"""Picture formats by the names that callers use: options, media types, file endings."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

OutputFormat = Literal["same", "png", "jpeg", "webp", "avif", "tiff", "jpg", "tif"]
"""What results can be encoded as; `same` keeps the input's format, `jpg` and `tif` are aliases."""

OUTPUT_FORMATS = ("png", "jpeg", "webp", "avif", "tiff")

_ALIASES = {"jpg": "jpeg", "tif": "tiff"}

_OF_SUFFIX: Mapping[str, str] = {
    **dict.fromkeys((".jpg", ".jpeg", ".jpe", ".jfif"), "jpeg"),
    ".png": "png",
    ".webp": "webp",
    ".avif": "avif",
    **dict.fromkeys((".tif", ".tiff"), "tiff"),
}

_COMES_BACK_AS: Mapping[str, str] = {
    **dict.fromkeys((".heic", ".heif", ".hif"), "jpeg"),
    **dict.fromkeys((".bmp", ".dib", ".gif", ".jxl"), "png"),
}
"""Formats that are read and never written."""

_SUFFIX_OF = {"jpeg": ".jpg", "png": ".png", "webp": ".webp", "avif": ".avif", "tiff": ".tif"}

SUFFIXES = (*_OF_SUFFIX, *_COMES_BACK_AS)
"""Endings of files that the server reads, in lower case."""


def format_name(text: str) -> str:
    """A format's own name for any way to write it: `JPG`, `image/jpg` and `image/jpeg` are `jpeg`.

    Other text is returned in lower case and without `image/`; whether such a format exists is not checked.
    """
    name = text.strip().lower().removeprefix("image/")
    return _ALIASES.get(name, name)


def format_of_file(path: str | os.PathLike[str]) -> str | None:
    """The output format that a file's ending, in any case, names; None where no result can be called so."""
    return _OF_SUFFIX.get(_suffix(path))


def answer_format_of_file(path: str | os.PathLike[str]) -> str:
    """The format in which the server returns a file of this ending with `output_format=same`."""
    suffix = _suffix(path)
    return _OF_SUFFIX.get(suffix) or _COMES_BACK_AS.get(suffix, "png")


def suffix_of_format(name: str) -> str:
    """The file ending of an output format: `.jpg` for `jpeg`."""
    return _SUFFIX_OF[name]


def _suffix(path: str | os.PathLike[str]) -> str:
    return Path(path).suffix.lower()
