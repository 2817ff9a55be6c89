"""What a client gets to read: of refusals too, also when it is still sending."""
import pytest

from client import Connection, fetch, request_bytes
from server import Server, eventually

BODY_BYTES_MAX = 1 << 20


@pytest.fixture(scope="module", params=[1, 4], ids=["1-worker", "4-workers"])
def echo(request):
    server = Server("echo", workers=request.param)
    try:
        yield server.port
        server.stop()
    finally:
        server.kill()


@pytest.mark.parametrize("head, chunk", [
    (b"Content-Length: 100000000\r\n", b"x" * 100_000),
    (b"Transfer-Encoding: chunked\r\n", b"10000\r\n" + b"x" * 0x10000 + b"\r\n"),
], ids=["sized", "chunked"])
def test_a_client_that_sends_far_too_much_gets_to_read_why(echo, head, chunk):
    with Connection(echo) as connection:
        connection.send(b"POST / HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n")
        sent = 0
        # All of it is sent before anything is read: a reset would have thrown the answer away.
        while sent < 20_000_000:
            connection.send(chunk)
            sent += len(chunk)
        answer = connection.response()
        assert (answer.status, answer.body) == (413, b"413 Content Too Large: the body is too large\n")
        assert answer.header("Connection") == "close"
        connection.finish_sending()
        assert connection.ends() == b""


REASONS = {
    b"GET / HTTP/1.1\r\n\r\n": "400 Bad Request: Host is missing",
    b"GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n": "400 Bad Request: a header is malformed",
    b"GET / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n": "417 Expectation Failed: only 100-continue can be expected",
    b"GET / HTTP/2.0\r\nHost: a\r\n\r\n":
        "505 HTTP Version Not Supported: only HTTP/1.1 and HTTP/1.0 are spoken here",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;\r\n":
        "400 Bad Request: a chunk's extension is malformed",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n\r\nHEAD / HTTP/1.1\r\n":
        "413 Content Too Large: the body is too large",
    b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n": "501 Not Implemented: there are no tunnels here",
}


@pytest.mark.parametrize("data", REASONS)
def test_a_refusal_says_why(echo, data):
    with Connection(echo) as connection:
        connection.send(data)
        answer = connection.response()
        assert answer.body.decode() == REASONS[data] + "\n"
        assert answer.header("Date").endswith(" GMT")
        assert answer.header("Connection") == "close"
        assert connection.ends() == b""


def test_a_refusal_is_in_the_log_with_its_reason_and_its_peer(serve, workers):
    server = serve("echo", workers=workers)
    with Connection(server.port) as connection:
        host, port = connection.socket.getsockname()
        connection.send(b"GET / HTTP/1.1\r\n\r\n")
        assert connection.response().status == 400
    eventually(lambda: f"info {host}:{port}: 400, Host is missing\n" in server.said(), "the line in the log")


def test_a_refused_head_has_no_body(echo):
    with Connection(echo) as connection:
        connection.send(b"HEAD / HTTP/1.1\r\n\r\n")
        assert connection.head().status == 400
        assert connection.ends() == b""


@pytest.mark.parametrize("expect", ["100-continue", "100-CONTINUE"])
def test_a_client_that_asks_is_told_to_go_on(echo, expect):
    with Connection(echo) as connection:
        connection.send(request_bytes("POST", "/", [("Expect", expect)], b"abc")[:-3])
        assert connection.response().status == 100
        connection.send(b"abc")
        assert connection.response().body == b"abc"


def test_nobody_else_is_told_to_go_on(echo):
    with Connection(echo) as connection:
        connection.send(b"POST / HTTP/1.0\r\nConnection: keep-alive\r\nExpect: 100-continue\r\n"
                        b"Content-Length: 3\r\n\r\nabc")
        assert connection.response().body == b"abc"
        connection.send(request_bytes("POST", "/", [("Expect", "100-continue")], b""))
        assert connection.response().status == 200


def test_bytes_behind_the_last_request_are_not_read(echo):
    with Connection(echo) as connection:
        connection.send(request_bytes("POST", "/", [("Connection", "x, Close")], b"one")
                        + request_bytes("POST", "/", body=b"two"))
        assert connection.response().body == b"one"
        assert connection.ends() == b""


def test_a_response_to_head_has_its_length_and_no_body(echo):
    with Connection(echo) as connection:
        for _ in range(2):
            answer = connection.request("HEAD", "/", body=b"abc")
            assert answer.header("Content-Length") == "3"
        assert connection.request("POST", "/", body=b"after").body == b"after"


def test_every_answer_has_a_date(echo):
    assert fetch(echo, "GET", "/").header("Date").endswith(" GMT")


def test_options_of_the_server_as_a_whole_is_answered_where_nobody_else_does():
    server = Server("events", workers=1)
    try:
        with Connection(server.port) as connection:
            for _ in range(2):
                connection.send(b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")
                assert connection.response().status == 204
        server.stop()
    finally:
        server.kill()
