"""What was whispered and gossiped, and waits for the event that tells what came of it."""

from __future__ import annotations

import asyncio
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Set, Tuple

from . import jsontext
from .errors import GoneError, Status


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
    """Futures by token. Each belongs to the handle of who whispered or asked: when that goes, no event comes."""

    def __init__(self, loop: asyncio.AbstractEventLoop, onchange: Callable[[], object]) -> None:
        self._loop = loop
        self._onchange = onchange
        self._futures: Dict[int, Tuple[int, Optional[asyncio.Future[Any]]]] = {}
        self._tokens: Dict[int, Set[int]] = {}
        self._last = 0

    def __len__(self) -> int:
        return len(self._futures)

    def expect(self, owner: int, ask: Callable[[int], object]) -> asyncio.Future[Any]:
        """Asks with a fresh token; what it raises is raised, and then nothing is expected."""
        self._last += 1
        token = self._last
        ask(token)
        future = self._loop.create_future()
        self._futures[token] = owner, future
        self._tokens.setdefault(owner, set()).add(token)
        self._onchange()
        return future

    def expect_count(self, owner: int, whisper: Callable[[int], object]) -> asyncio.Future[int]:
        """So too for a Gateway's or a Shard's whisper: one that has gone reaches nobody."""
        try:
            return self.expect(owner, whisper)
        except GoneError:
            nobody = self._loop.create_future()
            nobody.set_result(0)
            return nobody

    def whispered(self, token: int, count: int) -> None:
        self._tell(token, count)

    def gossiped(self, token: int, results: List[Tuple[str, int, bytes]]) -> None:
        self._tell(token, Replies([_result(*result) for result in results]))

    def _tell(self, token: int, value: Any) -> None:
        owner, future = self._futures.pop(token, (0, None))
        if future is None:
            return  # its owner has gone
        tokens = self._tokens[owner]
        tokens.discard(token)
        if not tokens:
            del self._tokens[owner]
        if not future.done():
            future.set_result(value)

    def abandon(self, owner: int) -> None:
        """Its owner has gone: who waits for an outcome has a GoneError."""
        for token in self._tokens.pop(owner, ()):
            _, future = self._futures.pop(token)
            if future is not None and not future.done():
                future.set_exception(GoneError(Status.EGONE))
                future.exception()  # it was seen: asyncio need not complain where nobody awaits it

    def abandon_all(self) -> None:
        for owner in list(self._tokens):
            self.abandon(owner)


def _result(shard_id: str, status: int, data: bytes) -> GossipResult:
    if status == Status.OK:
        return GossipResult(shard_id, Status.OK, jsontext.decode(data), "")
    return GossipResult(shard_id, Status(status), None, data.decode())
