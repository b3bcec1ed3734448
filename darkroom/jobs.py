"""The `jobs` model: answers questions about running jobs, one JSON object in, one out."""

import hmac
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from darkroom.board import BoardReader
from darkroom.errors import BadOptionError

ACTIONS = ("state", "cancel", "totals", "list")
ADMIN_HEADER = "darkroom-admin-key"
ADMIN_KEY_FILE = "DARKROOM_ADMIN_KEY_FILE"
CALM_BACKLOG_S = 15.0
"""A server whose longest backlog is under this takes nearly every job (half of the default deadline); whoever was
refused all the same, by Triton's full queue, is asked to come back when a quarter of it is done."""


class Jobs:
    """Queries by action: `state` and `cancel` of one job by its id (whoever knows the id may), `totals` of all
    engines, and `list` of all jobs for holders of the admin key."""

    def __init__(self, board: BoardReader) -> None:
        self._board = board

    def answer(self, query: str, parameters: Mapping[str, Any]) -> str:
        """`query`: {"action": ..., "id": ...}. Raises BadOptionError naming what was wrong."""
        try:
            asked = json.loads(query)
        except ValueError:
            asked = None
        if not isinstance(asked, dict):
            raise BadOptionError('query must be one JSON object like {"action": "state", "id": "..."}.')
        action = asked.get("action")
        if action not in ACTIONS:
            raise BadOptionError(f"action must be one of {', '.join(ACTIONS)}, got {json.dumps(action)}.")
        if action == "totals":
            return json.dumps(self._totals())
        if action == "list":
            _require_admin(parameters)
            return json.dumps({"jobs": self._board.jobs()})
        job_id = asked.get("id")
        if not isinstance(job_id, str) or not job_id:
            raise BadOptionError(f"id must be the id of a job, got {json.dumps(job_id)}.")
        if action == "cancel":
            return json.dumps({"id": job_id, "cancelled": self._board.cancel(job_id)})
        return json.dumps(self._board.job(job_id) or {"id": job_id, "state": "unknown"})

    def _totals(self) -> dict[str, Any]:
        engines = self._board.engines()
        longest = max((float(engine["backlog_s"]) for engine in engines), default=0.0)
        return {"engines": engines, "retry_after_s": round(max(0.1, longest / 4, longest - CALM_BACKLOG_S), 2)}


def _require_admin(parameters: Mapping[str, Any]) -> None:
    given = next((str(value) for key, value in parameters.items() if key.lower() == ADMIN_HEADER), "")
    file = os.environ.get(ADMIN_KEY_FILE)
    expected = Path(file).read_text().strip() if file and Path(file).is_file() else ""
    if not expected or not hmac.compare_digest(given.encode(), expected.encode()):
        raise BadOptionError(f"The list of all jobs needs the header {ADMIN_HEADER} with the server's admin key.")
