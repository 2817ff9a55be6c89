"""When an engine stops its handlers may finish what they do, within the grace; what is cut off then is said."""

import asyncio
import logging

import dog
import pytest

from serving import DEADLINE, Connecting, Everybody, closed, connect, curl, eventually, gateway_for, hear, in_loop
from serving import served


def saving(name, log, is_saved):
    """Handlers of which that one waits for `is_saved`."""

    async def wait(self, *arguments):
        log.append("begins")
        await is_saved.wait()
        log.append("saved")

    if name == "onretire":
        return Connecting, type("Retiring", (Everybody,), {"child": Connecting, name: wait})
    shard = type("Saving", (Connecting,), {name: wait})
    return shard, gateway_for(shard)


@pytest.mark.parametrize("name", ["onstop", "onclose", "onretire"])
@in_loop
async def test_the_last_handlers_are_waited_for(caplog, name):
    log, is_saved = [], asyncio.Event()
    shard, gateway = saving(name, log, is_saved)
    async with served(shard, gateway=gateway, grace=DEADLINE) as engine:
        ann = await connect(engine)
        engine.stop(DEADLINE)
        assert await closed(ann) == 1001
        await eventually(lambda: log == ["begins"], "the handler")
        # Long after the engine's own end, which comes when its workers have ended.
        await eventually(lambda: engine._stopped.done(), "the engine's end")
        await asyncio.sleep(0.05)
        assert log == ["begins"]
        is_saved.set()
    assert log == ["begins", "saved"]
    assert [record for record in caplog.records
            if record.name.startswith("dog") and record.levelno >= logging.WARNING] == []


@pytest.mark.parametrize("name", ["onstop", "onclose", "onretire"])
@in_loop
async def test_what_outlives_the_grace_is_cut_off_and_said(caplog, name):
    log = []
    shard, gateway = saving(name, log, asyncio.Event())
    async with served(shard, gateway=gateway, grace=0.05) as engine:
        await connect(engine)
    assert log == ["begins"]
    cut = [record.getMessage() for record in caplog.records if "cut off" in record.getMessage()]
    owner = gateway if name == "onretire" else shard
    assert cut == [f"the engine has ended, and what went on in handlers is cut off: 1 of {owner.__name__}.{name}"]


@in_loop
async def test_a_shorter_grace_ends_the_wait(caplog):
    log = []
    shard, gateway = saving("onstop", log, asyncio.Event())
    async with served(shard, gateway=gateway, grace=86_400) as engine:
        ann = await connect(engine)
        engine.stop(86_400)
        assert await closed(ann) == 1001
        await eventually(lambda: log and engine._stopped.done(), "the engine's end")
        engine.stop(0)
    assert log == ["begins"] and "cut off" in caplog.text


@in_loop
async def test_handlers_of_every_kind_are_waited_for():
    gate, log = asyncio.Event(), []

    class Busy(Connecting):
        async def onmessage(self, socket, data):
            log.append("begins")
            await gate.wait()
            log.append("ends")

    async with served(Busy, grace=DEADLINE) as engine:
        ann = await connect(engine)
        await ann.send("go")
        await eventually(lambda: log, "the handler")
        engine.stop(DEADLINE)
        assert await closed(ann) == 1001
        gate.set()
    assert log == ["begins", "ends"]


@in_loop
async def test_who_waits_for_the_engine_is_not_waited_for():
    """What whispers and gossips then has nobody to hear from."""
    told = []

    class Asking(Connecting):
        async def onstop(self):
            told.append(await self.whisper("ann", "x"))
            try:
                await self.gossip("well?")
            except dog.GoneError as error:
                told.append(error.status)

    async with served(Asking, grace=DEADLINE) as engine:
        await connect(engine)
    assert told[0] == 0 and len(told) == 2


@in_loop
async def test_a_client_of_a_serve_that_is_cancelled_is_told_1001():
    engine = dog.Engine(workers=2).define(gateway_for(Connecting)).route("/:name", "Everybody").listen()
    serving = asyncio.ensure_future(engine.serve())
    await asyncio.sleep(0)
    people = [await connect(engine, f"p{number}") for number in range(5)]
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    assert {await closed(person) for person in people} == {1001}


@in_loop
async def test_a_request_that_is_answered_later_is_waited_for():
    gate = asyncio.Event()

    class Slow(dog.Shard):
        async def receive(self, request):
            await gate.wait()
            return dog.Response("well")

    async with served(Slow, grace=DEADLINE) as engine:
        asking = asyncio.ensure_future(curl(engine, "/den"))
        await eventually(lambda: engine.debug_counts()["tasks"], "the handler")
        engine.stop(DEADLINE)
        gate.set()
        assert (await asking).body == b"well"
