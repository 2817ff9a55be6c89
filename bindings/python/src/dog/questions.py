"""Events that are to be answered: the handler is asked, now or in a task, and its answer goes to the engine."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Awaitable, Callable, Dict, NamedTuple, Optional, Union

from . import _native
from .answers import answer_clusterize, answer_fetch, answer_identify, answer_receive
from .errors import Error, GoneError
from .gateway import Gateway
from .request import Request
from .response import Forward, Response
from .shard import Shard
from .tasks import is_awaitable

if TYPE_CHECKING:
    from .delivery import Delivery

logger = logging.getLogger("dog")

Fetch = Callable[[Request], Union[None, Response, Forward, Awaitable[Union[None, Response, Forward]]]]
Answer = Callable[[Request, Any], None]
Owner = Union[Gateway, Shard, "Questions"]  # whose handler it is: on_fetch is this one's


class Asked(NamedTuple):
    """The name of a handler, made only if it is needed."""

    owner: object
    name: str

    def __str__(self) -> str:
        return "on_fetch" if isinstance(self.owner, Questions) else f"{type(self.owner).__name__}.{self.name}"


class Questions:
    """One method for each type of event that is a question. A handler that fails is logged, and the answer is 500."""

    def __init__(self, delivery: Delivery, fetch: Optional[Fetch], timeouts: Dict[str, float]) -> None:
        self._delivery = delivery
        self._fetch = fetch
        self._timeouts = timeouts  # in seconds, of "identify" and "receive"

    # ---- requests

    def fetch(self, handle: int) -> None:
        request = Request(handle, self._delivery)
        if self._fetch is not None:
            self._ask(request, self, "_fetch", answer_fetch, "identify")

    def identify(self, user: int, gateway_handle: int, handle: int, name: str) -> None:
        request = Request(handle, self._delivery)
        gateway = self._gateway(request, user, gateway_handle, name)
        if gateway is not None:
            self._ask(request, gateway, "identify", answer_identify, "identify")

    def clusterize(self, user: int, gateway_handle: int, handle: int, name: str) -> None:
        request = Request(handle, self._delivery)
        gateway = self._gateway(request, user, gateway_handle, name)
        if gateway is not None:
            self._ask(request, gateway, "clusterize", answer_clusterize, "identify")

    def receive(self, shard_handle: int, handle: int, uid: str) -> None:
        request = Request(handle, self._delivery, uid)
        shard = self._delivery.shards.get(shard_handle)
        if shard is None:
            _refuse(request)  # its __init__ failed, which was logged
        else:
            line = self._delivery.line
            line.call(shard, "receive", self._ask, request, shard, "receive", answer_receive, "receive")

    def _gateway(self, request: Request, user: int, handle: int, name: str) -> Optional[Gateway]:
        try:
            return self._delivery.gateways.get(user, handle, name)
        except Exception as error:
            self._failed(request, self, "a Gateway that is to be made", error)
            return None

    def _ask(self, request: Request, owner: Owner, name: str, answer: Answer, deadline: str) -> None:
        """Asks the handler `name` of a Shard, a Gateway, or of this itself."""
        try:
            result = getattr(owner, name)(request)
            if is_awaitable(result):
                request._keep()
                waiting = self._answer_later(request, owner, name, result, answer, deadline)
                self._delivery.tasks.start(waiting, Asked(owner, name))
                if isinstance(owner, Shard):
                    self._delivery.line.fall_behind(owner)
            else:
                answer(request, result)
        except Exception as error:
            self._failed(request, owner, name, error)
        except BaseException:
            _refuse(request)  # it goes on to the loop, but the client need not wait for its deadline
            raise

    async def _answer_later(
        self, request: Request, owner: Owner, name: str, result: Awaitable[Any], answer: Answer, deadline: str
    ) -> None:
        """The client gets 503 at the deadline, so a handler that has not answered by then is cancelled."""
        task = asyncio.current_task()
        is_late = False

        def expire() -> None:
            nonlocal is_late
            if task is not None and not request._is_answered:
                is_late = True
                task.cancel()

        timer = asyncio.get_running_loop().call_later(self._timeouts[deadline], expire)
        try:
            answer(request, await result)
        except asyncio.CancelledError:
            if not is_late:
                _refuse(request)  # the handler cancelled itself, or the program did
                raise
            logger.warning("no answer within %s_timeout_ms: the client was told 503, and the handler ended", deadline)
        except Exception as error:
            self._failed(request, owner, name, error)
        finally:
            timer.cancel()

    def _failed(self, request: Request, owner: Owner, name: str, error: Exception) -> None:
        if isinstance(error, GoneError):
            logger.debug("what a request's handler spoke to has gone", exc_info=error)
        else:
            self._delivery.failures.log(
                (type(owner), "requests"), error, "a request's handler failed: %s", Asked(owner, name)
            )
        _refuse(request)

    # ---- gossip

    def gossip(self, shard_handle: int, gossip: int, question: str) -> None:
        shard = self._delivery.shards.get(shard_handle)
        if shard is None:
            _fail_gossip(gossip, "it could not be made")
        else:
            self._delivery.line.call(shard, "ongossip", self._reply, shard, gossip, question)

    def _reply(self, shard: Shard, gossip: int, question: str) -> None:
        json = self._delivery.json
        try:
            result = shard.ongossip(json.decode(question))
            if is_awaitable(result):
                self._delivery.tasks.start(self._reply_later(shard, gossip, result), Asked(shard, "ongossip"))
                self._delivery.line.fall_behind(shard)
            else:
                _native.gossip_reply(gossip, json.encode(result))
        except Exception as error:
            self._failed_gossip(shard, gossip, error)
        except BaseException as error:
            _fail_gossip(gossip, type(error).__name__)
            raise

    async def _reply_later(self, shard: Shard, gossip: int, result: Awaitable[Any]) -> None:
        try:
            _native.gossip_reply(gossip, self._delivery.json.encode(await result))
        except Exception as error:
            self._failed_gossip(shard, gossip, error)
        except asyncio.CancelledError as error:
            _fail_gossip(gossip, type(error).__name__)
            raise

    def _failed_gossip(self, shard: Shard, gossip: int, error: Exception) -> None:
        if isinstance(error, GoneError):
            logger.debug("a sibling's question was gone before its answer", exc_info=error)
        else:
            self._delivery.failures.log((type(shard), "gossip"), error, "ongossip failed")
        _fail_gossip(gossip, _text_of(error))


def _refuse(request: Request) -> None:
    try:
        request.respond(Response("Internal Server Error\n", 500))
    except Error:
        pass  # it was answered before, or the client has left


# How much of an exception's text a sibling that asked gets.
TEXT_MAX = 1024


def _text_of(error: Exception) -> str:
    """The text of an exception, or its name. Its __str__ is the program's, and may fail as well."""
    try:
        text = str(error)
    except Exception:
        text = ""
    return text[:TEXT_MAX] or type(error).__name__


def _fail_gossip(gossip: int, text: str) -> None:
    try:
        _native.gossip_fail(gossip, text.encode(errors="replace"))
    except Error:
        pass  # the asker has gone, or its deadline has passed
