"""Brings the engine's events to the user's Shards: one method here for each type of event that is about them."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Awaitable, Callable, Dict, List, Optional, Tuple, Type, Union

from . import _native
from .errors import GoneError, make
from .gateway import Gateway
from .gateways import Gateways
from .line import Line
from .outcomes import Outcomes
from .shard import Shard
from .socket import Socket
from .streams import Streams
from .tasks import Tasks, is_awaitable

if TYPE_CHECKING:
    from .engine import Engine

logger = logging.getLogger("dog")

Owner = Union[Gateway, Shard]  # whose handler it is

# What connect was given for sockets that have not opened: so many for one Shard at least.
CONNECTING_MIN = 1024


class Delivery:
    """An object for every Gateway and Shard that is alive, and what their handlers have under way."""

    def __init__(
        self,
        engine: Engine,
        native: _native.Engine,
        loop: asyncio.AbstractEventLoop,
        pairs: List[Tuple[Type[Gateway], Type[Shard]]],
        tasks_max: int,
        onpause: Callable[[], object],
        onresume: Callable[[], object],
    ) -> None:
        self._engine = engine
        self._native = native
        self._shard_classes = [shard for _, shard in pairs]
        self.tasks = Tasks(loop, tasks_max, lambda: len(self.outcomes), onpause, onresume)
        self.outcomes = Outcomes(loop, self.tasks.check)
        self.streams = Streams(loop)
        self.line = Line(loop, self._shard_classes)
        self.gateways = Gateways(engine, self, [gateway for gateway, _ in pairs])
        self.shards: Dict[int, Shard] = {}
        self._last_token = 0

    # ---- Gateways and Shards

    def retire(self, handle: int) -> None:
        gateway = self.gateways.take(handle)
        if gateway is not None:
            self._run(gateway, None, gateway.onretire)
            self.outcomes.abandon(handle)

    def start(self, user: int, gateway_handle: int, handle: int, shard_id: str) -> None:
        cls = self._shard_classes[user]
        shard = cls.__new__(cls)
        shard._handle, shard._delivery = handle, self
        shard._is_onmessage_async = self.line.is_async(cls, "onmessage")
        shard._sockets, shard._connecting = {}, {}
        # Its first request was identified by that Gateway, so there is an object for it.
        shard.engine, shard.gateway, shard.id = self._engine, self.gateways[gateway_handle], shard_id
        try:
            cls.__init__(shard)
        except Exception as error:
            logger.error("no %s could be made: what it is asked is answered 500", cls.__name__, exc_info=error)
            return
        self.shards[handle] = shard
        self._call(shard, None, "onstart")

    def stop(self, handle: int) -> None:
        shard = self.shards.pop(handle, None)
        if shard is not None:
            shard._connecting.clear()
            self._call(shard, None, "onstop")
            self.outcomes.abandon(handle)

    # ---- sockets

    def keep_for_open(self, shard: Shard, data: Any) -> int:
        """Keeps the data of a connect until the socket opens, and gives the token to find it by.

        That a client left before it opened is not told. But a connect holds a place on its Shard while it is under way,
        so of more than `limit` of them some have come to nothing: the oldest of many more are let go.
        """
        if len(shard._connecting) >= max(CONNECTING_MIN, 2 * type(shard.gateway).limit):
            del shard._connecting[next(iter(shard._connecting))]
        self._last_token += 1
        shard._connecting[self._last_token] = data
        return self._last_token

    def open(self, shard_handle: int, handle: int, uid: str, token: int) -> None:
        shard = self.shards[shard_handle]
        socket = Socket(handle, shard, uid)
        socket.data = shard._connecting.pop(token, None)
        self._native.add_socket(socket)
        shard._sockets[socket] = None
        self._call(shard, socket, "onopen", socket)

    def close(self, socket: Socket, code: int, reason: str, clean: bool) -> None:
        shard = socket.shard
        shard._sockets.pop(socket, None)
        self._call(shard, socket, "onclose", socket, code, reason, clean)
        self.outcomes.abandon(socket._handle)

    def error(self, socket: Socket, status: int) -> None:
        self._call(socket.shard, socket, "onerror", socket, make(status))

    def drain(self, socket: Socket, dropped: int) -> None:
        self._call(socket.shard, socket, "ondrain", socket, dropped)

    # Messages go to onmessage by themselves (native/events.c); here is what comes of it.

    def message_behind(self, socket: Socket, data: Union[str, bytes]) -> None:
        """A message for a plain onmessage, while its Shard is behind."""
        self._call(socket.shard, socket, "onmessage", socket, data)

    def message_result(self, socket: Socket, result: object) -> None:
        if is_awaitable(result):
            self._finish_later(socket.shard, socket, result)

    def message_failed(self, socket: Socket, error: Exception) -> None:
        self._failed(socket.shard, socket, error)

    # ---- handlers

    def _call(self, shard: Shard, socket: Optional[Socket], name: str, *arguments: Any) -> None:
        self.line.call(shard, name, self._run, shard, socket, getattr(shard, name), *arguments)

    def _run(self, owner: Owner, socket: Optional[Socket], handler: Callable[..., object], *arguments: Any) -> None:
        try:
            result = handler(*arguments)
        except Exception as error:
            self._failed(owner, socket, error)
        else:
            if result is not None and is_awaitable(result):
                self._finish_later(owner, socket, result)

    def _finish_later(self, owner: Owner, socket: Optional[Socket], result: Any) -> None:
        self.tasks.start(self._finish(owner, socket, result))
        if isinstance(owner, Shard):
            self.line.fall_behind(owner)

    async def _finish(self, owner: Owner, socket: Optional[Socket], result: Awaitable[object]) -> None:
        try:
            await result
        except Exception as error:
            self._failed(owner, socket, error)

    def _failed(self, owner: Owner, socket: Optional[Socket], error: Exception) -> None:
        """Logs it; a socket that is open is told to onerror, and closed."""
        if isinstance(error, GoneError) and (socket is None or not socket.close(1011)):
            logger.debug("%r: what a handler spoke to has gone", owner, exc_info=error)
            return
        logger.error("a handler of %r failed", owner, exc_info=error)
        if socket is not None and not socket.closed:
            self._tell_error(socket.shard, socket, error)
            socket.close(1011)

    def _tell_error(self, shard: Shard, socket: Socket, error: Exception) -> None:
        try:
            result = shard.onerror(socket, error)
        except Exception as another:
            logger.error("onerror of %r failed", shard, exc_info=another)
        else:
            if result is not None and is_awaitable(result):
                self.tasks.start(self._finish(shard, None, result))

    # ---- the end

    async def end(self) -> None:
        """After the last event: nothing that was begun goes on."""
        self.outcomes.abandon_all()
        await self.streams.end()
        await self.tasks.end()
        self.shards.clear()
        self.gateways.clear()
