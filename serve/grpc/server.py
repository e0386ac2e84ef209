"""The gRPC server: it shares HTTP's event loop, limits, tokens, certificate and end."""

import asyncio
from collections.abc import Callable

import grpc
from starlette.datastructures import State

from serve.grpc.calls import Calls
from serve.grpc.health import CHECK, Health
from serve.grpc.inference import INFER, OPEN, Inference
from serve.listener import CannotListen, listening_on, stop_accepting
from serve.settings import Settings
from serve.tls import Certificate, Pair

LOOK_SECONDS = 0.1
# A connection is renewed after this share of the drain: when it is over, all clients have gone elsewhere.
AGE_SHARE = 0.8  # gRPC makes it up to a tenth longer
SHORTEST_AGE = 500
LEAST_PING_SECONDS = 10  # between two pings of a client that keeps its connection so


class GrpcServer:
    """Listens from its construction on, which needs a running event loop, and answers between start and stop."""

    def __init__(self, state: State, certificate: Certificate | None) -> None:
        """Take the address and port.

        Raises:
            CannotListen: they cannot be used.

        """
        settings: Settings = state.settings
        self._calls = Calls(state, {**Inference(state).methods(), **Health(state).methods()}, (*OPEN, CHECK), INFER)
        self._server = grpc.aio.server(
            handlers=[self._calls], options=_options(settings), maximum_concurrent_rpcs=settings.max_connections
        )
        self.address = self._listen(settings, certificate)

    def _listen(self, settings: Settings, certificate: Certificate | None) -> str:
        """Return the address under which the server is reached from here, as clients of gRPC write it."""
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        address = f"{host}:{settings.grpc_port}"
        try:
            if certificate:
                port = self._server.add_secure_port(address, _credentials(certificate))
            else:
                port = self._server.add_insecure_port(address)
        except RuntimeError:
            raise CannotListen(
                f"cannot listen on {settings.host} port {settings.grpc_port} for gRPC; "
                "another is chosen with --host and --grpc-port"
            ) from None
        self._port = port
        shown = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)  # noqa: S104 - compared, not bound
        return f"{shown}:{port}"

    async def start(self) -> None:
        """Begin to answer."""
        await self._server.start()

    async def stop(self, seconds: float, hurried: Callable[[], bool]) -> None:
        """Take no new calls, and end when those under way are answered, the time is over, or somebody is in a hurry."""
        listeners = listening_on(self._port)
        await stop_accepting(listeners)
        for listener in listeners:
            listener.close()
        await self._calls.hold()
        stopping = asyncio.create_task(self._server.stop(seconds))
        await asyncio.sleep(0)
        self._calls.release()
        while not stopping.done() and not hurried():
            await asyncio.wait([stopping], timeout=LOOK_SECONDS)
        await self._server.stop(0)


def _options(settings: Settings) -> list[tuple[str, int]]:
    """Return the limits of HTTP in the words of gRPC; times are in milliseconds."""
    age = int(1000 * AGE_SHARE * settings.drain_seconds)
    return [
        *([("grpc.max_connection_age_ms", age)] if age >= SHORTEST_AGE else []),
        ("grpc.so_reuseport", 0),  # a port that is in use is to be told
        ("grpc.max_receive_message_length", settings.max_body_bytes),
        ("grpc.max_metadata_size", settings.max_head_bytes),
        ("grpc.absolute_max_metadata_size", settings.max_head_bytes),
        ("grpc.max_allowed_incoming_connections", settings.max_connections),
        ("grpc.max_concurrent_streams", settings.waiting_requests),
        ("grpc.server.max_pending_requests", settings.max_connections),  # beyond it calls are dropped without a word
        ("grpc.server.max_pending_requests_hard_limit", settings.max_connections),
        ("grpc.server_handshake_timeout_ms", int(1000 * settings.head_seconds)),
        ("grpc.max_connection_idle_ms", 1000 * settings.idle_seconds),
        ("grpc.keepalive_time_ms", 1000 * settings.idle_seconds),
        ("grpc.keepalive_timeout_ms", int(1000 * settings.answer_seconds)),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", 1000 * LEAST_PING_SECONDS),
    ]


def _credentials(certificate: Certificate) -> grpc.ServerCredentials:
    """Return credentials whose every handshake takes the certificate that is current."""
    shown: list[Pair] = [certificate.current]

    def renewed() -> grpc.ServerCertificateConfiguration | None:
        if certificate.current is shown[0]:
            return None
        shown[0] = certificate.current
        return _configuration(shown[0])

    return grpc.dynamic_ssl_server_credentials(_configuration(shown[0]), renewed)  # type: ignore[arg-type]  # None too


def _configuration(pair: Pair) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration([(pair.key, pair.chain)])
