"""What handlers of requests return, as answers to the engine."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from . import _native
from .errors import InvalidError, TooBigError
from .request import Request
from .response import Forward, Response, Upgrade


def answer_fetch(request: Request, result: Any) -> None:
    if isinstance(result, Forward):
        name = result.gateway if isinstance(result.gateway, str) else result.gateway.__name__
        request._is_answered = True
        _native.request_forward(request._handle, name, result.name)
    else:
        _respond(request, result, "a Response or a Forward")


def answer_identify(request: Request, result: Any) -> None:
    if isinstance(result, str):
        request._is_answered = True
        # A bad uid mostly comes from the client: the engine answers 400, and logs it at INFO.
        with suppress(InvalidError, TooBigError):
            _native.request_identify(request._handle, "" if _is_no_text(result) else result)
    else:
        _respond(request, result, "a uid or a Response")


def answer_clusterize(request: Request, result: Any) -> None:
    if isinstance(result, str):
        request._is_answered = True
        _native.request_clusterize(request._handle, result)
    else:
        _respond(request, result, "a Shard's id or a Response")


def answer_receive(request: Request, result: Any) -> None:
    # An Upgrade has answered already, when it was made.
    if not isinstance(result, Upgrade):
        _respond(request, result, "a Response or what connect gives")


def _is_no_text(uid: str) -> bool:
    """A lone surrogate, which no UTF-8 has."""
    return any("\ud800" <= letter <= "\udfff" for letter in uid)


def _respond(request: Request, result: Any, expected: str) -> None:
    """None is well for a handler that has answered by itself."""
    if isinstance(result, Response):
        request.respond(result)
    elif result is not None or not request._is_answered:
        raise TypeError(f"a handler is to return {expected}, not {_shown(result)}")


def _shown(result: object) -> str:
    """A repr of the program's own may fail as well."""
    try:
        return repr(result)
    except Exception:
        return f"a {type(result).__name__}"
