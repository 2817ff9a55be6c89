"""The class to extend for Gateways."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Awaitable, Callable, ClassVar, Optional, Type, Union

from . import _native
from .message import Message
from .header import GatewayStats, Placement
from .request import Request
from .response import Response

if TYPE_CHECKING:
    import asyncio

    from .delivery import Delivery
    from .engine import Engine
    from .shard import Shard

Identity = Union[str, Response]


class Gateway(_native.Gateway):
    """The owner of a named cluster: it says who a request is from, and the engine places it on a Shard with room.

    Extend it and set `limit` and `child`; `identify` is needed too. Every method of yours may be `async def`. There is
    one instance for each name that is alive, made before its first event: __init__ takes nothing, and `name` and
    `engine` are there already. It ends when its last Shard has, or when it is empty and another needs its room.
    """

    limit: ClassVar[int]
    """Connections that a Shard may hold: open sockets, and requests while they are answered."""
    child: ClassVar[Union[str, Type[Shard]]]
    """The Shard class, or its name if it is defined further down; then give both to Engine.define."""
    sticky_seconds: ClassVar[Optional[int]] = None
    """How long a uid is remembered after its last connection; None is 300."""
    sticky_max: ClassVar[Optional[int]] = None
    """How many uids are remembered without a connection; None is 65,536."""
    idle_seconds: ClassVar[Optional[int]] = None
    """A Shard empty for so long is retired; None is 60."""
    placement: ClassVar[Optional[Placement]] = None
    """On which of the Shards with room a new client goes; None is LEAST_UTILISED."""
    connections_max: ClassVar[Optional[int]] = None
    """Connections of one cluster; one more is answered 503. None is any number."""

    name: str
    """The name of the cluster."""
    engine: Engine
    _delivery: Delivery
    _encode: Callable[[Any], bytes]

    def identify(self, request: Request) -> Union[None, Identity, Awaitable[Optional[Identity]]]:
        """Who is this? Return a uid (1 to 256 bytes of UTF-8, no control characters), or a Response that refuses."""
        raise NotImplementedError

    def clusterize(self, request: Request) -> Union[None, Identity, Awaitable[Optional[Identity]]]:
        """Name the next Shard, since all are full. If a class does not define it, ids are random."""
        raise NotImplementedError

    def onretire(self) -> Union[None, Awaitable[None]]:
        """The Gateway ends; the next request of its name makes another."""

    def whisper(self, uid: str, data: Message) -> asyncio.Future[int]:
        """Send one message to every socket of `uid` in the cluster, at once. Only in the event loop's thread.

        Awaiting what is returned gives how many sockets that was; it need not be awaited.
        """
        return self._delivery.outcomes.expect_count(self._handle, lambda token: self._whisper(uid, data, token))

    def stats(self) -> GatewayStats:
        """How many Shards and connections it has now: none once it is retired."""
        return GatewayStats(**(self._stats() or dict.fromkeys(GatewayStats._fields, 0)))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {getattr(self, 'name', None)!r}>"
