"""A process whose parent is killed ends."""

import os
import signal
import subprocess
import sys
import time

import psutil

CHILD = """
import threading
from darkroom.orphan import end_with_parent
end_with_parent()
print("watching", flush=True)
threading.Event().wait()  # for a word that never comes
"""
PARENT = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {CHILD!r}], stdout=subprocess.PIPE, text=True)
child.stdout.readline()
print(child.pid, flush=True)
child.wait()
"""


def test_a_model_does_not_outlive_its_server() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    time.sleep(0.2)
    assert child.is_running()  # it does not end by itself
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    child.wait(30)
