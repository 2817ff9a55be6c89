"""Not run, but checked by mypy --strict: that a program with types needs no cast, no ignore and no Any of its own."""

import asyncio
import json
from typing import AsyncIterator, List, Optional, Union

from typing_extensions import assert_type

import dog


class Room(dog.Gateway):
    limit = 50
    child = "Seats"
    sticky_seconds = 10

    def __init__(self) -> None:
        self.visits = 0

    async def identify(self, request: dog.Request) -> Union[str, dog.Response]:
        self.visits += 1
        return request.query.get("u") or dog.Response.json({"who": None}, 403)

    def clusterize(self, request: dog.Request) -> str:
        return f"{self.name}-{request.uid}"


class Seats(dog.Shard):
    deflate = True
    ordered = True
    origins = ["https://example.com"]

    def __init__(self) -> None:
        self.said: List[str] = []

    def receive(self, request: dog.Request) -> Union[dog.Response, dog.Upgrade]:
        assert_type(request.path, str)
        assert_type(request.body, bytes)
        assert_type(request.headers, dog.RequestHeaders)
        assert_type(request.remote_ip, Optional[str])
        assert_type(request.is_websocket, bool)
        assert_type(request.rest, str)
        assert_type(request.query_all("tag"), List[str])
        assert_type(self.gateway, dog.Gateway)
        if request.path.endswith("/events"):
            return dog.Response(self.events(), headers={"Content-Type": "text/event-stream"}, onend=self.ended)
        return self.connect(request, data=request.headers["User-Agent"])

    async def events(self) -> AsyncIterator[str]:
        for line in self.said:
            yield f"data: {line}\n\n"

    def ended(self, status: dog.Status) -> None:
        assert_type(status, dog.Status)

    async def onopen(self, socket: dog.Socket) -> None:
        reached = await socket.whisper("ann", {"hello": socket.uid})
        assert_type(reached, int)
        assert_type(socket.shard, dog.Shard)

    def onmessage(self, socket: dog.Socket, data: dog.Data) -> None:
        self.said.append(data if isinstance(data, str) else data.decode())
        assert_type(socket.send([1, 2]), bool)
        self.broadcast(data)

    async def ongossip(self, question: object) -> List[str]:
        return self.said

    async def ask(self) -> None:
        replies = await self.gossip({"type": "said"}, timeout=0.5)
        assert_type(replies.results[0].status, dog.Status)


async def main() -> None:
    policy = dog.OutboxPolicy.DROP_OLDEST
    engine = dog.Engine(workers=2, outbox_policy=policy, trusted_proxies=["10.0.0.0/8"], json=json)

    @engine.on_fetch
    async def fetch(request: dog.Request) -> Union[dog.Response, dog.Forward]:
        return dog.Forward(Room, "lobby") if request.path == "/" else dog.Response("not found", 404)

    engine.define(Room, Seats).route("/rooms/:name", Room).listen(port=0)
    assert_type(engine.stats(), dog.Stats)
    await asyncio.gather(engine.serve(), fetch_nothing(engine))


async def serve_for_a_moment() -> None:
    async with dog.Engine(json=Codec()).define(Room, Seats).listen() as engine:
        assert_type(engine, dog.Engine)


class Codec:
    def dumps(self, value: object) -> bytes:
        return repr(value).encode()

    def loads(self, text: Union[str, bytes]) -> object:
        return text


async def fetch_nothing(engine: dog.Engine) -> None:
    room = engine.find(Room, "lobby")
    if room is not None:
        room.broadcast("hello")
    engine.stop(grace=0.5)
