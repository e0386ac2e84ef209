"""The Postman collection is complete, and all that it expects of the running server is true."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from serve import errors
from tests.programs import COLLECTION, newman
from tests.servers import RunningServer, serving

DOCUMENT = json.loads(COLLECTION.read_text())
# Tokens and model control are off, bodies come at once, no file should hold a head of 32 KiB, and the model works.
NEVER_SENT = {401, 403, 408, 431, 500}


def requests(folder: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for item in folder["item"]:
        if "item" in item:
            yield from requests(item)
        else:
            yield item


REQUESTS = list(requests(DOCUMENT))


@pytest.mark.node
def test_newman_finds_every_request_of_the_collection_answered_as_it_says(
    server: RunningServer, tmp_path: Path
) -> None:
    with serving(tmp_path / "nothing-published") as empty:
        found = newman(server.address, "--env-var", f"emptyUrl={empty.address}")

    assert found.returncode == 0, found.stdout
    assert re.search(rf"requests │ +{len(REQUESTS)} │ +0 │", found.stdout), found.stdout


@pytest.mark.node
def test_newman_fails_where_the_server_answers_otherwise(tmp_path: Path) -> None:
    with serving(tmp_path / "nothing-published") as empty:
        found = newman(empty.address)

    assert found.returncode == 1, found.stdout


def test_the_collection_is_postmans_version_2_1_with_the_address_as_a_variable() -> None:
    assert DOCUMENT["info"]["schema"] == "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
    assert {"key": "baseUrl", "value": "http://localhost:5000", "type": "string"} in DOCUMENT["variable"]
    for item in REQUESTS:
        url = item["request"]["url"]
        assert url["raw"] == "/".join([*url["host"], *url["path"]])
        assert url["host"] in (["{{baseUrl}}"], ["{{emptyUrl}}"])


@pytest.mark.parametrize("item", REQUESTS, ids=lambda item: item["name"])
def test_a_request_of_the_collection_tests_status_and_content_of_its_answer(item: dict[str, Any]) -> None:
    (script,) = [event["script"]["exec"] for event in item["event"] if event["listen"] == "test"]
    written = "\n".join(script)

    assert "pm.response.to.have.status(" in written
    assert written.count("pm.test(") >= 2


def test_the_collection_provokes_every_class_of_error() -> None:
    provoked = {int(item["name"][:3]) for item in REQUESTS if item["name"][:3].isdecimal()}

    assert provoked == {kind.status for kind in errors.RequestError.__subclasses__()} - NEVER_SENT | {404, 405}
