"""The one error of this package."""


class ServerError(Exception):
    """The server cannot start or went away; the message tells the operator what is wrong and what to do."""
