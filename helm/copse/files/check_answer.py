"""Ask a server for a prediction and check the answer: the chart's test, run by the serving image's own Python.

check_answer.py ADDRESS [--tokens FILE] [--certificate FILE]
"""

import argparse
import json
import math
import ssl
import sys
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 10.0


def connect(address: str, certificate: str | None) -> HTTPConnection:
    """Return a connection; over TLS only to the server that has exactly this certificate, whatever name is in it."""
    host, port = urlsplit(address).hostname or "", urlsplit(address).port
    if not certificate:
        return HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = HTTPSConnection(host, port, timeout=TIMEOUT_SECONDS, context=context)
    connection.connect()
    if connection.sock.getpeercert(binary_form=True) != first_certificate(Path(certificate).read_text()):
        sys.exit("wrong: the server's certificate is not that of the secret; a new one is taken within two minutes")
    return connection


def first_certificate(chain: str) -> bytes:
    """Return the first certificate of a chain in PEM."""
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    return ssl.PEM_cert_to_DER_cert(begin + chain.split(begin)[1].split(end, maxsplit=1)[0] + end)


def first_token(text: str) -> str:
    """Return the first token of a file of tokens."""
    lines = [line.strip() for line in text.splitlines()]
    return next(line for line in lines if line and not line.startswith("#"))


def ask(connection: HTTPConnection, path: str, headers: dict[str, str], body: dict[str, Any] | None = None) -> Any:
    """Return the JSON that a GET, or with a body a POST, is answered with."""
    content = None if body is None else json.dumps(body)
    connection.request("POST" if body else "GET", path, content, {"content-type": "application/json", **headers})
    response = connection.getresponse()
    text = response.read().decode()
    if response.status != 200:
        sys.exit(f"wrong: {path} is answered {response.status}: {text}")
    return json.loads(text)


def example(column: dict[str, Any]) -> float | str | None:
    """Return a value that a column takes: the smallest number of training, or the most frequent text."""
    if column["type"] == "string":
        return column["categories"][0] if column["categories"] else None
    return column["minimum"] or 0.0


def fault(model: dict[str, Any], answer: dict[str, Any]) -> str | None:
    """Return what is wrong with an answer to one row, or None."""
    if "classes" not in model:
        finite = isinstance(answer["prediction"], float | int) and math.isfinite(answer["prediction"])
        return None if finite else "the prediction is no number"
    if answer["prediction"] not in model["classes"]:
        return "the prediction is none of the classes"
    probabilities = answer.get("probabilities")
    if probabilities is None:  # a classifier that gives none
        return None
    if len(probabilities) != len(model["classes"]):
        return f"{len(probabilities)} probabilities for {len(model['classes'])} classes"
    if abs(sum(probabilities) - 1) > 1e-4:
        return f"the probabilities add up to {sum(probabilities)}"
    return None


def main(arguments: list[str]) -> int:
    """Print what is served and one answer; return 1 where it is wrong."""
    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    parser.add_argument("--tokens")
    parser.add_argument("--certificate")
    given = parser.parse_args(arguments)
    token = given.tokens and first_token(Path(given.tokens).read_text())
    headers = {"authorization": f"Bearer {token}"} if token else {}
    connection = connect(given.address, given.certificate)
    model = ask(connection, "/", headers)
    answer = ask(connection, "/predict", headers, {"features": [example(column) for column in model["columns"]]})
    print(f"{model['model']} version {model['version']} answers {json.dumps(answer)}")
    wrong = fault(model, answer)
    if wrong:
        print(f"wrong: {wrong}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
