"""Slow clients, a process of their own: holds so many of each kind open, and replaces those that the server ends.

python -m tests.torture.slow PORT COUNT KIND...: says "begun" once all are connected; ends when its input does.
"""

import asyncio
import socket
import sys
from collections import Counter

import msgspec
import uvloop

COLUMNS = 30
HALF_OPEN = "half-open"
BYTE_A_SECOND = "byte-a-second"
NEVER_READING = "never-reading"
KINDS = (HALF_OPEN, BYTE_A_SECOND, NEVER_READING)

CONNECTING_AT_ONCE, ASKING_AT_ONCE = 64, 4
ANSWERED_ROWS = 1000
SMALL_BUFFER, SMALL_SEGMENT = 2048, 536  # so that an answer does not fit into the kernel's buffers

HEAD = b"POST /predict HTTP/1.1\r\nhost: copse\r\ncontent-type: application/json\r\n"
LARGE = msgspec.json.encode({"instances": [[0] * COLUMNS] * ANSWERED_ROWS})
GOOD = b"HTTP/1.1 200"
SENT = {
    HALF_OPEN: HEAD,
    BYTE_A_SECOND: HEAD + b"content-length: 1000\r\n\r\n{",
    NEVER_READING: HEAD + f"content-length: {len(LARGE)}\r\n\r\n".encode() + LARGE,
}


class Crowd:
    """The slow clients of one kind."""

    def __init__(self, kind: str, port: int, counts: Counter[str]) -> None:
        self._kind, self._port, self._counts = kind, port, counts
        self._gate = asyncio.Semaphore(ASKING_AT_ONCE if kind == NEVER_READING else CONNECTING_AT_ONCE)
        self._connected = 0
        self._target = 0
        self.all_connected = asyncio.Event()

    async def run(self, count: int) -> None:
        """Hold `count` connections open until cancelled."""
        self._target = count
        async with asyncio.TaskGroup() as group:
            for _ in range(count):
                group.create_task(self._client())

    async def _client(self) -> None:
        while True:
            try:
                async with self._gate:
                    plug = await self._connect()
            except OSError:
                self._counts["not connected"] += 1
                await asyncio.sleep(0.2)
                continue
            self._connected += 1
            if self._connected == self._target:
                self.all_connected.set()
            try:
                await self._be_slow(plug)
            except OSError:
                pass
            finally:
                plug.close()
            self._counts[f"{self._kind} ended by the server"] += 1

    async def _connect(self) -> socket.socket:
        loop = asyncio.get_running_loop()
        plug = socket.socket()
        plug.setblocking(False)  # noqa: FBT003 - the parameter has no name
        if self._kind == NEVER_READING:
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
            plug.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SMALL_SEGMENT)
        try:
            await loop.sock_connect(plug, ("127.0.0.1", self._port))
            await loop.sock_sendall(plug, SENT[self._kind])
            if self._kind == NEVER_READING and await loop.sock_recv(plug, len(GOOD)) != GOOD:
                raise ConnectionRefusedError  # the server is busy; the answer was not a large one
        except OSError:
            plug.close()
            raise
        return plug

    async def _be_slow(self, plug: socket.socket) -> None:
        """Return when the server has ended the connection."""
        loop = asyncio.get_running_loop()
        if self._kind == BYTE_A_SECOND:
            while not _ended(plug):
                await asyncio.sleep(1)
                await loop.sock_sendall(plug, b" ")
        elif self._kind == NEVER_READING:
            while plug.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:  # noqa: ASYNC110 - no event tells, nor an end that waits behind unread bytes
                await asyncio.sleep(1)
        else:
            while await loop.sock_recv(plug, 4096):
                pass


def _ended(plug: socket.socket) -> bool:
    """Return whether there is an answer or an end to read, which a slow client gets only when it is given up."""
    try:
        plug.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    return True


async def main(port: int, count: int, kinds: list[str]) -> None:
    """Hold the slow clients until the input ends."""
    counts: Counter[str] = Counter()
    crowds = [Crowd(kind, port, counts) for kind in kinds]
    tasks = [asyncio.create_task(crowd.run(count)) for crowd in crowds]
    await asyncio.wait([asyncio.create_task(crowd.all_connected.wait()) for crowd in crowds], timeout=30)
    print("begun", flush=True)
    counts.clear()
    await asyncio.to_thread(sys.stdin.read)
    print(", ".join(f"{number:,} {what}" for what, number in sorted(counts.items())) or "none ended", flush=True)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))
