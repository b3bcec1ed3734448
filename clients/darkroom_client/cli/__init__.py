"""The command line `darkroom`."""

from darkroom_client.cli.app import main

__all__ = ["main"]
