"""What Shards ask one another: JSON both ways, and one result for each sibling."""

import asyncio
import json

import dog
import pytest

from serving import Connecting, connect, gateway_for, hear, in_loop, served


class Asking(Connecting):
    """Asks what the message says, in JSON, and sends what came of it."""

    async def onmessage(self, socket, data):
        question, timeout = json.loads(data)
        replies = await self.gossip(question, timeout)
        results = sorted([result.status.name, result.value, result.text] for result in replies.results)
        assert {result.shard_id for result in replies.results}.isdisjoint({self.id})
        socket.send({"replies": sorted(replies, key=str), "results": results})


class Answering(Asking):
    def ongossip(self, question):
        if question == "fail":
            raise RuntimeError("no comment")
        if question == "nothing":
            raise RuntimeError
        if question == "odd":
            return object()
        return [self.count, question]


class AnsweringLater(Asking):
    async def ongossip(self, question):
        await asyncio.sleep(0)
        if question == "never":
            await asyncio.get_running_loop().create_future()
        if question == "fail":
            raise RuntimeError("no comment")
        return [self.count, question]


async def ask(shard, question, siblings=2, timeout=None):
    async with served(shard, gateway=gateway_for(shard, limit=1)) as engine:
        people = [await connect(engine, f"p{number}") for number in range(siblings + 1)]
        await people[0].send(json.dumps([question, timeout]))
        return json.loads(await hear(people[0]))


@pytest.mark.parametrize("shard", [Answering, AnsweringLater])
@pytest.mark.parametrize("question", ["text", {"type": "ask", "é": [1, 2.5, None, True]}, None, 0, []])
@in_loop
async def test_every_sibling_replies_in_json(shard, question):
    assert await ask(shard, question) == {
        "replies": [[1, question]] * 2,
        "results": [["OK", [1, question], ""]] * 2,
    }


@in_loop
async def test_without_siblings_the_list_is_empty():
    assert await ask(Answering, "text", siblings=0) == {"replies": [], "results": []}


@pytest.mark.parametrize("shard", [Answering, AnsweringLater])
@in_loop
async def test_a_sibling_that_fails_says_why_and_costs_its_own_entry(shard, caplog):
    assert await ask(shard, "fail") == {"replies": [], "results": [["EHOST", None, "no comment"]] * 2}
    assert caplog.text.count("ongossip failed") == 2


@pytest.mark.parametrize(
    "question, text",
    [("nothing", "RuntimeError"), ("odd", "not to be said in JSON: Object of type object is not JSON")],
)
@in_loop
async def test_a_failure_has_always_a_text(question, text):
    [result] = (await ask(Answering, question, siblings=1))["results"]
    assert result[0] == "EHOST" and result[2].startswith(text)


@in_loop
async def test_siblings_without_ongossip_have_no_handler():
    assert await ask(Asking, "text") == {"replies": [], "results": [["ENOHANDLER", None, ""]] * 2}


@in_loop
async def test_a_sibling_that_stays_silent_is_waited_for_to_the_timeout():
    assert await ask(AnsweringLater, "never", timeout=0.05) == {
        "replies": [],
        "results": [["ETIMEDOUT", None, ""]] * 2,
    }


@in_loop
async def test_what_cannot_be_asked_is_an_error_at_once():
    class Wrong(Asking):
        def onmessage(self, socket, data):
            for question, timeout, error in (
                (object(), None, TypeError),
                ("x", 90_000, dog.InvalidError),
                ("x" * 2_000_000, None, dog.TooBigError),
            ):
                with pytest.raises(error):
                    self.gossip(question, timeout)
            assert len(self._delivery.outcomes) == 0
            socket.send("well")

    async with served(Wrong) as engine:
        ann = await connect(engine)
        await ann.send("go")
        assert await hear(ann) == "well"


@in_loop
async def test_who_waits_for_an_outcome_when_its_shard_stops_has_an_error():
    outcomes = []

    class Waiting(AnsweringLater):
        async def onmessage(self, socket, data):
            try:
                await self.gossip("never", 60)
            except dog.GoneError as error:
                outcomes.append(error.status)

    async with served(Waiting, grace=0, gateway=gateway_for(Waiting, limit=1)) as engine:
        people = [await connect(engine, f"p{number}") for number in range(2)]
        await people[0].send("go")
        while not engine.debug_counts()["outcomes"]:
            await asyncio.sleep(0.005)
    assert outcomes == [dog.Status.EGONE]
