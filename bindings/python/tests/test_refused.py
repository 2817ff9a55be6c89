"""What a handler says that cannot be said costs that call, which says so, and neither a socket nor the server."""

import asyncio
import json
import logging

import dog
import pytest

from serving import Connecting, closed, connect, curl, gateway_for, hear, in_loop, served


def logged(caplog, text):
    return [record for record in caplog.records if record.name == "dog" and text in record.getMessage()]


class Repeating(Connecting):
    """Does what a client says in JSON: by a method of the socket, with these arguments."""

    def onmessage(self, socket, data):
        method, *arguments = json.loads(data)
        if method == "well":
            socket.send("well")
        else:
            return getattr(socket, method)(*arguments)


@pytest.mark.parametrize("is_async", [False, True], ids=["plain", "async"])
@pytest.mark.parametrize(
    "message",
    [
        '["send", "\\ud800"]',
        '["broadcast", "a\\udfff"]',
        '["send", {"a": NaN}]',
        '["emit", {"a": [-Infinity]}]',
        '["send", null]',
        '["send", 5]',
        '["whisper", "", "x"]',
        '["whisper", "\\ud800", "x"]',
        '["whisper", 5, "x"]',
        '["close", 99]',
        json.dumps(["send", "x" * 300_000]),
        json.dumps(["whisper", "u" * 257, "x"]),
    ],
    ids=lambda message: message[:24],
)
@in_loop
async def test_what_cannot_be_said_is_logged_and_its_socket_lives(caplog, is_async, message):
    class Later(Repeating):
        async def onmessage(self, socket, data):
            result = Repeating.onmessage(self, socket, data)
            if asyncio.isfuture(result):
                await result

    async with served(Later if is_async else Repeating, outbox_bytes_max=262_144) as engine:
        ann = await connect(engine)
        await ann.send(message)
        await ann.send('["well"]')
        assert await hear(ann) == "well"
    [record] = logged(caplog, "failed: onmessage")
    assert isinstance(record.exc_info[1], (dog.InvalidError, dog.TooBigError))


@in_loop
async def test_half_a_surrogate_pair_in_json_goes_out_as_the_escape_that_it_came_as():
    async with served(Repeating) as engine:
        ann, bob = await connect(engine, "ann"), await connect(engine, "bob")
        await ann.send('["broadcast", {"\\udc00": ["\\\\\\ud800", "\\ud83d\\ude00"]}]')
        heard = await hear(bob)
        assert heard == '{"\\udc00":["\\\\\\ud800","\U0001f600"]}'
        assert json.loads(heard) == {"\udc00": ["\\\ud800", "\U0001f600"]}


@in_loop
async def test_text_says_where_it_cannot_be_said(caplog):
    async with served(Repeating) as engine:
        ann = await connect(engine)
        await ann.send('["send", "abc\\ud800"]')
        await ann.send('["well"]')
        await hear(ann)
    [record] = logged(caplog, "failed: onmessage")
    assert str(record.exc_info[1]) == "text with half of a surrogate pair, at 3"


@pytest.mark.parametrize("wrong", ["\ud800", Exception], ids=["surrogate", "str that fails"])
@in_loop
async def test_a_sibling_hears_of_a_failure_whose_text_cannot_be_told(wrong):
    class Wordless(Exception):
        def __str__(self):
            raise RuntimeError("no words")

    class Asked(Connecting):
        def ongossip(self, question):
            raise RuntimeError(wrong) if wrong == "\ud800" else Wordless()

        async def onmessage(self, socket, data):
            replies = await self.gossip("well?")
            socket.send([result.text for result in replies.results])

    async with served(Asked, gateway=gateway_for(Asked, limit=1)) as engine:
        ann, _bob = await connect(engine, "ann"), await connect(engine, "bob")
        await ann.send("go")
        assert await hear(ann) == ('["?"]' if wrong == "\ud800" else '["Wordless"]')


class Odd:
    """Whose every attribute is an error, and whose repr too."""

    def __getattr__(self, name):
        raise RuntimeError(f"no {name}")

    def __repr__(self):
        raise RuntimeError("no repr")


@in_loop
async def test_odd_things_that_handlers_give_end_nothing(caplog):
    class Returning(Connecting):
        def receive(self, request):
            return Odd() if "odd" in request.query else self.connect(request)

        def onopen(self, socket):
            return Odd()

        def onmessage(self, socket, data):
            socket.send(data)
            return Odd()

    async with served(Returning) as engine:
        assert (await curl(engine, "/den?odd")).status == 500
        ann = await connect(engine)
        await ann.send("well")
        assert await hear(ann) == "well"
    assert len(logged(caplog, "request's handler failed")) == 1


@in_loop
async def test_a_handler_that_cannot_even_be_looked_up_fails_as_one_that_raises(caplog):
    class Raising(Connecting):
        @property
        def onopen(self):
            raise RuntimeError("no onopen")

        def __repr__(self):
            raise RuntimeError("no repr")

    class Answering(Connecting):
        @property
        def receive(self):
            raise RuntimeError("no receive")

    async with served(Raising) as engine:
        assert await closed(await connect(engine)) == 1011
        assert (await curl(engine, "/den?u=bob")).status == 426
    async with served(Answering) as engine:
        assert (await curl(engine, "/den")).status == 500
    assert len(logged(caplog, "failed")) == 2


@pytest.mark.parametrize("members", [{"__new__": lambda cls: 5}, {"id": property(lambda self: "mine")}], ids=str)
@in_loop
async def test_a_shard_that_cannot_be_made_in_any_way_is_500_and_the_server_lives(members):
    shard = type("Odd", (Connecting,), members)
    async with served(shard) as engine:
        for _ in range(2):
            assert (await curl(engine, "/den")).status == 500


@in_loop
async def test_a_response_that_never_came_to_the_engine_leaves_nobody_waiting():
    class Answering(dog.Shard):
        def receive(self, request):
            try:
                request.respond(dog.Response("x", headers={"X": "\u20ac"}))
            except UnicodeEncodeError:
                return None

    async with served(Answering, receive_timeout_ms=3_600_000) as engine:
        assert (await curl(engine, "/den")).status == 500


@in_loop
async def test_failures_that_clients_bring_about_fill_no_log(caplog):
    caplog.set_level(logging.ERROR, "dog")
    async with served(Repeating) as engine:
        ann = await connect(engine)
        for _ in range(100):
            await ann.send('["send", null]')
        await ann.send('["well"]')
        assert await hear(ann) == "well"
    failed = logged(caplog, "failed: onmessage")
    assert 0 < len(failed) < 100
    left_out = sum(int(record.getMessage().split()[0]) for record in logged(caplog, "more failures like these"))
    assert len(failed) + left_out == 100


def test_failures_are_counted_by_kind_and_time(caplog):
    now = [0.0]
    failures = dog.failures.Failures(lambda: now[0])
    for _ in range(dog.failures.MANY + 5):
        failures.log("a", ValueError(), "a failed")
    failures.log("b", ValueError(), "b failed")
    assert len(logged(caplog, "a failed")) == dog.failures.MANY and len(logged(caplog, "b failed")) == 1
    now[0] = dog.failures.SECONDS
    failures.log("a", ValueError(), "a failed")
    assert len(logged(caplog, "a failed")) == dog.failures.MANY + 1
    assert [record.getMessage() for record in logged(caplog, "more")] == ["5 more failures like these were not logged"]
