"""What is bounded: handlers under way, and the engine's queue. Nothing is lost, and nothing waits for itself."""

import asyncio

import dog
import pytest

from serving import Connecting, connect, curl, eventually, gateway_for, hear, in_loop, served


@in_loop
async def test_past_tasks_max_events_wait_and_none_is_lost(caplog):
    gate = asyncio.Event()
    begun, done = [], []

    class Waiting(Connecting):
        async def onmessage(self, socket, data):
            begun.append(data)
            await gate.wait()
            done.append(data)

    async with served(Waiting, tasks_max=10) as engine:
        ann = await connect(engine)
        for number in range(100):
            await ann.send(str(number))
        await eventually(lambda: len(begun) == 10, "as many as there may be")
        await eventually(lambda: engine.stats().messages_in == 100, "all of them to wait")
        assert len(begun) == 10 and engine._native.is_paused
        gate.set()
        await eventually(lambda: len(done) == 100, "the rest")
    assert begun == done == [str(number) for number in range(100)]
    assert caplog.text.count("as many as tasks_max allows") == 1


@in_loop
async def test_handlers_that_wait_for_the_engine_take_no_place():
    """With one place for handlers, one that asks a sibling gets its answer: else it would wait for ever."""

    class Asking(Connecting):
        async def onmessage(self, socket, data):
            replies = await self.gossip("well?")
            reached = await socket.whisper("p1", "psst")
            socket.send([list(replies), reached])

        async def ongossip(self, question):
            return "well"

    async with served(Asking, gateway=gateway_for(Asking, limit=1), tasks_max=1) as engine:
        people = [await connect(engine, f"p{number}") for number in range(2)]
        for _ in range(3):
            await people[0].send("go")
        assert [await hear(people[0]) for _ in range(3)] == ['[["well"],1]'] * 3


@in_loop
async def test_requests_beyond_tasks_max_wait_too():
    class Slow(dog.Shard):
        under_way = 0
        most = 0

        async def receive(self, request):
            Slow.under_way += 1
            Slow.most = max(Slow.most, Slow.under_way)
            await asyncio.sleep(0.01)
            Slow.under_way -= 1
            return dog.Response("well")

    async with served(Slow, tasks_max=3) as engine:
        answers = await asyncio.gather(*(curl(engine, f"/den?u={number}") for number in range(12)))
    assert [answer.body for answer in answers] == [b"well"] * 12
    assert 1 <= Slow.most <= 3


@in_loop
async def test_an_engine_whose_handlers_hang_at_tasks_max_stops_all_the_same():
    class Hanging(Connecting):
        async def onmessage(self, socket, data):
            await asyncio.get_running_loop().create_future()

    async with served(Hanging, grace=0.05, tasks_max=2) as engine:
        ann = await connect(engine)
        for number in range(10):
            await ann.send(str(number))
        await eventually(lambda: engine._native.is_paused, "the pause")


@pytest.mark.parametrize("limits", [{"events_max": 100}, {"event_bytes_max": 10_000}], ids=str)
@in_loop
async def test_a_host_that_is_slow_slows_its_clients_down_and_loses_nothing(limits):
    """The loop is held up until the engine's queue is full; the client is not served more than that holds."""
    came = []

    class Slow(Connecting):
        def onmessage(self, socket, data):
            came.append(data)

    count = 50_000
    async with served(Slow, **limits) as engine:
        ann = await connect(engine)
        for number in range(count):
            await ann.send(f"{number:>100}")
            assert engine.stats().events <= 5_000
        await eventually(lambda: len(came) == count, "all messages")
    assert [int(message) for message in came] == list(range(count))


@in_loop
async def test_other_tasks_of_the_loop_have_their_turn_under_a_flood():
    turns = []

    class Flooded(Connecting):
        def onmessage(self, socket, data):
            turns.append("message")

    async def ticking():
        while True:
            turns.append("tick")
            await asyncio.sleep(0)

    async with served(Flooded) as engine:
        ticker = asyncio.ensure_future(ticking())
        ann = await connect(engine)
        for _ in range(5_000):
            await ann.send("x")
        await eventually(lambda: turns.count("message") == 5_000, "all messages")
        ticker.cancel()
    longest = max(len(run) for run in "".join("m" if turn == "message" else " " for turn in turns).split())
    assert longest <= 512
