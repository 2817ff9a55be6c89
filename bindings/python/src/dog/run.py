"""Serving as the whole of a program."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Callable, Generator, Optional

if TYPE_CHECKING:
    from .engine import Engine


def run(engine: Engine, *, grace: float = 2.0, ready: Optional[Callable[[], object]] = None) -> None:
    """Serve until Ctrl-C (SIGINT) or SIGTERM, then give clients `grace` seconds; a second signal ends that at once.

    `ready` is called when clients are served and signals are heeded. In a program that has not set up logging, what the
    logger "dog" is told is printed to stderr meanwhile, from INFO on.
    """
    with _printed_log():
        asyncio.run(_serve(engine, grace, ready))


@contextmanager
def _printed_log() -> Generator[None, None, None]:
    logger = logging.getLogger("dog")
    if logger.hasHandlers():
        yield
        return
    handler, level = logging.StreamHandler(), logger.level
    handler.setFormatter(logging.Formatter("%(name)s: %(levelname)s: %(message)s"))
    logger.addHandler(handler)
    if level == logging.NOTSET:
        logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


async def _serve(engine: Engine, grace: float, ready: Optional[Callable[[], object]]) -> None:
    loop = asyncio.get_running_loop()
    # On other threads Python lets nobody handle signals.
    is_main = threading.current_thread() is threading.main_thread()
    signals = (signal.SIGINT, signal.SIGTERM) if is_main else ()
    graces = iter([grace])
    serving = loop.create_task(engine.serve())
    for number in signals:
        loop.add_signal_handler(number, lambda: engine.stop(next(graces, 0.0)))
    # Behind the first step of `serving`, which starts the engine, or fails.
    loop.call_soon(lambda: ready() if ready is not None and not serving.done() else None)
    try:
        await serving
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
