"""Plain handlers and async ones of a Shard begin in the order of their events; async ones overlap where they wait."""

import asyncio

import pytest

from serving import Connecting, connect, eventually, frame, handshake, hear, in_loop, served


def recorder(asynchronous):
    """A Shard class that records what begins; the handlers in `asynchronous` are coroutine functions."""
    begun = []

    class Recording(Connecting):
        pass

    def make(name):
        def plain(self, socket, *arguments):
            begun.append((name, socket.uid, *arguments[:1]))

        async def coroutine(self, socket, *arguments):
            begun.append((name, socket.uid, *arguments[:1]))
            await asyncio.sleep(0)

        return coroutine if name in asynchronous else plain

    for name in ("onopen", "onmessage", "onclose"):
        setattr(Recording, name, make(name))
    return Recording, begun


@pytest.mark.parametrize(
    "asynchronous",
    [(), ("onopen",), ("onmessage",), ("onclose",), ("onopen", "onclose"), ("onopen", "onmessage", "onclose")],
    ids=lambda names: "+".join(names) or "none",
)
@in_loop
async def test_handlers_begin_in_the_order_of_events(asynchronous):
    shard, begun = recorder(asynchronous)
    async with served(shard) as engine:
        people = {}
        # Nothing is delivered while this does not await: one batch has it all.
        for uid in ("ann", "bob"):
            people[uid] = await connect(engine, uid)
            for number in range(50):
                await people[uid].send(str(number))
            await people[uid].close()
        await eventually(lambda: len([each for each in begun if each[0] == "onclose"]) == 2, "both to close")
    for uid in ("ann", "bob"):
        mine = [(name, *rest) for name, who, *rest in begun if who == uid]
        assert mine == [("onopen",), *(("onmessage", str(number)) for number in range(50)), ("onclose", 1000)]


@in_loop
async def test_handlers_of_one_batch_begin_in_order_whatever_they_are():
    begun = []

    class Mixed(Connecting):
        def receive(self, request):
            upgrade = self.connect(request)
            # Its opening and its messages are one batch, since nothing is fetched before they wait.
            while self.engine.stats().events < 5:
                pass
            return upgrade

        async def onopen(self, socket):
            begun.append("open")

        def onmessage(self, socket, data):
            begun.append(data)
            return self.later() if data == "later" else None

        async def later(self):
            begun.append("task")

    async with served(Mixed) as engine:
        reader, writer = await asyncio.open_connection("127.0.0.1", engine.port)
        writer.write(handshake("bob") + b"".join(map(frame, ("a", "b", "later", "c"))))
        await eventually(lambda: len(begun) == 6, "all of them")
        writer.close()
    # What awaits an awaitable that a plain handler returned is a task, which gets in line when that has returned.
    assert begun == ["open", "a", "b", "later", "c", "task"]


@in_loop
async def test_async_handlers_of_one_socket_overlap_where_they_wait():
    gates = {"first": asyncio.Event(), "second": asyncio.Event()}

    class Waiting(Connecting):
        async def onmessage(self, socket, data):
            socket.send(f"{data} begins")
            await gates[data].wait()
            socket.send(f"{data} ends")

    async with served(Waiting) as engine:
        ann = await connect(engine)
        await ann.send("first")
        await ann.send("second")
        assert [await hear(ann), await hear(ann)] == ["first begins", "second begins"]
        gates["second"].set()
        assert await hear(ann) == "second ends"
        gates["first"].set()
        assert await hear(ann) == "first ends"


@in_loop
async def test_a_plain_handler_runs_where_its_event_is_met_and_is_no_task():
    contexts = []

    class Plain(Connecting):
        def onmessage(self, socket, data):
            contexts.append(asyncio.current_task())
            socket.send("done")

    async with served(Plain) as engine:
        ann = await connect(engine)
        await ann.send("go")
        await hear(ann)
    assert contexts == [None]
