"""TLS with a certificate and key from files that may be rotated: new handshakes take the pair that is current."""

import os
import ssl
import sys
import tempfile
from collections.abc import Sequence
from typing import IO, NamedTuple

from serve.rotation import Rotating, Unusable
from serve.settings import SettingError, Settings


class Pair(NamedTuple):
    """A certificate chain and its key: ready for HTTP's handshakes, and in PEM for those of gRPC."""

    context: ssl.SSLContext
    chain: bytes
    key: bytes


Certificate = Rotating[Pair]


def certificate_from(settings: Settings) -> Certificate | None:
    """Return the certificate that is to be presented, or None where HTTP is to be plain.

    Raises:
        SettingError: one of both files is not given, or they cannot be used.

    """
    paths = [settings.tls_certificate, settings.tls_key]
    given = [path for path in paths if path]
    if len(given) == 1:
        raise SettingError("--tls-certificate and --tls-key must be given both, or neither")

    def read(contents: Sequence[bytes]) -> Pair:
        try:
            return Pair(_context(*contents), *contents)
        except (ssl.SSLError, OSError) as error:
            raise Unusable(f"{given[0]} and {given[1]} cannot be used for TLS: {_reason(error)}") from None

    return Rotating("certificate and key", given, read) if given else None


def _context(certificate: bytes, key: bytes) -> ssl.SSLContext:
    """Return a context for exactly these bytes: files could change between two looks at them."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    with _memory(certificate) as first, _memory(key) as second:
        context.load_cert_chain(f"/dev/fd/{first.fileno()}", f"/dev/fd/{second.fileno()}", password="")
    return context


def _memory(content: bytes) -> IO[bytes]:
    """Return a file that has no name, and on Linux no disk, which is read-only in a container."""
    linux = sys.platform == "linux"
    file = os.fdopen(os.memfd_create("pem"), "w+b") if linux else tempfile.TemporaryFile()  # noqa: SIM115 - closed later
    file.write(content)
    file.seek(0)
    return file


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError) and error.reason == "KEY_VALUES_MISMATCH":
        return "the key is not that of the certificate"
    return "expected a certificate chain and a key without a password, in PEM"
