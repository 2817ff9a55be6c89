"""What handlers raise is logged with its traceback and has its end: a 500, or onerror and 1011. The server lives."""

import asyncio
import logging

import dog
import pytest

from serving import Connecting, Everybody, closed, connect, connect_deaf, curl, eventually, gateway_for, hear, in_loop
from serving import served


class Oops(Exception):
    pass


def logged(caplog, text="a handler of"):
    return [record for record in caplog.records if record.name == "dog" and text in record.getMessage()]


def failing_shard(name, is_async):
    """A Shard class whose handler `name` raises for the socket of ann; it records what onerror was told."""
    told = []

    class Failing(Connecting):
        def onmessage(self, socket, data):
            socket.send(data)

        def onerror(self, socket, error):
            told.append((socket.uid, error))

    def plain(self, socket, *arguments):
        if socket.uid == "ann":
            raise Oops(name)

    async def coroutine(self, socket, *arguments):
        await asyncio.sleep(0)
        if socket.uid == "ann":
            raise Oops(name)

    setattr(Failing, name, coroutine if is_async else plain)
    return Failing, told


@pytest.mark.parametrize("is_async", [False, True], ids=["plain", "async"])
@pytest.mark.parametrize("name", ["onopen", "onmessage"])
@in_loop
async def test_a_handler_that_raises_closes_its_socket_and_no_other(caplog, name, is_async):
    shard, told = failing_shard(name, is_async)
    async with served(shard) as engine:
        bob = await connect(engine, "bob")
        ann = await connect(engine, "ann")
        if name == "onmessage":
            await ann.send("go")
        assert await closed(ann) == 1011
        assert not bob.closed
        cat = await connect(engine, "cat")
        if name == "onopen":
            await cat.send("well")
            assert await hear(cat) == "well"
    assert [(uid, type(error), str(error)) for uid, error in told] == [("ann", Oops, name)]
    [record] = logged(caplog)
    assert record.levelno == logging.ERROR and record.exc_info[0] is Oops
    assert any("test_errors.py" in line for line in logging.Formatter().formatException(record.exc_info).splitlines())


@pytest.mark.parametrize("is_async", [False, True], ids=["plain", "async"])
@in_loop
async def test_an_onclose_that_raises_is_logged(caplog, is_async):
    shard, told = failing_shard("onclose", is_async)
    async with served(shard) as engine:
        ann = await connect(engine, "ann")
        await ann.close()
        await eventually(lambda: logged(caplog), "the log")
    assert told == [] and logged(caplog)[0].exc_info[0] is Oops


@pytest.mark.parametrize("is_async", [False, True], ids=["plain", "async"])
@in_loop
async def test_an_onerror_that_raises_is_logged_and_the_socket_closed(caplog, is_async):
    class Failing(Connecting):
        def onmessage(self, socket, data):
            raise Oops("first")

    def plain(self, socket, error):
        raise Oops("second")

    async def coroutine(self, socket, error):
        raise Oops("second")

    Failing.onerror = coroutine if is_async else plain
    async with served(Failing) as engine:
        ann = await connect(engine, "ann")
        await ann.send("go")
        assert await closed(ann) == 1011
        await eventually(lambda: "Oops: second" in caplog.text, "the second log")
    assert [str(each.exc_info[1]) for each in caplog.records if each.exc_info] == ["first", "second"]


@pytest.mark.parametrize("is_async", [False, True], ids=["plain", "async"])
@in_loop
async def test_an_onstop_that_raises_is_logged(caplog, is_async):
    class Failing(Connecting):
        def onmessage(self, socket, data):
            socket.send(data)

    def plain(self):
        raise Oops("onstop")

    async def coroutine(self):
        raise Oops("onstop")

    Failing.onstop = coroutine if is_async else plain
    async with served(Failing) as engine:
        ann = await connect(engine, "ann")
        await ann.send("well")
        assert await hear(ann) == "well"
    assert [str(record.exc_info[1]) for record in logged(caplog)] == ["onstop"]


@pytest.mark.parametrize("is_async", [False, True], ids=["plain", "async"])
@pytest.mark.parametrize("where", ["identify", "clusterize", "receive", "fetch"])
@in_loop
async def test_a_question_that_fails_is_500_and_the_server_lives(caplog, where, is_async):
    def answer(request):
        if "fail" in request.query:
            raise Oops(where)
        return {"identify": "ann", "clusterize": "one"}.get(where) or dog.Response("well")

    async def answer_later(request):
        await asyncio.sleep(0)
        return answer(request)

    handler = answer_later if is_async else answer
    method = lambda self, request: handler(request)  # noqa: E731
    shard = type("Asked", (dog.Shard,), {"receive": lambda self, request: dog.Response("well")})
    gateway = gateway_for(shard, **({where: method} if where in ("identify", "clusterize") else {}))
    if where == "receive":
        shard.receive = method
    async with served(shard, gateway=gateway, on_fetch=handler if where == "fetch" else None) as engine:
        path = "/" if where == "fetch" else "/den"
        failed = await curl(engine, f"{path}?fail")
        assert (failed.status, failed.body) == (500, b"Internal Server Error\n")
        well = await curl(engine, path)
        assert (well.status, well.body) == (200, b"well")
    [record] = logged(caplog, "request's handler failed")
    assert record.exc_info[0] is Oops


@pytest.mark.parametrize("result", [None, 5, b"bytes", {"a": 1}], ids=repr)
@pytest.mark.parametrize("where", ["identify", "clusterize", "receive", "fetch"])
@in_loop
async def test_an_answer_of_the_wrong_type_is_500_and_says_what_was_wanted(caplog, where, result):
    shard = type("Asked", (dog.Shard,), {"receive": lambda self, request: dog.Response("well")})
    members = {where: lambda self, request: result}
    if where == "receive":
        shard.receive = members[where]
    gateway = gateway_for(shard, **(members if where in ("identify", "clusterize") else {}))
    async with served(shard, gateway=gateway, on_fetch=lambda request: result) as engine:
        assert (await curl(engine, "/" if where == "fetch" else "/den")).status == 500
    [record] = logged(caplog, "request's handler failed")
    assert record.exc_info[0] is TypeError and f"not {result!r}" in str(record.exc_info[1])


@pytest.mark.parametrize("uid", ["", "u" * 257, "a\nb", "a\ud800"], ids=["empty", "long", "control", "surrogate"])
@in_loop
async def test_an_identity_that_is_none_is_the_clients_400_and_no_error_of_the_program(caplog, uid):
    caplog.set_level(logging.INFO, "dog")
    gateway = gateway_for(Connecting, identify=lambda self, request: uid)
    async with served(Connecting, gateway=gateway, log_level=dog.LogLevel.INFO) as engine:
        assert (await curl(engine, "/den")).status == 400
    assert not logged(caplog, "request's handler failed")
    [record] = [record for record in caplog.records if "its uid is" in record.getMessage()]
    assert record.levelno == logging.INFO and record.exc_info is None


@in_loop
async def test_a_gateway_that_cannot_be_made_answers_500_each_time(caplog):
    class Fragile(Everybody):
        child = Connecting
        tries = []

        def __init__(self):
            self.tries.append(self.name)
            if len(self.tries) < 3:
                raise Oops("not yet")

    async with served(Connecting, gateway=Fragile) as engine:
        assert [(await curl(engine, "/den")).status for _ in range(3)] == [500, 500, 426]
    assert len(logged(caplog, "request's handler failed")) == 2


@in_loop
async def test_a_handler_that_speaks_to_what_has_gone_makes_no_noise(caplog):
    done = asyncio.Event()

    class Late(Connecting):
        async def onclose(self, socket, code, reason, clean):
            try:
                raise dog.GoneError(dog.Status.EGONE)
            finally:
                done.set()

    async with served(Late) as engine:
        ann = await connect(engine)
        await ann.close()
        await asyncio.wait_for(done.wait(), 60)
    assert logged(caplog) == []


@in_loop
async def test_what_has_gone_is_an_error_to_a_socket_that_has_not(caplog):
    told = []

    class Wrong(Connecting):
        def onmessage(self, socket, data):
            raise dog.GoneError(dog.Status.ESTALE)

        def onerror(self, socket, error):
            told.append(error)

    async with served(Wrong) as engine:
        ann = await connect(engine)
        await ann.send("go")
        assert await closed(ann) == 1011
    assert [type(error) for error in told] == [dog.GoneError] and len(logged(caplog)) == 1


@in_loop
async def test_a_shard_or_gateway_that_has_gone_reaches_nobody():
    gone = []

    class Brief(Connecting):
        def onstop(self):
            gone.append(self)

    async with served(Brief, gateway=gateway_for(Brief, idle_seconds=0, sticky_seconds=0)) as engine:
        await (await connect(engine)).close()
        await eventually(lambda: gone and not engine.debug_counts()["gateways"], "both to end")
        shard, gateway = gone[0], gone[0].gateway
        for speaker in (shard, gateway):
            speaker.broadcast("x")
            assert await speaker.whisper("ann", "x") == 0
        shard.emit("x")
        assert gateway.stats() == dog.GatewayStats(0, 0) and shard.count == 0 and shard.sockets == ()
        with pytest.raises(dog.GoneError):
            shard.gossip("well?")


@in_loop
async def test_what_ends_programs_ends_serving():
    class Ending(Connecting):
        def onmessage(self, socket, data):
            raise SystemExit(3)

    loop = asyncio.get_running_loop()
    program = await loop.run_in_executor(None, run_until_exit, Ending)
    assert program == 3


def run_until_exit(shard):
    async def main():
        async with served(shard) as engine:
            ann = await connect(engine)
            await ann.send("go")
            await asyncio.get_running_loop().create_future()

    try:
        asyncio.run(main())
    except SystemExit as end:
        return end.code
    return None


@in_loop
async def test_a_cancelled_error_of_a_plain_handler_holds_no_event_up():
    """It is no Exception, and ends the delivery; what was fetched with it is delivered all the same."""
    heard = []

    class Cancelling(Connecting):
        def onmessage(self, socket, data):
            heard.append(data)
            if data == "0":
                raise asyncio.CancelledError

    async with served(Cancelling) as engine:
        client = await connect_deaf(engine, *map(str, range(5)))
        await eventually(lambda: len(heard) == 5, "the other messages")
        client.close()
    assert heard == list("01234")


@pytest.mark.parametrize("is_async", [False, True], ids=["plain", "async"])
@in_loop
async def test_a_request_whose_handler_is_cancelled_is_answered_at_once(is_async):
    class Cancelling(dog.Shard):
        def receive(self, request):
            if is_async:
                return self.later()
            raise asyncio.CancelledError

        async def later(self):
            raise asyncio.CancelledError

    async with served(Cancelling, receive_timeout_ms=3_600_000) as engine:
        assert (await curl(engine, "/den")).status == 500


@pytest.mark.parametrize("is_async", [False, True], ids=["plain", "async"])
@in_loop
async def test_a_sibling_whose_ongossip_is_cancelled_is_not_waited_for(is_async):
    class Cancelling(Connecting):
        def ongossip(self, question):
            if is_async:
                return self.later()
            raise asyncio.CancelledError

        async def later(self):
            raise asyncio.CancelledError

        async def onmessage(self, socket, data):
            replies = await self.gossip(data)
            socket.send(replies.results[0].text)

    async with served(Cancelling, gateway=gateway_for(Cancelling, limit=1), gossip_timeout_ms=3_600_000) as engine:
        ann, _bob = await connect(engine, "ann"), await connect(engine, "bob")
        await ann.send("well?")
        assert await hear(ann) == "CancelledError"
