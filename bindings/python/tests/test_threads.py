"""What another thread may call, and that what it may not is an error there and of no consequence here."""

import asyncio

import dog
import pytest

from serving import Connecting, connect, curl, eventually, hear, in_loop, served


class Open(Connecting):
    """Keeps the sockets that open."""

    async def ongossip(self, question):
        return question

    def onmessage(self, socket, data):
        socket.send(data)


async def elsewhere(function):
    """Calls it in a thread of its own, and gives what it gave or raised."""

    def call():
        try:
            return function()
        except Exception as error:
            return error

    return await asyncio.get_running_loop().run_in_executor(None, call)


@pytest.mark.parametrize(
    "call",
    [
        lambda socket: socket.whisper("ann", "x"),
        lambda socket: socket.shard.whisper("ann", "x"),
        lambda socket: socket.shard.gateway.whisper("ann", "x"),
        lambda socket: socket.shard.gossip("x"),
        lambda socket: socket.shard.engine.find(type(socket.shard.gateway), "den"),
    ],
    ids=["socket.whisper", "shard.whisper", "gateway.whisper", "gossip", "find"],
)
@in_loop
async def test_what_is_the_loops_is_refused_elsewhere_and_the_server_lives(call):
    async with served(Open) as engine:
        ann = await connect(engine)
        [shard] = await eventually(lambda: list(engine._delivery.shards.values()), "the Shard")
        [socket] = await eventually(lambda: shard.sockets, "the socket")
        for _ in range(200):
            assert isinstance(await elsewhere(lambda: call(socket)), dog.ThreadError)
        await ann.send("well")
        assert await hear(ann) == "well"


@in_loop
async def test_requests_are_answered_elsewhere_but_not_by_a_stream_or_an_upgrade():
    raised = []

    async def body():
        yield "part"

    class Asked(dog.Shard):
        async def receive(self, request):
            raised.append(await elsewhere(lambda: request.respond(dog.Response(body()))))
            raised.append(await elsewhere(lambda: self.connect(request, data=5)))
            assert await elsewhere(lambda: request.respond(dog.Response("well"))) is None

    async with served(Asked) as engine:
        answer = await curl(engine, "/den")
    assert (answer.status, answer.body) == (200, b"well")
    assert [type(error) for error in raised] == [dog.ThreadError] * 2


@in_loop
async def test_what_sends_may_be_called_anywhere():
    async with served(Open) as engine:
        ann = await connect(engine)
        [shard] = await eventually(lambda: list(engine._delivery.shards.values()), "the Shard")
        [socket] = await eventually(lambda: shard.sockets, "the socket")
        for send in (socket.send, lambda data: socket.emit(data, to_self=True), shard.broadcast,
                     shard.gateway.broadcast):
            assert not isinstance(await elsewhere(lambda: send({"a": 1})), Exception)
            assert await hear(ann) == '{"a":1}'
        assert await elsewhere(lambda: socket.close(4000)) is True
