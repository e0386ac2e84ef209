"""Starting with gRPC and without: what is loaded, what is said, and what cannot start."""

import os
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import grpc
import pytest

from tests.remote_calls import Caller, grpc_address
from tests.servers import RunningServer, serving

RUN = "import sys; {before}; import serve.cli; sys.exit(serve.cli.main(sys.argv[1:]))"


def start(models: Path, *flags: str, before: str = "0") -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", RUN.format(before=before), "--models", str(models), "--port", "0"]
    command += ["--log-format", "text", *flags]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def loads_grpc(running: RunningServer) -> bool:
    return "cygrpc" in Path(f"/proc/{running.process.pid}/maps").read_text()


def test_nothing_of_grpc_is_loaded_where_no_port_is_given(trained: Path) -> None:
    with serving(trained) as without, serving(trained, "--grpc-port", "0") as given:
        without.says("curl")
        given.says("curl")

        assert not loads_grpc(without)
        assert "gRPC" not in without.text
        assert loads_grpc(given)


@pytest.mark.parametrize("library", ["grpc", "google.protobuf"])
def test_without_what_it_needs_one_sentence_says_how_to_install_it(trained: Path, library: str) -> None:
    before = f"sys.modules['{library}'] = None"

    without = start(trained, "--grpc-port", "0", before=before)

    assert without.returncode == 2
    assert without.stderr.startswith(f"copse-serve: --grpc-port needs grpcio and protobuf, and there is no {library}")
    assert without.stderr.endswith(": pip install grpcio protobuf\n")
    assert without.stderr.count("\n") == 1


def test_a_port_that_is_in_use_is_told(trained: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        refused = start(trained, "--grpc-port", str(port))

    assert refused.returncode == 1
    assert refused.stderr == (
        f"copse-serve: cannot listen on 127.0.0.1 port {port} for gRPC; another is chosen with --host and --grpc-port\n"
    )


@pytest.mark.parametrize(("host", "shown"), [("0.0.0.0", "127.0.0.1:"), ("localhost", "localhost:"), ("::1", "[::1]:")])
def test_the_address_that_is_told_is_reached(trained: Path, host: str, shown: str) -> None:
    if host == "::1" and not socket.has_ipv6:
        pytest.skip("there is no IPv6 here")
    with serving(trained, "--grpc-port", "0", "--host", host) as running, Caller.of(running) as caller:
        running.says("curl")
        assert grpc_address(running).startswith(shown)
        assert caller.call("ServerReady").ready


def test_a_variable_names_the_port_too(trained: Path) -> None:
    with serving(trained, environment={**os.environ, "COPSE_GRPC_PORT": "0"}) as running, Caller.of(running) as caller:
        assert caller.call("ServerLive").live


def test_there_are_file_descriptors_for_the_connections_of_both_protocols(trained: Path) -> None:
    lowered = "import resource as r; r.setrlimit(r.RLIMIT_NOFILE, (256, r.getrlimit(r.RLIMIT_NOFILE)[1]))"
    prefix = (sys.executable, "-c", f"{lowered}; import os, sys; os.execv(sys.argv[1], sys.argv[1:])")
    limits = []
    for flags in ((), ("--grpc-port", "0")):
        with serving(trained, "--max-connections", "300", *flags, prefix=prefix) as running:
            running.says("curl")
            text = Path(f"/proc/{running.process.pid}/limits").read_text()
            (limit,) = [line.split()[3] for line in text.splitlines() if line.startswith("Max open files")]
            limits.append(int(limit))

    assert limits[1] - limits[0] == 300


def test_no_more_connections_are_let_in_than_are_allowed(trained: Path) -> None:
    with serving(trained, "--grpc-port", "0", "--max-connections", "2") as running, ExitStack() as stack:
        running.says("curl")
        for _ in range(2):
            assert stack.enter_context(Caller.of(running)).call("ServerLive").live
        third = stack.enter_context(Caller.of(running))
        assert third.refused("ServerLive").code == grpc.StatusCode.UNAVAILABLE
