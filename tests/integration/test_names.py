"""Names from the address are looked up among the models that are served, and are nothing to the file system."""

import json
import os
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote

import httpx
import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from model_repository import PublishedVersion, publish
from tests.conftest import MODEL
from tests.examples import BENIGN
from tests.servers import RunningServer, serving

WITNESS = """
import os, sys

def seen(path):
    if isinstance(path, (str, bytes, os.PathLike)) and "decoy" in os.fsdecode(path):
        sys.__stderr__.write(f"TOUCHED {os.fsdecode(path)}\\n")

def watching(call):
    def stand_in(path, *arguments, **options):
        seen(path)
        return call(path, *arguments, **options)
    return stand_in

for name in ("stat", "lstat", "access", "readlink"):
    setattr(os, name, watching(getattr(os, name)))
sys.addaudithook(lambda event, arguments: seen(arguments[0]) if arguments else None)
"""  # what Python runs first in the server: it writes down each path with this word in it, whatever is done with it

TOWARDS = [
    "/models/..%2fdecoy",
    "/models/..%2F..%2Fmodels%2fdecoy",
    "/models/%2e%2e%2fdecoy",
    "/models/..%5cdecoy",
    "/models/../decoy",
    "/models/decoy%00",
    "/models/decoy",
    "/models/{absolute}",
    f"/models/{MODEL}/../decoy",
    f"/models/{MODEL}%2f..%2f..%2fdecoy",
]


def ask(running: RunningServer, method: str, path: str) -> int:
    """Return the status; the path is sent as it is."""
    url = httpx.URL(running.address)
    connection = HTTPConnection(url.host, url.port, timeout=30)
    with closing(connection):
        connection.request(method, path, json.dumps({"features": BENIGN}), {"content-type": "application/json"})
        return connection.getresponse().status


def test_no_file_is_touched_for_a_name_from_the_address(
    repository: Path, published: PublishedVersion, tmp_path: Path
) -> None:
    publish(tmp_path, msgspec.structs.replace(published.manifest, name="decoy"), published.onnx, published.explanation)
    (tmp_path / "witness").mkdir()
    (tmp_path / "witness" / "sitecustomize.py").write_text(WITNESS)
    environment = dict(os.environ) | {"PYTHONPATH": str(tmp_path / "witness"), "PYTHONDONTWRITEBYTECODE": "1"}
    with serving(repository, environment=environment) as running:
        for target in TOWARDS:
            path = target.format(absolute=quote(str(tmp_path / "decoy"), safe=""))
            assert ask(running, "GET", path) == 404, path
            assert ask(running, "POST", f"{path}/predict") == 404, path
        assert ask(running, "POST", "/predict") == 200
        assert "TOUCHED" not in running.text
        publish(
            repository, msgspec.structs.replace(published.manifest, name="decoy"), published.onnx, published.explanation
        )
        running.says("TOUCHED")  # the witness sees what the server does look at


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
def test_any_other_name_is_404(client: httpx.Client, name: str) -> None:
    if name != MODEL:
        encoded = "".join(f"%{byte:02x}" for byte in name.encode())
        answer = client.post(f"/models/{encoded}/predict", json={"features": BENIGN})

        assert answer.status_code == 404
        assert set(answer.json()) == {"error"}
