"""The Open Inference Protocol over gRPC, an extra: nothing of it is loaded unless a port is given for it."""

import os
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from starlette.datastructures import State

from serve.settings import SettingError
from serve.tls import Certificate

if TYPE_CHECKING:
    from serve.grpc.server import GrpcServer


def grpc_server(state: State, certificate: Certificate | None) -> "Callable[[], GrpcServer] | None":
    """Return what makes the server once there is an event loop, or None where no port is given.

    Raises:
        SettingError: a port is given, and what it needs is not installed.

    """
    if state.settings.grpc_port is None:
        return None
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")  # read at its import; trials are programs and not forks
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # what clients do wrong is told to them, and fills no log
    try:
        from serve.grpc.server import GrpcServer  # noqa: PLC0415 - see above
    except ImportError as error:
        raise SettingError(
            f"--grpc-port needs grpcio and protobuf, and there is no {error.name}: pip install grpcio protobuf"
        ) from None
    return partial(GrpcServer, state, certificate)
