"""Whispers and gossip questions that wait for the event with their outcome."""

from __future__ import annotations

import asyncio
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Set, Tuple

from .errors import GoneError, Status, make, status_of
from .jsontext import JSONText


class GossipResult(NamedTuple):
    """One sibling's part. OK: `value` is its reply. EHOST: `text` says why it failed. ENOHANDLER, ETIMEDOUT, EGONE."""

    shard_id: str
    status: Status
    value: Any
    text: str


class Replies(List[Any]):
    """The replies of those siblings that gave one; `results` has an entry for every sibling."""

    def __init__(self, results: List[GossipResult]) -> None:
        super().__init__(result.value for result in results if result.status is Status.OK)
        self.results = results


class Outcomes:
    """Futures by token. Each belongs to the handle of the object that whispered or asked. When that goes, nobody waits
    for the event, which still comes."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        json: JSONText,
        onchange: Callable[[], object],
        check_thread: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._json = json
        self._check_thread = check_thread
        self._onchange = onchange
        self._futures: Dict[int, Tuple[int, Optional[asyncio.Future[Any]]]] = {}
        self._tokens: Dict[int, Set[int]] = {}
        self._last = 0

    def __len__(self) -> int:
        return len(self._futures)

    def expect(self, owner: int, ask: Callable[[int], object]) -> asyncio.Future[Any]:
        """Asks with a fresh token. If that raises, the exception is passed on and nothing is expected."""
        self._check_thread()
        self._last += 1
        token = self._last
        ask(token)
        future = self._loop.create_future()
        self._futures[token] = owner, future
        self._tokens.setdefault(owner, set()).add(token)
        self._onchange()
        return future

    def expect_count(self, owner: int, whisper: Callable[[int], object]) -> asyncio.Future[int]:
        """The same for the whisper of a Gateway or a Shard: one that has gone reaches nobody."""
        try:
            return self.expect(owner, whisper)
        except GoneError:
            nobody = self._loop.create_future()
            nobody.set_result(0)
            return nobody

    def whispered(self, token: int, status: int, count: int) -> None:
        self._tell(token, count, None if status == Status.OK else make(status))

    def gossiped(self, token: int, status: int, results: List[Tuple[str, int, bytes]]) -> None:
        if status != Status.OK:
            return self._tell(token, None, make(status))
        try:
            replies = Replies([self._result(*result) for result in results])
        except Exception as error:
            # The program's own codec cannot read what it wrote.
            self._tell(token, None, error)
        else:
            self._tell(token, replies)

    def _result(self, shard_id: str, status: int, data: bytes) -> GossipResult:
        if status == Status.OK:
            return GossipResult(shard_id, Status.OK, self._json.decode(data), "")
        return GossipResult(shard_id, status_of(status), None, data.decode(errors="replace"))

    def _tell(self, token: int, value: Any, error: Optional[Exception] = None) -> None:
        owner, future = self._futures.pop(token, (0, None))
        if future is None:
            return  # its owner has gone
        tokens = self._tokens[owner]
        tokens.discard(token)
        if not tokens:
            del self._tokens[owner]
        if future.done():
            return
        if error is None:
            future.set_result(value)
        else:
            _fail(future, error)

    def abandon(self, owner: int) -> None:
        """The owner has gone: those that await an outcome get a GoneError."""
        for token in self._tokens.pop(owner, ()):
            _, future = self._futures.pop(token)
            if future is not None and not future.done():
                _fail(future, GoneError(Status.EGONE))

    def abandon_all(self) -> None:
        for owner in list(self._tokens):
            self.abandon(owner)


def _fail(future: asyncio.Future[Any], error: Exception) -> None:
    future.set_exception(error)
    future.exception()  # it was seen: asyncio need not complain where nobody awaits it
