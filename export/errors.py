"""The one exception that ends an export."""


class ExportError(Exception):
    """Nothing was published. The message is one sentence that names what was wrong, for the person at the
    terminal."""
