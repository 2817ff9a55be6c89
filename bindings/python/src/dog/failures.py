"""Logs failures of the program's handlers to the logger "dog", with tracebacks, up to a limit."""

from __future__ import annotations

import logging
import time
from typing import Callable, Dict, List

logger = logging.getLogger("dog")

# Clients can cause failures, one with each bad message. So only so many of one kind are logged in so many seconds.
MANY = 20
SECONDS = 10.0


class Failures:
    """Counts by kind: a class of the program's, or another key of which there are few."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kinds: Dict[object, List[float]] = {}  # when its time began, logged since, left out since

    def log(self, kind: object, error: BaseException, text: str, *arguments: object) -> None:
        now = self._clock()
        counts = self._kinds.setdefault(kind, [now, 0, 0])
        if now - counts[0] >= SECONDS:
            self._tell(counts)
            counts[:] = [now, 0, 0]
        if counts[1] < MANY:
            counts[1] += 1
            logger.error(text, *arguments, exc_info=error)
        else:
            counts[2] += 1

    def _tell(self, counts: List[float]) -> None:
        if counts[2]:
            logger.error("%d more failures like these were not logged", counts[2])

    def end(self) -> None:
        """Tells what was left out last."""
        for counts in self._kinds.values():
            self._tell(counts)
        self._kinds.clear()
