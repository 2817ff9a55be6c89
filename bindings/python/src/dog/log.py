"""The engine's log, as lines of the logger "dog.engine"."""

import logging

LEVELS = {1: logging.ERROR, 2: logging.WARNING, 3: logging.INFO, 4: logging.DEBUG}

logger = logging.getLogger("dog.engine")


class EngineLog:
    """Passes lines on."""

    def line(self, level: int, text: str) -> None:
        logger.log(LEVELS.get(level, logging.WARNING), "%s", text)
