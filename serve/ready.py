"""Asks a server whether it is ready: a health check for images that have no curl.

python -m serve.ready [http://host:port]     exit code 0 if it is, 1 if it is not

Whose certificate a server presents is not checked: the question is whether it answers, and nothing secret is sent.
"""

import http.client
import os
import ssl
import sys
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 2.0


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Ask the server at an address, by default the one that listens here, and print its answer."""
    address = arguments[0] if arguments else _own_address(environment)
    try:
        status, text = _ask(address)
    except (OSError, ValueError, http.client.HTTPException) as error:
        print(f"{address} does not answer: {error}", file=sys.stderr)
        return 1
    print(text)
    return 0 if status == http.client.OK else 1


def _own_address(environment: Mapping[str, str]) -> str:
    scheme = "https" if environment.get("COPSE_TLS_CERTIFICATE") else "http"
    return f"{scheme}://127.0.0.1:{environment.get('COPSE_PORT', '8000')}"


def _ask(address: str) -> tuple[int, str]:
    connection = _connection(address)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        return response.status, response.read().decode("utf-8", "replace")
    finally:
        connection.close()


def _connection(address: str) -> http.client.HTTPConnection:
    parts = urlsplit(address)
    host = parts.hostname or ""
    if parts.scheme != "https":
        return http.client.HTTPConnection(host, parts.port, timeout=TIMEOUT_SECONDS)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(host, parts.port, timeout=TIMEOUT_SECONDS, context=context)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
