"""Darkroom's REST gateway: HTTP in front of a Darkroom server, and a page to try it in.

    python -m darkroom_gateway --triton 127.0.0.1:8001 --port 8080

`create_app(Settings(...))` gives the same as an ASGI application.
"""

from darkroom_gateway.app import create_app
from darkroom_gateway.settings import Settings

__version__ = "0.1.0"

__all__ = ["Settings", "create_app"]
