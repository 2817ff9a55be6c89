"""Has the handlers of a Shard begin in the order of their events, whether they are plain or async."""

from __future__ import annotations

import asyncio
from typing import Any, Callable, Dict, FrozenSet, List, Type

from . import classes
from .shard import Shard


class Line:
    """A plain handler is called as soon as its event comes. An awaitable one becomes a task, which begins in the next
    turn of the loop. Until then its Shard is *behind*, and its plain handlers wait in line too: `call_soon` and
    `create_task` use one queue.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, shard_classes: List[Type[Shard]]) -> None:
        self._loop = loop
        self._async: Dict[Type[Shard], FrozenSet[str]] = {cls: classes.async_methods(cls) for cls in shard_classes}
        self._behind: List[Shard] = []

    def is_async(self, cls: Type[Shard], name: str) -> bool:
        """Whether that handler is a coroutine function: its calls wait in line by themselves."""
        return name in self._async[cls]

    def call(self, shard: Shard, name: str, function: Callable[..., object], *arguments: Any) -> None:
        """Calls `function`, which calls the handler `name`, when it is that one's turn."""
        if shard._is_behind and name not in self._async[type(shard)]:
            self._loop.call_soon(function, *arguments)
        else:
            function(*arguments)

    def fall_behind(self, shard: Shard) -> None:
        """A task of this Shard's was made. It begins before `_caught_up` is called, as does all that is in line."""
        if not shard._is_behind:
            shard._is_behind = True
            if not self._behind:
                self._loop.call_soon(self._caught_up)
            self._behind.append(shard)

    def _caught_up(self) -> None:
        for shard in self._behind:
            shard._is_behind = False
        self._behind.clear()
