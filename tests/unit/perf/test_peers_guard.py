"""A peer and its workers end with whoever started them, even when that is killed."""

import signal
import subprocess
import sys
import time

import psutil

FAMILY = "import subprocess, sys, time; print(subprocess.Popen(['sleep', '300']).pid, flush=True); time.sleep(300)"
GUARDED = [sys.executable, "-m", "perf.peers.guard", sys.executable, "-c", FAMILY]


def start() -> tuple["subprocess.Popen[bytes]", list[psutil.Process]]:
    guard = subprocess.Popen(GUARDED, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    assert guard.stdout is not None
    guard.stdout.readline()
    return guard, psutil.Process(guard.pid).children(recursive=True)


def test_the_family_ends_when_the_lifeline_is_cut() -> None:
    guard, family = start()
    assert len(family) == 2
    guard.communicate()  # closes its stdin, as the kernel does when the starter is killed
    _, left = psutil.wait_procs(family, timeout=30)
    assert not left


def test_a_polite_end_reaches_the_command() -> None:
    guard, family = start()
    guard.send_signal(signal.SIGTERM)
    assert guard.wait(30) in (-signal.SIGTERM, 256 - signal.SIGTERM)
    for process in family:
        if process.is_running():
            process.kill()
    guard.communicate()


def test_its_exit_is_the_command_s() -> None:
    command = [sys.executable, "-m", "perf.peers.guard", sys.executable, "-c", "raise SystemExit(7)"]
    started = time.monotonic()
    with subprocess.Popen(command, stdin=subprocess.PIPE) as guard:
        assert guard.wait(60) == 7
    assert time.monotonic() - started < 60
