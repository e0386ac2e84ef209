"""One call from its metadata to its status: the token, the message, the answer or the error, and what is counted."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping

import grpc
from google.protobuf.message import DecodeError
from starlette.datastructures import State

from serve.access import refuse
from serve.errors import Malformed, ModelFailed, RequestError, TooLarge
from serve.grpc.bounds import SMALL_MESSAGE, UNREADABLE
from serve.grpc.reading import read_message
from serve.grpc.statuses import code_of, trailer_of
from serve.identity import REQUEST_ID, Caller, never_gone
from serve.request_log import named

log = logging.getLogger("copse")

Context = grpc.aio.ServicerContext[bytes, bytes]
Answer = Callable[[bytes, Caller], Awaitable[bytes]]  # from a message, and whose it is, to the one that answers it

OK = 200
LOOK_SECONDS, MOST_LOOKS = 0.02, 25  # at what has come while the server ends
UNEXPECTED = RequestError("the request failed for a reason of the server's")


class Calls(grpc.GenericRpcHandler):
    """Has each method answered by its function.

    Messages come one by one, as in a stream of requests, which on the wire is the same: who presents no token is
    refused before a byte of the message is read.
    """

    def __init__(self, state: State, answers: Mapping[str, Answer], open_methods: Iterable[str], infer: str) -> None:
        """Take the functions by path; those of the open methods need no token, `infer` is that of predictions."""
        self._state = state
        self._answers = answers
        self._open = frozenset(open_methods)
        self._infer = infer
        self._handlers = {path: self._handler(path) for path in answers}
        self._may_begin = asyncio.Event()
        self._may_begin.set()
        self._come = 0

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes] | None":
        """Return what handles a call, or None where there is no such method."""
        return self._handlers.get(handler_call_details.method)

    async def hold(self) -> None:
        """Let no call begin, and return once no more come: their clients wait, but for those that send without end.

        A server that ends drops what has come and was not taken yet. Once all have come, none is dropped.
        """
        self._may_begin.clear()
        for _ in range(MOST_LOOKS):
            before = self._come
            await asyncio.sleep(LOOK_SECONDS)
            if self._come == before:
                return

    def release(self) -> None:
        """Let the calls that were held begin."""
        self._may_begin.set()

    def _handler(self, path: str) -> "grpc.RpcMethodHandler[bytes, bytes]":
        async def handle(_: object, context: Context) -> bytes:
            return await self._handle(path, context)

        return grpc.stream_unary_rpc_method_handler(handle)

    async def _handle(self, path: str, context: Context) -> bytes:
        """Answer a call, or set its status; what it returns is then not sent."""
        self._come += 1
        await self._may_begin.wait()
        caller = Caller(_headers(context), never_gone)  # gRPC cancels the task of a call whose client has gone
        context.set_trailing_metadata(_named(caller))
        content, status = b"", OK
        try:
            content = await self._content(path, context, caller)
        except RequestError as error:
            self._tell(error, context, caller)
            status = error.status
        except Exception as error:  # noqa: BLE001 - nothing of the server's inside is told to a client
            self._tell_unexpected(error, context, caller)
            status = UNEXPECTED.status
        self._state.observer.ended("POST", path, status, caller)
        return content

    async def _content(self, path: str, context: Context, caller: Caller) -> bytes:
        self._refuse_at_the_door(path, context)
        with self._state.bodies.holding() as held:
            message = await read_message(context, held, self._state.settings)
            if path != self._infer and len(message) > SMALL_MESSAGE:  # such are decoded on the event loop
                raise TooLarge(f"the message is too large; at most {SMALL_MESSAGE} bytes are read")
            try:
                return await self._answers[path](message, caller)
            except DecodeError:
                raise Malformed(UNREADABLE) from None

    def _refuse_at_the_door(self, path: str, context: Context) -> None:
        """Refuse a call whose message is not read yet: without a valid token, or a prediction too many."""
        state = self._state
        if state.tokens and path not in self._open and (refusal := refuse(_headers(context), state.tokens)):
            raise refusal
        if path == self._infer and not state.drain.begun and (full := state.admission.inline.refuse_at_the_door()):
            raise full

    def _tell_unexpected(self, error: Exception, context: Context, caller: Caller) -> None:
        log.error(
            "a request failed unexpectedly (%s)",
            type(error).__name__,
            extra=named(caller.request_id, caller.traceparent),
        )
        self._tell(UNEXPECTED, context, caller)

    def _tell(self, error: RequestError, context: Context, caller: Caller) -> None:
        if isinstance(error, ModelFailed):
            log.error("%s", error, extra=named(caller.request_id, caller.traceparent))
        self._state.metrics.refused(error.reason)
        context.set_code(code_of(error))
        context.set_details(error.in_full())
        context.set_trailing_metadata((*_named(caller), *trailer_of(error, self._state.settings.poll_seconds)))


def _named(caller: Caller) -> tuple[tuple[str, str], ...]:
    """Return the metadata that names a request."""
    return ((REQUEST_ID.decode(), caller.request_id),)


def _headers(context: Context) -> list[tuple[bytes, bytes]]:
    metadata = context.invocation_metadata() or ()
    return [(name.encode(), value.encode() if isinstance(value, str) else value) for name, value in metadata]
