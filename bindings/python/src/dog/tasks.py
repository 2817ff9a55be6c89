"""Running handlers: tasks of asyncio, up to a limit."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections import Counter
from typing import Any, Callable, Coroutine, Dict, Optional

logger = logging.getLogger("dog")


def is_awaitable(result: object) -> bool:
    """Whether it is what a coroutine function returns, or anything else that can be awaited."""
    return hasattr(type(result), "__await__")


class Tasks:
    """Runs handlers that have to wait. Past `limit` of them `onpause` is called, at a half of it `onresume`.

    A handler that waits for the engine itself (`waiting` counts the outcomes that are awaited) does not count: it could
    not go on while nothing is fetched from the engine. An event that waits for another handler counts (`queued`).
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
        self._tasks: Dict[asyncio.Task[None], object] = {}  # with the name of each for the log
        self._queued = 0
        self._is_paused = False
        self._was_paused = False
        # While the engine's end waits for running handlers: done when there are none, or nobody waits any longer.
        self._over: Optional[asyncio.Future[None]] = None

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, coroutine: Coroutine[Any, Any, None], name: object) -> asyncio.Task[None]:
        """`name` is for the log alone, by its str."""
        task = self._loop.create_task(coroutine)
        self._tasks[task] = name
        task.add_done_callback(self._done)
        self.check()
        return task

    def queued(self, change: int) -> None:
        """So many more events wait for a running handler."""
        self._queued += change
        self.check()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.pop(task, None)
        self.check()
        if not self._tasks:
            self._stop_waiting()

    def check(self) -> None:
        """To be called whenever a count changes."""
        count = len(self._tasks) + self._queued - self._waiting()
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

    # ---- the end

    async def wait(self, grace: float) -> None:
        """Waits until no handler is running, for `grace` seconds or what `hurry` says."""
        if self._tasks and grace > 0:
            self._over = self._loop.create_future()
            self.hurry(grace)
            await self._over

    def hurry(self, grace: float) -> None:
        """An end that waits does so for no more than this."""
        if self._over is not None:
            self._loop.call_later(grace, self._stop_waiting)

    def _stop_waiting(self) -> None:
        if self._over is not None and not self._over.done():
            self._over.set_result(None)

    async def end(self) -> None:
        """Cancels the running handlers, logs them, and waits for their end."""
        if self._tasks:
            counts = Counter(str(name) for name in self._tasks.values())
            named = ", ".join(f"{count} of {name}" for name, count in counts.most_common(8))
            logger.warning("the engine has ended, and what went on in handlers is cut off: %s", named)
        while self._tasks:
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(self._tasks)
