"""The example programs, used as their readers would: with a WebSocket client that nobody here wrote. What the first
comment of each promises beyond that is in test_examples.py."""
import asyncio
import contextlib
import http.client
import json
import signal
import socket
import subprocess

import pytest
from websockets.legacy import client as legacy  # the interface that Debian 12 and Debian 13 both have

from server import BIN, DEADLINE, Server

EXAMPLES = ["echo", "fanout", "tasks", "counter", "deferred", "events", "queue"]


class Example(Server):
    """A running example program, and what a test asks of it."""

    def request(self, method, target, body=None, headers={}):
        connection = http.client.HTTPConnection("127.0.0.1", int(self.port), timeout=DEADLINE)
        try:
            connection.request(method, target, body=body, headers=headers)
            response = connection.getresponse()
            return response, response.read()
        finally:
            connection.close()

    def get(self, target, headers={}):
        response, body = self.request("GET", target, headers=headers)
        return response.status, body.decode()

    def connect(self, target, **more):
        return legacy.connect(f"ws://127.0.0.1:{self.port}{target}", **more)

    def logged(self):
        """What it wrote besides that it listens, and besides what is for information."""
        return [line for line in self.said().splitlines() if line and not line.startswith(("listening ", "info "))]


@contextlib.contextmanager
def running(name, is_quiet=True, **options):
    example = Example(name, **options)
    try:
        yield example
        example.stop()
        # A refusal is in the log, and is what was asked for.
        assert example.logged() == [] or not is_quiet
    finally:
        example.kill()


async def receive(client):
    return await asyncio.wait_for(client.recv(), DEADLINE)


async def silent(*clients):
    """Nothing has come to these that was not read yet: whatever was on its way came before the answer to a ping."""
    for client in clients:
        await asyncio.wait_for(await client.ping(), DEADLINE)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(client.recv(), 0.05)


# ---- every example --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EXAMPLES)
def test_help_tells_the_options(name):
    run = subprocess.run([BIN / name, "--help"], capture_output=True, text=True, timeout=DEADLINE)
    assert run.returncode == 0 and run.stderr == ""
    for option in ["--host", "--port", "--workers", "--limit"]:
        assert option in run.stdout


@pytest.mark.parametrize("options", [
    ["--nonsense"], ["--port"], ["--port", "x"], ["--port", "65536"], ["--port", "-1"], ["--port", ""], ["--port=1x"],
    ["--workers", "65"], ["--limit", "0"], ["--limit", "1000001"], ["--limit", "99999999999999999999"],
    ["--host", "localhost"], ["--host", "1.2.3"], ["positional"],
])
@pytest.mark.parametrize("name", EXAMPLES)
def test_a_wrong_option_is_refused(name, options):
    run = subprocess.run([BIN / name, *options], capture_output=True, text=True, timeout=DEADLINE)
    assert run.returncode == 2
    assert run.stdout == "" and len(run.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_port_in_use_is_told(name):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        run = subprocess.run([BIN / name, "--port", port], capture_output=True, text=True, timeout=DEADLINE)
    assert run.returncode == 1
    assert run.stdout == "" and "the address is in use" in run.stderr


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("name", [name for name in EXAMPLES if name != "events"])
def test_a_signal_ends_it_with_1001_to_every_socket(name, by):
    async def scenario(example):
        clients = [await example.connect("/tasks/ws" if name == "deferred" else "/tasks/x/ws") for _ in range(3)]
        example.process.send_signal(by)
        for client in clients:
            await asyncio.wait_for(client.wait_closed(), DEADLINE)
            assert client.close_code == 1001

    example = Example(name, workers=2)
    try:
        asyncio.run(scenario(example))
        assert example.wait() == 0
        assert example.logged() == []
    finally:
        example.kill()


# ---- echo -----------------------------------------------------------------------------------------------------------


def test_echo_sends_every_message_back():
    messages = ["", "hello", "h\u00e9 \U0001f415", b"", b"\x00\xff", "x" * 70000, b"y" * 1000000, "last"]

    async def scenario(example):
        clients = [await example.connect(path) for path in ["/", "/any/path?at=all", "/x"]]
        for client in clients:
            for message in messages:
                await client.send(message)
        for client in clients:
            assert [await receive(client) for _ in messages] == messages
        for client in clients:
            await client.close()

    with running("echo", workers=2) as example:
        asyncio.run(scenario(example))


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"])
def test_echo_gives_the_body_back(method):
    body = bytes(range(256)) * 64
    with running("echo") as example:
        response, echoed = example.request(method, "/any?thing", body, {"Content-Type": "text/x-dog"})
        assert (response.status, response.getheader("content-type"), echoed) == (200, "text/x-dog", body)
        response, echoed = example.request(method, "/", None)
        assert (response.status, response.getheader("content-type"), echoed) == (200, "application/octet-stream", b"")


def test_echo_answers_head_without_a_body():
    with running("echo") as example:
        response, body = example.request("HEAD", "/", b"hello")
        assert (response.status, response.getheader("content-length"), body) == (200, "5", b"")


# ---- fanout ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers,limit", [(1, 1000), (2, 3), (2, 1)])
def test_fanout_reaches_everybody(workers, limit):
    async def scenario(example):
        clients = [await example.connect(f"/{index}") for index in range(10)]
        for index, client in enumerate(clients):
            message = f"from {index}" if index % 2 else b"from %d" % index
            await client.send(message)
            for other in clients:
                assert await receive(other) == message
        await silent(*clients)
        for client in clients:
            await client.close()

    with running("fanout", workers=workers, limit=limit) as example:
        asyncio.run(scenario(example))
        assert example.get("/")[0] == 426


# ---- tasks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target,status", [
    ("/tasks", 404), ("/tasks/", 400), ("/tasks//ws", 400), ("/", 404), ("/task/x", 404), ("/tasks/x", 200),
    ("/tasks/x?y=z", 200), ("/tasks/a%20b", 200), ("/tasks/x/ws", 426), ("/tasks/x/other", 404),
    ("/tasks/x/ws/more", 404), ("/tasks/x/", 404),
])
def test_tasks_answers_by_path(target, status):
    with running("tasks") as example:
        assert example.get(target)[0] == status


@pytest.mark.parametrize("authorization,uid", [
    ("Bearer ann", "ann"), ("Basic YW5u", "YW5u"), ("Bearer   spaces  ", "spaces"),
    ('Digest a="b", c=d', 'a="b", c=d'),
    ("Bearer", "127.0.0.1"), ("", "127.0.0.1"), (None, "127.0.0.1"), ("Bearer " + "x" * 256, "x" * 256),
    ("Bearer " + "x" * 257, None), ("Bearer a\tb", None), ("Bearer a\u00e9", None),
])
def test_tasks_identifies_by_credentials_or_address(authorization, uid):
    with running("tasks") as example:
        status, body = example.get("/tasks/x", {} if authorization is None else {"Authorization": authorization})
        if uid is None:
            assert status == 400
        else:
            assert status == 200
            assert body.splitlines()[0] == f"uid: {uid}"
            assert body.splitlines()[2] == "sockets: 0"


def test_tasks_has_a_room_for_each_name():
    async def scenario(example):
        a = await example.connect("/tasks/one/ws", extra_headers={"Authorization": "Bearer a"})
        b = await example.connect("/tasks/one/ws", extra_headers={"Authorization": "Bearer b"})
        c = await example.connect("/tasks/one/ws", extra_headers={"Authorization": "Bearer c"})
        other = await example.connect("/tasks/two/ws")
        await a.send("text")
        await a.send(b"bytes")
        for client in [b, c]:
            assert [await receive(client), await receive(client)] == ["text", b"bytes"]
        await silent(a, other)
        for client in [a, b, c, other]:
            await client.close()

    with running("tasks", limit=2, workers=2) as example:
        asyncio.run(scenario(example))


# ---- counter --------------------------------------------------------------------------------------------------------


def score(uid, points):
    return {"type": "score", "uid": uid, "score": points}


async def receive_json(client):
    return json.loads(await receive(client))


async def vote(client, kind, clients, wanted):
    """Changes a score, and everybody hears of it."""
    await client.send(json.dumps({"type": kind}))
    for other in clients:
        assert await receive_json(other) == wanted


def test_counter_counts_and_ranks_over_all_shards():
    async def scenario(example):
        clients = []
        for index in range(12):
            client = await example.connect(f"/?u=p{index}")
            await silent(client)
            if index % 2:  # the second on its Shard: the first hears of it
                assert await receive(clients[-1]) == f"p{index} has joined"
            clients.append(client)
        for index, client in enumerate(clients):
            for points in range(1, index + 1):
                await vote(client, "+1", clients, score(f"p{index}", points))
        await vote(clients[0], "-1", clients, score("p0", -1))

        ranked = [{"uid": f"p{index}", "score": index} for index in range(11, 1, -1)]
        board = {"type": "leaderboard", "list": ranked}
        for asker in [clients[0], clients[7]]:
            await asker.send('{"type":"refresh:leaderboard"}')
            assert await receive_json(asker) == board
        await silent(*clients)
        # At most once a minute: what has changed meanwhile is not in it.
        await vote(clients[11], "+1", clients, score("p11", 12))
        await clients[0].send('{"type":"refresh:leaderboard"}')
        assert await receive_json(clients[0]) == board
        for client in clients:
            await client.close()

    with running("counter", limit=2, workers=2) as example:
        asyncio.run(scenario(example))


def test_counter_adds_up_one_uid_on_several_shards_and_keeps_scores():
    async def scenario(example):
        a, b = await example.connect("/"), await example.connect("/")
        await vote(a, "+1", [a, b], score("anon", 1))
        await vote(b, "+1", [a, b], score("anon", 1))
        await a.close()
        await b.send('{"type":"refresh:leaderboard"}')
        assert await receive_json(b) == {"type": "leaderboard", "list": [{"uid": "anon", "score": 2}]}
        await b.close()

    with running("counter", limit=1, workers=2) as example:
        asyncio.run(scenario(example))


def test_counter_writes_names_as_json():
    async def scenario(example):
        name = "\"quoted\\ \u00e9\U0001f415</script>"
        client = await example.connect("/?u=%22quoted%5C%20%C3%A9%F0%9F%90%95%3C/script%3E")
        await vote(client, "+1", [client], score(name, 1))
        await client.send('{"type":"refresh:leaderboard"}')
        assert (await receive_json(client))["list"] == [{"uid": name, "score": 1}]
        await client.close()

    with running("counter") as example:
        asyncio.run(scenario(example))
        assert example.get("/?u=" + "x" * 257)[0] == 400
        assert example.get("/?u=a%0Ab")[0] == 400
        assert example.get("/?u=ann")[0] == 426
    with running("counter", is_quiet=False) as example:
        assert example.get("/?u=%FF")[0] == 400  # the engine's word for it, and a line in its log


def test_counter_survives_hostile_messages():
    hostile = [
        "", " ", "{", "}", "[]", "null", "1", '"+1"', "{}", "\x00", '{"\x00":1}', b'{"type":"+1"}', b"\xff\xfe",
        '{"type"}', '{"type":}', '{"type":1}', '{"type":null}', '{"type":"+1"', '{"type":"+1",}', '{"type":"+1"}}',
        '{"type":"+1"} x', '{"type":"unknown"}', '{"type":"+1\\', '{"type":"\\u12', '{"type":"+1","a":tru}',
        '{"type":"+1","a":01}', '{"type":"+1","a":-}', '{"type":"+1","a":1e}', '{"type":"' + "x" * 100000,
        "{" * 100000, "[" * 100000, '{"a":' * 50000, '{"a":' + "[" * 100000,
    ]

    async def scenario(example):
        client = await example.connect("/?u=ann")
        for message in hostile:
            await client.send(message)
        for message in hostile:
            assert (await receive_json(client))["type"] == "error", message[:50]
        await vote(client, "+1", [client], score("ann", 1))
        await client.send('  { "more" : [ {"type":"-1"}, 1.5e-3, "\\n" ] , "type" : "+1" } ')
        assert await receive_json(client) == score("ann", 2)
        await client.close()

    with running("counter") as example:
        asyncio.run(scenario(example))


def test_counter_remembers_no_more_than_it_should():
    async def scenario(example):
        for index in range(1500):
            async with example.connect(f"/?u=p{index}") as client:
                await client.send('{"type":"+1"}')
                await receive(client)
        async with example.connect("/?u=last") as client:
            await client.send('{"type":"refresh:leaderboard"}')
            assert len((await receive_json(client))["list"]) == 10

    with running("counter", limit=5) as example:
        asyncio.run(scenario(example))


# ---- deferred -------------------------------------------------------------------------------------------------------


def test_deferred_answers_later():
    with running("deferred") as example:
        status, body = example.get("/room?u=ann")
        assert status == 200 and body.startswith("uid: ann\nshard: ")
        assert example.get("/room?u=" + "x" * 257)[0] == 400
        assert example.get("/room/other")[0] == 404
        assert example.get("/room/ws")[0] == 426
        assert example.get("/")[0] == 404


def test_deferred_collects_answers():
    async def scenario(example):
        clients = [await example.connect(f"/room/ws?u={index}") for index in range(5)]
        await clients[0].send("what?")
        assert await receive(clients[0]) == "say: ask"
        await asyncio.gather(*(client.send("ask") for client in clients))
        for index, client in enumerate(clients):
            lines = (await receive(client)).splitlines()
            assert lines[0] == "2 siblings"
            counts = sorted(line.rsplit(": ", 1)[1] for line in lines[1:])
            assert counts == (["2 sockets", "2 sockets"] if index == 4 else ["1 sockets", "2 sockets"])
        # One that asks and leaves costs nothing.
        await clients[0].send("ask")
        for client in clients:
            await client.close()

    with running("deferred", limit=2, workers=2) as example:
        asyncio.run(scenario(example))


def test_deferred_stops_with_answers_outstanding():
    with running("deferred") as example:
        connections = [socket.create_connection(("127.0.0.1", int(example.port)), timeout=DEADLINE) for _ in range(20)]
        for connection in connections:
            connection.sendall(b"GET /room HTTP/1.1\r\nHost: t\r\n\r\n")
    for connection in connections:
        connection.close()


# ---- queue ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers,limit", [(1, 1000), (2, 1)])
def test_queue_tells_everybody_in_the_room(workers, limit):
    async def scenario(example):
        ann = await example.connect("/den?u=ann")
        assert await receive(ann) == "ann has joined"
        other = await example.connect("/elsewhere")
        assert await receive(other) == "anon has joined"
        bob = await example.connect("/den?u=bob")
        for client in [ann, bob]:
            assert await receive(client) == "bob has joined"
        said = [("hello", "ann: hello"), ("", "ann: "), (b"\x00\xff", b"\x00\xff"), ("h\u00e9", "ann: h\u00e9")]
        for sent, heard in said:
            await ann.send(sent)
            for client in [ann, bob]:
                assert await receive(client) == heard
        await bob.close()
        assert await receive(ann) == "bob has left"
        await silent(ann, other)
        for client in [ann, other]:
            await client.close()

    with running("queue", workers=workers, limit=limit) as example:
        asyncio.run(scenario(example))
        assert example.get("/den") == (200, "sockets: 0\nmessages: 4\n")
        assert example.get("/den?u=" + "x" * 257)[0] == 400
    with running("queue", is_quiet=False) as example:
        assert example.get("/")[0] == 404  # the engine's word for it, and a line in its log
        assert example.get("/den?u=%FF")[0] == 400


def test_queue_refuses_what_no_outbox_has_room_for():
    async def scenario(example):
        size = 5_000_000  # more than an outbox has by itself
        ann = await example.connect("/den?u=ann", max_size=None)
        assert await receive(ann) == "ann has joined"
        await ann.send("x" * (size - 5))
        assert await receive(ann) == "ann: " + "x" * (size - 5)
        await ann.send("x" * size)
        await asyncio.wait_for(ann.wait_closed(), DEADLINE)
        assert ann.close_code == 1009

    with running("queue", max_message=5000000) as example:
        asyncio.run(scenario(example))


def test_queue_takes_many_clients_and_messages():
    async def scenario(example):
        clients = []
        for index in range(20):
            clients.append(await example.connect(f"/den?u={index}"))
            for client in clients:
                assert await receive(client) == f"{index} has joined"
        await asyncio.gather(*(client.send(str(turn)) for client in clients for turn in range(50)))
        for client in clients:
            heard = [await receive(client) for _ in range(20 * 50)]
            for index in range(20):
                assert [text for text in heard if text.startswith(f"{index}: ")] == [
                    f"{index}: {turn}" for turn in range(50)]
        for client in clients:
            await client.close()

    with running("queue", limit=6, workers=2) as example:
        asyncio.run(scenario(example))
