"""The engine's log, as lines of the logger "dog.engine"."""

import logging
from typing import List

LEVELS = {1: logging.ERROR, 2: logging.WARNING, 3: logging.INFO, 4: logging.DEBUG}

logger = logging.getLogger("dog.engine")


class EngineLog:
    """Passes lines on, and keeps the last ones: they say why an engine has refused something."""

    def __init__(self) -> None:
        self.told: List[str] = []

    def line(self, level: int, text: str) -> None:
        self.told.append(text)
        del self.told[:-8]
        logger.log(LEVELS.get(level, logging.WARNING), "%s", text)
