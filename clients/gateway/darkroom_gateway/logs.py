"""One JSON object a line on stderr: a request, or an event of the gateway."""

import json
import logging
from datetime import UTC, datetime
from typing import Any

from darkroom_gateway.trace import Trace

LOG = logging.getLogger("darkroom_gateway")


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


CONFIG: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "darkroom_gateway.logs.JsonLines"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "loggers": {
        "darkroom_gateway": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        "uvicorn": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
    },
}
"""For logging.config.dictConfig, and for uvicorn."""


def request_ended(trace: Trace, method: str, path: str, seconds: float) -> None:
    facts = {
        "request_id": trace.request_id,
        "method": method,
        "path": path,
        "status": trace.status,
        "ms": round(1000 * seconds, 1),
        "bytes_in": trace.bytes_in,
        "bytes_out": trace.bytes_out,
        **({"server_ms": round(1000 * trace.server_s, 1)} if trace.server_s else {}),
        **{name: value for name in ("reason", "job_id", "caller") if (value := getattr(trace, name))},
    }
    # Probes and scrapes come every few seconds and say nothing unless they fail.
    quiet = trace.route in ("health", "metrics") and trace.status < 400
    LOG.log(logging.DEBUG if quiet else logging.INFO, "request", extra={"facts": facts})
