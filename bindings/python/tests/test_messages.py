"""What is sent and what comes: text, binary, JSON; to whom."""

import asyncio

import dog
import pytest

from serving import Connecting, Echo, closed, connect, connect_deaf, eventually, gateway_for, hear, in_loop, served


class Kinds(Connecting):
    """Sends back what the message names."""

    values = {
        "str": "wörd",
        "empty": "",
        "bytes": b"\x00\xff",
        "bytearray": bytearray(b"\x01\x02"),
        "memoryview": memoryview(b"abcdef")[::2],
        "dict": {"a": [1, None, "é"], "b": True},
        "list": [1, 2.5, {}],
    }

    def onmessage(self, socket, data):
        socket.send(self.values[data])


@pytest.mark.parametrize(
    "name, received",
    [
        ("str", "wörd"),
        ("empty", ""),
        ("bytes", b"\x00\xff"),
        ("bytearray", b"\x01\x02"),
        ("memoryview", b"ace"),
        ("dict", '{"a":[1,null,"é"],"b":true}'),
        ("list", "[1,2.5,{}]"),
    ],
)
@in_loop
async def test_what_can_be_sent(name, received):
    async with served(Kinds) as engine:
        ann = await connect(engine)
        await ann.send(name)
        assert await hear(ann) == received


@pytest.mark.parametrize("message", ["", "wörd", "x" * 70_000, b"", b"\x00\xff", b"y" * 70_000])
@in_loop
async def test_text_comes_as_str_and_binary_as_bytes(message):
    came = []

    class Keeping(Connecting):
        def onmessage(self, socket, data):
            came.append(data)
            socket.send(data)

    async with served(Keeping) as engine:
        ann = await connect(engine)
        await ann.send(message)
        assert await hear(ann) == message
    assert came == [message] and type(came[0]) is type(message)


@pytest.mark.parametrize(
    "value, error",
    [
        (None, TypeError),
        (5, TypeError),
        (object(), TypeError),
        ({"a": float("nan")}, ValueError),
        ({"a": object()}, TypeError),
        ("\ud800", dog.UnsendableError),
        ({1: "a"}, TypeError),
        ({"a": [{None: 1}]}, TypeError),
        ({"a": b"b"}, TypeError),
        ("x" * 300_000, dog.TooBigError),
    ],
)
@in_loop
async def test_what_cannot_be_sent_is_an_error_and_the_socket_lives(value, error):
    raised = []

    class Sending(Connecting):
        def onmessage(self, socket, data):
            for send in (socket.send, socket.emit, socket.broadcast, self.emit, self.broadcast, self.gateway.broadcast):
                with pytest.raises(error):
                    send(value)
                raised.append(send)
            socket.send("well")

    async with served(Sending, outbox_bytes_max=262_144) as engine:
        ann = await connect(engine)
        await ann.send("go")
        assert await hear(ann) == "well"
    assert len(raised) == 6


class Telling(Connecting):
    """Does what the message says: a method of the socket (or of "shard", "gateway"), and a flag."""

    def onmessage(self, socket, data):
        who, what, *flags = data.split()
        speaker = {"socket": socket, "shard": self, "gateway": self.gateway}[who]
        getattr(speaker, what)(data, **{flag: True for flag in flags})
        socket.send("done")


@pytest.mark.parametrize(
    "command, here, sibling, sender",
    [
        ("socket emit", True, False, False),
        ("socket emit to_self", True, False, True),
        ("socket broadcast", True, True, False),
        ("socket broadcast to_self", True, True, True),
        ("shard emit", True, False, True),
        ("shard broadcast", True, True, True),
        ("gateway broadcast", True, True, True),
    ],
)
@in_loop
async def test_who_gets_it(command, here, sibling, sender):
    async with served(Telling, gateway=gateway_for(Telling, limit=2)) as engine:
        ann, bob, cat = [await connect(engine, uid) for uid in ("ann", "bob", "cat")]
        await ann.send(command)
        got = [await hear(ann)]
        if sender:
            # What the Gateway says takes another way than what the socket says.
            got.append(await hear(ann))
        assert sorted(got) == sorted(["done"] + [command] * sender)
        for socket, is_told in ((bob, here), (cat, sibling)):
            if is_told:
                assert await hear(socket) == command
        for socket in (ann, bob, cat):
            await socket.send("socket emit")
            heard = [await hear(socket)]
            while heard[-1] != "done":
                heard.append(await hear(socket))
            assert command not in heard or command == "socket emit"


@in_loop
async def test_a_whisper_reaches_every_socket_of_a_uid_and_tells_how_many():
    class Whispering(Connecting):
        async def onmessage(self, socket, data):
            speaker = {"socket": socket, "shard": self, "gateway": self.gateway}[data]
            counts = [await speaker.whisper(uid, {"from": data}) for uid in ("bob", "nobody")]
            speaker.whisper("bob", "unawaited")
            socket.send(counts)

    async with served(Whispering, gateway=gateway_for(Whispering, limit=1)) as engine:
        ann, one, other = await connect(engine), await connect(engine, "bob"), await connect(engine, "bob")
        for speaker in ("socket", "shard", "gateway"):
            await ann.send(speaker)
            assert await hear(ann) == "[2,0]"
            for bob in (one, other):
                assert await hear(bob) == f'{{"from":"{speaker}"}}'
                assert await hear(bob) == "unawaited"


@in_loop
async def test_a_uid_that_is_none_is_an_error_of_the_whisper():
    class Whispering(Connecting):
        def onmessage(self, socket, data):
            for speaker in (socket, self, self.gateway):
                with pytest.raises(dog.TooBigError):
                    speaker.whisper("u" * 257, "x")
                with pytest.raises(dog.InvalidError):
                    speaker.whisper("", "x")
                with pytest.raises(TypeError):
                    speaker.whisper(5, "x")
                with pytest.raises(TypeError):
                    speaker.whisper("bob", 5)
            socket.send("well")

    async with served(Whispering) as engine:
        ann = await connect(engine)
        await ann.send("go")
        assert await hear(ann) == "well"


@in_loop
async def test_a_socket_that_has_gone_is_no_error_and_its_shard_speaks_for_it():
    results = []

    class Leaving(Connecting):
        async def onclose(self, socket, code, reason, clean):
            results.append(("send", socket.send("x")))
            results.append(("close", socket.close(1000)))
            results.append(("closed", socket.closed))
            socket.emit("emitted")
            socket.broadcast("broadcast", to_self=True)
            results.append(("whisper", await socket.whisper("bob", "whispered")))

    async with served(Leaving) as engine:
        ann, bob = await connect(engine), await connect(engine, "bob")
        await ann.close()
        assert [await hear(bob) for _ in range(3)] == ["emitted", "broadcast", "whispered"]
        await eventually(lambda: len(results) == 4, "the outcome of the whisper")
        assert results == [("send", False), ("close", False), ("closed", True), ("whisper", 1)]
        del results[:]


@in_loop
async def test_how_a_socket_closes_is_told():
    told = []

    class Closing(Connecting):
        def onmessage(self, socket, data):
            with pytest.raises(dog.InvalidError):
                socket.close(1005)
            with pytest.raises(dog.InvalidError):
                socket.close(-1)
            with pytest.raises(dog.InvalidError):
                socket.close(1000, "r" * 124)
            assert socket.close(4001, "enough")
            assert not socket.closed

        def onclose(self, socket, code, reason, clean):
            told.append((socket.uid, code, reason, clean))

    async with served(Closing) as engine:
        ann, bob, cat = [await connect(engine, uid) for uid in ("ann", "bob", "cat")]
        await ann.send("go")
        assert await closed(ann) == 4001 and ann.close_reason == "enough"
        await bob.close(3000, "böb")
        cat.transport.abort()
        await eventually(lambda: len(told) == 3, "three closes")
    assert sorted(told) == [("ann", 4001, "enough", True), ("bob", 3000, "böb", True), ("cat", 1006, "", False)]


@in_loop
async def test_what_is_sent_from_another_thread_arrives():
    import threading

    class Threaded(Connecting):
        def onmessage(self, socket, data):
            def work():
                socket.send("send")
                self.emit("emit")
                socket.close(4000)

            threading.Thread(target=work).start()

    async with served(Threaded) as engine:
        ann = await connect(engine)
        await ann.send("go")
        assert [await hear(ann), await hear(ann)] == ["send", "emit"]
        assert await closed(ann) == 4000


@in_loop
async def test_a_shard_knows_its_sockets_and_a_socket_what_it_was_given():
    seen = {}

    class Knowing(dog.Shard):
        def receive(self, request):
            return self.connect(request, data={"agent": request.headers["User-Agent"]})

        def onopen(self, socket):
            seen[socket.uid] = socket
            assert socket.shard is self and not socket.closed
            assert socket in self.sockets and self.count == len(self.sockets)

        def onclose(self, socket, code, reason, clean):
            assert socket not in self.sockets and socket.closed

    async with served(Knowing) as engine:
        ann, bob = await connect(engine), await connect(engine, "bob", user_agent_header="other")
        await eventually(lambda: len(seen) == 2, "both")
        shard = seen["ann"].shard
        assert shard.count == 2 and len(shard.id) == 32 and shard.gateway.name == "den" and shard.engine is engine
        assert seen["bob"].data == {"agent": "other"} and "websockets" in seen["ann"].data["agent"]
        seen["ann"].data = "mine"
        assert "ann" in repr(seen["ann"]) and shard.id in repr(shard) and "den" in repr(shard.gateway)
        await ann.close()
        await eventually(lambda: shard.count == 1, "one to be left")
        assert "closed" in repr(seen["ann"])
        with pytest.raises(AttributeError):
            seen["bob"].uid = "other"


class Flooding(Connecting):
    """Says more than any buffer on the way holds."""

    def __init__(self):
        self.told = []

    def onmessage(self, socket, data):
        for _ in range(256):
            socket.send(b"x" * 65_536)

    def onerror(self, socket, error):
        self.told.append(error)

    def ondrain(self, socket, dropped):
        self.told.append(dropped)


async def read_all(client):
    while await asyncio.get_running_loop().sock_recv(client, 1 << 20):
        pass


@in_loop
async def test_a_message_too_many_closes_the_socket():
    async with served(Flooding, outbox_bytes_max=262_144) as engine:
        ann = await connect_deaf(engine, "go")
        [shard] = await eventually(lambda: list(engine._delivery.shards.values()), "the Shard")
        [error] = await eventually(lambda: shard.told, "onerror")
        ann.close()
    assert error.status is dog.Status.ESLOW and isinstance(error, dog.Error)


@in_loop
async def test_what_is_dropped_is_told_to_ondrain():
    async with served(Flooding, outbox_bytes_max=262_144, outbox_policy=dog.OutboxPolicy.DROP_NEWEST) as engine:
        ann = await connect_deaf(engine, "go")
        await eventually(lambda: engine.stats().dropped, "a full outbox")
        [shard] = engine._delivery.shards.values()
        reading = asyncio.ensure_future(read_all(ann))
        assert await eventually(lambda: shard.told, "ondrain") == [engine.stats().dropped]
        reading.cancel()
        ann.close()


@in_loop
async def test_the_echo_of_many_at_once_is_in_order():
    async with served(Echo) as engine:
        people = [await connect(engine, f"p{number}") for number in range(20)]
        for number in range(100):
            for person in people:
                await person.send(f"{number}")
        for person in people:
            assert [await hear(person) for _ in range(100)] == [f"{number}" for number in range(100)]
