"""Bodies come compressed and answers go compressed, within the same bounds of size and memory."""

import gzip
import json
import zlib
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.conftest import MODEL
from tests.examples import BENIGN, MALIGNANT
from tests.infer_bodies import Body, Sent, infer_body
from tests.servers import RunningServer, serving

INFER = f"/v2/models/{MODEL}/infer"
ROWS = [BENIGN, MALIGNANT] * 40
PREDICT_BODY = json.dumps({"instances": ROWS}).encode()
VALUES = [value for row in ROWS for value in row]
PACK: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "deflate": zlib.compress}
packed = pytest.mark.parametrize("encoding", PACK)
AS_IT_IS = {"accept-encoding": "identity"}
MEBIBYTE = 2**20
TOO_LARGE = "the body is too large; at most 1000000 bytes are read"


def send(client: httpx.Client, path: str, body: Body, encoding: str, **headers: str) -> httpx.Response:
    declared = body.headers | AS_IT_IS | {"content-encoding": encoding} | headers
    return client.post(path, content=PACK[encoding](body.content), headers=declared)


def predict(client: httpx.Client, content: bytes, encoding: str) -> httpx.Response:
    return send(client, "/predict", Body(content, None), encoding)


@packed
def test_a_compressed_body_is_answered_like_the_same_as_it_is(client: httpx.Client, encoding: str) -> None:
    for path, body in (
        ("/predict", Body(PREDICT_BODY, None)),
        (INFER, infer_body([Sent("input", "FP32", [80, 30], VALUES)])),
        (INFER, infer_body([Sent("input", "FP32", [80, 30], VALUES)], "binary")),
    ):
        plain = client.post(path, content=body.content, headers=body.headers | AS_IT_IS)
        answer = send(client, path, body, encoding)

        assert answer.status_code == plain.status_code == 200
        assert answer.content == plain.content


@packed
@pytest.mark.parametrize("size", [10**6, 10**6 + 1, 10**8])
def test_a_body_is_bounded_by_what_it_is_when_decompressed(client: httpx.Client, encoding: str, size: int) -> None:
    content = PREDICT_BODY + b" " * (size - len(PREDICT_BODY))

    answer = predict(client, content, encoding)

    assert len(PACK[encoding](content)) < 10**6
    if size <= 10**6:
        assert answer.status_code == 200
    else:
        assert (answer.status_code, answer.json()) == (413, {"error": TOO_LARGE})


def peak(running: RunningServer) -> int:
    """Return the most memory that a server ever had, in bytes."""
    status = Path(f"/proc/{running.process.pid}/status").read_text()
    return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


def test_a_body_that_grows_a_thousandfold_takes_no_memory(trained: Path) -> None:
    bomb = _bomb(10**9)
    with serving(trained, "--max-body-bytes", "4000000") as running, httpx.Client(base_url=running.address) as http:
        predict(http, PREDICT_BODY, "gzip")
        before = peak(running)
        headers = {"content-type": "application/json", "content-encoding": "gzip"}
        answers = [http.post("/predict", content=bomb, headers=headers) for _ in range(3)]

        assert {answer.status_code for answer in answers} == {413}
        assert len(bomb) < 4 * 10**6
        assert peak(running) - before < 24 * MEBIBYTE


def _bomb(size: int) -> bytes:
    """Return so many zeros, compressed, without ever having them all."""
    deflater = zlib.compressobj(9, wbits=31)
    block = bytes(10**6)
    return b"".join(deflater.compress(block) for _ in range(size // 10**6)) + deflater.flush()


@packed
def test_what_is_decompressed_counts_as_memory(trained: Path, encoding: str) -> None:
    with serving(trained, "--held-bytes", "30000") as running, httpx.Client(base_url=running.address) as http:
        answer = predict(http, PREDICT_BODY + b" " * 40_000, encoding)

        assert answer.status_code == 503
        assert "too many bytes of requests are in memory" in answer.json()["error"]
        assert predict(http, json.dumps({"features": BENIGN}).encode(), encoding).status_code == 200


@packed
def test_a_body_that_is_not_what_it_says_is_malformed(client: httpx.Client, encoding: str) -> None:
    headers = {"content-type": "application/json", "content-encoding": encoding}

    wrong = client.post("/predict", content=PREDICT_BODY, headers=headers)
    cut_off = client.post("/predict", content=PACK[encoding](PREDICT_BODY)[:-3], headers=headers)

    assert (wrong.status_code, wrong.json()) == (400, {"error": f"the body is not what {encoding} makes"})
    assert cut_off.status_code == 400
    assert cut_off.json() == {"error": f"the body ends before its {encoding} data does"}


@pytest.fixture(scope="module")
def large() -> Body:
    return infer_body([Sent("input", "FP32", [80, 30], VALUES)], "binary", parameters={"binary_data_output": True})


@packed
def test_large_answers_are_compressed_where_that_is_accepted(client: httpx.Client, large: Body, encoding: str) -> None:
    for path, body in (("/predict", Body(PREDICT_BODY, None)), (INFER, large)):
        plain = client.post(path, content=body.content, headers=body.headers | AS_IT_IS)
        answer = client.post(path, content=body.content, headers=body.headers | {"accept-encoding": encoding})

        assert answer.headers["content-encoding"] == encoding
        assert answer.headers["vary"] == plain.headers["vary"] == "accept-encoding"
        assert "content-encoding" not in plain.headers
        assert answer.content == plain.content  # httpx has decompressed it
        assert int(answer.headers["content-length"]) < len(plain.content)
        length = "inference-header-content-length"
        assert answer.headers.get(length) == plain.headers.get(length)


def test_a_small_answer_is_never_compressed(client: httpx.Client) -> None:
    answer = client.post("/predict", json={"features": BENIGN}, headers={"accept-encoding": "gzip"})

    assert "content-encoding" not in answer.headers
    assert "vary" not in answer.headers


def test_an_error_is_sent_as_it_is(client: httpx.Client) -> None:
    answer = client.post("/predict", content=b"{", headers={"accept-encoding": "gzip"})

    assert "content-encoding" not in answer.headers
