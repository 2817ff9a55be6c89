"""The answers to a request."""

from __future__ import annotations

from typing import Any, AsyncIterable, Callable, Iterable, List, Mapping, NamedTuple, Optional, Tuple, Type, Union
from typing import TYPE_CHECKING, cast

from .errors import Status
from .jsontext import DEFAULT, JSONText

if TYPE_CHECKING:
    from .jsontext import JSONCodec

Headers = Union[Mapping[str, str], Iterable[Tuple[str, str]]]
Parts = AsyncIterable[Union[str, bytes]]


def header_list(headers: Headers) -> List[Tuple[str, str]]:
    if isinstance(headers, Mapping):
        return list(cast("Mapping[str, str]", headers).items())
    return list(headers)


class Response:
    """A whole response, or a streamed one: then `body` is an async iterable, such as what an async generator gives.

    A part of a stream that does not fit waits until the client has taken some. If the client leaves, the iterable is
    closed. `onend` is called when a stream is over: with Status.OK if all of it went out, ERESET if the client left,
    ESLOW if it did not keep up, EHOST if the body failed, EGONE if the engine stopped.

    A str without a Content-Type is sent as UTF-8 and called text/plain.
    """

    __slots__ = ("status", "headers", "body", "onend")

    def __init__(
        self,
        body: Union[str, bytes, Parts] = b"",
        status: int = 200,
        headers: Headers = (),
        *,
        onend: Optional[Callable[[Status], object]] = None,
    ) -> None:
        self.status = status
        self.headers = header_list(headers)
        if isinstance(body, str):
            self._default_type("text/plain; charset=utf-8")
            body = body.encode()
        elif not isinstance(body, (bytes, AsyncIterable)):
            raise TypeError(f"a body is str, bytes or an async iterable of them, not {type(body).__name__}")
        if onend is not None and isinstance(body, bytes):
            raise TypeError("onend is for a body that is streamed")
        self.body: Union[bytes, Parts] = body
        self.onend = onend

    @classmethod
    def json(
        cls, value: Any, status: int = 200, headers: Headers = (), *, json: Optional[JSONCodec] = None
    ) -> Response:
        """`value` in JSON; `json` is a codec of one's own, as Engine takes one."""
        text = DEFAULT if json is None else JSONText(json)
        response = cls(text.encode(value), status, headers)
        response._default_type("application/json")
        return response

    @classmethod
    def html(cls, text: str, status: int = 200, headers: Headers = ()) -> Response:
        """A page."""
        response = cls(text.encode(), status, headers)
        response._default_type("text/html; charset=utf-8")
        return response

    def _default_type(self, content_type: str) -> None:
        if not any(name.lower() == "content-type" for name, _ in self.headers):
            self.headers.append(("Content-Type", content_type))

    def __repr__(self) -> str:
        return f"<dog.Response {self.status}>"


class Upgrade(NamedTuple):
    """The result of Shard.connect. Not accepted: the request was no valid upgrade, and the client was told."""

    accepted: bool


class Forward(NamedTuple):
    """An answer to fetch: the request goes on to the Gateway `name` of a class."""

    gateway: Union[str, Type[Any]]
    name: str
