"""Reading the message of a call: within a time, and as a part of the bytes that all requests may hold together."""

import asyncio
from typing import Any

import grpc

from serve.body import Held
from serve.errors import Malformed, Overloaded, TooSlow
from serve.settings import Settings

MOMENT_SECONDS = 0.1  # a message that has not come by then is large, or its client slow


async def read_message(context: grpc.aio.ServicerContext[bytes, bytes], held: Held, settings: Settings) -> bytes:
    """Return the call's first message.

    gRPC does not tell how much of a message has come. What takes longer than a moment is counted as the largest
    that there may be, until its size is known.

    Raises:
        Overloaded: it does not fit into memory beside the others.
        TooSlow: it did not come whole within the time for bodies.
        Malformed: none came.

    """
    loop = asyncio.get_running_loop()
    refusal: Overloaded | TooSlow = TooSlow(f"the message did not come within {settings.body_seconds:g} seconds")
    try:
        async with asyncio.timeout(settings.body_seconds) as limit:

            def reserve() -> None:
                nonlocal refusal
                try:
                    held.add(settings.max_body_bytes)
                except Overloaded as error:
                    refusal = error
                    limit.reschedule(loop.time())

            timer = loop.call_later(MOMENT_SECONDS, reserve)
            try:
                message: Any = await context.read()
            finally:
                timer.cancel()
    except TimeoutError:
        raise refusal from None
    if message is grpc.aio.EOF:
        await asyncio.sleep(MOMENT_SECONDS)  # where the message was too large, gRPC ends the call, and this with it
        raise Malformed("the call has no message; expected one")
    body: bytes = message
    held.add(len(body) - held.size)
    return body
