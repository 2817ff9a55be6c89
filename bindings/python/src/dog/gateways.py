"""The objects of Gateways, made when they are first needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, List, Type

from .gateway import Gateway

if TYPE_CHECKING:
    from .delivery import Delivery
    from .engine import Engine

# They are looked through for those that are retired when there are so many, and then at each doubling.
SWEEP_MIN = 64


class Gateways:
    """By handle. That the engine has retired one no event tells, but its handle is never good again: so there are at
    most twice as many here as were alive at the last look, and SWEEP_MIN."""

    def __init__(self, engine: Engine, delivery: Delivery, gateway_classes: List[Type[Gateway]]) -> None:
        self._engine = engine
        self._delivery = delivery
        self._classes = gateway_classes
        self._gateways: Dict[int, Gateway] = {}
        self._sweep_at = SWEEP_MIN

    def __len__(self) -> int:
        return len(self._gateways)

    def __getitem__(self, handle: int) -> Gateway:
        return self._gateways[handle]

    def get(self, user: int, handle: int, name: str) -> Gateway:
        """Made if this is the first time; what its __init__ raises is raised."""
        gateway = self._gateways.get(handle)
        if gateway is None:
            if len(self._gateways) >= self._sweep_at:
                self._sweep()
            cls = self._classes[user]
            gateway = cls.__new__(cls)
            gateway._handle, gateway._delivery = handle, self._delivery
            gateway.engine, gateway.name = self._engine, name
            cls.__init__(gateway)
            self._gateways[handle] = gateway
        return gateway

    def _sweep(self) -> None:
        for handle, gateway in list(self._gateways.items()):
            if gateway._stats() is None:
                del self._gateways[handle]
                self._delivery.outcomes.abandon(handle)
        self._sweep_at = max(SWEEP_MIN, 2 * len(self._gateways))

    def clear(self) -> None:
        self._gateways.clear()
