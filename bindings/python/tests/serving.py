"""An engine in the test's own event loop, and clients that are not ours: websockets, and curl."""

import asyncio
import contextlib
import functools
import logging
import socket
from types import SimpleNamespace

import dog
import pytest
from websockets.legacy import client as legacy  # the interface that Debian 12 and Debian 13 both have

# How long anything may take before a test gives up. It says nothing about speed: it only ends a test that would hang.
DEADLINE = 60.0


def in_loop(test):
    """Has a coroutine function be a test: in a loop of its own, and not for ever."""

    @functools.wraps(test)
    def wrapper(*arguments, **keywords):
        asyncio.run(asyncio.wait_for(test(*arguments, **keywords), 2 * DEADLINE))

    return wrapper


class Everybody(dog.Gateway):
    """Whom the query's `u` says, else "anon"."""

    limit = 100
    child = "Echo"

    def identify(self, request):
        return request.query.get("u", "anon")


def gateway_for(child, **members):
    """A Gateway class like Everybody, for that child."""
    return type("Everybody", (Everybody,), {"child": child, **members})


class Connecting(dog.Shard):
    """Takes every request for an upgrade."""

    def receive(self, request):
        return self.connect(request)


class Echo(Connecting):
    def onmessage(self, socket, data):
        socket.send(data)


class Witness(logging.Handler):
    """Sees the assertions that failed in handlers, which the package only logs."""

    def __init__(self):
        super().__init__()
        self.failed = []

    def emit(self, record):
        if record.exc_info and isinstance(record.exc_info[1], (AssertionError, pytest.fail.Exception)):
            self.failed.append(record.exc_info[1])


@contextlib.asynccontextmanager
async def served(shard, grace=2.0, gateway=None, on_fetch=None, listen=None, **options):
    """Serves "/:name" by a Gateway for that Shard class, and insists that everything has ended when it has stopped."""
    gateway = gateway or gateway_for(shard)
    engine = dog.Engine(**{"workers": 2, **options}).define(gateway, shard).route("/:name", gateway)
    if on_fetch is not None:
        engine.on_fetch(on_fetch)
    engine.listen(**(listen or {}))
    witness = Witness()
    logging.getLogger("dog").addHandler(witness)
    serving = asyncio.ensure_future(engine.serve())
    await asyncio.sleep(0)
    try:
        yield engine
    finally:
        if not serving.done():
            engine.stop(grace)
        await serving
        logging.getLogger("dog").removeHandler(witness)
    if witness.failed:
        raise witness.failed[0]
    assert not any(engine.debug_counts().values()), engine.debug_counts()


def address(engine, room="den", uid="ann"):
    return f"ws://127.0.0.1:{engine.port}/{room}?u={uid}"


async def connect(engine, uid="ann", room="den", **options):
    return await legacy.connect(address(engine, room, uid), **options)


async def hear(socket):
    return await asyncio.wait_for(socket.recv(), DEADLINE)


async def closed(socket):
    """Waits for its end, and gives the code."""
    await asyncio.wait_for(socket.wait_closed(), DEADLINE)
    return socket.close_code


def frame(text):
    """A short message of a client's, masked with zeros."""
    return bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text.encode()


def handshake(uid="ann"):
    return (
        f"GET /den?u={uid} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


async def connect_deaf(engine, *messages):
    """A client that has said these messages and takes next to nothing of what it is told, until it is read from."""
    loop = asyncio.get_running_loop()
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.setblocking(False)
    await loop.sock_connect(client, ("127.0.0.1", engine.port))
    await loop.sock_sendall(client, handshake() + b"".join(map(frame, messages)))
    return client


async def eventually(question, what):
    """Asks until the answer is true, and gives it back."""

    async def ask():
        while True:
            answer = question()
            if answer:
                return answer
            await asyncio.sleep(0.005)

    try:
        return await asyncio.wait_for(ask(), DEADLINE)
    except asyncio.TimeoutError:
        raise AssertionError(f"waited for {what}; the last answer was {question()!r}") from None


async def curl(engine, path, *options):
    """One HTTP request: its status, headers (by lower-case name) and body."""
    process = await asyncio.create_subprocess_exec(
        "curl", "-s", "-i", "--max-time", str(DEADLINE), *options, f"http://127.0.0.1:{engine.port}{path}",
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    head, _, body = output.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    assert first.startswith("HTTP/1.1 "), (process.returncode, output)
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return SimpleNamespace(status=int(first.split()[1]), headers=headers, body=body)
