"""A model with columns of numbers and texts behind a real server: answered exactly, or refused with the reason."""

import json
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serve.outcomes import FEWEST_REQUESTS
from tests.mixed_models import NAME, NAMES, ROWS, Row, columns, expected, publish_mixed, version
from tests.servers import RunningServer, eventually, serving

GOOD: Row = [0.5, "red", 1.0, "round"]
SECRET_NUMBER = 4815162342  # stands in a body where the answer must not repeat it
SECRET = str(SECRET_NUMBER)
DOCS = (Path(__file__).parents[2] / "docs" / "api.md").read_text()


def told(column: str, what: str) -> dict[str, str]:
    return {"column": column, "expected": what}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    root = tmp_path_factory.mktemp("mixed")
    publish_mixed(root, "classes")
    with serving(root, "--max-rows", "1000") as running:
        assert running.address
        yield running


@pytest.fixture(scope="module")
def client(server: RunningServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.address, timeout=30) as http:
        yield http


def predict(client: httpx.Client, **body: Any) -> httpx.Response:
    return client.post("/predict", json=body)


def answer(row: Row) -> dict[str, Any]:
    label, shares = expected("classes", row)
    return {"prediction": label, "probabilities": shares}


many = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
eighths = st.integers(-40, 40).map(lambda number: number / 8)
rows = st.tuples(
    eighths,
    st.none() | st.sampled_from(["", "blue", "green", "red"]) | st.text(max_size=8).filter(str.isupper),
    st.none() | eighths,
    st.sampled_from(["round", "square"]),
).map(list)


@many
@given(st.lists(rows, min_size=1, max_size=8), st.booleans())
def test_every_row_is_answered_as_the_model_is_defined(client: httpx.Client, drawn: list[Row], named: bool) -> None:
    sent: list[Any] = [dict(zip(NAMES, row, strict=True)) for row in drawn] if named else drawn

    together = predict(client, instances=sent).json()
    alone = predict(client, features=sent[0]).json()

    assert together["predictions"] == [answer(row) for row in drawn]
    assert alone == answer(drawn[0]) | {"target_names": ["refused", "accepted"]}
    assert together["target_names"] == ["refused", "accepted"]


def test_an_explicit_empty_text_is_a_missing_one(client: httpx.Client) -> None:
    assert (
        predict(client, features=[1, "", 1, "round"]).json() == predict(client, features=[1, None, 1, "round"]).json()
    )


class Bad(NamedTuple):
    """A kind of bad row, the sentence about it, and what is also told."""

    what: str
    row: Any
    sentence: str
    where: dict[str, str]


SHAPES = 'one of "square", "round"'
MISSING = "a value is missing; training saw none missing here"
CASES = [
    Bad("a text in a column of numbers", [SECRET, "red", 1, "round"], "a value is text", told("width", "a number")),
    Bad(
        "a number in a column of texts", [1, SECRET_NUMBER, 1, "round"], "a value is a number", told("colour", "a text")
    ),
    Bad("a missing value where there may be none", [1, "red", 1, None], MISSING, told("shape", "a text")),
    Bad("a missing value where there may be none", [None, "red", 1, "round"], MISSING, told("width", "a number")),
    Bad(
        "an unknown text where it is not answered",
        [1, "red", 1, SECRET],
        "a text is no category that training saw",
        told("shape", SHAPES),
    ),
    Bad("half of a character", [1, SECRET + "\ud800", 1, "round"], "a text is not Unicode", told("colour", "a text")),
    Bad("3 values", GOOD[:3], "a row has 3 values; expected 4", {}),
    Bad(
        "a row that is no row of mixed columns",
        SECRET,
        "a row is text; expected a list of values, or an object of them by name",
        {},
    ),
]


@pytest.mark.parametrize("bad", CASES, ids=lambda bad: bad.what)
def test_a_wrong_row_is_refused_with_its_sentence_in_the_docs_as_here(client: httpx.Client, bad: Bad) -> None:
    refused = client.post("/predict", content=json.dumps({"instances": [GOOD, bad.row]}))
    cells = f"| {bad.what} | 422 | {bad.sentence} | {', '.join(['row', *bad.where])} |"

    assert (refused.status_code, refused.json()) == (422, {"error": bad.sentence, "row": 1, **bad.where})
    assert SECRET not in refused.text
    assert cells in DOCS


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["red", "round"]),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5) | st.sampled_from(NAMES), inner),
    max_leaves=20,
)


@many
@given(st.fixed_dictionaries({}, optional={"features": JSON | rows, "instances": st.lists(JSON | rows, max_size=3)}))
def test_random_json_gets_an_answer_or_a_refusal(client: httpx.Client, body: dict[str, Any]) -> None:
    found = client.post("/predict", content=msgspec.json.encode(body))

    assert found.status_code in (200, 422)
    assert found.status_code == 200 or set(found.json()) <= {"error", "row", "column", "expected"}


def test_the_first_page_tells_what_each_column_takes(client: httpx.Client) -> None:
    body = client.get("/").json()

    assert body["features"] == NAMES
    assert [column["type"] for column in body["columns"]] == ["float32", "string", "float32", "string"]
    assert [column["missing"] for column in body["columns"]] == [False, True, True, False]
    assert (body["columns"][0]["minimum"], body["columns"][0]["maximum"]) == (-2.0, 1.5)
    assert body["columns"][1]["categories"] == ["blue", "red", "green"]
    assert [column.get("unknown") for column in body["columns"]] == [None, True, None, False]
    assert (body["task"], body["target"]) == ("classification", "verdict")
    assert (body["classes"], body["target_names"]) == (["no", "yes"], ["refused", "accepted"])


def test_the_printed_curl_line_works_when_pasted(server: RunningServer) -> None:
    words = shlex.split(next(line for line in server.text.splitlines() if line.startswith("curl")))
    if shutil.which("curl"):
        text = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    else:
        _, _, url, _, header, _, body = words
        name, value = header.split(": ")
        text = httpx.post(url, content=body, headers={name: value}).text

    label, _ = expected("classes", ROWS[2])
    assert text.startswith(f'{{"prediction":"{label}","probabilities":')


def test_rows_are_counted_however_they_are_made_up(client: httpx.Client) -> None:
    def counted() -> float:
        lines = client.get("/metrics").text.splitlines()
        found = [line for line in lines if line.startswith(f'copse_rows_total{{model="{NAME}",version="1"}}')]
        return float(found[0].split()[-1]) if found else 0.0

    before = counted()
    predict(client, instances=[GOOD] * 7)

    assert counted() - before == 7


@pytest.mark.parametrize("inline", ["0", "10000000"], ids=["in a thread", "on the loop"])
def test_many_rows_are_answered_in_their_order(tmp_path: Path, inline: str) -> None:
    sent = [[number % 40 / 8, [None, "red", "blue"][number % 3], None, "square"] for number in range(640)]
    publish_mixed(tmp_path, "classes")
    with serving(tmp_path, "--inline-bytes", inline) as running:
        answers = httpx.post(f"{running.address}/predict", json={"instances": sent}, timeout=30).json()

    assert answers["predictions"] == [answer(row) for row in sent]


def test_a_classifier_without_probabilities_answers_without_them(tmp_path: Path) -> None:
    publish_mixed(tmp_path, "labels")
    with serving(tmp_path) as running, httpx.Client(base_url=running.address) as client:
        one, all_of_them = predict(client, features=ROWS[1]).json(), predict(client, instances=ROWS).json()

    assert one == {"prediction": 1, "target_names": ["refused", "accepted"]}
    assert all_of_them["predictions"] == [{"prediction": expected("labels", row)[0]} for row in ROWS]


def test_a_candidate_is_compared_on_rows_with_texts(tmp_path: Path) -> None:
    publish_mixed(tmp_path, "labels")
    publish_mixed(tmp_path, "labels", candidate=True)
    with serving(tmp_path, "--shadow-share", "1") as running, httpx.Client(base_url=running.address) as client:
        running.says(f"comparing candidate 2 of {NAME}")
        predict(client, instances=ROWS)
        eventually(lambda: client.get("/").json()["candidate"]["rows"] == len(ROWS), lambda: client.get("/").text)
        seen = client.get("/").json()["candidate"]

    assert (seen["disagreements"], seen["largest_difference"], seen["errors"]) == (0, 0.0, 0)


def test_a_candidate_of_other_categories_is_refused(tmp_path: Path) -> None:
    publish_mixed(tmp_path, "labels")
    made = columns()
    made[3] = msgspec.structs.replace(made[3], unknown=True)
    publish_mixed(tmp_path, "labels", candidate=True, columns=made)
    with serving(tmp_path, "--shadow-share", "1") as running:
        running.says("its columns take other texts than those of the current version")


def test_a_new_version_that_knows_fewer_texts_gives_way(tmp_path: Path) -> None:
    publish_mixed(tmp_path, "classes")
    made = columns()
    made[3] = msgspec.structs.replace(made[3], categories=made[3].categories[1:])
    with serving(tmp_path, "--watch-seconds", "600") as running, httpx.Client(base_url=running.address) as client:
        running.says(f"serving {NAME} version 1")
        publish_mixed(tmp_path, "classes", columns=made)
        running.says(f"serving {NAME} version 2")
        statuses = [predict(client, features=GOOD).status_code for _ in range(FEWEST_REQUESTS + 1)]

    assert statuses == [422] * FEWEST_REQUESTS + [200]


def test_a_graph_that_takes_more_texts_than_its_manifest_is_refused_and_serving_goes_on(tmp_path: Path) -> None:
    publish_mixed(tmp_path, "classes")
    with serving(tmp_path) as running, httpx.Client(base_url=running.address) as client:
        running.says(f"serving {NAME} version 1")
        golden = version("classes").manifest.golden
        shorter = msgspec.structs.replace(golden, rows=[row[:3] for row in golden.rows])
        publish_mixed(tmp_path, "classes", columns=columns()[:3], golden=shorter)
        running.says(
            "is refused: its input is not float32 rows of the manifest's 2 columns of numbers and texts of its 1"
        )

        assert predict(client, features=GOOD).json()["prediction"] == expected("classes", GOOD)[0]
