"""More than can be answered: who is let in has the right answer, the others are told when to come again."""

import asyncio
import json
import re
import socket
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from tests.examples import BENIGN
from tests.servers import RunningServer, eventually, serving

ROWS = 100
BODY = json.dumps({"instances": [BENIGN] * ROWS}).encode()
HEAD = b"POST /predict HTTP/1.1\r\nhost: copse\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
CLIENTS, REQUESTS = 48, 12
STRICT = ("--waiting-requests", "4")

Answer = tuple[int, str | None, bytes]


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> Answer:
    writer.write(HEAD % len(body) + b"\r\n" + body)
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    length = re.search(r"content-length: (\d+)", head)
    assert length
    retry_after = re.search(r"retry-after: (.+)\r", head)
    content = await reader.readexactly(int(length[1]))
    return int(head.split()[1]), retry_after[1] if retry_after else None, content


async def _client(address: str) -> list[Answer]:
    host, port = urlsplit(address).netloc.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    answers = [await _ask(reader, writer, BODY) for _ in range(REQUESTS)]
    writer.close()
    return answers


def storm(running: RunningServer) -> list[Answer]:
    """Ask from many kept connections at once, again as soon as there is an answer, and heed no Retry-After."""

    async def all_at_once() -> list[Answer]:
        async with asyncio.timeout(60):
            clients = await asyncio.gather(*(_client(running.address) for _ in range(CLIENTS)))
        return [answer for client in clients for answer in client]

    return asyncio.run(all_at_once())


def metric(running: RunningServer, name: str) -> float:
    text = httpx.get(f"{running.address}/metrics").text
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))


def test_every_request_is_answered_rightly_or_refused_with_retry_after(trained: Path) -> None:
    with serving(trained, *STRICT) as running:
        right = httpx.post(f"{running.address}/predict", content=BODY).content
        answers = storm(running)
        statuses = Counter(status for status, *_ in answers)

        assert set(statuses) == {200, 503}
        assert statuses.total() == CLIENTS * REQUESTS
        for status, retry_after, content in answers:
            if status == 200:
                assert content == right
                assert retry_after is None
            else:
                assert 1 <= int(str(retry_after)) <= 60
                assert re.fullmatch(r"the server is busy: .+; try again in \d+ s", json.loads(content)["error"])
        assert metric(running, "copse_refused_requests_total") == statuses[503]
        assert metric(running, 'copse_requests_total{method="POST",route="/predict",status="503"}') == statuses[503]
        assert metric(running, "copse_rows_total") == ROWS * (statuses[200] + 1)


def test_when_the_storm_is_over_everybody_is_let_in_again(trained: Path) -> None:
    with serving(trained, *STRICT) as running:
        storm(running)

        def calm() -> bool:
            answers = [httpx.post(f"{running.address}/predict", content=BODY).status_code for _ in range(20)]
            return answers == [200] * 20

        eventually(calm, lambda: "requests are refused although nobody else asks")
        assert metric(running, "copse_queued_rows") == 0


def test_probes_and_metrics_are_answered_in_the_storm(trained: Path) -> None:
    with serving(trained, *STRICT) as running:
        address = running.address

        async def probes() -> list[int]:
            async with httpx.AsyncClient(timeout=20) as client:
                asking = [asyncio.create_task(_client(address)) for _ in range(CLIENTS)]
                paths = ["/livez", "/readyz", "/metrics", "/"] * 5
                statuses = [(await client.get(f"{address}{path}")).status_code for path in paths]
                await asyncio.gather(*asking)
            return statuses

        assert asyncio.run(probes()) == [200] * 20


def test_bodies_in_memory_are_bounded_and_those_that_do_not_fit_are_refused(trained: Path) -> None:
    with serving(trained, "--held-bytes", "30000") as running:
        host, port = urlsplit(running.address).netloc.split(":")
        with socket.create_connection((host, int(port))) as slow:
            slow.sendall(HEAD % len(BODY) + b"\r\n" + BODY[:-1])
            eventually(
                lambda: httpx.post(f"{running.address}/predict", content=BODY).status_code == 503, lambda: "it fits"
            )
            refused = httpx.post(f"{running.address}/predict", content=BODY)
            assert refused.headers["retry-after"] == "1"
            assert refused.json()["error"].startswith("the server is busy: too many bytes of requests are in memory")
            small = httpx.post(f"{running.address}/predict", json={"features": BENIGN})
            assert small.status_code == 200

            slow.sendall(BODY[-1:])
            assert slow.recv(15) == b"HTTP/1.1 200 OK"
        assert httpx.post(f"{running.address}/predict", content=BODY).status_code == 200
