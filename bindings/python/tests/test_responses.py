"""Whole responses, and streamed ones: types, backpressure, and how they end."""

import asyncio

import dog
import pytest

from serving import DEADLINE, curl, eventually, in_loop, served


def answering(answer):
    return type("Answering", (dog.Shard,), {"receive": lambda self, request: answer(request)})


async def get(response, *options, path="/den"):
    async with served(answering(lambda request: response)) as engine:
        return await curl(engine, path, *options)


@pytest.mark.parametrize(
    "response, content_type, body",
    [
        (dog.Response("hé"), "text/plain; charset=utf-8", "hé".encode()),
        (dog.Response(b"\x00"), None, b"\x00"),
        (dog.Response(), None, b""),
        (dog.Response("x", headers={"content-TYPE": "text/css"}), "text/css", b"x"),
        (dog.Response.json({"a": "é"}), "application/json", '{"a":"é"}'.encode()),
        (dog.Response.html("<p>é"), "text/html; charset=utf-8", "<p>é".encode()),
    ],
)
@in_loop
async def test_a_response_has_a_type_and_a_length(response, content_type, body):
    got = await get(response)
    assert (got.status, got.headers.get("content-type"), got.body) == (200, content_type, body)
    assert got.headers["content-length"] == str(len(body))


@in_loop
async def test_status_and_headers_are_as_they_were_given():
    got = await get(dog.Response("x", 418, [("X-One", "a"), ("X-One", "b"), ("X-Latin", "é")]))
    assert got.status == 418 and got.headers["x-one"] == "b" and got.headers["x-latin"] == "é"


@pytest.mark.parametrize(
    "response",
    [
        dog.Response("x", 99),
        dog.Response("x", 200, {"X-Bad": "a\r\nb"}),
        dog.Response("x", 200, {"Content-Length": "1"}),
        dog.Response("x", 204),
    ],
)
@in_loop
async def test_what_is_no_response_is_500_and_an_error(caplog, response):
    assert (await get(response)).status == 500
    assert "InvalidError" in caplog.text


@in_loop
async def test_a_header_that_is_not_latin_1_is_500_and_an_error(caplog):
    assert (await get(dog.Response("x", 200, {"X-Bad": "\u20ac"}))).status == 500
    assert "UnicodeEncodeError" in caplog.text


@pytest.mark.parametrize("body", [None, 5, ["a"]])
def test_a_body_of_another_type_is_an_error_where_it_is_made(body):
    with pytest.raises(TypeError):
        dog.Response(body)


def test_an_end_of_what_is_no_stream_is_an_error():
    with pytest.raises(TypeError):
        dog.Response("x", onend=print)


async def letters(count, size, made):
    for number in range(count):
        made.append(number)
        yield bytes([ord("a") + number % 26]) * size


@in_loop
async def test_a_stream_arrives_whole_and_its_end_is_told():
    ended, made = [], []
    async with served(answering(lambda _: dog.Response(letters(100, 70_000, made), onend=ended.append)),
                      outbox_bytes_max=262_144) as engine:
        got = await curl(engine, "/den", "--raw")
        assert got.headers["transfer-encoding"] == "chunked"
        got = await curl(engine, "/den")
        assert got.body == b"".join(bytes([ord("a") + number % 26]) * 70_000 for number in range(100))
        await eventually(lambda: len(ended) == 2, "both ends")
    assert ended == [dog.Status.OK] * 2


@in_loop
async def test_parts_arrive_as_they_are_made():
    gates = [asyncio.Event() for _ in range(3)]

    async def events():
        for number, gate in enumerate(gates):
            await gate.wait()
            yield f"data: {number}\n\n"

    response = dog.Response(events(), headers={"Content-Type": "text/event-stream"})
    async with served(answering(lambda _: response)) as engine:
        reader, writer = await asyncio.open_connection("127.0.0.1", engine.port)
        writer.write(b"GET /den HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        for number, gate in enumerate(gates):
            gate.set()
            await asyncio.wait_for(reader.readuntil(f"data: {number}\n\n".encode()), 60)
        await asyncio.wait_for(reader.readuntil(b"0\r\n\r\n"), 60)
        writer.close()


@in_loop
async def test_a_stream_waits_for_a_client_that_does_not_read():
    made, ended = [], []
    async with served(answering(lambda _: dog.Response(letters(100_000, 65_536, made), onend=ended.append)),
                      outbox_bytes_max=262_144) as engine:
        reader, writer = await asyncio.open_connection("127.0.0.1", engine.port, limit=4096)
        writer.write(b"GET /den HTTP/1.1\r\nHost: x\r\n\r\n")
        await eventually(lambda: len(made) > 3, "the first parts")
        before = -1
        while before != len(made):
            before = len(made)
            await asyncio.sleep(0.1)
        assert before < 1000
        [stream] = engine._delivery.streams._streams.values()
        assert stream._room is not None and not stream._room.done()
        for _ in range(200):
            await asyncio.wait_for(reader.readexactly(65_536), 60)
        await eventually(lambda: len(made) > before, "more parts")
        writer.transport.abort()
        await eventually(lambda: ended, "its end")
    assert ended == [dog.Status.ERESET]


@in_loop
async def test_a_client_that_leaves_ends_the_body_where_it_waits():
    log = []

    async def forever():
        try:
            yield "first\n"
            await asyncio.get_running_loop().create_future()
        finally:
            log.append("cleaned up")

    response = dog.Response(forever(), onend=lambda status: log.append(status))
    async with served(answering(lambda _: response)) as engine:
        reader, writer = await asyncio.open_connection("127.0.0.1", engine.port)
        writer.write(b"GET /den HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"first\n")
        writer.transport.abort()
        await eventually(lambda: len(log) == 2, "its end")
    assert log == ["cleaned up", dog.Status.ERESET]


@in_loop
async def test_a_body_that_fails_is_logged_and_not_taken_for_whole(caplog):
    async def failing():
        yield "first\n"
        raise RuntimeError("oops")

    ended = []
    async with served(answering(lambda _: dog.Response(failing(), onend=ended.append))) as engine:
        reader, writer = await asyncio.open_connection("127.0.0.1", engine.port)
        writer.write(b"GET /den HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            while await reader.read(1024):
                pass
        await eventually(lambda: ended, "its end")
        writer.close()
    assert ended == [dog.Status.EHOST]
    [record] = [record for record in caplog.records if "the body of a response failed" in record.getMessage()]
    assert record.exc_info[0] is RuntimeError


@pytest.mark.parametrize("part", [5, None, {"a": 1}])
@in_loop
async def test_a_part_of_another_type_is_an_error(caplog, part):
    async def parts():
        yield part

    async with served(answering(lambda _: dog.Response(parts())), grace=0) as engine:
        _, writer = await asyncio.open_connection("127.0.0.1", engine.port)
        writer.write(b"GET /den HTTP/1.1\r\nHost: x\r\n\r\n")
        await eventually(lambda: "TypeError" in caplog.text, "the log")
        writer.close()


@in_loop
async def test_head_gets_no_part_and_an_endless_body_ends():
    made = []

    async def endless():
        while True:
            made.append(None)
            yield "x"

    got = await get(dog.Response(endless()), "--head")
    assert got.status == 200 and got.body == b"" and made == []


@in_loop
async def test_a_stop_ends_streams_after_the_grace_and_an_onend_that_raises_is_logged(caplog):
    async def forever():
        yield "first\n"
        await asyncio.get_running_loop().create_future()

    ended = []

    def onend(status):
        ended.append(status)
        raise RuntimeError("oops")

    async with served(answering(lambda _: dog.Response(forever(), onend=onend)), grace=0.05) as engine:
        reader, writer = await asyncio.open_connection("127.0.0.1", engine.port)
        writer.write(b"GET /den HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"first\n")
    assert ended == [dog.Status.EGONE] and "onend failed" in caplog.text
    writer.close()


@in_loop
async def test_a_body_that_cannot_begin_is_logged_and_its_client_cut_off(caplog):
    class Unready:
        def __aiter__(self):
            raise ValueError("not ready")

    async with served(answering(lambda request: dog.Response(Unready()))) as engine:
        reader, writer = await asyncio.open_connection("127.0.0.1", engine.port)
        writer.write(b"GET /den HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            while await asyncio.wait_for(reader.read(4096), DEADLINE):
                pass
        writer.close()
    assert "not ready" in caplog.text
