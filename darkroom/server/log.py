"""What tritonserver and the models say: kept for the reasons of a failure, shown where it matters."""

import re
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path

_KEPT = 2000  # lines
_TRITON_LINE = re.compile(r"(?P<severity>[IWEF])\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ (?P<source>\S+:\d+)\] *(?P<message>.*)")
_WITHOUT_A_GPU = ("pinned_memory_manager.cc", "CudaDriverHelper", "NVML", "DCGM")
_LOAD_FAILED = re.compile(r"failed to load '(?P<model>[^']+)' version (?P<version>\d+): (?P<reason>.*)")
_STATUS = re.compile(r"^(Internal|Invalid argument|Unavailable|Not found|Unsupported|Unknown): ")


class Log:
    """The last lines of one tritonserver, and where each line goes besides."""

    def __init__(self, path: Path | None = None, echo: Callable[[str], None] | None = None) -> None:
        """`path`: a file that gets every line; `echo`: called with every line, without its newline."""
        self._lines: deque[str] = deque(maxlen=_KEPT)
        self._file = path.open("a", buffering=1) if path else None
        self._echo = echo

    def write(self, line: str) -> None:
        """Take one line, without its newline."""
        self._lines.append(line)
        if self._file:
            self._file.write(f"{line}\n")
        if self._echo:
            try:
                self._echo(line)
            except Exception:  # a closed terminal, say: whoever reads the pipe must go on, or tritonserver stalls
                self._echo = None

    def close(self) -> None:
        """Close the file; `lines` stays readable."""
        if self._file:
            self._file.close()
            self._file = None

    @property
    def lines(self) -> list[str]:
        """The last 2000 lines."""
        return list(self._lines)


def worth_showing(line: str, *, gpu: bool) -> bool:
    """Whether an operator should see this line unasked: warnings, errors, and what a model prints itself.

    Without a GPU, Triton's complaints that there is none are left out.
    """
    triton = _TRITON_LINE.match(line)
    if triton is None:
        return bool(line.strip()) and not line.startswith(("+-", "| ", "error: creating server"))
    if not gpu and any(word in line for word in _WITHOUT_A_GPU):
        return False
    return triton["severity"] != "I"


def failure_reasons(lines: Iterable[str]) -> list[str]:
    """Why tritonserver ended, one sentence each: models that did not load first, else its last errors."""
    models, errors = [], []
    for line in lines:
        triton = _TRITON_LINE.match(line)
        message = triton["message"].strip().strip('"') if triton else line
        if failed := _LOAD_FAILED.search(message):
            models.append(f"Model {failed['model']} did not load: {_sentence(failed['reason'])}")
        elif triton and triton["severity"] in "EF" and not any(word in line for word in _WITHOUT_A_GPU):
            errors.append(_sentence(message))
        elif line.startswith("error: "):
            errors.append(_sentence(line.removeprefix("error: ")))
    return list(dict.fromkeys(models)) or errors[-3:]


def _sentence(message: str) -> str:
    """The message without Triton's status in front and Python's stack behind."""
    text = re.split(r"(?:\\n|\n)+At:", message)[0].replace("\\n", " ").replace('\\"', '"')
    while (shorter := _STATUS.sub("", text)) != text:
        text = shorter
    return text.strip().rstrip(";").strip()
