"""Encrypted connections."""

import os
import ssl
from dataclasses import dataclass
from pathlib import Path

from darkroom_client.errors import BadOption

_Path = str | os.PathLike[str]


@dataclass(frozen=True)
class Tls:
    """Files in PEM format, for "grpcs://" and "https://". Without any, the system's authorities are trusted."""

    ca: _Path | None = None
    """Certificates of the authorities to trust."""
    certificate: _Path | None = None
    """This client's certificate chain, where the server asks for one."""
    key: _Path | None = None
    """The private key that belongs to `certificate`."""

    def check(self) -> None:
        """Raises BadOption where a file is missing, or a certificate comes without its key."""
        if (self.certificate is None) != (self.key is None):
            raise BadOption("A TLS client certificate needs its key, and a key its certificate: give both or none.")
        for path in (self.ca, self.certificate, self.key):
            if path is not None and not Path(path).is_file():
                raise BadOption(f"The TLS file {str(path)!r} does not exist.")

    def context(self) -> ssl.SSLContext:
        """For HTTP. Raises BadOption where a file cannot be used."""
        self.check()
        try:
            context = ssl.create_default_context(cafile=self.ca)
            if self.certificate is not None:
                context.load_cert_chain(self.certificate, self.key)
        except (ssl.SSLError, OSError) as error:
            raise BadOption(f"The TLS files cannot be used: {error}.") from None
        return context
