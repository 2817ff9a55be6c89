"""Nothing is left of what has gone: objects are counted."""

import asyncio
import gc
import logging
import sys
import weakref

import dog

from serving import Connecting, Echo, Everybody, connect, curl, eventually, hear, in_loop, served


def alive(kind):
    gc.collect()
    return sum(isinstance(each, kind) for each in gc.get_objects())


@in_loop
async def test_sockets_that_have_closed_are_gone():
    async with served(Echo) as engine:
        for _ in range(3):
            people = [await connect(engine, f"p{number}") for number in range(50)]
            for person in people:
                await person.send("hello")
                assert await hear(person) == "hello"
            assert alive(dog.Socket) == engine.debug_counts()["sockets"] == 50
            for person in people:
                await person.close()
            await eventually(lambda: engine.debug_counts()["sockets"] == 0, "all to be closed")
            assert alive(dog.Socket) == 0


@in_loop
async def test_a_socket_goes_without_the_garbage_collector():
    gone = []

    class Watched(Connecting):
        def onopen(self, socket):
            weakref.finalize(socket, gone.append, socket.uid)

    async with served(Watched) as engine:
        ann = await connect(engine)
        gc.disable()
        try:
            await ann.close()
            await eventually(lambda: gone, "the socket to go")
        finally:
            gc.enable()
    assert gone == ["ann"]


@in_loop
async def test_a_socket_in_a_cycle_goes_too():
    class Knotted(Connecting):
        def onopen(self, socket):
            socket.data = socket

    async with served(Knotted) as engine:
        await (await connect(engine)).close()
        await eventually(lambda: engine.debug_counts()["sockets"] == 0, "it to be closed")
        assert alive(dog.Socket) == 0


def test_nothing_of_an_engine_is_left_when_it_has_ended():
    class Kept(Connecting):
        def onmessage(self, socket, data):
            socket.data = [self, socket]
            socket.whisper("ann", "back")
            socket.send("done")

    async def main():
        async with served(Kept) as engine:
            people = [await connect(engine, f"p{number}") for number in range(5)]
            for person in people:
                await person.send("go")
                assert await hear(person) == "done"
            assert (await curl(engine, "/other")).status == 426
            return weakref.ref(engine)

    kinds = (dog.Engine, dog.Gateway, dog.Shard, dog.Socket, dog.Request, dog._native.Engine)
    before = alive(kinds)
    engine = asyncio.run(main())
    assert alive(kinds) == before
    assert engine() is None


@in_loop
async def test_gateways_that_are_retired_are_let_go():
    made = []

    class Refusing(Everybody):
        child = Connecting

        def __init__(self):
            made.append(weakref.ref(self))

        def identify(self, request):
            return dog.Response("no", 403)

    async with served(Connecting, gateway=Refusing) as engine:
        reader, writer = await asyncio.open_connection("127.0.0.1", engine.port)
        for number in range(1000):
            writer.write(f"GET /room{number} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            assert b"403" in await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(2)
        writer.close()
        await eventually(lambda: engine.debug_counts()["gateways"] == 0, "all to be let go")
        assert len(made) == 1000 and not any(each() for each in made)


@in_loop
async def test_gateways_that_are_alive_keep_their_objects():
    class Counting(Everybody):
        child = Connecting

        def __init__(self):
            self.visits = 0

        def identify(self, request):
            self.visits += 1
            return dog.Response(str(self.visits), 403) if "look" in request.query else "ann"

    async with served(Connecting, gateway=Counting) as engine:
        people = [await connect(engine, room=f"room{number}") for number in range(200)]
        for number in range(200):
            assert (await curl(engine, f"/room{number}?look")).body == b"2"
        assert engine.debug_counts()["gateways"] == 200
        for person in people:
            await person.close()


@in_loop
async def test_outcomes_of_those_who_have_gone_are_let_go():
    class Whispering(Connecting):
        def onclose(self, socket, code, reason, clean):
            for _ in range(10):
                socket.whisper("nobody", "x")

        def onmessage(self, socket, data):
            for _ in range(10):
                socket.whisper("nobody", "x")
            socket.close()

    async with served(Whispering) as engine:
        for _ in range(20):
            ann = await connect(engine)
            await ann.send("go")
            await ann.wait_closed()
        await eventually(lambda: engine.debug_counts()["sockets"] == 0, "all to be closed")
        await eventually(lambda: engine.debug_counts()["outcomes"] == 0, "the outcomes")
        assert not engine._delivery.outcomes._tokens


@in_loop
async def test_who_waits_for_an_outcome_when_its_socket_closes_has_an_error():
    outcomes = []

    class Waiting(Connecting):
        async def onmessage(self, socket, data):
            # As a whisper does, but for an event that never comes.
            waiting = self._delivery.outcomes.expect(socket._handle, lambda token: None)
            socket.close()
            try:
                await waiting
            except dog.GoneError as error:
                outcomes.append(error.status)

    async with served(Waiting) as engine:
        ann = await connect(engine)
        await ann.send("go")
        await eventually(lambda: outcomes, "the error")
        assert engine.debug_counts()["outcomes"] == 0
    assert outcomes == [dog.Status.EGONE]


async def blocks_left_by(work, times):
    """How many blocks of memory so much work leaves. What else keeps memory now and then does not do so each time, so
    the least of three counts; and a first time fills what is kept for ever."""
    counts = []
    for _ in range(4):
        for _ in range(times):
            await work()
        gc.collect()
        counts.append(sys.getallocatedblocks())
    return min(after - before for before, after in zip(counts, counts[1:]))


@in_loop
async def test_messages_leave_nothing_behind():
    class Busy(Echo):
        def onmessage(self, socket, data):
            socket.send({"data": len(data)})
            socket.emit(data, to_self=True)
            self.broadcast(data)
            if data == "x" * 50:
                return self.later(socket)
            return None

        async def later(self, socket):
            await socket.whisper("ann", b"whispered")

    async with served(Busy) as engine:
        ann = await connect(engine)

        async def talk():
            for message in ("y" * 50, b"z" * 50, "x" * 50):
                await ann.send(message)
            for _ in range(10):
                await hear(ann)

        assert await blocks_left_by(talk, 300) < 300


@in_loop
async def test_requests_leave_nothing_behind():
    class Busy(dog.Shard):
        def receive(self, request):
            request._keep()
            return dog.Response.json({"headers": dict(request.headers)}, headers={"X-Path": request.path})

    async with served(Busy) as engine:
        reader, writer = await asyncio.open_connection("127.0.0.1", engine.port)

        async def ask():
            writer.write(b"POST /den?a=b HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello")
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].split()[0]))

        assert await blocks_left_by(ask, 500) < 300
        writer.close()


@in_loop
async def test_errors_leave_nothing_behind(caplog):
    """Those of the extension's own: what cannot be sent, said or answered."""
    caplog.set_level(logging.CRITICAL)  # pytest keeps all that is logged

    class Failing(Connecting):
        def onmessage(self, socket, data):
            for wrong in (
                lambda: socket.send(5),
                lambda: socket.send({"a": object()}),
                lambda: socket.broadcast("\ud800"),
                lambda: socket.whisper("", {"a": 1}),
                lambda: socket.whisper("ann", 5),
                lambda: socket.close(1),
                lambda: self.gossip("x" * 2_000_000),
                lambda: dog.Engine(workers=1_000),
                lambda: dog.Engine(trusted_proxies="nonsense"),
                lambda: dog.Engine().listen(certificates=[("none", "none")]),
                lambda: dog._native.request_respond(7, 200, [("a", "b"), ("c", 5)], b""),
                lambda: dog._native.request_headers(7),
            ):
                try:
                    wrong()
                except Exception:
                    continue
                raise AssertionError("nothing was wrong")
            socket.send("done")

    async with served(Failing) as engine:
        ann = await connect(engine)

        async def talk():
            await ann.send("go")
            assert await hear(ann) == "done"

        assert await blocks_left_by(talk, 100) < 100


@in_loop
async def test_handlers_that_raise_leave_nothing_behind(caplog):
    caplog.set_level(logging.CRITICAL, "dog")

    class Failing(Connecting):
        def onmessage(self, socket, data):
            raise RuntimeError(data)

    async with served(Failing) as engine:

        async def talk():
            ann = await connect(engine)
            await ann.send("go")
            await ann.wait_closed()

        assert await blocks_left_by(talk, 100) < 50
