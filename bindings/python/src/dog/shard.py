"""The class to extend for Shards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Awaitable, Callable, ClassVar, Dict, Generic, Optional, Sequence, Tuple, Union

from . import _native
from .errors import Error, InvalidError, Status
from .message import Data, Message
from .outcomes import Replies
from .request import Request
from .response import Headers, Response, Upgrade, header_list

if TYPE_CHECKING:
    import asyncio

    # For checkers alone: they know typing_extensions by themselves, and programs need not install it.
    from typing_extensions import TypeVar

    from .delivery import Delivery
    from .engine import Engine
    from .gateway import Gateway
    from .socket import Socket

    AnyGateway = TypeVar("AnyGateway", bound=Gateway, default=Gateway, covariant=True)
else:
    from typing import TypeVar

    AnyGateway = TypeVar("AnyGateway", covariant=True)

Answer = Union[Response, Upgrade]
Nothing = Union[None, Awaitable[None]]

TIMEOUT_MS_MAX = 86_400_000


class Shard(_native.Shard, Generic[AnyGateway]):
    """A member of a cluster: it answers requests and holds sockets, up to the limit of its Gateway.

    Extend it and define `receive`, and what else you need. Every method of yours may be `async def`: such handlers
    begin in the order in which their events happened, and may overlap where they await. There is one instance for each
    Shard that is alive; __init__ takes nothing, and `id`, `gateway` and `engine` are there already.

    An exception of a handler is logged with its traceback. Then a request is answered 500, and a socket gets onerror
    and is closed with 1011. An error of DOG's own (InvalidError, TooBigError or FullError) is logged and closes no
    socket.

    `Shard["Room"]`, as a base class, says to a checker of types that `gateway` is a Room.
    """

    ordered: ClassVar[bool] = False
    """Handle the events of one socket one after another: the next handler begins when the one before has ended, even if
    that awaits. Sockets do not wait for one another."""
    ordered_max: ClassVar[int] = 1024
    """With `ordered`: so many messages of a socket may wait; a client that sends more is closed with 1013."""
    ordered_bytes_max: ClassVar[int] = 4_194_304
    """With `ordered`: the length of these messages together."""
    origins: ClassVar[Optional[Sequence[str]]] = None
    """Origins from which a browser may open a socket, such as "https://example.com"; None is any."""
    deflate: ClassVar[Optional[bool]] = None
    """Compress messages (permessage-deflate) for clients that offer it; None is no."""
    deflate_level: ClassVar[Optional[int]] = None
    """1, which is what None is: fastest, to 9: smallest."""
    deflate_window_bits: ClassVar[Optional[int]] = None
    """The largest window to compress with, 9 to 15; None is 15."""
    deflate_client_window_bits: ClassVar[Optional[int]] = None
    """The largest window for a client, 8 to 15; None is 15."""
    deflate_client_context: ClassVar[Optional[bool]] = None
    """Whether a client may refer to its earlier messages; None is no."""
    deflate_bytes_min: ClassVar[Optional[int]] = None
    """A shorter message is sent as it is; None is 64."""

    id: str
    """What clusterize named it, or 128 random bits in hex."""
    gateway: AnyGateway
    engine: Engine
    _delivery: Delivery
    _encode: Callable[[Any], bytes]
    _sockets: Dict[Socket, None]
    _connecting: Dict[int, Any]

    def receive(self, request: Request) -> Union[None, Answer, Awaitable[Optional[Answer]]]:
        """A request was placed here. Return a Response, or what `connect` gives."""
        raise NotImplementedError

    def onstart(self) -> Nothing:
        """The Shard begins. Nothing else is asked of it until this is done: so `async def` may load what it needs.

        If this or __init__ fails, requests that wait get 500, the Shard ends, and the next request makes another.
        """

    def onstop(self) -> Nothing:
        """The Shard ends; it has no sockets any more. When the engine stops, `async def` may use the grace to save."""

    def onopen(self, socket: Socket) -> Nothing:
        """A socket is open, and a member already."""

    def onmessage(self, socket: Socket, data: Data) -> Nothing:
        """A whole message came: str if it was text, bytes if it was binary."""

    def onclose(self, socket: Socket, code: int, reason: str, clean: bool) -> Nothing:
        """A socket is closed, once for each onopen. `clean`: both sides said goodbye."""

    def onerror(self, socket: Socket, error: Exception) -> Nothing:
        """A socket failed; onclose follows. `error` is an Error with a status, or what a handler has raised."""

    def ondrain(self, socket: Socket, dropped: int) -> Nothing:
        """A socket that had not kept up has caught up; `dropped` messages were lost meanwhile."""

    def ongossip(self, question: Any) -> Any:
        """A sibling asks. Return the answer. Both travel as JSON. If this raises, the sibling gets the text."""
        raise NotImplementedError

    def connect(
        self, request: Request, *, protocol: Optional[str] = None, headers: Headers = (), data: Any = None
    ) -> Upgrade:
        """Upgrade to a WebSocket on this Shard; onopen follows.

        If the request is no valid upgrade, the client is told so (405, 426, 400 or 403), and nothing is left to do.
        `protocol` is one of request.protocols, `headers` are added to the 101, `data` will be the socket's.
        """
        self._delivery.check_thread()
        pairs = header_list(headers)
        token = 0 if data is None else self._delivery.keep_for_open(self, data)
        is_accepted = False
        try:
            is_accepted = _native.request_connect(request._handle, protocol, pairs, token)
            request._is_answered = True
        except Error:
            request._is_answered = True  # the engine has told the client
            raise
        finally:
            if not is_accepted:
                self._connecting.pop(token, None)
        return Upgrade(is_accepted)

    @property
    def sockets(self) -> Tuple[Socket, ...]:
        """The sockets that are open here."""
        return tuple(self._sockets)

    @property
    def count(self) -> int:
        """How many sockets are open here."""
        return len(self._sockets)

    def whisper(self, uid: str, data: Message) -> asyncio.Future[int]:
        """Send one message to every socket of `uid` in the cluster, at once. Only in the event loop's thread.

        Awaiting what is returned gives how many sockets that was; it need not be awaited.
        """
        return self._delivery.outcomes.expect_count(self._handle, lambda token: self._whisper(uid, data, token))

    def gossip(self, question: Any, timeout: Optional[float] = None) -> asyncio.Future[Replies]:
        """Ask every sibling, at once; awaiting what is returned gives the list of their replies.

        The list has the replies that came; its `results` has an entry for every sibling. `timeout` is in seconds, None
        is the engine's gossip_timeout_ms. Only in the event loop's thread.
        """
        text = self._delivery.json.encode(question)
        timeout_ms = 0 if timeout is None else max(1, round(timeout * 1000))
        if timeout_ms > TIMEOUT_MS_MAX:
            raise InvalidError(Status.EINVAL, "a timeout is at most a day")
        return self._delivery.outcomes.expect(self._handle, lambda token: self._gossip(text, timeout_ms, token))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {getattr(self, 'id', None)!r}>"
