"""The whole matrix through a real server and its gateway, with the networks."""

import subprocess
import sys

import pytest


@pytest.mark.slow
def test_every_case_is_right_through_a_real_server() -> None:
    done = subprocess.run([sys.executable, "-m", "perf.field", "--wrong"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-4_000:]
