"""What is made of tritonserver's log. The lines are those of Triton 2.51."""

from pathlib import Path

import pytest

from darkroom.server.log import Log, failure_reasons, worth_showing

NO_GPU = 'E1122 21:53:07.053660 8898 server.cc:241] "CudaDriverHelper has not been initialized."'
LOADING = 'I1122 21:53:07.100000 8898 model_lifecycle.cc:472] "loading: echo:1"'
FAILED = (
    "E1122 21:53:07.690768 8898 model_lifecycle.cc:642] \"failed to load 'echo' version 1: Internal: RuntimeError: "
    'The networks are broken.\\n\\nAt:\\n  /repo/echo/1/model.py(7): initialize\\n"'
)
PORT = (
    "E1122 21:50:14.387358 7884 main.cc:245] \"failed to start GRPC service: Unavailable - Socket '127.0.0.1:8001' "
    'already in use "'
)
WARMUP = (
    "E1122 22:00:30.359180 12102 model_lifecycle.cc:642] \"failed to load 'echo' version 1: Invalid argument: "
    "failed to run warmup sample 'gradient': No good.; \""
)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (FAILED, "Model echo did not load: RuntimeError: The networks are broken."),
        (WARMUP, "Model echo did not load: failed to run warmup sample 'gradient': No good."),
        (PORT, "failed to start GRPC service: Unavailable - Socket '127.0.0.1:8001' already in use"),
    ],
)
def test_the_reason_of_a_failure_is_one_sentence(line: str, reason: str) -> None:
    assert failure_reasons([NO_GPU, LOADING, line, line, "error: creating server: Internal - failed"])[0] == reason


def test_a_model_that_failed_is_the_reason_not_what_followed() -> None:
    assert len(failure_reasons([FAILED, PORT])) == 1


def test_a_silent_end_has_no_reason() -> None:
    assert failure_reasons([NO_GPU, LOADING]) == []


@pytest.mark.parametrize(
    ("line", "gpu", "shown"),
    [
        (FAILED, False, True),
        (LOADING, False, False),
        (NO_GPU, False, False),
        (NO_GPU, True, True),
        ("printed by a model", False, True),
        ("+-------+---------+", False, False),
        ("| Model | Version |", False, False),
        ("", False, False),
    ],
)
def test_the_operator_sees_what_matters(line: str, gpu: bool, shown: bool) -> None:
    assert worth_showing(line, gpu=gpu) is shown


def test_lines_go_to_file_and_echo_and_a_broken_echo_stops_neither(tmp_path: Path) -> None:
    echoed = []

    def echo(line: str) -> None:
        echoed.append(line)
        raise BrokenPipeError

    log = Log(tmp_path / "log", echo)
    log.write("one")
    log.write("two")
    log.close()
    log.write("after the end")
    assert (tmp_path / "log").read_text() == "one\ntwo\n"
    assert echoed == ["one"]
    assert log.lines == ["one", "two", "after the end"]


def test_only_the_last_lines_are_kept() -> None:
    log = Log()
    for number in range(3000):
        log.write(str(number))
    assert (len(log.lines), log.lines[-1]) == (2000, "2999")
