"""The table in docs/reliability.md holds every scenario, and the load generator counts what is lost as lost."""

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from tests.torture.__main__ import ORDER
from tests.torture.generator import Generator
from tests.torture.measure import has_grown
from tests.torture.results import BEGIN, END, ON_A_CLUSTER, PAGE, Row, renewed
from tests.torture.wire import (
    IDLE_CLOSED,
    LATE,
    NOT_CONNECTED,
    REFUSED,
    REFUSED_SILENTLY,
    RESET,
    RIGHT,
    WRONG,
    Plan,
    Question,
    Stream,
    Tally,
)

QUESTION = Question("/predict", b"{}", {"1": b"one", "2": b"two"})
Answer = Callable[[socket.socket], None]


def answer(status: str = "200 OK", version: str = "1", body: str = "one", *, headers: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\nx-model-version: {version}\r\n{headers}\r\n"
    return (head + body).encode()


def says(content: bytes) -> Answer:
    def reply(plug: socket.socket) -> None:
        plug.recv(4096)
        plug.sendall(content.replace(b"\r\n", b"\r\nconnection: close\r\n", 1))

    return reply


def reads_and_closes(plug: socket.socket) -> None:
    plug.recv(4096)


def closes_unread(plug: socket.socket) -> None:
    plug.recv(1, socket.MSG_PEEK)


def keeps_silent(plug: socket.socket) -> None:
    plug.recv(4096)
    plug.recv(4096)  # until the client gives up


def answers_once_and_closes_unread(plug: socket.socket) -> None:
    plug.recv(4096)
    plug.sendall(answer())
    closes_unread(plug)


def answers_once_and_drops_the_next(plug: socket.socket) -> None:
    plug.recv(4096)
    plug.sendall(answer())
    plug.recv(4096)


@pytest.fixture(scope="module")
def generator() -> Iterator[Generator]:
    """Return a load generator."""
    with Generator() as running:
        yield running


@pytest.mark.parametrize(
    ("server", "outcome"),
    [
        (says(answer()), RIGHT),
        (says(answer(version="2", body="two")), RIGHT),
        (says(answer(version="2")), WRONG),
        (says(answer(version="3")), WRONG),
        (says(answer("500 Internal Server Error")), WRONG),
        (says(answer("503 Service Unavailable", headers="retry-after: 2\r\n")), REFUSED),
        (says(answer("503 Service Unavailable", headers="retry-after: 0\r\n")), REFUSED_SILENTLY),
        (says(answer("503 Service Unavailable")), REFUSED_SILENTLY),
        (says(answer()[:-1]), RESET),
        (reads_and_closes, RESET),
        (closes_unread, RESET),
        (keeps_silent, LATE),
        (answers_once_and_closes_unread, IDLE_CLOSED),
        (answers_once_and_drops_the_next, RESET),
    ],
)
def test_the_load_generator_tells_how_a_request_ended(generator: Generator, server: Answer, outcome: str) -> None:
    tally = _ask(generator, server)

    assert outcome in tally.outcomes
    assert set(tally.outcomes) <= {outcome, RIGHT, NOT_CONNECTED}
    assert tally.lost(NOT_CONNECTED) == (0 if outcome == RIGHT else tally.outcomes[outcome])


def _ask(generator: Generator, server: Answer) -> Tally:
    """Let a server of one connection answer as it does, then stop listening."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with listener.accept()[0] as plug:
                listener.close()
                server(plug)

        port = listener.getsockname()[1]
        thread = threading.Thread(target=serve)
        thread.start()
        tally = generator.run(Plan(port, {"only": Stream([QUESTION], 1)}, seconds=0.5, late_seconds=0.2))["only"]
        thread.join()
    return tally


def test_the_table_has_a_row_for_each_scenario_and_no_other() -> None:
    measured = PAGE.read_text().split(BEGIN)[1].split(END)[0]
    rows = [line.split(" | ")[0].removeprefix("| ") for line in measured.splitlines() if line.startswith("| ")]

    assert [row for row in rows[1:] if not row.lower().startswith(ON_A_CLUSTER)] == ORDER


def test_a_new_measurement_renews_its_rows_and_leaves_the_others() -> None:
    page = f"before\n{BEGIN}\n{END}\nafter\n"
    page = renewed(page, [Row("b", 10, 0, "one"), Row("On a kind cluster", 5, 0, "seen")], ["a", "b"], "make torture")
    page = renewed(page, [Row("a", 1000, 2, "two | parts")], ["a", "b"], "make soak")

    assert page.startswith("before\n")
    assert page.endswith("after\n")
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    assert rows[1:] == [
        "| a | 1,000 | 2 | two / parts |",
        "| b | 10 | 0 | one |",
        "| On a kind cluster | 5 | 0 | seen |",
    ]
    assert page.count("Measured by `make torture` on ") == page.count("Measured by `make soak` on ") == 1


@pytest.mark.parametrize(
    ("memory", "grown"),
    [
        ([80.0] * 1000, False),
        ([80.0] * 100 + [95.0] * 900, False),  # a step, after which it stays
        ([80.0 + count / 20 for count in range(1000)], True),
        ([80.0 + count / 1000 for count in range(1000)], False),  # a MiB in a thousand
    ],
)
def test_memory_has_grown_if_it_is_more_and_still_rises(memory: list[float], grown: bool) -> None:
    assert has_grown(memory) == grown
