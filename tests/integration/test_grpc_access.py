"""gRPC with tokens and TLS: who is let in, and rotation while clients are asking."""

import os
import signal
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from serve.grpc.inference import SERVICE
from tests.certificates import Pair, presented
from tests.conftest import MODEL
from tests.examples import BENIGN
from tests.remote_calls import SERVING, Caller, grpc_address, infer_raw, outputs_of, raw, refusal
from tests.rotations import replace, swap
from tests.servers import RunningServer, serving

OLD, NEW = "old-token-0123456789", "new/token+0123456789=="
ROW = infer_raw(MODEL, raw("input", "FP32", np.array([BENIGN], np.float32)))
GRPC = ("--grpc-port", "0")


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    file = tmp_path / "tokens"
    file.write_text(f"{OLD}\n")
    return file


@pytest.fixture
def guarded(trained: Path, tokens: Path) -> Iterator[RunningServer]:
    with serving(trained, *GRPC, "--tokens-file", str(tokens)) as running:
        running.says("curl")
        yield running


def test_who_presents_a_token_is_answered_and_who_does_not_is_unauthenticated(guarded: RunningServer) -> None:
    with Caller.of(guarded, OLD) as caller:
        assert outputs_of(caller.call("ModelInfer", **ROW))["label"] == [1]
    with Caller.of(guarded) as caller:
        for method in ("ModelInfer", "ModelReady", "ServerMetadata", "ModelMetadata", "RepositoryIndex"):
            refused = caller.refused(method)
            assert refused.code == grpc.StatusCode.UNAUTHENTICATED
            assert refused.details == "a bearer token is needed: send it as Authorization: Bearer TOKEN"
    for wrong in (OLD[:-1], f"{OLD}x", OLD.upper(), f"{OLD},{OLD}"):
        with Caller.of(guarded, wrong) as caller:
            refused = caller.refused("ModelInfer", **ROW)
            assert (refused.code, refused.details) == (
                grpc.StatusCode.UNAUTHENTICATED,
                "the bearer token is not valid",
            )


def test_what_probes_ask_needs_no_token(guarded: RunningServer) -> None:
    with Caller.of(guarded) as caller:
        assert caller.call("ServerLive").live
        assert caller.call("ServerReady").ready
        assert caller.health() == SERVING


def test_a_token_is_asked_for_before_the_message_is_read(guarded: RunningServer) -> None:
    never_sent = threading.Event()

    def nothing() -> Iterator[bytes]:
        never_sent.wait(30)
        yield b""

    with Caller.of(guarded) as caller:
        method: Any = caller.channel.stream_unary(f"/{SERVICE}/ModelInfer")
        refused = refusal(lambda: method(nothing(), timeout=20))
        never_sent.set()
    assert refused.code == grpc.StatusCode.UNAUTHENTICATED


def test_tokens_are_rotated_without_a_restart(guarded: RunningServer, tokens: Path) -> None:
    replace(tokens, f"{NEW}\n")
    os.kill(guarded.process.pid, signal.SIGHUP)
    guarded.says("the tokens were read anew")

    with Caller.of(guarded, NEW) as new, Caller.of(guarded, OLD) as old:
        assert new.call("ModelInfer", **ROW)
        assert old.refused("ModelInfer", **ROW).code == grpc.StatusCode.UNAUTHENTICATED


@pytest.fixture
def mounted(tmp_path: Path, pairs: tuple[Pair, Pair]) -> Path:
    swap(tmp_path / "tls", tls_crt=pairs[0].certificate, tls_key=pairs[0].key)
    return tmp_path / "tls"


@pytest.fixture
def secured(trained: Path, mounted: Path) -> Iterator[RunningServer]:
    flags = ("--tls-certificate", str(mounted / "tls.crt"), "--tls-key", str(mounted / "tls.key"))
    with serving(trained, *GRPC, *flags) as running:
        running.says("curl")
        yield running


@contextmanager
def trusting(server: RunningServer, pair: Pair) -> Iterator[Caller]:
    credentials = grpc.ssl_channel_credentials(pair.certificate)
    options = [("grpc.use_local_subchannel_pool", 1)]
    with grpc.secure_channel(grpc_address(server), credentials, options) as channel:
        yield Caller(channel)


def test_with_a_certificate_the_port_speaks_tls_only(secured: RunningServer, pairs: tuple[Pair, Pair]) -> None:
    with trusting(secured, pairs[0]) as caller:
        assert outputs_of(caller.call("ModelInfer", **ROW))["label"] == [1]
    with Caller.of(secured) as plain:
        assert plain.refused("ModelInfer", **ROW).code == grpc.StatusCode.UNAVAILABLE
    with trusting(secured, pairs[1]) as distrustful:
        assert distrustful.refused("ModelInfer", **ROW).code == grpc.StatusCode.UNAVAILABLE
    assert secured.text.count("\n") < 10, "nothing is logged for what clients do wrong"


def test_new_connections_are_shown_the_new_certificate_and_those_before_go_on(
    secured: RunningServer, mounted: Path, pairs: tuple[Pair, Pair]
) -> None:
    with trusting(secured, pairs[0]) as before:
        before.call("ModelInfer", **ROW)
        swap(mounted, tls_crt=pairs[1].certificate, tls_key=pairs[1].key)
        os.kill(secured.process.pid, signal.SIGHUP)
        secured.says("the certificate and key were read anew")

        for _ in range(3):
            with trusting(secured, pairs[1]) as after:
                assert after.call("ModelInfer", **ROW)
        assert before.call("ModelInfer", **ROW)


def test_a_certificate_that_cannot_be_used_changes_nothing(
    secured: RunningServer, mounted: Path, pairs: tuple[Pair, Pair]
) -> None:
    swap(mounted, tls_crt=pairs[1].certificate, tls_key=pairs[0].key)
    os.kill(secured.process.pid, signal.SIGHUP)
    secured.says("stay valid")

    with trusting(secured, pairs[0]) as caller:
        assert caller.call("ModelInfer", **ROW)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_versions_of_tls_that_are_safe_are_spoken(
    secured: RunningServer, pairs: tuple[Pair, Pair], version: ssl.TLSVersion
) -> None:
    assert presented(f"https://{grpc_address(secured)}", None, version) == pairs[0].binary
