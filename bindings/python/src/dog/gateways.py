"""The objects of Gateways, made when they are first needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, List, Optional, Type

from .gateway import Gateway

if TYPE_CHECKING:
    from .delivery import Delivery
    from .engine import Engine


class Gateways:
    """By handle, until the engine tells that a Gateway is retired."""

    def __init__(self, engine: Engine, delivery: Delivery, gateway_classes: List[Type[Gateway]]) -> None:
        self._engine = engine
        self._delivery = delivery
        self._classes = gateway_classes
        self._gateways: Dict[int, Gateway] = {}

    def __len__(self) -> int:
        return len(self._gateways)

    def __getitem__(self, handle: int) -> Gateway:
        return self._gateways[handle]

    def get(self, user: int, handle: int, name: str) -> Gateway:
        """Made if this is the first time; what its __init__ raises is raised."""
        gateway = self._gateways.get(handle)
        if gateway is None:
            cls = self._classes[user]
            gateway = cls.__new__(cls)
            gateway._handle, gateway._delivery = handle, self._delivery
            gateway._encode = self._delivery.json.message
            gateway.engine, gateway.name = self._engine, name
            cls.__init__(gateway)
            self._gateways[handle] = gateway
        return gateway

    def take(self, handle: int) -> Optional[Gateway]:
        """Removes a Gateway that is retired. None if it could not be made."""
        return self._gateways.pop(handle, None)

    def clear(self) -> None:
        self._gateways.clear()
