"""A Shard that is `ordered`: what happens to one socket is handled one after another, whatever its handlers are."""

import asyncio

import dog
import pytest

from serving import Connecting, closed, connect, connect_deaf, eventually, gateway_for, hear, in_loop, served


def recorder(asynchronous, log):
    """An ordered Shard class that notes when each handler begins and ends; those named are coroutine functions, which
    let others run in between."""

    class Recording(Connecting):
        ordered = True

    def make(name):
        def plain(self, socket, *arguments):
            log.append((socket.uid, name, *arguments[:1], "begins"))
            log.append((socket.uid, name, *arguments[:1], "ends"))

        async def coroutine(self, socket, *arguments):
            log.append((socket.uid, name, *arguments[:1], "begins"))
            for _ in range(len(log) % 3):
                await asyncio.sleep(0)
            log.append((socket.uid, name, *arguments[:1], "ends"))

        return coroutine if name in asynchronous else plain

    for name in ("onopen", "onmessage", "onclose"):
        setattr(Recording, name, make(name))
    return Recording


@pytest.mark.parametrize(
    "asynchronous",
    [(), ("onopen",), ("onmessage",), ("onclose",), ("onopen", "onclose"), ("onopen", "onmessage", "onclose")],
    ids=lambda names: "+".join(names) or "none",
)
@in_loop
async def test_handlers_of_one_socket_do_not_overlap(asynchronous):
    log = []
    async with served(recorder(asynchronous, log)) as engine:
        people = {}
        for uid in ("ann", "bob"):
            people[uid] = await connect(engine, uid)
            for number in range(50):
                await people[uid].send(str(number))
            await people[uid].close()
        await eventually(lambda: len([each for each in log if each[1:2] == ("onclose",)]) == 4, "both to close")
        assert engine.debug_counts()["turns"] == 0
    for uid in ("ann", "bob"):
        mine = [entry[1:] for entry in log if entry[0] == uid]
        calls = [("onopen",), *(("onmessage", str(number)) for number in range(50)), ("onclose", 1000)]
        assert mine == [(*call, moment) for call in calls for moment in ("begins", "ends")]


@in_loop
async def test_sockets_do_not_wait_for_one_another():
    gate = asyncio.Event()

    class Waiting(Connecting):
        ordered = True

        async def onmessage(self, socket, data):
            if data == "wait":
                await gate.wait()
            socket.send(data)

    async with served(Waiting) as engine:
        ann, bob = await connect(engine, "ann"), await connect(engine, "bob")
        await ann.send("wait")
        await ann.send("next")
        await bob.send("well")
        assert await hear(bob) == "well"
        gate.set()
        assert [await hear(ann), await hear(ann)] == ["wait", "next"]


@in_loop
async def test_a_handler_that_fails_or_is_cancelled_holds_up_nothing_behind_it():
    log = []

    class Failing(Connecting):
        ordered = True

        async def onmessage(self, socket, data):
            await asyncio.sleep(0)
            log.append(data)
            if data == "cancel":
                raise asyncio.CancelledError
            if data == "fail":
                raise RuntimeError

        async def onclose(self, socket, code, reason, clean):
            log.append("closed")

    async with served(Failing) as engine:
        client = await connect_deaf(engine, "cancel", "next", "fail", "last")
        await eventually(lambda: "closed" in log, "the close")
        client.close()
    assert log == ["cancel", "next", "fail", "last", "closed"]


@in_loop
async def test_messages_that_wait_for_their_turn_count_for_tasks_max():
    gate, begun = asyncio.Event(), []

    class Waiting(Connecting):
        ordered = True
        ordered_max = 5_000

        async def onmessage(self, socket, data):
            begun.append(data)
            await gate.wait()

    async with served(Waiting, tasks_max=10, events_max=50) as engine:
        ann = await connect(engine)
        sending = asyncio.ensure_future(send_many(ann, 5_000))
        await eventually(lambda: engine._native.is_paused, "the limit")
        assert begun == ["0"] and engine.debug_counts()["tasks"] == 1
        gate.set()
        await sending
        await eventually(lambda: len(begun) == 5_000, "the rest")
    assert begun == [str(number) for number in range(5_000)]


async def send_many(socket, count):
    for number in range(count):
        await socket.send(str(number))


@in_loop
async def test_what_waits_at_the_end_is_let_go():
    class Hanging(Connecting):
        ordered = True

        async def onmessage(self, socket, data):
            socket.send(data)
            await asyncio.get_running_loop().create_future()

    async with served(Hanging, grace=0) as engine:
        ann = await connect(engine)
        for _ in range(3):
            await ann.send("go")
        assert await hear(ann) == "go"
    assert await closed(ann) in (1001, 1006)


@pytest.mark.parametrize("limits", [{"ordered_max": 3}, {"ordered_bytes_max": 3}], ids=lambda limits: list(limits)[0])
@in_loop
async def test_a_client_that_sends_faster_than_it_is_handled_is_closed(limits):
    gate, log = asyncio.Event(), []

    class Waiting(Connecting):
        ordered = True

        async def onmessage(self, socket, data):
            if socket.uid == "ann":
                await gate.wait()
            log.append(data)
            socket.send(data)

        def onerror(self, socket, error):
            log.append(error.status)

        async def onclose(self, socket, code, reason, clean):
            if socket.uid == "ann":
                log.append("closed")

    for name, value in limits.items():
        setattr(Waiting, name, value)
    async with served(Waiting) as engine:
        ann, bob = await connect(engine, "ann"), await connect(engine, "bob")
        for letter in "abcdefgh":
            await ann.send(letter)
        assert await closed(ann) == 1013
        await bob.send("well")
        assert await hear(bob) == "well"
        gate.set()
        await eventually(lambda: "closed" in log, "the close")
    assert log == [dog.Status.EFULL, "well", "a", "b", "c", "d", "closed"]


def test_a_limit_is_at_least_one():
    with pytest.raises(ValueError, match="ordered_max"):
        dog.Engine().define(gateway_for(type("Seats", (Connecting,), {"ordered_max": 0})))


def test_a_shard_is_not_ordered_by_itself():
    assert dog.Shard.ordered is False
