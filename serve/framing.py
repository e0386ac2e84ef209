"""Where heads and bodies end in the bytes that come, so that the size of a head is known to the byte.

httptools parses, but has no limit of its own and tells no positions. What comes is therefore handed to it in pieces:
none holds the end of one head or body and the beginning of what follows it.
"""

from collections.abc import Iterable

BLANK_LINE = b"\r\n\r\n"  # ends a head, and a body that comes in chunks


class Framing:
    """Cuts the bytes of one connection; the parser says when a head or a body has really ended."""

    def __init__(self, largest_head: int) -> None:
        self._largest_head = largest_head
        self._head_bytes = 0
        self._tail = b""
        self._left = 0
        self._without_body = 0
        self.in_body = False

    def end(self, data: bytes, start: int) -> int:
        """Return where the piece that begins at `start` ends: at `start` itself if the head is too large."""
        if not self.in_body:
            end = min(self._after_blank_line(data, start), start + self._largest_head - self._head_bytes)
            self._head_bytes += end - start
        elif self._left:
            end = min(len(data), start + self._left)
            self._left -= end - start
        elif self._without_body > self._largest_head:  # lines after the last chunk, which are headers too
            end = start
        else:
            end = self._after_blank_line(data, start)
            self._without_body += end - start
        return end

    def head_ended(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Take note that a head is complete, and how long its body will be."""
        self.in_body, self._tail, self._left, self._without_body = True, b"", 0, 0
        for name, value in headers:
            if name == b"content-length":
                self._left = int(value)

    def body_came(self) -> None:
        """Take note that the piece held a part of the body."""
        self._without_body = 0

    def message_ended(self) -> None:
        """Take note that a request is complete: what comes now is a head."""
        self.in_body, self._tail, self._head_bytes = False, b"", 0

    def _after_blank_line(self, data: bytes, start: int) -> int:
        """Return the end of the first blank line, which may have begun in earlier bytes, or of all bytes."""
        if self._tail:
            found = (self._tail + data[start : start + 3]).find(BLANK_LINE)
            if found >= 0:
                end = start + found + len(BLANK_LINE) - len(self._tail)
                self._tail = b""
                return end
        found = data.find(BLANK_LINE, start)
        if found >= 0:
            self._tail = b""
            return found + len(BLANK_LINE)
        self._tail = (self._tail + data[max(start, len(data) - 3) :])[-3:]
        return len(data)
