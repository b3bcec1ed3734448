"""The board: small files on tmpfs by which model processes tell each other, and callers, what their jobs are doing.

jobs/<hash of the id>.json      one a running job, replaced atomically, gone with the job
engines/<task>-<version>-<pid>.json   one an engine, four times a second
cancel/<hash of the id>         left by whoever wants a job stopped
"""

from darkroom.board.reader import BoardReader
from darkroom.board.writer import Board

__all__ = ["Board", "BoardReader"]
