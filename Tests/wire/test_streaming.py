"""Streamed responses, as the example `events` sends them, read by curl and by a raw client."""
import subprocess
import time

import pytest

from client import Connection, Ended, fetch, request_bytes
from server import DEADLINE, eventually


@pytest.fixture
def events(serve, workers):
    return serve("events", workers=workers).port


def tick(connection):
    """The number of the next tick."""
    chunk = connection.through(b"\r\n")
    event = connection.exactly(int(chunk, 16)).decode()
    assert connection.exactly(2) == b"\r\n"
    assert event.startswith("event: tick\ndata: ") and event.endswith("\n\n"), event
    return int(event.split()[-1])


def test_curl_reads_events_as_they_come_until_the_response_ends(events):
    url = f"http://127.0.0.1:{events}/?count=3"
    done = subprocess.run(["curl", "-sSN", "-i", "--max-time", str(int(DEADLINE)), url], capture_output=True)
    assert done.returncode == 0, done.stderr
    head, _, body = done.stdout.decode().partition("\r\n\r\n")
    assert "\r\nContent-Type: text/event-stream" in head and "\r\nTransfer-Encoding: chunked" in head
    retry, *ticks, end = body.split("\n\n")
    assert retry == "retry: 1000" and end == ""
    numbers = [int(text.removeprefix("event: tick\ndata: ")) for text in ticks]
    assert numbers == list(range(numbers[0], numbers[0] + 3))


def test_an_event_arrives_while_the_response_goes_on(events):
    command = ["curl", "-sSN", "--max-time", str(int(DEADLINE)), f"http://127.0.0.1:{events}/"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as curl:
        lines = [curl.stdout.readline() for _ in range(5)]
        assert lines[0] == b"retry: 1000\n" and lines[2] == b"event: tick\n" and lines[3].startswith(b"data: ")
        assert curl.poll() is None, "the response goes on"
        curl.kill()


def test_http_1_0_gets_events_until_the_connection_closes(events):
    with Connection(events) as connection:
        connection.send(b"GET /?count=2 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        head = connection.head()
        assert head.header("Transfer-Encoding") is None and head.header("Connection") == "close"
        body = connection.ends()
        assert body.startswith(b"retry: 1000\n\nevent: tick\n") and body.count(b"tick") == 2


def test_the_connection_serves_the_next_request_after_the_last_event(events):
    with Connection(events) as connection:
        connection.send(request_bytes("GET", "/?count=1") * 2 + request_bytes("GET", "/other"))
        for _ in range(2):
            assert connection.response().body.count(b"tick") == 1
        # The example routes every path to the same cluster: another stream.
        assert connection.head().header("Transfer-Encoding") == "chunked"


def test_all_clients_hear_the_same_ticks_and_one_that_leaves_disturbs_nobody(events):
    connections = [Connection(events) for _ in range(20)]
    for connection in connections:
        connection.send(request_bytes("GET", "/"))
        connection.head()
        connection.through(b"retry: 1000\n\n\r\n")
    first = [tick(connection) for connection in connections]
    assert max(first) - min(first) <= 1
    for connection in connections[::2]:
        connection.reset()
    for connection, number in list(zip(connections, first))[1::2]:
        assert [tick(connection), tick(connection)] == [number + 1, number + 2]
        connection.drop()


def test_the_place_of_a_client_that_left_is_free_again(serve, workers):
    server = serve("events", workers=workers, limit=1)
    before = server.descriptors()
    for number in range(2 * workers + 2):
        with Connection(server.port) as connection:
            connection.send(request_bytes("GET", "/"))
            connection.through(b"event: tick")
            connection.reset() if number % 2 else connection.drop()
    # Each worker keeps a spare one from its first connection on.
    eventually(lambda: server.descriptors() <= before + workers, "the descriptors of clients that left")
    assert fetch(server.port, "GET", "/?count=1").body.count(b"tick") == 1


def test_a_stop_lets_streams_go_on_and_then_resets_them(serve, workers):
    server = serve("events", workers=workers)
    with Connection(server.port) as connection:
        connection.send(request_bytes("GET", "/"))
        connection.through(b"event: tick")
        began = time.monotonic()
        server.stop()  # With the grace of two seconds that the examples give.
        assert time.monotonic() - began > 1
        with pytest.raises(Ended):
            connection.through(b"\r\n0\r\n\r\n")
