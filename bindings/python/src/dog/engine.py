"""The engine: its options, classes, routes and listeners, and serving."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import Callable, Dict, Generator, List, Optional, Sequence, Tuple, Type, TypeVar, Union

from . import _native, classes
from .delivery import Delivery
from .errors import Error, InvalidError, StateError, Status, make
from .gateway import Gateway
from .log import EngineLog
from .options import ClientCertificate, LogLevel, OutboxPolicy, RatePolicy, Stats
from .questions import Fetch, Questions
from .shard import Shard

Handler = Callable[..., object]
AnyFetch = TypeVar("AnyFetch", bound=Fetch)

# A day, in seconds: the longest grace that libdog takes.
GRACE_MAX = 86_400
DEFAULT_TIMEOUTS_MS = {"identify": 10_000, "receive": 30_000}

# The types of dog_event_t but that of messages, which go to onmessage by themselves.
FETCH, IDENTIFY, CLUSTERIZE, RECEIVE, GOSSIP, START, STOP, OPEN = range(1, 9)
CLOSE, ERROR, DRAIN, WHISPERED, GOSSIPED, WRITABLE, ENDED, LOG, STOPPED, RETIRE = range(10, 20)


def _ignore(*arguments: object) -> None:
    """For events that can only come to an engine that serves."""


class Engine:
    """One running DOG in this process.

    Make it with the options of dog_options_t by their names there (None is the engine's default), then give it classes,
    routes and listeners, and serve: `dog.run(engine)`, or `await engine.serve()` in an event loop of yours.

    `tasks_max` is the binding's own: so many handlers may be under way (waiting in an `await`); with more, events stay
    in the engine's queue, and it stops reading from its clients when that is full.
    """

    def __init__(
        self,
        *,
        workers: Optional[int] = None,
        log_level: Optional[LogLevel] = None,
        connections_max: Optional[int] = None,
        gateways_max: Optional[int] = None,
        shards_max: Optional[int] = None,
        mailbox_bytes_max: Optional[int] = None,
        target_bytes_max: Optional[int] = None,
        header_bytes_max: Optional[int] = None,
        header_count_max: Optional[int] = None,
        body_bytes_max: Optional[int] = None,
        message_bytes_max: Optional[int] = None,
        outbox_bytes_max: Optional[int] = None,
        outbox_policy: Optional[OutboxPolicy] = None,
        gossip_bytes_max: Optional[int] = None,
        gossips_max: Optional[int] = None,
        header_timeout_ms: Optional[int] = None,
        body_timeout_ms: Optional[int] = None,
        keepalive_timeout_ms: Optional[int] = None,
        identify_timeout_ms: Optional[int] = None,
        receive_timeout_ms: Optional[int] = None,
        ping_interval_ms: Optional[int] = None,
        ping_timeout_ms: Optional[int] = None,
        close_timeout_ms: Optional[int] = None,
        connections_per_address_max: Optional[int] = None,
        trusted_proxies: Optional[Union[str, Sequence[str]]] = None,
        frame_bytes_max: Optional[int] = None,
        handshake_timeout_ms: Optional[int] = None,
        idle_timeout_ms: Optional[int] = None,
        gossip_timeout_ms: Optional[int] = None,
        message_rate_max: Optional[int] = None,
        message_burst_max: Optional[int] = None,
        byte_rate_max: Optional[int] = None,
        byte_burst_max: Optional[int] = None,
        rate_policy: Optional[RatePolicy] = None,
        admission_lag_ms: Optional[int] = None,
        admission_memory_bytes: Optional[int] = None,
        retry_after_seconds: Optional[int] = None,
        events_max: Optional[int] = None,
        event_bytes_max: Optional[int] = None,
        tasks_max: int = 10_000,
    ) -> None:
        options = {name: value for name, value in locals().items() if name not in ("self", "tasks_max")}
        if tasks_max < 1:
            raise ValueError("tasks_max is at least 1")
        if trusted_proxies is not None and not isinstance(trusted_proxies, str):
            options["trusted_proxies"] = ",".join(trusted_proxies)
        self._tasks_max = tasks_max
        self._timeouts = {
            name: (options[f"{name}_timeout_ms"] or default) / 1000 for name, default in DEFAULT_TIMEOUTS_MS.items()
        }
        self._pairs: List[Tuple[Type[Gateway], Type[Shard]]] = []
        self._fetch: Optional[Fetch] = None
        self._ports: List[int] = []
        self._log = EngineLog()
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        self._delivery: Optional[Delivery] = None
        self._stopped: Optional[asyncio.Future[None]] = None
        self._is_reading = False
        self._native = _native.Engine(options)
        # All that an engine tells before it serves is its log.
        every: Dict[int, Handler] = {**dict.fromkeys([*range(FETCH, RETIRE + 1)], _ignore), LOG: self._log.line}
        self._native.set_handlers(every, _ignore, _ignore, _ignore)

    # ---- before it serves

    def define(self, *gateways_and_shards: Union[Type[Gateway], Type[Shard]]) -> Engine:
        """Define Gateway classes and their children; a child that is given by name must be among the arguments."""
        for gateway, shard in classes.pairs_of(gateways_and_shards):
            members, shard_members = classes.gateway_members(gateway, shard), classes.shard_members(shard, gateway)
            with self._explained(gateway.__name__):
                self._native.define_gateway(len(self._pairs), members)
            with self._explained(shard.__name__):
                self._native.define_shard(len(self._pairs), shard_members, classes.shard_origins(shard))
            self._pairs.append((gateway, shard))
        return self

    def route(self, pattern: str, gateway: Union[str, Type[Gateway]], name: Optional[str] = None) -> Engine:
        """Send requests to a Gateway class: "/rooms/:name" to that which the path names, "/ws" to the one named `name`.

        The first route that matches is taken.
        """
        with self._explained(f"the route {pattern!r}"):
            self._native.route(pattern, gateway if isinstance(gateway, str) else gateway.__name__, name)
        return self

    def on_fetch(self, fetch: AnyFetch) -> AnyFetch:
        """Ask `fetch` about requests that no route takes (404 without it): it returns a Response or a Forward.

        Gives `fetch` back, so that it serves as a decorator.
        """
        if self._fetch is not None:
            raise make(Status.EEXIST)
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
    ) -> Engine:
        """Listen on a port (0 for a free one) of a numeric address (None is 127.0.0.1), or on a Unix-domain `path`.

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
        }
        files = classes.certificate_files(certificates)
        with self._explained("the listener"):
            self._ports.append(self._native.listen(members, files))
        return self

    @property
    def port(self) -> int:
        """The port of the first listener; 0 where that is a path."""
        if not self._ports:
            raise StateError(Status.ESTATE, "the engine does not listen yet")
        return self._ports[0]

    @property
    def ports(self) -> Tuple[int, ...]:
        """Those of all listeners, in the order they were made."""
        return tuple(self._ports)

    @contextmanager
    def _explained(self, what: str) -> Generator[None, None, None]:
        """An Error from within says of what it is, and why in the words of the engine's log if that says anything.
        While it serves, these reach the logger alone."""
        try:
            yield
        except Error as error:
            self._log.told.clear()
            if self._loop is None:
                self._native.deliver()
            why = "; ".join(self._log.told) or str(error)
            raise make(error.status, f"{what}: {why}") from None

    # ---- serving

    async def serve(self) -> None:
        """Serve until `stop`, once. When this is cancelled, it stops without grace first."""
        if self._loop is not None:
            raise StateError(Status.ESTATE, "an engine serves once")
        loop = asyncio.get_running_loop()
        self._stopped = loop.create_future()
        delivery = self._delivery = Delivery(
            self, self._native, loop, self._pairs, self._tasks_max, self._pause, self._resume
        )
        questions = Questions(delivery, self._fetch, self._timeouts)
        handlers: Dict[int, Handler] = {
            FETCH: questions.fetch,
            IDENTIFY: questions.identify,
            CLUSTERIZE: questions.clusterize,
            RECEIVE: questions.receive,
            GOSSIP: questions.gossip,
            RETIRE: delivery.retire,
            START: delivery.start,
            STOP: delivery.stop,
            OPEN: delivery.open,
            CLOSE: delivery.close,
            ERROR: delivery.error,
            DRAIN: delivery.drain,
            WHISPERED: delivery.outcomes.whispered,
            GOSSIPED: delivery.outcomes.gossiped,
            WRITABLE: delivery.streams.writable,
            ENDED: delivery.streams.ended,
            LOG: self._log.line,
            STOPPED: self._on_stopped,
        }
        self._native.set_handlers(
            handlers, delivery.message_result, delivery.message_failed, delivery.message_behind
        )
        with self._explained("the engine"):
            self._native.start()
        self._loop = loop
        self._fd = self._native.wait_fd()
        self._resume()
        try:
            await self._until_stopped()
        finally:
            self._unwatch()
            await delivery.end()
            self._native.close()

    async def _until_stopped(self) -> None:
        assert self._stopped is not None
        try:
            await asyncio.shield(self._stopped)
        except asyncio.CancelledError:
            self.stop(0)
            await self._stopped
            raise

    def stop(self, grace: float = 2.0) -> None:
        """Accept no more, let requests be answered, close every socket with 1001, and after `grace` seconds reset what
        is left. May be called from any thread, and again with a shorter grace; `serve` returns when all has ended."""
        if not 0 <= grace <= GRACE_MAX:
            raise InvalidError(Status.EINVAL, f"grace is {grace} s, and may be 0 to {GRACE_MAX}")
        self._native.stop(round(grace * 1000))
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._loop.call_later, grace, self._lift)

    def close(self) -> None:
        """Give up an engine that was never served, and its ports. After `serve` there is nothing to be done."""
        if self._loop is not None:
            raise StateError(Status.ESTATE, "stop an engine that serves")
        self._native.close()

    def reload_certificates(self) -> None:
        """Read the files of all TLS listeners again. A CertificateError leaves everything as it was."""
        with self._explained("the certificates"):
            self._native.reload_certificates()

    # ---- at any time

    def find(self, gateway: Type[Gateway], name: str) -> Optional[Gateway]:
        """The Gateway of a class by its name, if it is alive. Only in the event loop's thread."""
        handle = self._native.find(gateway.__name__, name)
        if handle == 0 or self._delivery is None:
            return None
        user = next(user for user, (cls, _) in enumerate(self._pairs) if cls is gateway)
        return self._delivery.gateways.get(user, handle, name)

    def stats(self) -> Stats:
        """What the engine counts."""
        return Stats(**self._native.stats())

    # ---- events

    def _on_ready(self) -> None:
        try:
            self._native.deliver()
        except Exception as error:
            self._unwatch()
            if self._stopped is not None and not self._stopped.done():
                self._stopped.set_exception(error)
        except BaseException:
            # A handler raised what is no Exception, as asyncio.CancelledError is none: it goes on to the loop. The
            # events behind it were fetched already, and the descriptor knows nothing of them.
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
        """Events of the poll before may be left, of which the descriptor knows nothing."""
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

    def _lift(self) -> None:
        if self._delivery is not None:
            self._delivery.tasks.lift()
