"""A gateway as its own process, the way it is run."""

import contextlib
import re
import subprocess
import sys
import time
from collections.abc import Iterator

_READY = re.compile(r"Ready: (http://[\d.]+:\d+) ")


@contextlib.contextmanager
def gateway(triton: str, *arguments: str) -> Iterator[str]:
    """Its base URL. `triton`: address of the server behind."""
    command = [sys.executable, "-m", "darkroom_gateway", "--triton", triton, "--port", "0", *arguments]
    # Its log would drown what a failed test has to say.
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as child:
        try:
            assert child.stdout is not None
            ready = _READY.match(child.stdout.readline())
            assert ready, "the gateway did not start"
            yield ready[1]
        finally:
            child.terminate()
            give_up = time.monotonic() + 15
            while child.poll() is None and time.monotonic() < give_up:
                time.sleep(0.02)
            if child.poll() is None:
                child.kill()
                raise AssertionError("the gateway did not stop")
