"""Ordinary use by clients that others wrote: Python's `websockets` library and curl; and raw HTTP/1.1 beside them.
RFC 6455 frame by frame is in test_websocket_conformance.py."""
import asyncio
import contextlib
import random
import subprocess

import pytest
from websockets.legacy import client as legacy  # the interface that Debian 12 and Debian 13 both have

from client import TEXT, Connection, fetch, frame, request_bytes, upgrade_headers
from server import DEADLINE

# Around every change of the frame's length form, and a large one.
SIZES = [0, 1, 2, 3, 7, 124, 125, 126, 127, 128, 1000, 4095, 4096, 65534, 65535, 65536, 65537, 200_000]
MEGABYTE = 1 << 20


def opening(port, path="/", **options):
    """A client of `websockets` to where `port` says."""
    options.setdefault("max_size", None)
    if port.path:
        return legacy.unix_connect(port.path, f"ws://localhost{path}", **options)
    if port.tls:
        return legacy.connect(f"wss://127.0.0.1:{port}{path}", ssl=port.tls.context(), **options)
    return legacy.connect(f"ws://127.0.0.1:{port}{path}", **options)


def converse(port, conversation, path="/", **options):
    """Runs `conversation(socket)` with an open socket of the `websockets` library."""

    async def run():
        async with opening(port, path, **options) as socket:
            return await conversation(socket)

    return asyncio.run(asyncio.wait_for(run(), DEADLINE))


def url(port, path="/"):
    return f"{'https' if port.tls else 'http'}://127.0.0.1:{port}{path}"


def curl(port, *arguments, data=None):
    over = ["--unix-socket", port.path] if port.path else ["--cacert", str(port.tls.authority)] if port.tls else []
    done = subprocess.run(["curl", "--silent", "--show-error", "--max-time", str(int(DEADLINE)), *over, *arguments],
                          input=data, capture_output=True)
    assert done.returncode == 0, (arguments, done.stderr)
    return done.stdout


@pytest.fixture
def echo(serve, workers):
    return serve("echo", workers=workers).port


# ---- WebSocket


@pytest.mark.each_transport
def test_text_of_every_length_comes_back_as_text(echo):
    async def conversation(socket):
        for size in SIZES:
            text = "é€😀x"[size % 4] * size
            await socket.send(text)
            assert await socket.recv() == text

    converse(echo, conversation)


def test_bytes_of_every_length_come_back_as_bytes(echo):
    async def conversation(socket):
        source = random.Random(7)
        for size in SIZES:
            data = source.randbytes(size)
            await socket.send(data)
            assert await socket.recv() == data

    converse(echo, conversation)


def test_a_ping_gets_its_pong_also_between_messages(echo):
    async def conversation(socket):
        for payload in (b"", b"x", b"y" * 125):
            await (await socket.ping(payload))
        await socket.send("a")
        waiter = await socket.ping()
        await socket.send("b")
        await waiter
        assert [await socket.recv(), await socket.recv()] == ["a", "b"]

    converse(echo, conversation)


@pytest.mark.each_transport
def test_ten_thousand_messages_in_flight_come_back_in_order(echo):
    async def conversation(socket):
        count = 10_000

        async def send():
            for number in range(count):
                await socket.send(str(number))

        sending = asyncio.create_task(send())
        assert [await socket.recv() for _ in range(count)] == [str(number) for number in range(count)]
        await sending

    converse(echo, conversation, max_queue=None)


@pytest.mark.each_transport
def test_two_hundred_sockets_at_once_each_hear_their_own(echo):
    async def run():
        async with contextlib.AsyncExitStack() as stack:
            sockets = [await stack.enter_async_context(opening(echo)) for _ in range(200)]
            for number, socket in enumerate(sockets):
                await socket.send(str(number))
            assert [await socket.recv() for socket in sockets] == [str(number) for number in range(200)]

    asyncio.run(asyncio.wait_for(run(), DEADLINE))


def test_an_offer_of_extensions_and_protocols_is_declined_by_silence(echo):
    async def conversation(socket):
        assert socket.extensions == []
        assert socket.subprotocol is None
        await socket.send("plain")
        assert await socket.recv() == "plain"

    converse(echo, conversation, compression="deflate", subprotocols=["chat", "superchat"])


# ---- HTTP by curl


def test_curl_gets_its_body_back(echo):
    assert curl(echo, "--data-binary", "@-", url(echo, "/any/path?x=1"), data=b"hello\0world") == b"hello\0world"


@pytest.mark.each_transport
def test_curl_uses_one_connection_for_many_requests(echo):
    place = url(echo)
    said = curl(echo, "--data", "x", "--write-out", "%{num_connects}\n", place, place, place)
    assert said == b"x1\nx0\nx0\n"


@pytest.mark.each_transport
def test_curl_uploads_in_chunks(echo):
    body = random.Random(3).randbytes(300_000)
    chunked = ["--header", "Transfer-Encoding: chunked", "--data-binary", "@-"]
    assert curl(echo, *chunked, url(echo), data=body) == body


def test_curl_waits_for_100_continue_and_gets_it(echo):
    body = b"z" * 100_000
    said = curl(echo, "--verbose", "--stderr", "-", "--output", "/dev/null", "--expect100-timeout", str(int(DEADLINE)),
                "--header", "Expect: 100-continue", "--data-binary", "@-", url(echo), data=body)
    assert b"< HTTP/1.1 100 Continue" in said
    assert b"< HTTP/1.1 200" in said


def test_curl_asks_for_the_head_alone(echo):
    said = curl(echo, "--head", url(echo))
    assert said.startswith(b"HTTP/1.1 200")
    assert said.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_curl_uses_any_method(echo, method):
    assert curl(echo, "--request", method, "--data-binary", "body", url(echo, "/x")) == b"body"


def test_curl_speaks_http_1_0(echo):
    assert curl(echo, "--http1.0", "--data", "old", url(echo)) == b"old"


@pytest.mark.each_transport
def test_a_body_of_one_megabyte_comes_back(echo):
    body = random.Random(4).randbytes(MEGABYTE)
    assert curl(echo, "--data-binary", "@-", url(echo), data=body) == body


# ---- HTTP by hand


@pytest.mark.each_transport
def test_requests_in_one_packet_are_answered_in_order(echo):
    bodies = [f"request {number}".encode() for number in range(100)]
    with Connection(echo) as connection:
        connection.send(b"".join(request_bytes("POST", "/", body=body) for body in bodies))
        assert [connection.response().body for _ in bodies] == bodies


@pytest.mark.each_transport
def test_a_request_sent_byte_by_byte_is_understood(echo):
    with Connection(echo) as connection:
        for byte in request_bytes("POST", "/slow", [("X-Header", "value")], b"the body"):
            connection.send(bytes([byte]))
        assert connection.response().body == b"the body"


def test_chunks_of_every_cut_are_understood(echo):
    head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    body = b"5\r\nhello\r\n6;name=value\r\n world\r\n0\r\nX-Sum: x\r\n\r\n"
    with Connection(echo) as connection:
        for cut in range(len(body) + 1):
            connection.send(head + body[:cut])
            connection.send(body[cut:])
            assert connection.response().body == b"hello world", cut


@pytest.mark.each_transport
def test_connection_close_is_obeyed(echo):
    with Connection(echo) as connection:
        answer = connection.request("POST", "/", [("Connection", "close")], b"bye")
        assert answer.body == b"bye"
        assert answer.header("Connection").lower() == "close"
        assert connection.ends() == b""


def test_http_1_0_closes_unless_it_asks_to_keep_alive(echo):
    with Connection(echo) as connection:
        connection.send(b"GET / HTTP/1.0\r\n\r\n")
        assert connection.response().status == 200
        assert connection.ends() == b""
    with Connection(echo) as connection:
        for _ in range(2):
            connection.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            assert connection.response().status == 200


def test_a_head_request_is_answered_like_get_without_a_body(echo):
    with Connection(echo) as connection:
        for _ in range(3):
            answer = connection.request("HEAD", "/")
            assert answer.status == 200
        assert connection.request("POST", "/", body=b"next").body == b"next"


def test_every_response_has_a_date_and_a_length(echo):
    answer = fetch(echo, "GET", "/")
    assert answer.header("Date").endswith(" GMT")
    assert answer.header("Content-Length") == "0"


@pytest.mark.each_transport
def test_a_client_that_finished_sending_still_gets_its_answer(echo):
    with Connection(echo) as connection:
        connection.send(request_bytes("POST", "/", body=b"half closed"))
        connection.finish_sending()
        assert connection.response().body == b"half closed"
        assert connection.ends() == b""


def test_empty_lines_before_a_request_are_passed_over(echo):
    with Connection(echo) as connection:
        for _ in range(2):
            connection.send(b"\r\n\r\n" + request_bytes("POST", "/", body=b"x"))
            assert connection.response().body == b"x"


@pytest.mark.each_transport
def test_websocket_messages_sent_right_behind_the_handshake_are_not_lost(echo):
    with Connection(echo) as connection:
        connection.send(request_bytes("GET", "/", upgrade_headers()) + frame(TEXT, b"early") + frame(TEXT, b"bird"))
        assert connection.response().status == 101
        assert connection.exactly(7) == b"\x81\x05early"
        assert connection.exactly(6) == b"\x81\x04bird"


def test_a_connection_that_served_http_can_still_upgrade(echo):
    with Connection(echo) as connection:
        for _ in range(3):
            assert connection.request("POST", "/", body=b"x").body == b"x"
        connection.send(request_bytes("GET", "/", upgrade_headers()))
        assert connection.response().status == 101
        connection.send(frame(TEXT, b"now"))
        assert connection.exactly(5) == b"\x81\x03now"
