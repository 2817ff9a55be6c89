"""Streamed responses that are not over."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Callable, Dict, Optional, Set, Union, cast

from . import _native
from .errors import GoneError, Status, status_of
from .response import Parts, Response

logger = logging.getLogger("dog")

# A longer part is written in pieces, so that each fits into an outbox.
PIECE_BYTES = 65_536


class Stream:
    """One response: takes the parts from its body as the client has room for them."""

    def __init__(self, loop: asyncio.AbstractEventLoop, handle: int, response: Response, is_head: bool) -> None:
        self._loop = loop
        self._handle = handle
        self._parts = cast(Parts, response.body)
        self._onend = response.onend
        self._is_head = is_head
        self._room: Optional[asyncio.Future[None]] = None
        self.task: asyncio.Task[None] = loop.create_task(self._run())

    async def _run(self) -> None:
        iterator: object = None
        try:
            iterator = parts = self._parts.__aiter__()
            # For HEAD no part is sent, and a body may be endless.
            if not self._is_head:
                async for part in parts:
                    await self._write(part)
            _native.request_end(self._handle)
        except GoneError:
            pass  # the client left; an event tells that it is over
        except Exception as error:
            logger.error("the body of a response failed: the client is cut off", exc_info=error)
            self._abort()
        finally:
            close = getattr(iterator, "aclose", None)
            if close is not None:
                await close()

    def _abort(self) -> None:
        try:
            _native.request_abort(self._handle)
        except GoneError:
            pass  # it is over already

    async def _write(self, part: Union[str, bytes]) -> None:
        if not isinstance(part, (str, bytes, bytearray, memoryview)):
            raise TypeError(f"a part of a body is str or bytes, not {type(part).__name__}")
        data = part.encode() if isinstance(part, str) else bytes(part)
        for start in range(0, len(data), PIECE_BYTES):
            piece = data[start : start + PIECE_BYTES]
            while not _native.request_write(self._handle, piece):
                self._room = self._loop.create_future()
                await self._room

    def writable(self) -> None:
        if self._room is not None and not self._room.done():
            self._room.set_result(None)

    def ended(self, status: Status) -> None:
        """It is over. A body that still runs is cancelled; then `onend` is told."""
        self.task.cancel()
        if self._onend is not None:
            self.task.add_done_callback(lambda _: self._tell(status))

    def _tell(self, status: Status) -> None:
        try:
            if self._onend is not None:
                self._onend(status)
        except Exception as error:
            logger.error("onend failed", exc_info=error)


class Streams:
    """Those that have begun and are not over, by handle. Their number is bounded by that of connections."""

    def __init__(self, loop: asyncio.AbstractEventLoop, check_thread: Callable[[], None]) -> None:
        self._loop = loop
        self._check_thread = check_thread
        self._streams: Dict[int, Stream] = {}
        self._tasks: Set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def begin(self, handle: int, response: Response, is_head: bool) -> None:
        self._check_thread()
        _native.request_begin(handle, response.status, response.headers)
        stream = self._streams[handle] = Stream(self._loop, handle, response, is_head)
        self._tasks.add(stream.task)
        stream.task.add_done_callback(self._tasks.discard)

    def writable(self, handle: int) -> None:
        stream = self._streams.get(handle)
        if stream is not None:
            stream.writable()

    def ended(self, handle: int, status: int) -> None:
        stream = self._streams.pop(handle, None)
        if stream is not None:
            stream.ended(status_of(status))

    async def end(self) -> None:
        """Ends the bodies that still run, and waits until all are closed."""
        for handle in list(self._streams):
            self.ended(handle, Status.EGONE)
        while self._tasks:
            await asyncio.wait(self._tasks)
