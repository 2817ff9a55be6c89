"""What the engine's options are made of, and what it counts."""

from enum import IntEnum
from typing import NamedTuple


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
