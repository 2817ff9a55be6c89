"""A request, as the client sent it, and the answers to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Dict, Generic, Iterator, List, Mapping, Optional, Tuple, TypeVar
from typing import Union, overload
from urllib.parse import parse_qsl

from . import _native
from .errors import Error, ThreadError
from .response import Response

if TYPE_CHECKING:
    from .delivery import Delivery

T = TypeVar("T")


class RequestHeaders(Mapping[str, str]):
    """Headers by name, letter case aside. Several of one name are joined by ", ", those of Cookie by "; " (RFC 9113);
    `pairs` has them as they came."""

    def __init__(self, pairs: List[Tuple[str, str]]) -> None:
        self.pairs = pairs
        self._joined: Dict[str, str] = {}
        for name, value in pairs:
            key = name.lower()
            separator = "; " if key == "cookie" else ", "
            self._joined[key] = f"{self._joined[key]}{separator}{value}" if key in self._joined else value

    def __getitem__(self, name: str) -> str:
        return self._joined[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._joined)

    def __len__(self) -> int:
        return len(self._joined)

    def __repr__(self) -> str:
        return f"RequestHeaders({self.pairs!r})"


class _Read(Generic[T]):
    """An attribute that is read from the engine when it is first asked for; then it is a plain one of the instance."""

    def __init__(self, read: Callable[[Request], T], doc: str) -> None:
        self._read = read
        self.__doc__ = doc

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, request: None, owner: type) -> _Read[T]: ...

    @overload
    def __get__(self, request: Request, owner: type) -> T: ...

    def __get__(self, request: Optional[Request], owner: type) -> Union[_Read[T], T]:
        if request is None:
            return self
        value = request.__dict__[self._name] = self._read(request)
        return value


class Request:
    """One question to a handler about an HTTP request. It can be read until it is answered. What was read is kept. For
    an async handler all of it is kept, so that it can be read after the client has left."""

    method = _Read(lambda request: _native.request_method(request._handle), '"GET"')
    target = _Read(lambda request: _native.request_target(request._handle), '"/a%20b?c=d", as it was sent')
    path = _Read(lambda request: _native.request_path(request._handle), '"/a%20b", as it was sent')
    query = _Read(lambda request: parse_query(request.target), "The query's parameters, decoded; the first of a name")
    headers = _Read(lambda request: RequestHeaders(_native.request_headers(request._handle)), "The headers, by name")
    body = _Read(lambda request: _native.request_body(request._handle), "The body's bytes")
    remote = _Read(lambda request: _native.request_remote(request._handle), 'The client\'s address, "127.0.0.1:51234"')
    protocols = _Read(lambda request: _native.request_protocols(request._handle), "The subprotocols that it offers")
    client_subject = _Read(
        lambda request: _native.request_client_subject(request._handle),
        "Whom the TLS client's certificate, verified, is for, or None",
    )
    uid = _Read(lambda request: _native.request_uid(request._handle) or "", 'What identify gave; before it, ""')

    _handle: int

    def __init__(self, handle: int, delivery: Delivery, uid: Optional[str] = None) -> None:
        self._handle = handle
        if uid is not None:
            self.__dict__["uid"] = uid
        self._delivery = delivery
        self._is_answered = False

    @property
    def remote_ip(self) -> Optional[str]:
        """The client's IP address alone, "127.0.0.1" or "::1"; None on a Unix-domain socket."""
        return ip_of(self.remote)

    @property
    def is_websocket(self) -> bool:
        """Whether it asks for a WebSocket. `connect` says whether it does so by the rules."""
        protocols = self.headers.get("Upgrade", "").split(",")
        return any(protocol.strip().lower() == "websocket" for protocol in protocols)

    @property
    def rest(self) -> str:
        """The path behind the part that the route matched, as it was sent: for "/rooms/:name" it is "/ws" of
        "/rooms/den/ws", and "" of "/rooms/den". The whole path if no route matched."""
        return self._delivery.routes.rest_of(self.path)

    def query_all(self, name: str) -> List[str]:
        """Every value of a query's parameter, decoded, in their order."""
        return [value for each, value in query_pairs(self.target) if each == name]

    def text(self) -> str:
        """The body, which is UTF-8."""
        return self.body.decode()

    def json(self) -> Any:
        """The body, which is JSON; a ValueError if it is not."""
        return self._delivery.json.decode(self.body)

    def respond(self, response: Response) -> None:
        """Answer at once, rather than by what the handler returns.

        An answer that cannot be used raises an Error here and is 500 for the client; a second one is a GoneError.
        """
        is_told = False
        try:
            if isinstance(response.body, bytes):
                _native.request_respond(self._handle, response.status, response.headers, response.body)
            else:
                self._delivery.streams.begin(self._handle, response, is_head=self.method == "HEAD")
            is_told = True
        except Error as error:
            # The engine has told the client. After any other exception the answer has not reached the engine.
            is_told = not isinstance(error, ThreadError)
            raise
        finally:
            self._is_answered = self._is_answered or is_told

    def _keep(self) -> None:
        for name in _KEPT:
            getattr(self, name)

    def __repr__(self) -> str:
        return f"<dog.Request {self._handle:#x}>"


_KEPT = [name for name, value in vars(Request).items() if isinstance(value, _Read)]


def query_pairs(target: str) -> List[Tuple[str, str]]:
    """The parameters behind the "?", decoded; what is not UTF-8 shows as U+FFFD."""
    return parse_qsl(target.partition("?")[2], keep_blank_values=True, errors="replace")


def parse_query(target: str) -> Dict[str, str]:
    """Of several parameters with the same name the first counts."""
    parameters: Dict[str, str] = {}
    for name, value in query_pairs(target):
        parameters.setdefault(name, value)
    return parameters


def ip_of(address: str) -> Optional[str]:
    """Of "127.0.0.1:51234", "[::1]:51234", "203.0.113.9", "::1" and "unix:"."""
    if address.startswith("["):
        return address[1:].partition("]")[0]
    host, colon, port = address.rpartition(":")
    if colon and ":" not in host:
        return None if host == "unix" and not port else host
    return address
