"""Brings the engine's events to the user's Shards: one method here for each type of event that is about them."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import TYPE_CHECKING, Any, Callable, Dict, List, NamedTuple, Optional, Sized, Tuple, Type, Union

from . import _native
from .errors import Error, FullError, GoneError, InvalidError, Status, ThreadError, TooBigError, make
from .failures import Failures
from .gateway import Gateway
from .gateways import Gateways
from .jsontext import JSONText
from .line import Line
from .outcomes import Outcomes
from .routes import Routes
from .shard import Shard
from .socket import Socket
from .streams import Streams
from .tasks import Tasks, is_awaitable
from .turns import Call, Turns, Waits

if TYPE_CHECKING:
    from .engine import Engine

logger = logging.getLogger("dog")

Owner = Union[Gateway, Shard]  # whose handler it is

# Errors for what DOG refuses to send. A client can cause them (by JSON with "\\ud800" or NaN, by a long message, by a
# bad uid), and must not close the sockets of others by them.
REFUSED = (InvalidError, TooBigError, FullError)


class HandlerName(NamedTuple):
    """The name of a running handler, made only if it is needed."""

    owner: Owner
    name: str

    def __str__(self) -> str:
        return f"{type(self.owner).__name__}.{self.name}"


# How many connects whose sockets have not opened are kept for one Shard, at least.
CONNECTING_MIN = 1024


class Delivery:
    """An object for every Gateway and Shard that is alive, and their running handlers."""

    def __init__(
        self,
        engine: Engine,
        native: _native.Engine,
        loop: asyncio.AbstractEventLoop,
        pairs: List[Tuple[Type[Gateway], Type[Shard]]],
        tasks_max: int,
        routes: Routes,
        json: JSONText,
        onpause: Callable[[], object],
        onresume: Callable[[], object],
    ) -> None:
        self._engine = engine
        self._native = native
        self._thread = threading.get_ident()
        self._shard_classes = [shard for _, shard in pairs]
        self.routes = routes
        self.json = json
        self.failures = Failures()
        self.tasks = Tasks(loop, tasks_max, lambda: len(self.outcomes), onpause, onresume)
        self.outcomes = Outcomes(loop, json, self.tasks.check, self.check_thread)
        self.streams = Streams(loop, self.check_thread)
        self.turns = Turns()
        self.line = Line(loop, self._shard_classes)
        self.gateways = Gateways(engine, self, [gateway for gateway, _ in pairs])
        self.shards: Dict[int, Shard] = {}
        self._starting: Dict[int, asyncio.Task[None]] = {}  # by Shard: an onstart that is running
        self._last_token = 0
        self._is_ending = False

    def check_thread(self) -> None:
        """Only for the loop's thread: on another, a change could be half done when an event comes."""
        if threading.get_ident() != self._thread:
            text = "only in the event loop's thread: loop.call_soon_threadsafe gets you there"
            raise ThreadError(Status.ETHREAD, text)

    def counts(self) -> Dict[str, int]:
        """How much is kept of each."""
        kept: Dict[str, Sized] = {
            "gateways": self.gateways,
            "shards": self.shards,
            "outcomes": self.outcomes,
            "streams": self.streams,
            "tasks": self.tasks,
            "turns": self.turns,
        }
        return {"sockets": self._native.socket_count(), **{name: len(each) for name, each in kept.items()}}

    # ---- Gateways and Shards

    def retire(self, handle: int) -> None:
        gateway = self.gateways.take(handle)
        if gateway is not None:
            self._run(gateway, None, "onretire")
            self.outcomes.abandon(handle)

    def start(self, user: int, gateway_handle: int, handle: int, shard_id: str) -> None:
        cls = self._shard_classes[user]
        try:
            shard = cls.__new__(cls)
            shard._handle, shard._delivery = handle, self
            shard._is_onmessage_async = self.line.is_async(cls, "onmessage")
            shard._is_ordered = bool(cls.ordered)
            shard._encode = self.json.message
            shard._sockets, shard._connecting = {}, {}
            # Its first request was identified by that Gateway, so there is an object for it.
            shard.engine, shard.gateway, shard.id = self._engine, self.gateways[gateway_handle], shard_id
            cls.__init__(shard)
        except Exception as error:
            self.failures.log(cls, error, "no %s could be made: who waits for it is answered 500", cls.__name__)
            self._tell_started(handle, Status.EHOST)
        else:
            self.shards[handle] = shard
            self._begin(shard)

    def _begin(self, shard: Shard) -> None:
        """No event comes to a Shard until its onstart is done. If that fails, the Shard ends, and the next request
        makes another."""
        try:
            result: Any = shard.onstart()
            if is_awaitable(result):
                starting = self.tasks.start(self._begin_later(shard, result), HandlerName(shard, "onstart"))
                self._starting[shard._handle] = starting
            else:
                self._tell_started(shard._handle, Status.OK)
        except Exception as error:
            self._failed(shard, None, "onstart", error)
            self._tell_started(shard._handle, Status.EHOST)

    async def _begin_later(self, shard: Shard, result: Any) -> None:
        status = Status.EHOST
        try:
            await result
            status = Status.OK
        except Exception as error:
            self._failed(shard, None, "onstart", error)
        finally:
            self._starting.pop(shard._handle, None)
            self._tell_started(shard._handle, status)

    def _tell_started(self, handle: int, status: Status) -> None:
        try:
            _native.shard_started(handle, status)
        except Error:
            pass  # its time was over, or the engine is about to end

    def stop(self, handle: int) -> None:
        shard = self.shards.pop(handle, None)
        if shard is None:
            return  # it could not be made
        shard._connecting.clear()
        starting = self._starting.get(handle)
        if starting is None:
            self._call(shard, None, "onstop")
        else:
            starting.cancel()  # its start has taken too long, or the engine stops
            self.tasks.start(self._stop_behind(starting, shard), HandlerName(shard, "onstop"))
        self.outcomes.abandon(handle)

    async def _stop_behind(self, starting: asyncio.Task[None], shard: Shard) -> None:
        await asyncio.wait([starting])
        self._run(shard, None, "onstop")

    # ---- sockets

    def keep_for_open(self, shard: Shard, data: Any) -> int:
        """Keeps the data of a connect until the socket opens, and gives the token to find it by.

        No event tells that a client left before its socket opened. But a connect holds a place on its Shard, so if
        there are more than `limit` of them, some have failed: of twice as many the oldest are dropped.
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

    # Messages go straight to onmessage (native/events.c); here its results are handled.

    def message_behind(self, socket: Socket, data: Union[str, bytes]) -> None:
        """A message for a plain onmessage while its Shard is behind, or for a Shard that is ordered."""
        self._call(socket.shard, socket, "onmessage", socket, data)

    def message_result(self, socket: Socket, result: object) -> None:
        if is_awaitable(result):
            self._finish_later(socket.shard, socket, "onmessage", result)

    def message_failed(self, socket: Socket, error: Exception) -> None:
        self._failed(socket.shard, socket, "onmessage", error)

    # ---- handlers

    def _call(self, shard: Shard, socket: Optional[Socket], name: str, *arguments: Any) -> None:
        if socket is not None and shard._is_ordered:
            self._call_in_turn(shard, socket, name, arguments)
        else:
            self.line.call(shard, name, self._run, shard, socket, name, *arguments)

    def _run(self, owner: Owner, socket: Optional[Socket], name: str, *arguments: Any) -> None:
        try:
            result = getattr(owner, name)(*arguments)
        except Exception as error:
            self._failed(owner, socket, name, error)
        else:
            if result is not None and is_awaitable(result):
                self._finish_later(owner, socket, name, result)

    def _finish_later(self, owner: Owner, socket: Optional[Socket], name: str, result: Any) -> None:
        self.tasks.start(self._finish(owner, socket, name, result), HandlerName(owner, name))
        if isinstance(owner, Shard):
            self.line.fall_behind(owner)

    async def _finish(self, owner: Owner, socket: Optional[Socket], name: str, result: Any) -> None:
        try:
            await result
        except Exception as error:
            self._failed(owner, socket, name, error)

    # ---- handlers of a Shard that is ordered

    def _call_in_turn(self, shard: Shard, socket: Socket, name: str, arguments: Tuple[Any, ...]) -> None:
        """Waits behind this socket's running handler. If there is none, a plain handler is called at once."""
        if self.turns.is_busy(socket):
            self._wait_for_turn(shard, socket, (name, arguments))
            return
        result: Any = None
        is_later = shard._is_behind and not self.line.is_async(type(shard), name)
        if not is_later:
            try:
                result = getattr(shard, name)(*arguments)
            except Exception as error:
                self._failed(shard, socket, name, error)
            if result is None or not is_awaitable(result):
                return
        self.turns.begin(socket)
        if is_later:
            self._wait_for_turn(shard, socket, (name, arguments))
        self.tasks.start(self._take_turns(shard, socket, name, result), HandlerName(shard, name))
        self.line.fall_behind(shard)

    def _wait_for_turn(self, shard: Shard, socket: Socket, call: Call) -> None:
        cls = type(shard)
        waits = self.turns.wait(socket, call, cls.ordered_max, cls.ordered_bytes_max)
        if waits is Waits.YES:
            self.tasks.queued(1)
        elif waits is Waits.NO_MORE:
            logger.info("a client of %s sends faster than it is handled: closed with 1013", named(shard))
            self._tell_error(shard, socket, make(Status.EFULL))
            socket.close(1013)

    async def _take_turns(self, shard: Shard, socket: Socket, name: str, result: Any) -> None:
        """Finishes the handler that was begun, if any, then handles the events that have come meanwhile."""
        try:
            if result is not None:
                await self._finish(shard, socket, name, result)
            call = self.turns.take(socket)
            while call is not None:
                self.tasks.queued(-1)
                name, arguments = call
                try:
                    result = getattr(shard, name)(*arguments)
                    if is_awaitable(result):
                        await result
                except Exception as error:
                    self._failed(shard, socket, name, error)
                call = self.turns.take(socket)
        except asyncio.CancelledError:
            # This handler was cancelled, or cancelled itself; the events behind it are still handled.
            if not self._is_ending:
                self.tasks.start(self._take_turns(shard, socket, name, None), HandlerName(shard, name))
            raise

    # ---- failures

    def _failed(self, owner: Owner, socket: Optional[Socket], name: str, error: Exception) -> None:
        """Logs it. An open socket gets onerror and is closed, unless DOG refused to send something."""
        if isinstance(error, GoneError) and (socket is None or not socket.close(1011)):
            logger.debug("%s: what it spoke to has gone", HandlerName(owner, name), exc_info=error)
            return
        self.failures.log(type(owner), error, "a handler of %s failed: %s", named(owner), name)
        if socket is not None and not socket.closed and not isinstance(error, REFUSED):
            self._tell_error(socket.shard, socket, error)
            socket.close(1011)

    def _tell_error(self, shard: Shard, socket: Socket, error: Exception) -> None:
        try:
            result = shard.onerror(socket, error)
        except Exception as another:
            self.failures.log(type(shard), another, "onerror of %s failed", named(shard))
        else:
            if result is not None and is_awaitable(result):
                self.tasks.start(self._finish(shard, None, "onerror", result), HandlerName(shard, "onerror"))

    # ---- the end

    async def end(self, grace: float) -> None:
        """After the last event: running handlers may finish within the grace; then they are cancelled."""
        self.outcomes.abandon_all()
        try:
            await self.streams.end()
            await self.tasks.wait(grace)
        finally:
            self._is_ending = True
            await self.tasks.end()
            self.failures.end()
            self.turns.clear()
            self.shards.clear()
            self.gateways.clear()


def named(owner: Owner) -> str:
    """For the log: the program's __repr__ may fail as well."""
    try:
        return repr(owner)
    except Exception:
        return f"<{type(owner).__name__}>"
