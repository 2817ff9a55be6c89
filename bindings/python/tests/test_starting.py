"""A Shard begins with __init__ and onstart: nothing comes before they are done, and a failed one takes no room down."""

import asyncio
import logging

import dog
import pytest

from serving import DEADLINE, Connecting, closed, connect, curl, eventually, gateway_for, hear, in_loop, served


class Oops(Exception):
    pass


def failing(times, where, log):
    """A Shard class whose __init__ or onstart fails so many times."""

    class Fragile(Connecting):
        def __init__(self):
            log.append("made")
            self.fail("__init__")

        def onmessage(self, socket, data):
            socket.send(data)

        def onstop(self):
            log.append("stopped")

        def fail(self, here):
            if here == where and log.count("made") <= times:
                raise Oops(here)

    def plain(self):
        self.fail("onstart")

    async def coroutine(self):
        await asyncio.sleep(0)
        self.fail("async onstart")

    Fragile.onstart = coroutine if where == "async onstart" else plain
    return Fragile


WHERE = ["__init__", "onstart", "async onstart"]


@pytest.mark.parametrize("where", WHERE)
@in_loop
async def test_a_shard_that_fails_to_begin_ends_and_the_next_request_makes_another(caplog, where):
    log = []
    async with served(failing(2, where, log)) as engine:
        for _ in range(2):
            answer = await curl(engine, "/den")
            assert answer.status == 500
        ann = await connect(engine)
        await ann.send("well")
        assert await hear(ann) == "well"
        assert engine.stats().shards == 1 and engine.debug_counts()["shards"] == 1
    assert log.count("made") == 3
    # What was never made has nothing to be stopped.
    assert log.count("stopped") == (1 if where == "__init__" else 3)
    failures = [record for record in caplog.records if record.name == "dog" and record.exc_info]
    assert [str(record.exc_info[1]) for record in failures] == [where] * 2


@pytest.mark.parametrize("where", WHERE)
@in_loop
async def test_all_who_wait_for_it_are_told(where):
    log = []
    async with served(failing(1, where, log)) as engine:
        answers = await asyncio.gather(*(curl(engine, f"/den?u={number}") for number in range(5)))
        # One or the other may have come to the next one, which is well and upgrades nobody.
        assert {answer.status for answer in answers} <= {500, 426} and answers[0] is not None
        assert 500 in {answer.status for answer in answers}
        assert (await curl(engine, "/den")).status == 426


@in_loop
async def test_siblings_do_not_hear_of_one_that_failed_to_begin():
    made = []

    class Fragile(Connecting):
        def __init__(self):
            made.append(self.id)
            if len(made) == 2:
                raise Oops("second")

        async def onmessage(self, socket, data):
            socket.send(list(await self.gossip("well?")))

        def ongossip(self, question):
            return "well"

    async with served(Fragile, gateway=gateway_for(Fragile, limit=1)) as engine:
        ann = await connect(engine, "ann")
        assert (await curl(engine, "/den?u=bob")).status == 500
        await connect(engine, "bob")
        await ann.send("go")
        assert await hear(ann) == '["well"]'
    assert len(made) == 3


@in_loop
async def test_failures_to_begin_fill_no_log(caplog):
    caplog.set_level(logging.ERROR, "dog")
    log = []
    async with served(failing(1000, "__init__", log)) as engine:
        reader, writer = await asyncio.open_connection("127.0.0.1", engine.port)
        for _ in range(3 * dog.failures.MANY):
            writer.write(b"GET /den HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b" 500 " in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), DEADLINE)
            await asyncio.wait_for(reader.readexactly(len("Internal Server Error\n")), DEADLINE)
        writer.close()
    assert log.count("made") == 3 * dog.failures.MANY
    told = [record for record in caplog.records if record.name == "dog" and "could be made" in record.getMessage()]
    assert dog.failures.MANY <= len(told) < 3 * dog.failures.MANY


@in_loop
async def test_an_async_onstart_is_done_before_the_first_request_and_message():
    gate, log = asyncio.Event(), []

    class Loading(Connecting):
        async def onstart(self):
            log.append("begins")
            await gate.wait()
            log.append("loaded")

        def receive(self, request):
            log.append("request")
            return self.connect(request) if request.is_websocket else dog.Response("well")

        def onopen(self, socket):
            log.append("open")

        def onmessage(self, socket, data):
            log.append(data)
            socket.send(data)

    async with served(Loading) as engine:
        connecting = asyncio.ensure_future(connect(engine))
        asking = asyncio.ensure_future(curl(engine, "/den?u=bob"))
        await eventually(lambda: log and engine.stats().places == 2, "both to wait")
        assert log == ["begins"]
        gate.set()
        ann = await connecting
        await ann.send("message")
        assert await hear(ann) == "message"
        assert (await asking).body == b"well"
    assert log[:3] == ["begins", "loaded", "request"] and sorted(log[2:]) == ["message", "open", "request", "request"]


@in_loop
async def test_what_it_says_while_it_begins_goes_out():
    gate = asyncio.Event()

    class Speaking(Connecting):
        async def onstart(self):
            self.greeted = await self.whisper("ann", "a sibling begins")
            self.replies = list(await self.gossip("who?"))
            await gate.wait()

        def ongossip(self, question):
            return self.id

        def onopen(self, socket):
            socket.send([self.greeted, len(self.replies)])

    async with served(Speaking, gateway=gateway_for(Speaking, limit=1)) as engine:
        gate.set()
        ann = await connect(engine, "ann")
        assert await hear(ann) == "[0,0]"
        gate.clear()
        connecting = asyncio.ensure_future(connect(engine, "bob"))
        assert await hear(ann) == "a sibling begins"
        gate.set()
        assert await hear(await connecting) == "[1,1]"


@in_loop
async def test_an_onstart_that_takes_too_long_is_cancelled_and_the_next_request_makes_another():
    log = []

    class Hanging(Connecting):
        async def onstart(self):
            log.append("begins")
            if len(log) == 1:
                try:
                    await asyncio.get_running_loop().create_future()
                finally:
                    await asyncio.sleep(0)
                    log.append("cancelled")

        async def onstop(self):
            log.append("stopped")

    async with served(Hanging, start_timeout_ms=20) as engine:
        assert (await curl(engine, "/den")).status == 503
        await eventually(lambda: log[-1] == "stopped", "the end")
        assert log == ["begins", "cancelled", "stopped"]
        assert (await curl(engine, "/den")).status == 426
    assert log[3:] == ["begins", "stopped"]


@in_loop
async def test_an_engine_that_stops_does_not_wait_for_a_start_for_ever():
    log = []

    class Hanging(Connecting):
        async def onstart(self):
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                log.append("cancelled")

        def onstop(self):
            log.append("stopped")

    # Without a grace what onstart's end leads to would be cut off as well, or not, as it happens.
    async with served(Hanging, grace=1) as engine:
        asking = asyncio.ensure_future(curl(engine, "/den"))
        await eventually(lambda: engine._delivery.shards, "the Shard")
        engine.stop(1)
        asking.cancel()
    assert log == ["cancelled", "stopped"]
