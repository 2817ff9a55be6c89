"""What can go wrong, as exceptions: each has the status that libdog gave."""

from __future__ import annotations

from enum import IntEnum
from typing import Dict, Optional, Type

from . import _native


class Status(IntEnum):
    """The statuses of dog.h, there with the prefix DOG_."""

    OK = 0
    EINVAL = -1
    ESTALE = -2
    EKIND = -3
    ETHREAD = -4
    EFORKED = -5
    ENOENT = -6
    EEXIST = -7
    ESTATE = -8
    ETOOBIG = -9
    EFULL = -10
    EUPGRADE = -11
    ECLOSED = -12
    EADDRINUSE = -13
    EADDR = -14
    ENOMEM = -15
    ESYSTEM = -16
    EHOST = -17
    ETIMEDOUT = -18
    EGONE = -19
    ENOHANDLER = -20
    EPROTOCOL = -21
    ERESET = -22
    ESLOW = -23
    ERATE = -24
    ETLS = -25


class Error(Exception):
    """The base of them all, and what comes where no class below says more. `status` says which it is."""

    def __init__(self, status: Status, text: Optional[str] = None) -> None:
        name, sentence = _native.status_text(status)
        super().__init__(text or f"{sentence} ({name})")
        self.status = status


class InvalidError(Error, ValueError):
    """An argument is not valid: a uid, a close code, a header, an option."""


class TooBigError(Error, ValueError):
    """Longer than its limit."""


class FullError(Error):
    """A queue or table is at its limit; nothing was queued."""


class GoneError(Error):
    """What was spoken to has gone: a request that was answered, a client that left, a Shard that stopped."""


class TimedOutError(Error, TimeoutError):
    """No answer before the deadline."""


class NotFoundError(Error, LookupError):
    """There is none by that name."""


class ExistsError(Error):
    """There is one by that name already."""


class StateError(Error, RuntimeError):
    """Not now: the engine runs already, or has stopped."""


class ForkedError(StateError):
    """This process was forked from that of the engine, which stayed with the parent."""


class AddressError(Error):
    """The address is in use, or cannot be listened on."""


class CertificateError(Error):
    """A certificate, a key or a list of authorities cannot be used."""


_CLASSES: Dict[Status, Type[Error]] = {
    Status.EINVAL: InvalidError,
    Status.ETOOBIG: TooBigError,
    Status.EFULL: FullError,
    Status.ESTALE: GoneError,
    Status.ECLOSED: GoneError,
    Status.EGONE: GoneError,
    Status.ETIMEDOUT: TimedOutError,
    Status.ENOENT: NotFoundError,
    Status.EEXIST: ExistsError,
    Status.ESTATE: StateError,
    Status.EFORKED: ForkedError,
    Status.EADDRINUSE: AddressError,
    Status.EADDR: AddressError,
    Status.ETLS: CertificateError,
}


def make(status: int, text: Optional[str] = None) -> Error:
    """The exception for a status. One that only a later libdog has is ESYSTEM, with that one's text."""
    try:
        known = Status(status)
    except ValueError:
        return Error(Status.ESYSTEM, text or " ".join(_native.status_text(status)))
    return _CLASSES.get(known, Error)(known, text)
