"""What a request shows of itself, and when."""

import asyncio
import gc
import json

import dog
import pytest

from serving import Connecting, connect, curl, gateway_for, in_loop, served


def answering(answer):
    """A Shard class whose receive is that function of the request."""
    return type("Answering", (dog.Shard,), {"receive": lambda self, request: answer(request)})


async def ask(path, *options, answer):
    seen = []

    def receive(request):
        seen.append(answer(request))
        return dog.Response("well")

    async with served(answering(receive)) as engine:
        response = await curl(engine, path, *options)
        assert (response.status, response.body) == (200, b"well"), response
    return seen[0]


@in_loop
async def test_what_a_request_shows():
    def answer(request):
        return {name: getattr(request, name) for name in
                ("method", "target", "path", "query", "body", "uid", "protocols", "client_subject")}

    shown = await ask("/den/a%20b?u=ann&q=x%26y+z&q=2&empty=", "-d", "hé", answer=answer)
    assert shown == {
        "method": "POST",
        "target": "/den/a%20b?u=ann&q=x%26y+z&q=2&empty=",
        "path": "/den/a%20b",
        "query": {"u": "ann", "q": "x&y z", "empty": ""},
        "body": "hé".encode(),
        "uid": "ann",
        "protocols": [],
        "client_subject": None,
    }


@in_loop
async def test_where_a_request_comes_from():
    host, _, port = (await ask("/den", answer=lambda request: request.remote)).rpartition(":")
    assert host == "127.0.0.1" and port.isdigit()


@in_loop
async def test_headers_are_found_by_any_letter_case_and_joined():
    headers = await ask("/den", "-H", "X-One: a", "-H", "x-oNE: b", "-H", "X-Latin: \xe9", answer=lambda r: r.headers)
    assert headers["x-one"] == headers["X-ONE"] == "a, b"
    assert "x-ONE" in headers and "x-two" not in headers and headers.get("x-two") is None
    with pytest.raises(KeyError):
        headers["x-two"]
    assert ("X-One", "a") in headers.pairs and ("x-oNE", "b") in headers.pairs
    assert headers["x-latin"].encode("latin-1").decode() == "\xe9"
    assert len(headers) == len({name.lower() for name, _ in headers.pairs}) == len(list(headers))


@in_loop
async def test_a_body_as_text_and_as_json():
    assert await ask("/den", "-d", "hé", answer=lambda request: request.text()) == "hé"
    assert await ask("/den", "-d", '{"a": [1]}', answer=lambda request: request.json()) == {"a": [1]}


@in_loop
async def test_a_query_that_is_not_utf_8_is_no_error():
    assert await ask("/den?a=%ff&%20b=1", answer=lambda request: request.query) == {"a": "\ufffd", " b": "1"}


@in_loop
async def test_a_request_has_no_uid_before_it_is_identified():
    uids = []

    def identify(self, request):
        uids.append(request.uid)
        return "ann"

    def clusterize(self, request):
        uids.append(request.uid)
        return "one"

    gateway = gateway_for(Connecting, identify=identify, clusterize=clusterize)
    async with served(Connecting, gateway=gateway) as engine:
        await (await connect(engine)).close()
    assert uids == ["", "ann"]


@in_loop
async def test_what_was_not_read_before_the_answer_cannot_be_read_any_more():
    kept = []

    def receive(request):
        assert request.method == "GET"
        kept.append(request)
        return dog.Response("well")

    async with served(answering(receive)) as engine:
        await curl(engine, "/den")
        assert kept[0].method == "GET"
        with pytest.raises(dog.GoneError):
            kept[0].body


@in_loop
async def test_an_async_handler_may_read_its_request_after_the_client_has_left():
    entered, gone, read = asyncio.Event(), asyncio.Event(), []

    async def receive(request):
        entered.set()
        await gone.wait()
        read.append((request.body, request.headers["x-one"], request.query, request.remote != ""))
        return dog.Response("late")

    async with served(answering(receive)) as engine:
        _, writer = await asyncio.open_connection("127.0.0.1", engine.port)
        writer.write(b"POST /den?u=ann HTTP/1.1\r\nHost: x\r\nX-One: a\r\nContent-Length: 2\r\n\r\nhi")
        await asyncio.wait_for(entered.wait(), 60)
        writer.transport.abort()
        while engine.stats().requests:
            await asyncio.sleep(0.005)
        gone.set()
        while not read:
            await asyncio.sleep(0.005)
    assert read == [(b"hi", "a", {"u": "ann"}, True)]


@in_loop
async def test_the_offered_subprotocols_and_the_one_that_is_taken():
    offered = []

    class Choosing(dog.Shard):
        def receive(self, request):
            offered.append(request.protocols)
            return self.connect(request, protocol="two", headers={"X-More": "yes"})

    async with served(Choosing) as engine:
        ann = await connect(engine, subprotocols=["one", "two"])
        assert ann.subprotocol == "two" and ann.response_headers["X-More"] == "yes"
    assert offered == [["one", "two"]]


@pytest.mark.parametrize("options", [{"protocol": "three"}, {"headers": {"X-Bad": "a\r\nb"}}], ids=str)
@in_loop
async def test_a_connect_that_cannot_be_is_an_error_and_500_for_the_client(options):
    seen = []

    class Choosing(dog.Shard):
        def receive(self, request):
            with pytest.raises(dog.InvalidError):
                self.connect(request, data=object(), **options)
            seen.append(len(self._connecting))

    async with served(Choosing) as engine:
        response = await curl(engine, "/den", "-H", "Connection: Upgrade", "-H", "Upgrade: websocket", "-H",
                              "Sec-WebSocket-Version: 13", "-H", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
        assert response.status == 500
    assert seen == [0]


@in_loop
async def test_a_client_that_asked_for_no_upgrade_is_told_and_keeps_nothing():
    seen = []

    class Choosing(dog.Shard):
        def receive(self, request):
            upgrade = self.connect(request, data=object())
            seen.append((upgrade.accepted, len(self._connecting)))
            return upgrade

    async with served(Choosing) as engine:
        response = await curl(engine, "/den")
        assert response.status == 426 and response.headers["upgrade"].lower() == "websocket"
    assert seen == [(False, 0)]


@in_loop
async def test_the_data_of_clients_that_left_before_they_opened_is_let_go():
    class Item:
        pass

    class Choosing(dog.Shard):
        def receive(self, request):
            # As many connects as a crowd makes whose clients have all left before they opened.
            for _ in range(5000):
                self._delivery.keep_for_open(self, Item())
            return self.connect(request, data=Item())

        def onopen(self, socket):
            socket.send(type(socket.data).__name__)

    def items():
        gc.collect()
        return sum(isinstance(each, Item) for each in gc.get_objects())

    async with served(Choosing) as engine:
        ann = await connect(engine)
        assert await ann.recv() == "Item"
        assert 1024 <= items() <= 1025
    del ann
    assert items() == 0


@in_loop
async def test_a_handler_may_answer_by_itself_and_only_once():
    errors = []

    def receive(request):
        request.respond(dog.Response("first", 201))
        try:
            request.respond(dog.Response("second"))
        except dog.GoneError as error:
            errors.append(error.status)

    async with served(answering(receive)) as engine:
        response = await curl(engine, "/den")
        assert (response.status, response.body) == (201, b"first")
    assert errors == [dog.Status.ESTALE]


@in_loop
async def test_what_no_route_takes_goes_to_fetch():
    def fetch(request):
        if request.path == "/a/b":
            return dog.Forward("Everybody", "den")
        return dog.Response(f"{request.method} {request.target}", 404)

    class Named(dog.Shard):
        def receive(self, request):
            return dog.Response(f"{self.gateway.name} {request.path}")

    gateway = gateway_for(Named)
    engine = dog.Engine(workers=1).define(gateway).route("/only", gateway, "lobby")
    assert engine.on_fetch(fetch) is fetch
    with pytest.raises(dog.ExistsError):
        engine.on_fetch(fetch)
    serving = asyncio.ensure_future(engine.listen().serve())
    assert (await curl(engine, "/only")).body == b"lobby /only"
    assert (await curl(engine, "/a/b")).body == b"den /a/b"
    other = await curl(engine, "/other?x")
    assert (other.status, other.body) == (404, b"GET /other?x")
    engine.stop()
    await serving


@in_loop
async def test_an_async_handler_that_is_too_late_is_ended(caplog):
    ended = []

    async def receive(request):
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.append(request.path)

    async with served(answering(receive), receive_timeout_ms=50) as engine:
        assert (await curl(engine, "/den")).status == 503
        while not ended:
            await asyncio.sleep(0.005)
    assert "no answer within receive_timeout_ms" in caplog.text


@in_loop
async def test_a_handler_that_has_answered_may_go_on_beyond_the_deadline():
    done = asyncio.Event()

    async def receive(request):
        request.respond(dog.Response("early"))
        await asyncio.sleep(0.2)
        done.set()

    async with served(answering(receive), receive_timeout_ms=50) as engine:
        assert (await curl(engine, "/den")).body == b"early"
        await asyncio.wait_for(done.wait(), 60)


class Looking(dog.Shard):
    def receive(self, request):
        return dog.Response.json([request.rest, request.remote_ip, request.is_websocket, request.query_all("tag")])


@pytest.mark.parametrize(
    "path, rest",
    [
        ("/rooms/den", ""), ("/rooms/den/", "/"), ("/rooms/den/ws", "/ws"), ("/rooms/a%2Fb/c%20d//e?x=/y", "/c%20d//e"),
        ("/lobby", ""), ("/lobby/x", "/x"), ("/rooms/%FF/x", "/rooms/%FF/x"), ("/rooms//x", "/rooms//x"),
        ("/rooms/%zz", "/rooms/%zz"), ("/else/where", "/else/where"), ("/rooms/%00/x", "/rooms/%00/x"),
        ("/rooms/" + "n" * 257 + "/x", "/rooms/" + "n" * 257 + "/x"),
    ],
)
@in_loop
async def test_the_path_behind_the_route(path, rest):
    gateway = gateway_for(Looking)
    engine = dog.Engine(workers=1).define(gateway, Looking).listen()
    engine.route("/rooms/:name", gateway).route("/lobby/", gateway, "lobby")
    # What no route takes is forwarded: it has the whole path.
    taken = []

    @engine.on_fetch
    def fetch(request):
        taken.append(request.path)
        return dog.Forward(gateway, "other")

    async with engine:
        answer = await curl(engine, path)
    assert json.loads(answer.body)[0] == rest
    assert taken == ([rest] if rest == path else [])


@pytest.mark.parametrize(
    "upgrade, is_websocket",
    [(None, False), ("websocket", True), ("WebSocket", True), ("h2c, websocket", True), ("h2c", False), ("web", False)],
)
@in_loop
async def test_whether_it_asks_for_a_websocket(upgrade, is_websocket):
    async with served(Looking) as engine:
        answer = await curl(engine, "/den", *(["-H", f"Upgrade: {upgrade}"] if upgrade else []))
        assert json.loads(answer.body) == ["", "127.0.0.1", is_websocket, []]


@in_loop
async def test_every_value_of_a_query_parameter():
    async with served(Looking) as engine:
        answer = await curl(engine, "/den?tag=a&x=1&tag=b%20c&tag=&tags=d&t%61g=e+f")
        assert json.loads(answer.body)[3] == ["a", "b c", "", "e f"]


@pytest.mark.parametrize(
    "address, ip",
    [("127.0.0.1:51234", "127.0.0.1"), ("[::1]:51234", "::1"), ("203.0.113.9", "203.0.113.9"), ("::1", "::1"),
     ("unix:", None), ("2001:db8::7:80", "2001:db8::7:80"), ("[2001:db8::7]:80", "2001:db8::7")],
)
def test_an_address_without_its_port(address, ip):
    assert dog.request.ip_of(address) == ip
