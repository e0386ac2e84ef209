"""TLS: what starts and what does not, certificates that are rotated under load, and clients that do not speak it."""

import http.client
import os
import re
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import product
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import httpx
import pytest

from serve.handshakes import LEAST
from serve.ready import main as ask_ready
from tests.certificates import Pair, make_pair, presented, unverified
from tests.examples import BENIGN
from tests.rotations import replace, swap
from tests.servers import DEADLINE_SECONDS, RunningServer, eventually, serving


@pytest.fixture
def certificate(tmp_path: Path, pairs: tuple[Pair, Pair]) -> Path:
    """Return the certificate of a mounted secret, beside its key."""
    swap(tmp_path / "tls", tls_crt=pairs[0].certificate, tls_key=pairs[0].key)
    return tmp_path / "tls" / "tls.crt"


def flags(certificate: Path) -> list[str]:
    return ["--tls-certificate", str(certificate), "--tls-key", str(certificate.with_name("tls.key"))]


@pytest.fixture
def running(trained: Path, certificate: Path) -> Iterator[RunningServer]:
    with serving(trained, *flags(certificate)) as server:
        server.says("curl")
        yield server


def client(address: str, **options: ssl.SSLContext | bool) -> httpx.Client:
    return httpx.Client(base_url=address, timeout=DEADLINE_SECONDS, **options)  # type: ignore[arg-type]  # verify


def answers(address: str) -> bool:
    with client(address, verify=unverified()) as asking:
        return asking.post("/predict", json={"features": BENIGN}).status_code == httpx.codes.OK


def plain(server: RunningServer) -> socket.socket:
    parts = urlsplit(server.address)
    return socket.create_connection((parts.hostname or "", parts.port or 0), DEADLINE_SECONDS)


def test_a_client_that_trusts_the_certificate_is_answered_over_https(running: RunningServer, certificate: Path) -> None:
    with client(running.address, verify=ssl.create_default_context(cafile=str(certificate))) as asking:
        answer = asking.post("/predict", json={"features": BENIGN})

    assert running.address.startswith("https://127.0.0.1:")
    assert answer.json()["prediction"] == 1
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


def test_the_printed_curl_line_works(running: RunningServer) -> None:
    (line,) = [line for line in running.text.splitlines() if line.startswith("curl")]

    answer = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True)
    assert '"prediction":' in answer.stdout


def test_a_large_body_and_a_refused_one_are_answered_over_tls(running: RunningServer) -> None:
    with client(running.address, verify=unverified()) as asking:
        many = asking.post("/predict", json={"instances": [BENIGN] * 3_000})
        assert len(many.json()["predictions"]) == 3_000
        assert asking.post("/predict", content=b"{" * 2**25).status_code == 413
        assert asking.get("/readyz").status_code == 200


def test_new_handshakes_see_the_new_certificate_with_and_without_a_server_name(
    running: RunningServer, certificate: Path, pairs: tuple[Pair, Pair]
) -> None:
    ways = list(product(["localhost", "elsewhere.example", None], [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]))

    assert {presented(running.address, *way) for way in ways} == {pairs[0].binary}
    swap(certificate.parent, tls_crt=pairs[1].certificate, tls_key=pairs[1].key)
    running.says("the certificate and key were read anew")
    assert {presented(running.address, *way) for way in ways} == {pairs[1].binary}


def test_a_version_of_tls_that_is_no_longer_safe_is_not_spoken(running: RunningServer) -> None:
    old = unverified()
    with pytest.warns(DeprecationWarning, match="TLSVersion"):
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")

    with plain(running) as connection, pytest.raises(ssl.SSLError):
        old.wrap_socket(connection)


class Stream:
    """A client that asks without a pause, over one connection or over a new one each time."""

    def __init__(self, address: str, kept: bool) -> None:
        self._parts = urlsplit(address)
        self._kept = kept
        self.answered = 0
        self.wrong: list[str] = []
        self.seen: list[bytes] = []
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self._thread.join()

    def _ask(self) -> None:
        connection = self._connect()
        while not self.ended.is_set():
            try:
                connection.request("GET", "/")
                response = connection.getresponse()
                response.read()
                if response.status != httpx.codes.OK:
                    self.wrong.append(str(response.status))
                self.answered += 1
            except (OSError, http.client.HTTPException) as error:
                self.wrong.append(repr(error))
                return
            if not self._kept:
                connection.close()
                connection = self._connect()
        connection.close()

    def _connect(self) -> http.client.HTTPSConnection:
        connection = http.client.HTTPSConnection(
            self._parts.hostname or "", self._parts.port, timeout=DEADLINE_SECONDS, context=unverified()
        )
        connection.connect()
        self.seen.append(connection.sock.getpeercert(binary_form=True) or b"")
        return connection


def test_a_rotation_under_load_loses_no_request_and_kept_connections_go_on(
    running: RunningServer, certificate: Path, pairs: tuple[Pair, Pair]
) -> None:
    first, second = (pair.binary for pair in pairs)
    with ExitStack() as stack:
        kept = [stack.enter_context(Stream(running.address, kept=True)) for _ in range(2)]
        fresh = stack.enter_context(Stream(running.address, kept=False))
        everybody_goes_on([*kept, fresh])
        for pair in [pairs[1], pairs[0]] * 5:
            swap(certificate.parent, tls_crt=pair.certificate, tls_key=pair.key)
            sees(fresh, pair)
            everybody_goes_on([*kept, fresh])

    assert [stream.wrong for stream in (*kept, fresh)] == [[], [], []]
    assert [stream.seen for stream in kept] == [[first], [first]]
    assert set(fresh.seen) == {first, second}


def sees(stream: Stream, pair: Pair) -> None:
    eventually(lambda: stream.wrong or stream.seen[-1] == pair.binary, lambda: "the new certificate is not seen")


def everybody_goes_on(streams: list[Stream]) -> None:
    wanted = [stream.answered + 5 for stream in streams]

    def answered() -> bool:
        return all(stream.wrong or stream.answered >= least for stream, least in zip(streams, wanted, strict=True))

    eventually(answered, lambda: f"{[stream.answered for stream in streams]}")


def test_half_of_a_rotation_is_not_taken_and_said_once_and_the_whole_is(
    trained: Path, tmp_path: Path, pairs: tuple[Pair, Pair]
) -> None:
    certificate, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    certificate.write_bytes(pairs[0].certificate)
    key.write_bytes(pairs[0].key)
    with serving(trained, *flags(certificate)) as running:
        assert running.address
        replace(certificate, pairs[1].certificate)
        running.says("the key is not that of the certificate; the certificate and key from before stay valid")
        assert presented(running.address, None) == pairs[0].binary
        assert answers(running.address)
        replace(key, pairs[1].key)
        running.says("the certificate and key were read anew")
        assert presented(running.address, None) == pairs[1].binary

    assert running.text.count("stay valid") == 1


Damage = Callable[[Path, Path], int | None]
DAMAGES: dict[str, tuple[Damage, str]] = {
    "no certificate": (lambda first, _: first.unlink(), "tls.crt cannot be read: No such file or directory"),
    "no key": (lambda _, second: second.unlink(), "tls.key cannot be read: No such file or directory"),
    "a folder": (lambda _, second: second.rename(second.with_name("k")).with_name("tls.key").mkdir(), "Is a dir"),
    "an empty certificate": (lambda first, _: first.write_bytes(b""), "in PEM"),
    "half a certificate": (lambda first, _: first.write_bytes(first.read_bytes()[:300]), "in PEM"),
    "no PEM": (lambda _, second: second.write_bytes(b"key"), "in PEM"),
    "each in the other's place": (lambda first, second: first.write_bytes(second.read_bytes()), "in PEM"),
}


def starts(trained: Path, *given: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "serve.cli",
        "--models",
        str(trained),
        "--port",
        "0",
        "--log-format",
        "text",
        *given,
    ]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env=os.environ | environment,
        timeout=DEADLINE_SECONDS,
        check=False,
    )


def is_one_sentence(said: subprocess.CompletedProcess[str], words: str) -> None:
    assert said.returncode == 2
    assert said.stderr.startswith("copse-serve: ")
    assert words in said.stderr
    assert said.stderr.count("\n") == 1


@pytest.mark.parametrize(("damage", "sentence"), DAMAGES.values(), ids=DAMAGES)
def test_files_that_cannot_be_used_end_the_start_with_one_sentence_and_exit_code_2(
    trained: Path, tmp_path: Path, pairs: tuple[Pair, Pair], damage: Damage, sentence: str
) -> None:
    certificate, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    certificate.write_bytes(pairs[0].certificate)
    key.write_bytes(pairs[0].key)
    damage(certificate, key)

    is_one_sentence(starts(trained, *flags(certificate)), sentence)


def test_a_key_of_another_certificate_is_refused_at_start(
    trained: Path, tmp_path: Path, pairs: tuple[Pair, Pair]
) -> None:
    swap(tmp_path / "tls", tls_crt=pairs[0].certificate, tls_key=pairs[1].key)

    is_one_sentence(starts(trained, *flags(tmp_path / "tls" / "tls.crt")), "the key is not that of the certificate")


def test_a_key_with_a_password_is_refused_and_nobody_is_asked_for_it(trained: Path, tmp_path: Path) -> None:
    make_pair(tmp_path, "tls", "-passout", "pass:secret")

    is_one_sentence(starts(trained, *flags(tmp_path / "tls.crt")), "a key without a password, in PEM")


@pytest.mark.parametrize("name", ["COPSE_TLS_CERTIFICATE", "COPSE_TLS_KEY"])
def test_one_of_both_files_alone_is_refused(trained: Path, certificate: Path, name: str) -> None:
    sentence = "--tls-certificate and --tls-key must be given both, or neither"

    is_one_sentence(starts(trained, **{name: str(certificate)}), sentence)


def test_plain_http_on_the_tls_port_and_noise_harm_nobody(running: RunningServer) -> None:
    for noise in (b"GET / HTTP/1.1\r\nhost: x\r\n\r\n", os.urandom(5_000), b"\x16\x03\x01\xff\xff", b""):
        with plain(running) as connection:
            connection.sendall(noise)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass
        assert answers(running.address)

    assert "Traceback" not in running.text


def test_clients_that_hang_in_the_handshake_harm_nobody(running: RunningServer) -> None:
    with ExitStack() as stack:
        for sent in (b"", b"\x16\x03\x01\x02\x00\x01"):
            for _ in range(100):
                stack.enter_context(plain(running)).sendall(sent)
        assert answers(running.address)
        assert running.stop() == 0

    assert "Traceback" not in running.text


def test_clients_that_hang_in_the_handshake_take_no_more_room_than_connections_may(
    trained: Path, certificate: Path
) -> None:
    with (
        serving(trained, *flags(certificate), "--max-connections", "10", "--head-seconds", "600") as running,
        ExitStack() as stack,
    ):
        running.says("curl")
        descriptors = Path(f"/proc/{running.process.pid}/fd")
        before = len(list(descriptors.iterdir()))
        hanging = [stack.enter_context(plain(running)) for _ in range(500)]

        assert hanging[0].recv(1) == b""
        assert answers(running.address)
        eventually(lambda: len(list(descriptors.iterdir())) <= before + 10 + LEAST, lambda: "descriptors are kept")
        with client(running.address, verify=unverified()) as asking:
            (line,) = re.findall(
                r'copse_refused_requests_total{reason="connections"} (\S+)', asking.get("/metrics").text
            )
        assert float(line) >= 500 - LEAST


def test_a_client_that_does_not_finish_its_handshake_is_let_go(trained: Path, certificate: Path) -> None:
    with serving(trained, *flags(certificate), "--head-seconds", "0.2") as running:
        running.says("curl")
        with plain(running) as hanging:
            hanging.sendall(b"\x16\x03\x01")
            assert hanging.recv(1) == b""


def test_an_idle_connection_does_not_hold_up_the_end(trained: Path, certificate: Path) -> None:
    with (
        serving(trained, *flags(certificate), "--shutdown-seconds", "3600") as running,
        client(running.address, verify=unverified()) as asking,
    ):
        assert asking.get("/").status_code == 200
        assert running.stop() == 0

    assert "Traceback" not in running.text


def test_the_health_check_asks_over_https_and_trusts_any_certificate(
    running: RunningServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask_ready([running.address], {}) == 0
    port = str(urlsplit(running.address).port)
    assert ask_ready([], {"COPSE_PORT": port, "COPSE_TLS_CERTIFICATE": "/tls/tls.crt"}) == 0
    assert ask_ready([], {"COPSE_PORT": port}) == 1
    assert '"ready":true' in capsys.readouterr().out
