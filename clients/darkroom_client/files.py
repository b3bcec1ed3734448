"""Writing a file so that nobody ever sees half of it."""

import os
import tempfile
from pathlib import Path

# The only way to read the umask is to set it, for all threads: once, on import, where there are none of ours.
_UMASK = os.umask(0o077)
os.umask(_UMASK)


def write_atomically(path: Path, data: bytes) -> Path:
    """Write to a hidden neighbour, then rename: the name appears with the whole content or not at all.

    Raises OSError as `open` does (a missing folder, a full disk); the neighbour is removed.
    """
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        # mkstemp makes files private; a picture should get the permissions any new file of this user gets.
        Path(temporary).chmod(0o666 & ~_UMASK)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path
