"""Serving as the whole of a program."""

from __future__ import annotations

import asyncio
import signal
import threading
from typing import TYPE_CHECKING, Callable, Optional

if TYPE_CHECKING:
    from .engine import Engine


def run(engine: Engine, *, grace: float = 2.0, ready: Optional[Callable[[], object]] = None) -> None:
    """Serve until Ctrl-C (SIGINT) or SIGTERM, then give clients `grace` seconds; a second signal takes them away.

    `ready` is called when clients are served and signals are heeded.
    """
    asyncio.run(_serve(engine, grace, ready))


async def _serve(engine: Engine, grace: float, ready: Optional[Callable[[], object]]) -> None:
    loop = asyncio.get_running_loop()
    # Elsewhere Python lets nobody handle signals.
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
