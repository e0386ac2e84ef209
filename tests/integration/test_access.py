"""Bearer tokens: who is let in, and what happens to those who are asking while the tokens are rotated."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.examples import BENIGN
from tests.rotations import replace, swap
from tests.servers import DEADLINE_SECONDS, RunningServer, eventually, serving

OLD, NEW, BOTH_TIMES = "old-token-0123456789", "new/token+0123456789==", "lasting~token.0123456789"
WRONG = [
    f"{OLD}x",
    OLD[:-1],
    f"{OLD} {OLD}",
    f"{OLD},",
    OLD.upper(),
    f"  x{OLD}",
    "a" * 20_000,
]
NO_BEARER = ["Bearer", f"Basic {OLD}", f"Token {OLD}", f"Bearer{OLD}", OLD, ""]


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("tokens") / "tokens"
    file.write_text(f"# clients\n\n{OLD}\n{BOTH_TIMES}\n")
    return file


@pytest.fixture(scope="module")
def guarded(trained: Path, tokens: Path) -> Iterator[RunningServer]:
    with serving(trained, "--tokens-file", str(tokens)) as running:
        running.says("curl")
        yield running


def test_who_presents_a_token_of_the_file_is_answered(guarded: RunningServer) -> None:
    for token in (OLD, BOTH_TIMES):
        answer = httpx.post(f"{guarded.address}/predict", json={"features": BENIGN}, headers=bearer(token))
        assert answer.json()["prediction"] == 1
    assert httpx.get(guarded.address, headers={"Authorization": f"bEARER {OLD}"}).status_code == 200


def test_the_page_that_asks_for_a_token_has_its_style(guarded: RunningServer) -> None:
    page = httpx.get(guarded.address, headers={"accept": "text/html"})
    (style,) = re.findall(r'href="([^"]+\.css[^"]*)"', page.text)

    assert page.status_code == 401
    assert httpx.get(f"{guarded.address}/{style}").headers["content-type"].startswith("text/css")


@pytest.mark.parametrize("path", ["/", "/predict", "/nowhere", "/livez/", "//livez", "/METRICS", "/x/../y", "/v2"])
def test_without_a_token_every_path_is_401_whether_it_exists_or_not(guarded: RunningServer, path: str) -> None:
    answer = httpx.get(guarded.address + path)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json() == {"error": "a bearer token is needed: send it as Authorization: Bearer TOKEN"}


@pytest.mark.parametrize("token", WRONG, ids=range(len(WRONG)))
def test_a_token_that_is_not_in_the_file_is_401_and_not_repeated(guarded: RunningServer, token: str) -> None:
    answer = httpx.post(f"{guarded.address}/predict", json={"features": BENIGN}, headers=bearer(token))

    assert (answer.status_code, answer.json()) == (401, {"error": "the bearer token is not valid"})
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


@pytest.mark.parametrize("value", NO_BEARER, ids=range(len(NO_BEARER)))
def test_what_is_no_bearer_token_is_401(guarded: RunningServer, value: str) -> None:
    answer = httpx.post(f"{guarded.address}/predict", json={"features": BENIGN}, headers={"authorization": value})

    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


def test_a_browser_is_asked_for_a_token_and_may_present_it_as_a_password(guarded: RunningServer) -> None:
    browser = {"accept": "text/html,*/*;q=0.8", "sec-fetch-site": "none"}

    asked = httpx.get(guarded.address, headers=browser)
    assert asked.status_code == 401
    bearer_challenge, basic_challenge = asked.headers.get_list("www-authenticate")
    assert bearer_challenge == "Bearer"
    assert basic_challenge.startswith("Basic realm=")
    assert "a bearer token is needed" in asked.text.lower()
    answered = httpx.get(guarded.address, headers=browser, auth=("anyone", BOTH_TIMES))
    assert (answered.status_code, answered.headers["content-type"]) == (200, "text/html; charset=utf-8")


def test_another_site_neither_uses_the_password_nor_has_the_user_asked_for_it(guarded: RunningServer) -> None:
    headers = {"accept": "text/html", "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}
    answer = httpx.post(guarded.address, headers=headers, auth=("anyone", BOTH_TIMES), data={"c0": "1"})

    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


def test_the_kubelet_and_prometheus_need_no_token(guarded: RunningServer) -> None:
    for path in ("/livez", "/readyz", "/metrics"):
        assert httpx.get(guarded.address + path).status_code == 200


def test_a_401_is_counted_and_its_connection_goes_on(guarded: RunningServer) -> None:
    with httpx.Client(base_url=guarded.address) as client:
        for _ in range(3):
            assert client.post("/predict", json={"features": BENIGN}, headers=bearer("wrong")).status_code == 401
            assert client.post("/predict", json={"features": BENIGN}, headers=bearer(OLD)).status_code == 200
        counted = client.get("/metrics").text
        assert 'copse_requests_total{method="POST",route="unmatched",status="401"}' in counted
        assert 'copse_refused_requests_total{reason="unauthorized"} 0.0' not in counted


def test_neither_the_log_nor_what_is_printed_holds_a_token(guarded: RunningServer) -> None:
    for token in (OLD, NEW, BOTH_TIMES):
        httpx.get(guarded.address, headers=bearer(token))

    assert not any(token in guarded.text for token in (OLD, NEW, BOTH_TIMES))


def test_the_printed_curl_line_works(guarded: RunningServer) -> None:
    (line,) = [line for line in guarded.text.splitlines() if line.startswith("curl")]

    answer = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True)
    assert '"prediction":' in answer.stdout


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "cannot be read: No such file or directory"),
        ("", "holds no token"),
        ("# nothing\n", "holds no token"),
        (f"{OLD}\nshort\n", "is no token: at least 16 letters, digits and -._~+/, then any ="),
    ],
)
def test_a_file_that_cannot_be_used_ends_the_start_with_one_sentence_and_exit_code_2(
    trained: Path, tmp_path: Path, content: str | None, sentence: str
) -> None:
    file = tmp_path / "tokens"
    if content is not None:
        file.write_text(content)
    command = [sys.executable, "-m", "serve.cli", "--models", str(trained), "--log-format", "text"]
    command += ["--tokens-file", str(file)]
    said = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=False)

    assert said.returncode == 2
    assert said.stderr.startswith("copse-serve: ")
    assert said.stderr.endswith(f"{sentence}\n")
    assert said.stderr.count("\n") == 1
    assert "short" not in said.stderr


class Asking:
    """Clients that ask without a pause, each with one token, kept connections and new ones in turn."""

    def __init__(self, address: str, *given: str) -> None:
        self._address = address
        self.statuses = {token: Counter[int]() for token in given}
        self.lost: list[str] = []
        self.ended = threading.Event()

    def ask(self, token: str) -> None:
        while not self.ended.is_set():
            with httpx.Client(base_url=self._address, headers=bearer(token), timeout=DEADLINE_SECONDS) as client:
                for _ in range(5):
                    try:
                        status = client.post("/predict", json={"features": BENIGN}).status_code
                        self.statuses[token][status] += 1
                    except httpx.HTTPError as error:
                        self.lost.append(repr(error))

    def answered(self, token: str, status: int) -> None:
        """Wait until that many more are answered so."""
        wanted = self.statuses[token][status] + 10
        eventually(lambda: self.statuses[token][status] >= wanted, lambda: f"{self.statuses}")


@contextmanager
def asking(address: str, *given: str) -> Iterator[Asking]:
    clients = Asking(address, *given)
    threads = [threading.Thread(target=clients.ask, args=(token,)) for token in given]
    for thread in threads:
        thread.start()
    try:
        yield clients
    finally:
        clients.ended.set()
        for thread in threads:
            thread.join()


@pytest.mark.parametrize("form", ["rename", "kubelet"])
def test_a_rotation_under_load_loses_no_request_with_a_token_that_is_valid_in_both(
    trained: Path, tmp_path: Path, form: str
) -> None:
    def rotate(*held: str) -> None:
        content = "\n".join(held)
        if form == "rename":
            replace(tmp_path / "tokens", content)
        else:
            swap(tmp_path / "secret", tokens=content)

    rotate(OLD, BOTH_TIMES)
    file = tmp_path / ("tokens" if form == "rename" else "secret/tokens")
    with (
        serving(trained, "--tokens-file", str(file)) as running,
        asking(running.address, OLD, NEW, BOTH_TIMES) as clients,
    ):
        clients.answered(OLD, 200)
        clients.answered(NEW, 401)
        for first, second in [(NEW, OLD), (OLD, NEW)] * 3:
            rotate(first, BOTH_TIMES)
            clients.answered(first, 200)
            clients.answered(second, 401)

    assert clients.lost == []
    assert set(clients.statuses[BOTH_TIMES]) == {200}


def test_a_bad_rotation_keeps_the_tokens_from_before_and_is_said_once(trained: Path, tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text(OLD)
    with serving(trained, "--tokens-file", str(file)) as running:
        running.says("curl")
        for content, said in [("", "holds no token"), (f"{NEW}\nshort", "line 2 of"), (None, "cannot be read")]:
            file.unlink() if content is None else replace(file, content)
            running.says(said)
            assert httpx.get(running.address, headers=bearer(OLD)).status_code == 200
            assert httpx.get(running.address, headers=bearer(NEW)).status_code == 401
        replace(file, NEW)
        running.says("the tokens were read anew")
        assert httpx.get(running.address, headers=bearer(NEW)).status_code == 200
        assert httpx.get(running.address, headers=bearer(OLD)).status_code == 401

    assert running.text.count("the tokens from before stay valid") == 3
    assert "short" not in running.text


def test_sighup_has_the_tokens_looked_at_now(trained: Path, tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text(OLD)
    with serving(trained, "--tokens-file", str(file), "--poll-seconds", "3600") as running:
        running.says("curl")
        replace(file, NEW)
        os.kill(running.process.pid, signal.SIGHUP)
        running.says("the tokens were read anew")

        assert httpx.get(running.address, headers=bearer(NEW)).status_code == 200
