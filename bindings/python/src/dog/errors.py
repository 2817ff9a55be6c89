"""What can go wrong, as exceptions: each has the status that libdog gave."""

from __future__ import annotations

from typing import Dict, Optional, Type

from . import _native
from .header import Status as Status  # the name by which programs know it


class Error(Exception):
    """The base of them all; raised itself if no class below fits. `status` says which error it is."""

    def __init__(self, status: Status, text: Optional[str] = None) -> None:
        name, sentence = _native.status_text(status)
        super().__init__(text or f"{sentence} ({name})")
        self.status = status


class InvalidError(Error, ValueError):
    """An argument is not valid: a uid, a close code, a header, an option."""


class UnsendableError(InvalidError, TypeError):
    """It cannot be sent: its type is wrong, it has no JSON, or it is text with half of a surrogate pair."""

    def __init__(self, text: str) -> None:
        super().__init__(Status.EINVAL, text)


class TooBigError(Error, ValueError):
    """Longer than its limit."""


class FullError(Error):
    """A queue or table is at its limit; nothing was queued."""


class GoneError(Error):
    """The object has gone: a request that was answered, a client that left, a Shard that stopped."""


class TimedOutError(Error, TimeoutError):
    """No answer before the deadline."""


class NotFoundError(Error, LookupError):
    """There is none by that name."""


class ExistsError(Error):
    """There is one by that name already."""


class StateError(Error, RuntimeError):
    """Not now: the engine runs already, or has stopped."""


class EndedError(StateError):
    """The engine has ended. To serve again, make a new one."""

    def __init__(self) -> None:
        super().__init__(Status.ESTATE, "the engine has ended: an engine serves once, make another")


class ThreadError(Error, RuntimeError):
    """Not on this thread: only on that of the event loop."""


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
    Status.ETHREAD: ThreadError,
    Status.EFORKED: ForkedError,
    Status.EADDRINUSE: AddressError,
    Status.EADDR: AddressError,
    Status.ETLS: CertificateError,
}


def status_of(number: int) -> Status:
    """A status that only a later libdog has becomes ESYSTEM."""
    try:
        return Status(number)
    except ValueError:
        return Status.ESYSTEM


def make(status: int, text: Optional[str] = None) -> Error:
    """The exception for a status. One that only a later libdog has becomes ESYSTEM, with its own text."""
    try:
        known = Status(status)
    except ValueError:
        return Error(Status.ESYSTEM, text or " ".join(_native.status_text(status)))
    return _CLASSES.get(known, Error)(known, text)
