"""Defining classes, options and routes: what is wrong is an error that says what, before anything serves."""

import asyncio

import dog
import pytest

from serving import Connecting, Everybody, closed, connect, curl, gateway_for, in_loop, served


def test_a_child_by_name_and_by_class():
    class Room(Everybody):
        child = "Seats"

    class Seats(Connecting):
        pass

    class Hall(Everybody):
        child = Connecting

    dog.Engine().define(Room, Seats).define(Hall).close()


class NoIdentify(dog.Gateway):
    limit = 1
    child = Connecting


class NoLimit(dog.Gateway):
    child = Connecting

    def identify(self, request):
        return "ann"


class NoChild(Everybody):
    child = None


class Elsewhere(Everybody):
    child = "Nowhere"


class NoReceive(dog.Shard):
    pass


class BadOrigins(Connecting):
    origins = "https://example.com"


@pytest.mark.parametrize(
    "given, text",
    [
        ([NoIdentify], "NoIdentify does not define identify"),
        ([NoLimit], "NoLimit has no limit"),
        ([NoChild], "NoChild.child is to be a Shard class or the name of one, not None"),
        ([Elsewhere], "give that class to define() as well"),
        ([gateway_for(NoReceive)], "NoReceive does not define receive"),
        ([gateway_for(BadOrigins)], "BadOrigins.origins is a list of str"),
        ([Connecting], "no Gateway class that was given together with it has this child: Connecting"),
        ([5], "5 is neither a Gateway nor a Shard class"),
        ([Everybody(), Connecting], "is neither a Gateway nor a Shard class"),
    ],
)
def test_a_class_that_is_not_whole_is_an_error(given, text):
    with pytest.raises(TypeError) as error:
        dog.Engine().define(*given)
    assert text in str(error.value)


@pytest.mark.parametrize(
    "members, error, text",
    [
        ({"limit": 0}, dog.InvalidError, "Everybody: "),
        ({"limit": -1}, ValueError, "limit is out of range: -1"),
        ({"limit": "many"}, TypeError, "limit is an int"),
        ({"limit": 10, "idle_seconds": 1 << 31}, dog.InvalidError, "Everybody: "),
    ],
)
def test_a_member_out_of_range_is_an_error_that_says_of_what(members, error, text):
    with pytest.raises(error) as raised:
        dog.Engine().define(gateway_for(Connecting, **members))
    assert text in str(raised.value)


def test_an_origin_that_is_none_is_an_error():
    for origins in (["example"], []):
        shard = type("Choosy", (Connecting,), {"origins": origins})
        with pytest.raises(dog.InvalidError):
            dog.Engine().define(gateway_for(shard))


def test_a_name_that_is_taken_is_an_error():
    engine = dog.Engine().define(gateway_for(Connecting))
    with pytest.raises(dog.ExistsError):
        engine.define(gateway_for(Connecting))


def test_an_option_that_there_is_not_is_an_error():
    with pytest.raises(TypeError):
        dog.Engine(worker=1)
    with pytest.raises(TypeError) as error:
        dog._native.Engine({"delivery": 1})
    assert str(error.value) == "an engine has no option 'delivery'"


@pytest.mark.parametrize(
    "options, error, text",
    [
        ({"workers": 65}, dog.InvalidError, "workers"),
        ({"trusted_proxies": ["10.0.0.0/8", "nonsense"]}, dog.InvalidError, "nonsense"),
        ({"workers": 1.5}, TypeError, "workers is an int"),
        ({"workers": 1 << 40}, ValueError, "workers is out of range"),
        ({"trusted_proxies": "a\0b"}, ValueError, "NUL"),
        ({"tasks_max": 0}, ValueError, "tasks_max"),
    ],
)
def test_an_option_that_is_not_valid_is_an_error_that_names_it(options, error, text):
    with pytest.raises(error) as raised:
        dog.Engine(**options)
    assert text in str(raised.value)


@pytest.mark.parametrize("pattern, name", [("rooms/:name", None), ("/:a/:b", None), ("/ws", None), ("/:name", "x")])
def test_a_route_that_is_none_is_an_error(pattern, name):
    with pytest.raises(dog.InvalidError):
        dog.Engine().define(gateway_for(Connecting)).route(pattern, "Everybody", name)


@in_loop
async def test_a_route_to_a_class_that_is_not_defined_is_an_error_when_it_serves():
    engine = dog.Engine().route("/:name", "Nobody")
    with pytest.raises(dog.NotFoundError) as error:
        await engine.serve()
    assert "Nobody" in str(error.value)
    engine.close()


@in_loop
async def test_origins_and_deflate_are_the_classs():
    class Choosy(Connecting):
        origins = ["https://example.com"]
        deflate = True
        deflate_client_window_bits = 9

    async with served(Choosy) as engine:
        headers = ["-H", "Connection: Upgrade", "-H", "Upgrade: websocket", "-H", "Sec-WebSocket-Version: 13", "-H",
                   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
        assert (await curl(engine, "/den", *headers, "-H", "Origin: https://other.example")).status == 403
        ann = await connect(engine, origin="https://example.com")
        agreed = ann.response_headers["Sec-WebSocket-Extensions"]
        assert "permessage-deflate" in agreed and "client_max_window_bits=9" in agreed
        await ann.close()


@in_loop
async def test_a_shard_holds_its_limit_and_the_next_one_makes_another():
    shards = set()

    class Small(Connecting):
        def onopen(self, socket):
            shards.add(self.id)
            socket.send(self.id)

    async with served(Small, gateway=gateway_for(Small, limit=2)) as engine:
        people = [await connect(engine, f"p{number}") for number in range(4)]
        ids = [await person.recv() for person in people]
        assert len(set(ids)) == 2 and sorted(ids.count(each) for each in set(ids)) == [2, 2]
        gateway = engine.find(type(engine._delivery.gateways[list(engine._delivery.gateways._gateways)[0]]), "den")
        assert gateway is not None and gateway.stats() == dog.GatewayStats(2, 4)


@in_loop
async def test_clusterize_names_shards():
    ids = []

    class Named(Connecting):
        def onstart(self):
            ids.append(self.id)

    gateway = gateway_for(Named, clusterize=lambda self, request: f"of-{request.uid}")
    async with served(Named, gateway=gateway) as engine:
        await (await connect(engine, "bob")).close()
    assert ids == ["of-bob"]


@in_loop
async def test_a_gateway_is_found_by_its_name_and_is_one_object():
    seen = []

    class Finding(Everybody):
        child = Connecting

        def __init__(self):
            self.visits = 0

        def identify(self, request):
            self.visits += 1
            seen.append(self)
            return super().identify(request)

    async with served(Connecting, gateway=Finding) as engine:
        assert engine.find(Finding, "den") is None
        for uid in ("ann", "bob"):
            await connect(engine, uid)
        found = engine.find(Finding, "den")
        assert found is seen[0] is seen[1] and found.visits == 2 and found.name == "den" and found.engine is engine
        assert engine.find(Finding, "other") is None


@pytest.mark.parametrize("is_async", [False, True], ids=["plain", "async"])
@in_loop
async def test_a_gateway_that_is_retired_is_told_and_the_next_is_another(caplog, is_async):
    log = []

    class Brief(Everybody):
        child = Connecting
        sticky_seconds = 0

        def __init__(self):
            log.append("begins")

        def identify(self, request):
            return dog.Response("no", 403)

    def plain(self):
        log.append(f"{self.name} ends")
        raise RuntimeError("oops")

    async def coroutine(self):
        plain(self)

    Brief.onretire = coroutine if is_async else plain
    async with served(Connecting, gateway=Brief) as engine:
        for count in (2, 4):
            assert (await curl(engine, "/den")).status == 403
            while len(log) < count:
                await asyncio.sleep(0.005)
        assert engine.find(Brief, "den") is None
    assert log == ["begins", "den ends"] * 2
    assert caplog.text.count("a handler of <Brief 'den'> failed") == 2


@in_loop
async def test_a_socket_over_its_rate_is_closed_by_the_policy_of_the_options():
    errors = []

    class Limited(Connecting):
        def onerror(self, socket, error):
            errors.append(error.status)

    async with served(Limited, message_rate_max=1, rate_policy=dog.RatePolicy.CLOSE) as engine:
        ann = await connect(engine)
        await ann.send("one")
        await ann.send("two")
        assert await closed(ann) == 1008
        while not errors:
            await asyncio.sleep(0.005)
    assert errors == [dog.Status.ERATE]


@in_loop
async def test_a_shard_that_names_its_gateway_is_one_like_others():
    class Naming(dog.Shard["Room"]):
        def receive(self, request):
            return dog.Response(self.gateway.greeting)

    class Room(Everybody):
        child = Naming
        greeting = "hello"

    async with served(Naming, gateway=Room) as engine:
        assert (await curl(engine, "/den")).body == b"hello"
