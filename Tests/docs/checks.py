"""What a client does with a program that a page shows: with `websockets` and http.client, which nobody here wrote."""
import asyncio
import http.client
import signal

import websockets
from websockets.legacy import client as legacy  # the interface that Debian 12 and Debian 13 both have

from programs import DEADLINE


def connect(server, path):
    return legacy.connect(f"ws://127.0.0.1:{server.port}{path}", open_timeout=DEADLINE)


async def hear(client, text):
    """Waits for this text. What else comes first, somebody's having joined, is not what is looked for."""
    heard = []
    try:
        while (message := await asyncio.wait_for(client.recv(), DEADLINE)) != text:
            heard.append(message)
    except (asyncio.TimeoutError, websockets.ConnectionClosed) as error:
        raise AssertionError(f"{text!r} did not come, but {heard}: {error!r}") from None


async def broadcast(server, words):
    one, other = words.split()
    async with connect(server, one) as first, connect(server, other) as second:
        await first.send("from one")
        await hear(second, "from one")
        await second.send("from the other")
        await hear(first, "from the other")


async def echo(server, words):
    async with connect(server, words) as client:
        await client.send("hello")
        await hear(client, "hello")


async def say(server, words):
    path, _, rest = words.partition(" ")
    text, _, answer = rest.partition(" => ")
    async with connect(server, path) as client:
        await client.send(text)
        await hear(client, answer)


def request(server, method, path, body, status, text):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=DEADLINE)
    try:
        connection.request(method, path, body=body)
        response = connection.getresponse()
        answer = response.read().decode()
    finally:
        connection.close()
    assert response.status == int(status), f"{method} {path}: {response.status} {answer!r}"
    assert text in answer, f"{method} {path}: {text!r} is not in {answer!r}"


async def get(server, words):
    path, status, *text = words.split(None, 2)
    await asyncio.to_thread(request, server, "GET", path, None, status, " ".join(text))


async def post(server, words):
    path, body, status, *text = words.split(None, 3)
    await asyncio.to_thread(request, server, "POST", path, body, status, " ".join(text))


async def stop(server, words):
    status = await asyncio.to_thread(server.stop, getattr(signal, words))
    assert status == 0, f"{server.place}: exit {status} after {words}\n{server.said()}"


ALL = {"broadcast": broadcast, "echo": echo, "say": say, "get": get, "post": post, "stop": stop}


def check(server, block):
    """All that the page says of it, then the end."""
    for name, words in block.checks:
        try:
            asyncio.run(ALL[name](server, words))
        except Exception as error:
            raise AssertionError(f"{block.place}: {name} {words}: {error!r}\n{server.said()}") from error
    if "stop" not in dict(block.checks):
        server.stop()
