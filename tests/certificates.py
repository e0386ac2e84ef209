"""Certificates for this machine, made by the openssl program."""

import socket
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.programs import program
from tests.servers import DEADLINE_SECONDS


@dataclass(frozen=True)
class Pair:
    """A certificate that trusts only itself, and its key, in PEM."""

    certificate: bytes
    key: bytes

    @property
    def binary(self) -> bytes:
        """Return the certificate as a client sees it."""
        return ssl.PEM_cert_to_DER_cert(self.certificate.decode())


def make_pair(folder: Path, name: str, *flags: str) -> Pair:
    """Make a certificate for localhost and 127.0.0.1."""
    certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
    command = [
        *(program("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
        *("-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-days", "2"),
        *("-out", str(certificate), "-keyout", str(key), *(flags or ["-nodes"])),
    ]
    subprocess.run(command, check=True, capture_output=True)
    return Pair(certificate.read_bytes(), key.read_bytes())


def unverified(version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    """Return a client's context that takes any certificate, and one version of TLS only if that is given."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if version:
        context.minimum_version = context.maximum_version = version
    return context


def presented(address: str, server_name: str | None, version: ssl.TLSVersion | None = None) -> bytes:
    """Return the certificate that a new connection is shown."""
    parts = urlsplit(address)
    context = unverified(version)
    with (
        socket.create_connection((parts.hostname or "", parts.port or 0), DEADLINE_SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=server_name) as wrapped,
    ):
        return wrapped.getpeercert(binary_form=True) or b""
