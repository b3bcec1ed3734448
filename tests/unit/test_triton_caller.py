"""Answering Triton, with its half of the Python backend replaced: exactly one answer, and one that fits."""

import importlib
import os
import sys
import types
from collections.abc import Iterator
from typing import Any

import pytest

from darkroom.errors import BadImageError
from darkroom.service import Answer


class Sender:
    def __init__(self) -> None:
        self.sent: list[Any] = []

    def send(self, response: Any, flags: int) -> None:
        self.sent.append(response)

    def is_cancelled(self) -> bool:
        assert not self.sent, "asking after the final answer kills tritonserver"
        return False


@pytest.fixture
def triton(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    backend = types.ModuleType("triton_python_backend_utils")
    codes = dict.fromkeys(("UNAVAILABLE", "INVALID_ARG", "CANCELLED", "INTERNAL"))
    backend.TritonError = type("TritonError", (), {"__init__": _error, **{code: code for code in codes}})  # type: ignore[attr-defined]
    backend.Tensor = lambda name, array: (name, array)  # type: ignore[attr-defined]
    backend.InferenceResponse = lambda outputs, error=None: (outputs, error)  # type: ignore[attr-defined]
    backend.TRITONSERVER_RESPONSE_COMPLETE_FINAL = 1  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "triton_python_backend_utils", backend)
    yield importlib.import_module("darkroom.triton")
    sys.modules.pop("darkroom.triton")


def _error(self: Any, message: str, code: str) -> None:
    self.message, self.code = message, code


def left(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(os, "statvfs", lambda path: types.SimpleNamespace(f_bavail=size // 4096, f_frsize=4096))


def test_an_answer_that_does_not_fit_the_shared_memory_becomes_an_error(
    triton: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    left(monkeypatch, 2**20)
    sender = Sender()
    triton._Caller(sender).reply(Answer(b"x" * (2**20 + 1), "{}"), None)
    ((outputs, error),) = sender.sent
    assert outputs == []
    assert error.code == "UNAVAILABLE"
    assert error.message.endswith('{"reason": "unavailable", "retry_after_s": 5.0}')


@pytest.mark.parametrize(("size", "free"), [(2**20, 2**20), (1000, 0)])
def test_an_answer_that_fits_is_sent(triton: Any, monkeypatch: pytest.MonkeyPatch, size: int, free: int) -> None:
    left(monkeypatch, free)
    sender = Sender()
    triton._Caller(sender).reply(Answer(b"x" * size, "{}"), None)
    (((_, image), _), error) = sender.sent[0]
    assert (image.nbytes, error) == (size, None)


def test_nobody_is_answered_twice_or_asked_afterwards(triton: Any) -> None:
    sender = Sender()
    caller = triton._Caller(sender)
    assert caller.has_gone() is False
    caller.reply(None, BadImageError("no"))
    assert caller.has_gone() is False
    with pytest.raises(RuntimeError, match="answered twice"):
        caller.reply(None, BadImageError("no"))
    assert len(sender.sent) == 1
