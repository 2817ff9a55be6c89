"""What the engine has to know of a Gateway or Shard class, read from its attributes."""

from __future__ import annotations

import inspect
from typing import Any, Dict, FrozenSet, Iterable, List, Optional, Tuple, Type, Union, cast

from . import hints
from .gateway import Gateway
from .header import GATEWAY_OPTIONS, SHARD_OPTIONS
from .shard import Shard

# Options that the engine does not know.
ORDERED_OPTIONS = ("ordered", "ordered_max", "ordered_bytes_max")

# The names that a program's classes may define, by the class that they extend.
GATEWAY_NAMES = frozenset({*GATEWAY_OPTIONS, "child", "identify", "clusterize", "onretire"})
SHARD_NAMES = frozenset(
    {*SHARD_OPTIONS, "origins", *ORDERED_OPTIONS, "receive", *(name for name in vars(Shard) if name.startswith("on"))}
)

AnyClass = Union[Type[Gateway], Type[Shard]]


def warn_of_names(gateway: Type[Gateway], shard: Type[Shard]) -> None:
    hints.warn_of_names(gateway, Gateway, GATEWAY_NAMES, dict.fromkeys(SHARD_NAMES - GATEWAY_NAMES, "Shard"))
    hints.warn_of_names(shard, Shard, SHARD_NAMES, dict.fromkeys(GATEWAY_NAMES - SHARD_NAMES, "Gateway"))


def pairs_of(classes: Iterable[AnyClass]) -> List[Tuple[Type[Gateway], Type[Shard]]]:
    """Each Gateway class with its child, which may be among `classes` too. Any other argument is a TypeError."""
    gateways: List[Type[Gateway]] = []
    shards: Dict[str, Type[Shard]] = {}
    for cls in classes:
        if isinstance(cls, type) and issubclass(cls, Gateway):
            gateways.append(cls)
        elif isinstance(cls, type) and issubclass(cls, Shard):
            shards[cls.__name__] = cls
        else:
            raise TypeError(f"{cls!r} is neither a Gateway nor a Shard class")
    pairs = [(gateway, _child_of(gateway, shards)) for gateway in gateways]
    strays = set(shards.values()) - {shard for _, shard in pairs}
    if strays:
        names = ", ".join(sorted(cls.__name__ for cls in strays))
        raise TypeError(f"no Gateway class that was given together with it has this child: {names}")
    return pairs


def _child_of(gateway: Type[Gateway], shards: Dict[str, Type[Shard]]) -> Type[Shard]:
    child: Any = getattr(gateway, "child", None)
    is_class = isinstance(child, type) and issubclass(child, Shard)
    if is_class:
        return cast("Type[Shard]", child)
    if not isinstance(child, str):
        raise TypeError(f"{gateway.__name__}.child is to be a Shard class or the name of one, not {child!r}")
    if child not in shards:
        raise TypeError(f"{gateway.__name__}.child is {child!r}: give that class to define() as well")
    return shards[child]


def _is_defined(cls: AnyClass, base: type, name: str) -> bool:
    return getattr(cls, name) is not getattr(base, name)


def gateway_members(cls: Type[Gateway], child: Type[Shard]) -> Dict[str, Any]:
    if not hasattr(cls, "limit"):
        raise TypeError(f"{cls.__name__} has no limit")
    if not _is_defined(cls, Gateway, "identify"):
        raise TypeError(f"{cls.__name__} does not define identify")
    members = {name: getattr(cls, name, None) for name in GATEWAY_OPTIONS}
    is_naming = _is_defined(cls, Gateway, "clusterize")
    return {"name": cls.__name__, "child": child.__name__, "clusterize_events": is_naming, **members}


def shard_members(cls: Type[Shard], parent: Type[Gateway]) -> Dict[str, Any]:
    if not _is_defined(cls, Shard, "receive"):
        raise TypeError(f"{cls.__name__} does not define receive")
    for name in ORDERED_OPTIONS[1:]:
        if getattr(cls, name) < 1:
            raise ValueError(f"{cls.__name__}.{name} is at least 1")
    members = {name: getattr(cls, name, None) for name in SHARD_OPTIONS}
    is_asked = _is_defined(cls, Shard, "ongossip")
    return {"name": cls.__name__, "parent": parent.__name__, "gossip_events": is_asked, "start_later": True, **members}


def shard_origins(cls: Type[Shard]) -> Optional[List[str]]:
    if isinstance(cls.origins, str):
        raise TypeError(f"{cls.__name__}.origins is a list of str, not one str")
    return None if cls.origins is None else list(cls.origins)


def certificate_files(certificates: Iterable[Tuple[str, str]]) -> List[str]:
    """Pairs as one list. An entry that is no pair is an error: a listener without certificates speaks no TLS."""
    files: List[str] = []
    for pair in certificates:
        if isinstance(pair, str) or len(pair) != 2:
            raise TypeError(f"certificates are pairs of files, a certificate and its key, not {pair!r}")
        files += pair
    return files


def async_methods(cls: Type[Shard]) -> FrozenSet[str]:
    """The handlers of a Shard class that are coroutine functions."""
    names = ["receive", *(name for name in vars(Shard) if name.startswith("on"))]
    return frozenset(name for name in names if inspect.iscoroutinefunction(getattr(cls, name)))
