"""The objects of Gateways, made when they are first needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, List, Type

from . import _native
from .gateway import Gateway

if TYPE_CHECKING:
    from .delivery import Delivery
    from .engine import Engine

# They are looked through for those that are retired when there are so many, and then at each doubling.
SWEEP_MIN = 64


class Gateways:
    """By handle.

    That the engine has retired a Gateway no event tells, but its handle is never good again. One that is found to be
    retired may still be in events that wait, and so is let go when all those have been delivered.
    """

    def __init__(
        self, engine: Engine, native: _native.Engine, delivery: Delivery, gateway_classes: List[Type[Gateway]]
    ) -> None:
        self._engine = engine
        self._native = native
        self._delivery = delivery
        self._classes = gateway_classes
        self._gateways: Dict[int, Gateway] = {}
        self._look_at = SWEEP_MIN  # the number of them at which to look for those that are retired
        self._retired: List[int] = []
        self._drop_at = 0  # the number of events delivered at which no event can be about one of `_retired`

    def __len__(self) -> int:
        return len(self._gateways)

    def __getitem__(self, handle: int) -> Gateway:
        return self._gateways[handle]

    def get(self, user: int, handle: int, name: str) -> Gateway:
        """Made if this is the first time; what its __init__ raises is raised."""
        gateway = self._gateways.get(handle)
        if gateway is None:
            self._sweep()
            cls = self._classes[user]
            gateway = cls.__new__(cls)
            gateway._handle, gateway._delivery = handle, self._delivery
            gateway.engine, gateway.name = self._engine, name
            cls.__init__(gateway)
            self._gateways[handle] = gateway
        return gateway

    def _sweep(self) -> None:
        if self._retired and self._native.delivered >= self._drop_at:
            for handle in self._retired:
                del self._gateways[handle]
                self._delivery.outcomes.abandon(handle)
            self._retired.clear()
            self._look_at = max(SWEEP_MIN, 2 * len(self._gateways))
        if not self._retired and len(self._gateways) >= self._look_at:
            self._retired = [handle for handle, gateway in self._gateways.items() if gateway._stats() is None]
            self._drop_at = self._native.delivered + self._native.waiting()
            self._look_at = 2 * len(self._gateways)

    def clear(self) -> None:
        self._gateways.clear()
        self._retired.clear()
