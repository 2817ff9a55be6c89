"""Handlers under way: tasks of asyncio, of which there is a limit."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Any, Callable, Coroutine, Set

logger = logging.getLogger("dog")


def is_awaitable(result: object) -> bool:
    """What a coroutine function, and anything else that may stand behind `await`, has returned."""
    return hasattr(result, "__await__")


class Tasks:
    """Runs handlers that have to wait. Past `limit` of them `onpause` is called, at a half of it `onresume`.

    A handler that waits for the engine itself (`waiting` counts the outcomes that are awaited) takes no place: it could
    not go on while nothing is fetched from the engine.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        limit: int,
        waiting: Callable[[], int],
        onpause: Callable[[], object],
        onresume: Callable[[], object],
    ) -> None:
        self._loop = loop
        self._limit = limit
        self._waiting = waiting
        self._onpause = onpause
        self._onresume = onresume
        self._tasks: Set[asyncio.Task[None]] = set()
        self._is_paused = False
        self._was_paused = False

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        self.check()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self.check()

    def check(self) -> None:
        """To be called whenever a count changes."""
        count = len(self._tasks) - self._waiting()
        if not self._is_paused and count >= self._limit:
            self._is_paused = True
            if not self._was_paused:
                logger.warning("%d handlers are under way, as many as tasks_max allows: events wait", count)
            self._was_paused = True
            self._onpause()
        elif self._is_paused and count <= self._limit // 2:
            self._is_paused = False
            self._onresume()

    def lift(self) -> None:
        """No limit from here on: the engine ends, and its last events must be heard."""
        self._limit = sys.maxsize
        self.check()

    async def end(self) -> None:
        """Cancels what is under way and waits for its end."""
        while self._tasks:
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(self._tasks)
