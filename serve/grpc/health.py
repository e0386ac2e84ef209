"""grpc.health.v1.Health: what Kubernetes' gRPC probes and load balancers ask."""

from starlette.datastructures import State

from serve.errors import NoSuchService
from serve.grpc.calls import Answer
from serve.grpc.inference import SERVICE, is_ready
from serve.grpc.messages import MESSAGES, encoded
from serve.identity import Caller

CHECK = "/grpc.health.v1.Health/Check"
SERVING, NOT_SERVING = 1, 2


class Health:
    """Tells the readiness of the server as a whole, which has no name, or of its only service, which is the same."""

    def __init__(self, state: State) -> None:
        self._state = state

    def methods(self) -> dict[str, Answer]:
        """Return the function by path."""
        return {CHECK: self.check}

    async def check(self, message: bytes, _: Caller) -> bytes:
        """Say SERVING or NOT_SERVING.

        Raises:
            NoSuchService: another service is asked for.

        """
        if MESSAGES["HealthCheckRequest"].FromString(message).service not in ("", SERVICE):
            raise NoSuchService(f"there is no such service; expected none or {SERVICE}")
        return encoded("HealthCheckResponse", status=SERVING if is_ready(self._state) else NOT_SERVING)
