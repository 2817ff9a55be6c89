"""DOG, the Durable Object Gateway: WebSocket rooms that spread over Shards, on the engine libdog.

Extend Gateway (who is this, how many to a Shard) and Shard (what happens there), give both to an Engine, and run it.
"""

from . import _native
from .engine import Engine
from .errors import (
    AddressError,
    CertificateError,
    EndedError,
    Error,
    ExistsError,
    ForkedError,
    FullError,
    GoneError,
    InvalidError,
    NotFoundError,
    StateError,
    Status,
    ThreadError,
    TimedOutError,
    TooBigError,
    UnsendableError,
)
from .gateway import Gateway
from .message import Data, Message
from .header import ClientCertificate, GatewayStats, LogLevel, OutboxPolicy, Placement, RatePolicy, Stats
from .outcomes import GossipResult, Replies
from .request import Request, RequestHeaders
from .response import Forward, Response, Upgrade
from .run import run
from .shard import Shard
from .socket import Socket

__version__ = "0.1.0"

__all__ = [
    "AddressError",
    "CertificateError",
    "ClientCertificate",
    "Data",
    "EndedError",
    "Engine",
    "Error",
    "ExistsError",
    "ForkedError",
    "Forward",
    "FullError",
    "Gateway",
    "GatewayStats",
    "GoneError",
    "GossipResult",
    "InvalidError",
    "LogLevel",
    "Message",
    "NotFoundError",
    "OutboxPolicy",
    "Placement",
    "RatePolicy",
    "Replies",
    "Request",
    "RequestHeaders",
    "Response",
    "Shard",
    "Socket",
    "StateError",
    "Stats",
    "Status",
    "ThreadError",
    "TimedOutError",
    "TooBigError",
    "UnsendableError",
    "Upgrade",
    "run",
]


def _check_library() -> None:
    """A libdog that is older than what this was compiled for may lack what is asked of it."""
    loaded, compiled = _native.versions()
    if loaded[0] != compiled[0] or loaded < compiled:
        wanted, found = (".".join(map(str, version)) for version in (compiled, loaded))
        raise ImportError(f"libdog {wanted} is needed, and {found} was loaded")


_check_library()
