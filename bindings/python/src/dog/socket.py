"""One WebSocket connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import _native
from .errors import GoneError
from .message import Message

if TYPE_CHECKING:
    import asyncio


class Socket(_native.Socket):
    """One WebSocket connection: `uid` is who it is, `shard` the Shard that holds it, `data` whatever you keep there.

    send, emit, broadcast and close may be called from any thread. A socket that has gone is no error: send and close
    return False, and the others go out by its Shard.
    """

    __slots__ = ("data", "__weakref__")

    data: Any

    def whisper(self, uid: str, data: Message) -> asyncio.Future[int]:
        """Send one message to every socket of `uid` in the cluster, at once. Only in the event loop's thread.

        Awaiting what is returned gives how many sockets that was; it need not be awaited.
        """
        outcomes = self.shard._delivery.outcomes
        try:
            return outcomes.expect(self._handle, lambda token: self._whisper(uid, data, token))
        except GoneError:
            return self.shard.whisper(uid, data)

    def __repr__(self) -> str:
        return f"<dog.Socket of {self.uid!r}{', closed' if self.closed else ''}>"
