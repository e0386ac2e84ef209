"""All connections of the server: how many there may be, and who makes room for whom."""

from collections import OrderedDict
from collections.abc import Callable, Collection
from itertools import islice
from typing import Protocol

from serve.direct import Direct
from serve.errors import Overloaded
from serve.settings import Settings

MOST_LEAVING = 64  # connections that were answered for the last time, and whose clients are still sending
MOST_LOOKED_AT = 16


class Closable(Protocol):
    """A connection, as far as those who make room need to know it."""

    @property
    def quiet(self) -> bool:
        """Whether nothing is to be read or written."""

    def make_room(self) -> None:
        """End the connection, so that another may be."""


class Connections:
    """What the connections of one server share.

    `idle` holds those with no request under way, the longest idle one first. `leaving` holds those that have had their
    last answer and only wait for the client to stop sending; they are few, and not counted.
    """

    def __init__(
        self,
        settings: Settings,
        most: int,
        refused: Callable[[str], None],
        door: Callable[[bytes], Overloaded | None],
        direct: Direct,
    ) -> None:
        """Bound the connections; `refused` counts refusals, `door` gives that of a path whose head has come."""
        self.settings = settings
        self._most = most
        self.refused = refused
        self.door = door
        self.direct = direct
        self.idle: OrderedDict[Closable, None] = OrderedDict()
        self.leaving: OrderedDict[Closable, None] = OrderedDict()
        self.ending = False

    def holds(self, count: int) -> bool:
        """Return whether there may be so many connections, beside those that are leaving."""
        return count - len(self.leaving) <= self._most

    def room(self, present: Collection[object]) -> bool:
        """Return whether the newest of all connections may stay; the longest idle one is closed for it if need be."""
        if self.holds(len(present)):
            return True
        for oldest in islice(self.idle, MOST_LOOKED_AT):
            if oldest.quiet:
                oldest.make_room()
                return True
        return False
