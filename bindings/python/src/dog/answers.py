"""What handlers of requests return, as answers to the engine."""

from __future__ import annotations

from typing import Any

from . import _native
from .request import Request
from .response import Forward, Response, Upgrade


def answer_fetch(request: Request, result: Any) -> None:
    if isinstance(result, Forward):
        request._is_answered = True
        name = result.gateway if isinstance(result.gateway, str) else result.gateway.__name__
        _native.request_forward(request._handle, name, result.name)
    else:
        _respond(request, result, "a Response or a Forward")


def answer_identify(request: Request, result: Any) -> None:
    if isinstance(result, str):
        request._is_answered = True
        _native.request_identify(request._handle, result)
    else:
        _respond(request, result, "a uid or a Response")


def answer_clusterize(request: Request, result: Any) -> None:
    if isinstance(result, str):
        request._is_answered = True
        _native.request_clusterize(request._handle, result)
    else:
        _respond(request, result, "a Shard's id or a Response")


def answer_receive(request: Request, result: Any) -> None:
    # An Upgrade has been the answer when it was made.
    if not isinstance(result, Upgrade):
        _respond(request, result, "a Response or what connect gives")


def _respond(request: Request, result: Any, expected: str) -> None:
    """None is well for a handler that has answered by itself."""
    if isinstance(result, Response):
        request.respond(result)
    elif result is not None or not request._is_answered:
        raise TypeError(f"a handler is to return {expected}, not {result!r}")
