"""Asks a server whether it is ready: a health check for images that have no curl.

python -m serve.ready [http://host:port]     exit code 0 if it is, 1 if it is not
"""

import http.client
import os
import sys
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 2.0


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Ask the server at an address, by default the one that listens here, and print its answer."""
    address = arguments[0] if arguments else f"http://127.0.0.1:{environment.get('COPSE_PORT', '8000')}"
    try:
        status, text = _ask(address)
    except (OSError, ValueError, http.client.HTTPException) as error:
        print(f"{address} does not answer: {error}", file=sys.stderr)
        return 1
    print(text)
    return 0 if status == http.client.OK else 1


def _ask(address: str) -> tuple[int, str]:
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        return response.status, response.read().decode("utf-8", "replace")
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
