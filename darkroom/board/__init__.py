"""The board: small files on tmpfs by which model processes tell each other, and callers, what their jobs are doing.

jobs/<hash of the id>.json      one a running job, replaced atomically, gone with the job
claims/<hash of the id>         locked by the process that runs the job of that id
engines/<task>-<version>-<pid>-<its start>.json   one an engine, four times a second
cancel/<hash of the id>         left by whoever wants a job stopped

What a dead process left is told from the living by its pid and the start of that pid, and stays until it is swept.
"""

from darkroom.board.reader import BoardReader
from darkroom.board.sweep import sweep

# not Board: who only reads, as the supervisor does, need not load an engine and onnxruntime
__all__ = ["BoardReader", "sweep"]
