"""Clients that read slowly but steadily, and get everything, whatever the bytes travel over."""
import struct
import time

import pytest

from client import BINARY, CLOSE, WebSocket, frame

MESSAGES, SIZE = 3, 1 << 20


@pytest.mark.parametrize("over", ["tcp", "tls", "unix"])
def test_a_client_that_closes_gets_what_was_sent_before_it_and_the_close_frame(serve, localhost, tmp_path, over):
    options = {"tls": localhost} if over == "tls" else {"unix": tmp_path / "echo.sock"} if over == "unix" else {}
    server = serve("echo", workers=4, **options)
    client = WebSocket(server.port, "/", receive_buffer=4096)
    for number in range(MESSAGES):
        client.send(frame(BINARY, bytes([number]) * SIZE))
    client.send(frame(CLOSE, struct.pack("!H", 1000)))
    # It takes longer than close_timeout_ms, which is 5 s; in between some of it arrives.
    began = time.monotonic()
    parts = 10
    for number in range(MESSAGES):
        assert client.exactly(10) == b"\x82\x7f" + struct.pack("!Q", SIZE)
        for part in range(parts):
            end = SIZE * (part + 1) // parts - SIZE * part // parts
            assert client.exactly(end) == bytes([number]) * end
            time.sleep(0.2)
    assert time.monotonic() - began > 5.5
    assert client.frame() == (True, CLOSE, struct.pack("!H", 1000))
    assert client.ends() == b""
    client.drop()
