"""What dog.h has: made by scripts/tables.py from include/dog.h, and not to be changed by hand."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any, Dict, NamedTuple, Optional, Sequence, Union

if TYPE_CHECKING:
    from .jsontext import JSONCodec


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
    ECANCELLED = -26


class Event(IntEnum):
    """The types of dog_event_t."""

    FETCH = 1
    IDENTIFY = 2
    CLUSTERIZE = 3
    RECEIVE = 4
    GOSSIP = 5
    START = 6
    STOP = 7
    OPEN = 8
    MESSAGE = 9
    CLOSE = 10
    ERROR = 11
    DRAIN = 12
    WHISPERED = 13
    GOSSIPED = 14
    WRITABLE = 15
    ENDED = 16
    LOG = 17
    STOPPED = 18
    RETIRE = 19
    CALL = 20


class LogLevel(IntEnum):
    """How much the engine says to the logger "dog.engine"."""

    ERROR = 1
    WARN = 2
    INFO = 3
    DEBUG = 4


class OutboxPolicy(IntEnum):
    """What happens to a message for a socket whose outbox is full."""

    CLOSE = 1
    DROP_NEWEST = 2
    DROP_OLDEST = 3


class RatePolicy(IntEnum):
    """What happens to a message of a socket that went over its rate."""

    CLOSE = 1
    DROP = 2


class Placement(IntEnum):
    """On which of the Shards with room a new client is placed."""

    LEAST_UTILISED = 1
    FULLEST = 2


class ClientCertificate(IntEnum):
    """Whether a TLS client is asked for a certificate of its own."""

    NONE = 0
    OPTIONAL = 1
    REQUIRED = 2


class Stats(NamedTuple):
    """What an engine counts; dog_stats_t in dog.h says what each is."""

    connections: int
    sockets: int
    requests: int
    gateways: int
    shards: int
    places: int
    connections_total: int
    requests_total: int
    messages_in: int
    messages_out: int
    bytes_in: int
    bytes_out: int
    dropped: int
    refused: int
    rate_limited: int
    events: int


class GatewayStats(NamedTuple):
    """What one cluster has now: Shards, and places taken on them by requests in flight and open sockets."""

    shards: int
    connections: int


GATEWAY_OPTIONS = (
    "limit",
    "sticky_seconds",
    "sticky_max",
    "idle_seconds",
    "placement",
    "connections_max",
)
SHARD_OPTIONS = (
    "deflate",
    "deflate_level",
    "deflate_window_bits",
    "deflate_client_window_bits",
    "deflate_client_context",
    "deflate_bytes_min",
)


class EngineOptions:
    """The members of dog_options_t, as arguments. dog.h says what each is; None is its default there."""

    def __init__(
        self,
        *,
        workers: Optional[int] = None,
        log_level: Optional[LogLevel] = None,
        connections_max: Optional[int] = None,
        gateways_max: Optional[int] = None,
        shards_max: Optional[int] = None,
        shards_total_max: Optional[int] = None,
        uids_max: Optional[int] = None,
        mailbox_bytes_max: Optional[int] = None,
        target_bytes_max: Optional[int] = None,
        header_bytes_max: Optional[int] = None,
        header_count_max: Optional[int] = None,
        body_bytes_max: Optional[int] = None,
        message_bytes_max: Optional[int] = None,
        outbox_bytes_max: Optional[int] = None,
        outbox_policy: Optional[OutboxPolicy] = None,
        read_turn_bytes_max: Optional[int] = None,
        write_turn_bytes_max: Optional[int] = None,
        deflate_turn_bytes_max: Optional[int] = None,
        gossip_bytes_max: Optional[int] = None,
        gossips_max: Optional[int] = None,
        timers_max: Optional[int] = None,
        header_timeout_ms: Optional[int] = None,
        body_timeout_ms: Optional[int] = None,
        body_total_timeout_ms: Optional[int] = None,
        send_total_timeout_ms: Optional[int] = None,
        tcp_keepalive_ms: Optional[int] = None,
        tcp_user_timeout_ms: Optional[int] = None,
        keepalive_timeout_ms: Optional[int] = None,
        identify_timeout_ms: Optional[int] = None,
        receive_timeout_ms: Optional[int] = None,
        start_timeout_ms: Optional[int] = None,
        ping_interval_ms: Optional[int] = None,
        ping_timeout_ms: Optional[int] = None,
        close_timeout_ms: Optional[int] = None,
        connections_per_address_max: Optional[int] = None,
        trusted_proxies: Optional[Union[str, Sequence[str]]] = None,
        frame_bytes_max: Optional[int] = None,
        unfinished_bytes_max: Optional[int] = None,
        message_timeout_ms: Optional[int] = None,
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
        json: Optional[JSONCodec] = None,
    ) -> None:
        options: Dict[str, Any] = {
            "workers": workers,
            "log_level": log_level,
            "connections_max": connections_max,
            "gateways_max": gateways_max,
            "shards_max": shards_max,
            "shards_total_max": shards_total_max,
            "uids_max": uids_max,
            "mailbox_bytes_max": mailbox_bytes_max,
            "target_bytes_max": target_bytes_max,
            "header_bytes_max": header_bytes_max,
            "header_count_max": header_count_max,
            "body_bytes_max": body_bytes_max,
            "message_bytes_max": message_bytes_max,
            "outbox_bytes_max": outbox_bytes_max,
            "outbox_policy": outbox_policy,
            "read_turn_bytes_max": read_turn_bytes_max,
            "write_turn_bytes_max": write_turn_bytes_max,
            "deflate_turn_bytes_max": deflate_turn_bytes_max,
            "gossip_bytes_max": gossip_bytes_max,
            "gossips_max": gossips_max,
            "timers_max": timers_max,
            "header_timeout_ms": header_timeout_ms,
            "body_timeout_ms": body_timeout_ms,
            "body_total_timeout_ms": body_total_timeout_ms,
            "send_total_timeout_ms": send_total_timeout_ms,
            "tcp_keepalive_ms": tcp_keepalive_ms,
            "tcp_user_timeout_ms": tcp_user_timeout_ms,
            "keepalive_timeout_ms": keepalive_timeout_ms,
            "identify_timeout_ms": identify_timeout_ms,
            "receive_timeout_ms": receive_timeout_ms,
            "start_timeout_ms": start_timeout_ms,
            "ping_interval_ms": ping_interval_ms,
            "ping_timeout_ms": ping_timeout_ms,
            "close_timeout_ms": close_timeout_ms,
            "connections_per_address_max": connections_per_address_max,
            "trusted_proxies": trusted_proxies,
            "frame_bytes_max": frame_bytes_max,
            "unfinished_bytes_max": unfinished_bytes_max,
            "message_timeout_ms": message_timeout_ms,
            "handshake_timeout_ms": handshake_timeout_ms,
            "idle_timeout_ms": idle_timeout_ms,
            "gossip_timeout_ms": gossip_timeout_ms,
            "message_rate_max": message_rate_max,
            "message_burst_max": message_burst_max,
            "byte_rate_max": byte_rate_max,
            "byte_burst_max": byte_burst_max,
            "rate_policy": rate_policy,
            "admission_lag_ms": admission_lag_ms,
            "admission_memory_bytes": admission_memory_bytes,
            "retry_after_seconds": retry_after_seconds,
            "events_max": events_max,
            "event_bytes_max": event_bytes_max,
        }
        self._make(options, tasks_max, json)

    def _make(self, options: Dict[str, Any], tasks_max: int, json: Optional[JSONCodec]) -> None:
        raise NotImplementedError
