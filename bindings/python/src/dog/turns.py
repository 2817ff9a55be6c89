"""The order of a Shard that is `ordered`: the events of one socket are handled one after another, to the end."""

from __future__ import annotations

from collections import deque
from enum import Enum
from typing import TYPE_CHECKING, Any, Deque, Dict, Optional, Tuple

if TYPE_CHECKING:
    from .socket import Socket

Call = Tuple[str, Tuple[Any, ...]]  # a handler's name, and its arguments


class Waits(Enum):
    """What happened to a call that is not to be made yet. NO_MORE: the first for which there is no room."""

    YES = 1
    NO_MORE = 2
    NOT = 3


class Turn:
    """The calls that wait for the running handler of one socket."""

    __slots__ = ("calls", "size", "is_over")

    def __init__(self) -> None:
        self.calls: Deque[Call] = deque()
        self.size = 0  # of the messages among them
        # The socket was closed for sending too much: its other messages are not handled.
        self.is_over = False


class Turns:
    """A Turn for each socket that has a running handler."""

    def __init__(self) -> None:
        self._turns: Dict[Socket, Turn] = {}

    def __len__(self) -> int:
        return len(self._turns)

    def is_busy(self, socket: Socket) -> bool:
        return socket in self._turns

    def begin(self, socket: Socket) -> None:
        """A handler of this socket runs from here on."""
        self._turns[socket] = Turn()

    def wait(self, socket: Socket, call: Call, calls_max: int, size_max: int) -> Waits:
        """Puts a call behind the others, if it is no message or there is room for it. Other calls than messages are
        few: a socket opens and closes once."""
        turn = self._turns[socket]
        if call[0] == "onmessage":
            if turn.is_over:
                return Waits.NOT
            if len(turn.calls) >= calls_max or turn.size + size_of(call) > size_max:
                turn.is_over = True
                return Waits.NO_MORE
        turn.calls.append(call)
        turn.size += size_of(call)
        return Waits.YES

    def take(self, socket: Socket) -> Optional[Call]:
        """The next call. None: there is none, and no handler runs any more."""
        turn = self._turns[socket]
        if not turn.calls:
            del self._turns[socket]
            return None
        call = turn.calls.popleft()
        turn.size -= size_of(call)
        return call

    def clear(self) -> None:
        self._turns.clear()


def size_of(call: Call) -> int:
    name, arguments = call
    return len(arguments[1]) if name == "onmessage" else 0
