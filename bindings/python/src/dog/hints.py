"""Finds names in a program's classes that look like DOG's but are none: nothing would ever call or read them."""

from __future__ import annotations

import difflib
import logging
from typing import AbstractSet, Dict, Iterator, Optional, Set
from weakref import WeakKeyDictionary

logger = logging.getLogger("dog")

# How alike a misspelt name is, at least: "idle_second" and "idle_seconds" are 0.96, "order" and "ordered" 0.83.
ALIKE = 0.85

_told: WeakKeyDictionary[type, Set[str]] = WeakKeyDictionary()


def warn_of_names(cls: type, base: type, known: AbstractSet[str], others: Dict[str, str]) -> None:
    """Logs a warning for each such name of `cls`, which extends `base`; once, however often it is defined.

    `known` are the handlers and options of `base`; `others` are those of other classes, each with its class.
    """
    for owner, name in _own_names(cls, base):
        told = _told.setdefault(owner, set())
        if name in known or name in told:
            continue
        meant = _meant(name, known)
        if meant is not None and not _defines(cls, base, meant):
            logger.warning("%s.%s is nothing that DOG knows: did you mean %s?", owner.__name__, name, meant)
        elif meant is None and name in others:
            logger.warning("%s.%s: a %s has none, it is a %s's", owner.__name__, name, base.__name__, others[name])
        else:
            continue
        told.add(name)


def _own_names(cls: type, base: type) -> Iterator[tuple[type, str]]:
    """The names in the program's classes, mixins included, without those of DOG and of Python."""
    for owner in cls.__mro__:
        if owner not in base.__mro__:
            names = {**vars(owner), **vars(owner).get("__annotations__", {})}
            yield from ((owner, name) for name in names if not name.startswith("_"))


def _defines(cls: type, base: type, name: str) -> bool:
    """A class that has the right name too means something else by the other."""
    return any(name in vars(owner) for owner in cls.__mro__ if owner not in base.__mro__)


def _meant(name: str, known: AbstractSet[str]) -> Optional[str]:
    for each in known:
        if _plain(each) == _plain(name):
            return each
    alike = difflib.get_close_matches(name, sorted(known), n=1, cutoff=ALIKE)
    return alike[0] if alike else None


def _plain(name: str) -> str:
    return name.replace("_", "").lower()
