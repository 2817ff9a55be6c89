"""The engine: its options, classes, routes and listeners, and serving."""

from __future__ import annotations

import asyncio
import logging
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Callable, Dict, Generator, List, Optional, Sequence, Tuple, Type, TypeVar, Union

from . import _native, classes
from .delivery import Delivery
from .errors import EndedError, Error, InvalidError, StateError, Status, make
from .gateway import Gateway
from .header import ClientCertificate, EngineOptions, Event, Stats
from .jsontext import JSONText
from .log import EngineLog
from .questions import Fetch, Questions
from .routes import Routes
from .shard import Shard

if TYPE_CHECKING:
    from .jsontext import JSONCodec

logger = logging.getLogger("dog")

Handler = Callable[..., object]
AnyFetch = TypeVar("AnyFetch", bound=Fetch)

# A day, in seconds: the longest grace that libdog takes.
GRACE_MAX = 86_400
GRACE = 2.0
# The deadlines of handlers that answer a request.
TIMEOUTS = ("identify", "receive")

# Events that have no handler here: messages go straight to onmessage, and nothing calls dog_shard_after.
UNHEARD = (Event.MESSAGE, Event.CALL)


def _ignore(*arguments: object) -> None:
    """For events that can only come to an engine that serves."""


class Engine(EngineOptions):
    """One running DOG in this process.

    Make it with the options of dog_options_t by their names there (None is the engine's default), then give it classes,
    routes and listeners, and serve: `dog.run(engine)`, or `await engine.serve()` in an event loop of yours, or
    `async with engine:` for as long as a block runs.

    Two options are the binding's own. `tasks_max`: how many handlers may be running (waiting in an `await`). With more,
    events stay in the engine's queue, and the engine stops reading from its clients when that is full. `json`: an
    object or module with `dumps` (to str or bytes) and `loads`, used for all JSON here; messages may then be whatever
    `dumps` takes.
    """

    def _make(self, options: Dict[str, Any], tasks_max: int, json: Optional[JSONCodec]) -> None:
        if tasks_max < 1:
            raise ValueError("tasks_max is at least 1")
        proxies = options["trusted_proxies"]
        if proxies is not None and not isinstance(proxies, str):
            options["trusted_proxies"] = ",".join(proxies)
        self._tasks_max = tasks_max
        given = {**_native.defaults(), **{name: value for name, value in options.items() if value is not None}}
        self._timeouts = {name: given[f"{name}_timeout_ms"] / 1000 for name in TIMEOUTS}
        self._pairs: List[Tuple[Type[Gateway], Type[Shard]]] = []
        self._fetch: Optional[Fetch] = None
        self._json = JSONText(json)
        self._routes = Routes()
        self._ports: List[int] = []
        self._places: List[str] = []  # where it listens, for the log
        self._log = EngineLog()
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        self._delivery: Optional[Delivery] = None
        self._stopped: Optional[asyncio.Future[None]] = None
        self._is_reading = False
        # The shortest grace that stop was asked for; None if it was not called.
        self._grace: Optional[float] = None
        self._serving: Optional[asyncio.Future[None]] = None  # in `async with`
        self._native = _native.Engine(options)
        # Before it serves, an engine has no events but those of the log.
        every: Dict[int, Handler] = {**dict.fromkeys(set(Event) - set(UNHEARD), _ignore), Event.LOG: self._log.line}
        self._native.set_handlers(every, _ignore, _ignore, _ignore)

    # ---- before it serves

    def define(self, *gateways_and_shards: Union[Type[Gateway], Type[Shard]]) -> Engine:
        """Define Gateway classes and their children; a child that is given by name must be among the arguments."""
        for gateway, shard in classes.pairs_of(gateways_and_shards):
            members, shard_members = classes.gateway_members(gateway, shard), classes.shard_members(shard, gateway)
            with self._heard():
                self._native.define_gateway(len(self._pairs), members)
            with self._heard():
                self._native.define_shard(len(self._pairs), shard_members, classes.shard_origins(shard))
            self._pairs.append((gateway, shard))
            classes.warn_of_names(gateway, shard)
        return self

    def route(self, pattern: str, gateway: Union[str, Type[Gateway]], name: Optional[str] = None) -> Engine:
        """Send requests to a Gateway class: "/rooms/:name" to that which the path names, "/ws" to the one named `name`.

        The first route that matches is taken.
        """
        with self._heard():
            self._native.route(pattern, gateway if isinstance(gateway, str) else gateway.__name__, name)
        self._routes.add(pattern)
        return self

    def on_fetch(self, fetch: AnyFetch) -> AnyFetch:
        """Ask `fetch` about requests that no route matches (404 without it): it returns a Response or a Forward.

        Gives `fetch` back, so that it serves as a decorator.
        """
        if self._fetch is not None:
            raise make(Status.EEXIST, "on_fetch was given a function before")
        self._native.on_fetch()
        self._fetch = fetch
        return fetch

    def listen(
        self,
        port: int = 0,
        host: Optional[str] = None,
        *,
        path: Optional[str] = None,
        certificates: Sequence[Tuple[str, str]] = (),
        client_ca_file: Optional[str] = None,
        client_certificate: ClientCertificate = ClientCertificate.NONE,
        proxy_protocol: bool = False,
        ipv6_only: bool = False,
        mode: int = 0,
        **more: Union[None, int, str],
    ) -> Engine:
        """Listen on a port (0 for a free one) of a numeric address, or on a Unix-domain `path`.

        `host` None and "localhost" are 127.0.0.1. "::" takes IPv4 too, unless `ipv6_only`. `mode` is the permissions of
        the file at `path`, such as 0o660; 0 is what the umask leaves.

        `more` are members of dog_listen_options_t by their names there.

        With `certificates`, pairs of PEM files (a certificate with its chain, and its key), it speaks TLS. Clients that
        come before it serves wait.
        """
        members = {
            "port": port,
            "host": host,
            "path": path,
            "client_ca_file": client_ca_file,
            "client_certificate": client_certificate,
            "proxy_protocol": proxy_protocol,
            "ipv6_only": ipv6_only,
            "mode": mode,
            **more,
        }
        files = classes.certificate_files(certificates)
        with self._heard():
            bound = self._native.listen(members, files)
        self._ports.append(bound)
        self._places.append(place_of(path, host, bound, bool(files)))
        return self

    @property
    def port(self) -> int:
        """The port of the first listener; 0 if that is a path."""
        if not self._ports:
            raise StateError(Status.ESTATE, "the engine does not listen yet")
        return self._ports[0]

    @property
    def ports(self) -> Tuple[int, ...]:
        """Those of all listeners, in the order they were made."""
        return tuple(self._ports)

    @contextmanager
    def _heard(self) -> Generator[None, None, None]:
        """If an Error comes from within, the engine's lines about it go to the logger first. While the engine serves,
        they do so anyway."""
        try:
            yield
        except EndedError:
            raise
        except Error:
            if self._loop is None:
                self._native.deliver()
            raise

    # ---- serving

    async def serve(self) -> None:
        """Serve until `stop`, once. When this is cancelled, it stops without grace first."""
        if self._loop is not None:
            self._native.wait_fd()  # an EndedError where it has ended
            raise StateError(Status.ESTATE, "the engine serves already")
        loop = asyncio.get_running_loop()
        self._stopped = loop.create_future()
        delivery = self._delivery = Delivery(
            self,
            self._native,
            loop,
            self._pairs,
            self._tasks_max,
            self._routes,
            self._json,
            self._pause,
            self._resume,
        )
        questions = Questions(delivery, self._fetch, self._timeouts)
        handlers: Dict[int, Handler] = {
            Event.FETCH: questions.fetch,
            Event.IDENTIFY: questions.identify,
            Event.CLUSTERIZE: questions.clusterize,
            Event.RECEIVE: questions.receive,
            Event.GOSSIP: questions.gossip,
            Event.RETIRE: delivery.retire,
            Event.START: delivery.start,
            Event.STOP: delivery.stop,
            Event.OPEN: delivery.open,
            Event.CLOSE: delivery.close,
            Event.ERROR: delivery.error,
            Event.DRAIN: delivery.drain,
            Event.WHISPERED: delivery.outcomes.whispered,
            Event.GOSSIPED: delivery.outcomes.gossiped,
            Event.WRITABLE: delivery.streams.writable,
            Event.ENDED: delivery.streams.ended,
            Event.LOG: self._log.line,
            Event.STOPPED: self._on_stopped,
        }
        self._native.set_handlers(
            handlers, delivery.message_result, delivery.message_failed, delivery.message_behind
        )
        with self._heard():
            self._native.start()
        self._loop = loop
        self._fd = self._native.wait_fd()
        self._say_where()
        if self._grace is not None:
            self.stop(self._grace)
        self._resume()
        try:
            await self._until_stopped()
        finally:
            self._unwatch()
            try:
                await delivery.end(self._grace or 0)
            finally:
                self._native.close()

    async def _until_stopped(self) -> None:
        assert self._stopped is not None
        try:
            await asyncio.shield(self._stopped)
        except asyncio.CancelledError:
            self.stop(0)
            await self._stopped
            raise

    def _say_where(self) -> None:
        for place in self._places:
            logger.info("listening on %s", place)
        if not self._places:
            logger.warning("the engine listens nowhere: nobody can reach it without listen()")

    def stop(self, grace: float = GRACE) -> None:
        """Accept no more, let requests be answered, close every socket with 1001, and after `grace` seconds reset what
        is left. Handlers that still run when all clients have left may finish within as long again.

        May be called from any thread, and again with a shorter grace; `serve` returns when all has ended. An engine
        that does not serve yet stops as soon as it does. If the engine has ended, nothing happens.
        """
        if not 0 <= grace <= GRACE_MAX:
            raise InvalidError(Status.EINVAL, f"grace is {grace} s, and may be 0 to {GRACE_MAX}")
        # Before the engine is asked: one that starts meanwhile looks here when it has.
        self._grace = grace if self._grace is None else min(grace, self._grace)
        try:
            self._native.stop(round(grace * 1000))
        except EndedError:
            return
        except StateError as error:
            if error.status is not Status.ESTATE:
                raise
            return
        try:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._stopping, grace)
        except RuntimeError:
            pass  # the loop was closed meanwhile, and with it all has ended

    def _stopping(self, grace: float) -> None:
        if self._loop is not None and self._delivery is not None:
            self._loop.call_later(grace, self._delivery.tasks.lift)
            self._delivery.tasks.hurry(grace)

    async def __aenter__(self) -> Engine:
        """Serves while the block runs, and stops when it is left."""
        self._serving = asyncio.ensure_future(self.serve())
        await asyncio.sleep(0)  # its first step, which starts the engine, or fails
        if self._serving.done():
            await self._serving
        return self

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], traceback: Optional[TracebackType]
    ) -> None:
        self.stop(0 if isinstance(error, asyncio.CancelledError) else GRACE)
        if self._serving is not None:
            await self._serving

    def close(self) -> None:
        """Give up an engine that was never served, and its ports. Not needed after `serve`."""
        if self._loop is not None:
            try:
                self._native.wait_fd()
            except EndedError:
                return
            raise StateError(Status.ESTATE, "stop an engine that serves")
        self._native.close()

    def reload_certificates(self) -> None:
        """Read the files of all TLS listeners again. A CertificateError leaves everything as it was."""
        with self._heard():
            self._native.reload_certificates()

    # ---- at any time

    def find(self, gateway: Type[Gateway], name: str) -> Optional[Gateway]:
        """The Gateway of a class by its name, if it is alive. Only in the event loop's thread."""
        if self._delivery is not None:
            self._delivery.check_thread()
        handle = self._native.find(gateway.__name__, name)
        if handle == 0 or self._delivery is None:
            return None
        user = next(user for user, (cls, _) in enumerate(self._pairs) if cls is gateway)
        return self._delivery.gateways.get(user, handle, name)

    def stats(self) -> Stats:
        """What the engine counts."""
        return Stats(**self._native.stats())

    def debug_counts(self) -> Dict[str, int]:
        """How many of each the package itself keeps for this engine: what does not go back to 0 is a leak. What is
        counted may change from one version to the next. Only in the event loop's thread."""
        return {} if self._delivery is None else self._delivery.counts()

    # ---- events

    def _on_ready(self) -> None:
        try:
            self._native.deliver()
        except Exception as error:
            self._unwatch()
            if self._stopped is not None and not self._stopped.done():
                self._stopped.set_exception(error)
        except BaseException:
            # A handler raised a BaseException, such as asyncio.CancelledError: it goes on to the loop.
            # The events behind it were fetched already, so the descriptor does not tell of them.
            if self._loop is not None:
                self._loop.call_soon(self._deliver_rest)
            raise

    def _on_stopped(self) -> None:
        self._unwatch()
        if self._stopped is not None and not self._stopped.done():
            self._stopped.set_result(None)

    def _pause(self) -> None:
        self._native.is_paused = True
        self._unwatch()

    def _resume(self) -> None:
        """Events of the last poll may be left, of which the descriptor does not tell."""
        assert self._loop is not None and self._stopped is not None
        self._native.is_paused = False
        if not self._stopped.done():
            self._is_reading = True
            self._loop.add_reader(self._fd, self._on_ready)
            self._loop.call_soon(self._deliver_rest)

    def _deliver_rest(self) -> None:
        if self._is_reading:
            self._on_ready()

    def _unwatch(self) -> None:
        if self._is_reading and self._loop is not None:
            self._is_reading = False
            self._loop.remove_reader(self._fd)


def place_of(path: Optional[str], host: Optional[str], port: int, is_tls: bool) -> str:
    """Where clients find a listener."""
    if path is not None:
        return f"unix:{path}, with TLS" if is_tls else f"unix:{path}"
    address = host or "127.0.0.1"
    return f"{'https' if is_tls else 'http'}://{f'[{address}]' if ':' in address else address}:{port}"
