"""Input that is wrong, and surroundings that are: each has a clear outcome, and whoever behaves is served on."""
import base64
import random
import select
import socket
import struct
import subprocess

import pytest

from chat import Person, until_connections
from client import (BINARY, CLOSE, CONTINUATION, PING, TEXT, Connection, Ended, WebSocket, close_code, fetch, frame,
                    request_bytes, upgrade_headers)
from server import BIN, DEADLINE, SANITIZED, Server, eventually

MESSAGE_BYTES_MAX = BODY_BYTES_MAX = 1 << 20
TARGET_BYTES_MAX = 8192
HEADER_BYTES_MAX = 16384
HEADER_COUNT_MAX = 100


@pytest.fixture(scope="module", params=[1, 4], ids=["1-worker", "4-workers"])
def echo(request):
    """One server for the whole file: whatever it was sent before, it answers the next one rightly."""
    server = Server("echo", workers=request.param)
    try:
        yield server.port
        server.stop()
    finally:
        server.kill()


@pytest.fixture(scope="module", params=[1, 4], ids=["1-worker", "4-workers"])
def demo(request):
    server = Server("demo", workers=request.param)
    try:
        yield server.port
        until_connections(server.port, 0)
        server.stop()
    finally:
        server.kill()


def refusal(port, data):
    """The status that these bytes are answered with, after which the server closes."""
    with Connection(port) as connection:
        try:
            connection.send(data)
        except ConnectionError:
            pass  # It had seen enough before all was sent.
        answer = connection.response()
        connection.ends()
        return answer.status


# ---- requests

CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
MALFORMED = {
    "no request": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "no target": b"GET HTTP/1.1\r\nHost: x\r\n\r\n",
    "no version": b"GET /\r\nHost: x\r\n\r\n",
    "a version that is none": b"GET / HTTP/x.y\r\nHost: x\r\n\r\n",
    "a protocol that is none": b"GET / HTPP/1.1\r\nHost: x\r\n\r\n",
    "a control character in the target": b"GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n",
    "a space in a header's name": b"GET / HTTP/1.1\r\nHost: x\r\nA b: c\r\n\r\n",
    "a space before the colon": b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length : 3\r\n\r\nabc",
    "a header without a colon": b"GET / HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n",
    "an empty header name": b"GET / HTTP/1.1\r\nHost: x\r\n: value\r\n\r\n",
    "a NUL in a header": b"GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n",
    "a bare CR in a header": b"GET / HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "a length that is no number": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ten\r\n\r\n",
    "a negative length": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "a length with a sign": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\nx",
    "two lengths": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxy",
    "a length and chunks": CHUNKED.replace(b"\r\n\r\n", b"\r\nContent-Length: 5\r\n\r\n") + b"0\r\n\r\n",
    "chunks that are not last": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "a chunk's size that is no number": CHUNKED + b"zz\r\n",
    "a chunk's size that overflows": CHUNKED + b"f" * 17 + b"\r\n",
    "a chunk longer than it says": CHUNKED + b"2\r\nabcd\r\n0\r\n\r\n",
    "HTTP/2 with prior knowledge": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_request_is_400_and_closed(echo, name):
    # A version above HTTP/1.1 may be told apart by 505 (RFC 9110, section 15.6.6).
    assert refusal(echo, MALFORMED[name]) in ((400, 505) if "HTTP/2" in name or "version" in name else (400,))


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_request_spoils_none_of_those_before_it(echo, name):
    with Connection(echo) as connection:
        connection.send(request_bytes("POST", "/", body=b"one") + MALFORMED[name])
        assert connection.response().body == b"one"
        assert connection.response().status in (400, 505)
        connection.ends()


def test_a_malformed_request_comes_apart_the_same_at_every_byte(echo):
    for name in ("no target", "a NUL in a header", "two lengths", "a chunk's size that is no number"):
        data = MALFORMED[name]
        for cut in range(1, len(data)):
            with Connection(echo) as connection:
                connection.send(data[:cut])
                try:
                    connection.send(data[cut:])
                except ConnectionError:
                    pass
                assert connection.response().status == 400, (name, cut)


@pytest.mark.parametrize("method", ["BREW", "get", "GETT", "G", "X" * 100])
def test_an_unknown_method_is_refused(echo, method):
    assert refusal(echo, request_bytes(method, "/")) in (400, 405, 501)


def test_connect_opens_no_tunnel(echo):
    assert refusal(echo, b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n") >= 400


def test_a_body_at_the_limit_is_taken_and_one_byte_more_is_413(echo):
    body = b"b" * BODY_BYTES_MAX
    assert fetch(echo, "POST", "/", body=body).body == body
    assert refusal(echo, request_bytes("POST", "/", body=body + b"b")) == 413


def test_a_body_over_the_limit_is_413_before_it_is_sent(echo):
    for length in (BODY_BYTES_MAX + 1, 1 << 32, 1 << 62):
        assert refusal(echo, f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode()) == 413


def test_a_length_beyond_64_bits_is_refused(echo):
    assert refusal(echo, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n") in (400, 413)


def test_an_expectation_of_too_much_is_413_and_not_100(echo):
    head = f"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: {BODY_BYTES_MAX + 1}\r\n\r\n"
    assert refusal(echo, head.encode()) == 413


def test_chunks_over_the_limit_are_413(echo):
    with Connection(echo) as connection:
        connection.send(CHUNKED)
        chunk = b"10000\r\n" + b"c" * 0x10000 + b"\r\n"
        try:
            for _ in range(BODY_BYTES_MAX // 0x10000 + 1):
                connection.send(chunk)
        except ConnectionError:
            pass
        assert connection.response().status == 413


def test_a_target_at_the_limit_is_taken_and_one_byte_more_is_414(echo):
    target = "/" + "t" * (TARGET_BYTES_MAX - 1)
    assert fetch(echo, "GET", target).status == 200
    assert refusal(echo, request_bytes("GET", target + "t")) == 414


def test_an_endless_target_is_414(echo):
    assert refusal(echo, b"GET /" + b"t" * 200_000) == 414


def test_headers_over_the_limit_are_431(echo):
    assert fetch(echo, "GET", "/", [("A", "a" * (HEADER_BYTES_MAX - 200))]).status == 200
    assert refusal(echo, request_bytes("GET", "/", [("A", "a" * HEADER_BYTES_MAX)])) == 431
    assert refusal(echo, request_bytes("GET", "/", [("A" * HEADER_BYTES_MAX, "a")])) == 431


def test_an_endless_header_is_431(echo):
    assert refusal(echo, b"GET / HTTP/1.1\r\nA: " + b"a" * 200_000) == 431


def test_one_header_too_many_is_431(echo):
    # request_bytes adds Host.
    headers = [(f"H{number}", "x") for number in range(HEADER_COUNT_MAX)]
    assert fetch(echo, "GET", "/", headers[1:]).status == 200
    assert refusal(echo, request_bytes("GET", "/", headers)) == 431


def test_trailers_over_the_limit_are_refused(echo):
    assert refusal(echo, CHUNKED + b"0\r\nT: " + b"t" * 200_000 + b"\r\n\r\n") in (400, 431)


def test_a_client_that_asks_without_reading_is_held_and_then_served(echo):
    body = b"p" * 100_000
    with Connection(echo, receive_buffer=4096) as connection:
        connection.socket.settimeout(1)
        request, sent = request_bytes("POST", "/", body=body), 0
        try:
            while sent < 400:
                connection.send(request)
                sent += 1
        except TimeoutError:
            pass  # The server has stopped reading, which is how it holds such a client.
        assert sent < 400, "40 MB were taken from a client that reads nothing"
        connection.socket.settimeout(DEADLINE)
        for _ in range(sent):
            assert connection.response().body == body


# ---- upgrades


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_an_upgrade_by_another_method_is_405(demo, method):
    assert fetch(demo, method, "/ws", upgrade_headers(), b"").status == 405


NOT_A_KEY = ["", "x", "tooshort", base64.b64encode(b"x" * 15).decode(), base64.b64encode(b"x" * 17).decode(),
             "!" * 24, "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ==x"]


@pytest.mark.parametrize("key", NOT_A_KEY)
def test_an_upgrade_with_a_key_that_is_none_is_400(demo, key):
    assert fetch(demo, "GET", "/ws", upgrade_headers(Sec_WebSocket_Key=key)).status == 400


def test_an_upgrade_without_a_key_is_400(demo):
    assert fetch(demo, "GET", "/ws", upgrade_headers(Sec_WebSocket_Key=None)).status == 400


def test_an_upgrade_with_two_keys_is_400(demo):
    key = ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
    assert fetch(demo, "GET", "/ws", upgrade_headers(Sec_WebSocket_Key=None) + [key, key]).status == 400


@pytest.mark.parametrize("version", [None, "", "0", "7", "8", "12", "14", "130", "thirteen"])
def test_an_upgrade_of_another_version_is_refused_and_told_ours(demo, version):
    answer = fetch(demo, "GET", "/ws", upgrade_headers(Sec_WebSocket_Version=version))
    assert answer.status in ((426, 400) if version in (None, "") else (426,))
    if answer.status == 426:
        assert answer.header("Sec-WebSocket-Version") == "13"
        assert answer.header("Upgrade").lower() == "websocket"


@pytest.mark.parametrize("changes", [
    {"Upgrade": None}, {"Upgrade": "h2c"}, {"Upgrade": "websockets"}, {"Connection": None}, {"Connection": "close"},
    {"Connection": "keep-alive"},
])
def test_what_does_not_ask_for_a_websocket_is_426(demo, changes):
    answer = fetch(demo, "GET", "/ws", upgrade_headers(**changes))
    assert answer.status == 426
    assert answer.header("Upgrade").lower() == "websocket"


def test_an_upgrade_in_http_1_0_is_refused(demo):
    data = request_bytes("GET", "/ws", upgrade_headers()).replace(b"HTTP/1.1", b"HTTP/1.0")
    assert refusal(demo, data) in (400, 426)


@pytest.mark.parametrize("changes", [
    {"Connection": "keep-alive, Upgrade"}, {"Connection": "UPGRADE"}, {"Upgrade": "WebSocket"},
    {"Upgrade": "h2c, websocket"},
])
def test_a_right_upgrade_may_be_spelt_in_many_ways(demo, changes):
    assert fetch(demo, "GET", "/ws", upgrade_headers(**changes)).status == 101


# ---- frames

BAD_FRAMES = {
    "unmasked text": (frame(TEXT, b"x", mask=None), 1002),
    "an unmasked ping": (frame(PING, b"", mask=None), 1002),
    "reserved bit 1": (frame(TEXT, b"x", reserved=4), 1002),
    "reserved bit 2": (frame(TEXT, b"x", reserved=2), 1002),
    "reserved bit 3": (frame(TEXT, b"x", reserved=1), 1002),
    **{f"reserved opcode {opcode}": (frame(opcode), 1002) for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)},
    "a ping in fragments": (frame(PING, b"x", fin=False), 1002),
    "a close in fragments": (frame(CLOSE, b"", fin=False), 1002),
    "a ping of 126 bytes": (frame(PING, b"x" * 126), 1002),
    "a close of 126 bytes": (frame(CLOSE, struct.pack("!H", 1000) + b"x" * 124), 1002),
    "a continuation of nothing": (frame(CONTINUATION, b"x"), 1002),
    "a continuation after the last": (frame(TEXT, b"") + frame(CONTINUATION, b"x"), 1002),
    "a new message within another": (frame(TEXT, b"x", fin=False) + frame(TEXT, b"y"), 1002),
    "a short length in 2 bytes": (frame(TEXT, b"x", length_bytes=2), 1002),
    "a short length in 8 bytes": (frame(TEXT, b"x" * 200, length_bytes=8), 1002),
    "a length of 2^63": (b"\x81\xff" + struct.pack("!Q", 1 << 63), 1002),
    "text that is not UTF-8": (frame(TEXT, b"\xff"), 1007),
    "text cut within a character": (frame(TEXT, "é".encode()[:1]), 1007),
    "text with a surrogate": (frame(TEXT, b"\xed\xa0\x80"), 1007),
    "text of an overlong form": (frame(TEXT, b"\xc0\xaf"), 1007),
    "text beyond U+10FFFF": (frame(TEXT, b"\xf4\x90\x80\x80"), 1007),
    "text that is not UTF-8 in a later fragment": (
        frame(TEXT, b"ok", fin=False) + frame(CONTINUATION, b"\xc3", fin=False) + frame(CONTINUATION, b"\x28"), 1007),
    "a close of one byte": (frame(CLOSE, b"\x03"), 1002),
    **{f"close code {code}": (frame(CLOSE, struct.pack("!H", code)), 1002)
       for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65535)},
    "a close reason that is not UTF-8": (frame(CLOSE, struct.pack("!H", 1000) + b"\xff"), 1007),
    "a message too large": (b"\x82\xff" + struct.pack("!Q", MESSAGE_BYTES_MAX + 1) + b"\1\2\3\4", 1009),
    "a message far too large": (b"\x82\xff" + struct.pack("!Q", (1 << 63) - 1) + b"\1\2\3\4", 1009),
    "fragments that are too large together": (
        frame(BINARY, b"x" * MESSAGE_BYTES_MAX, fin=False) + frame(CONTINUATION, b"x"), 1009),
}


@pytest.mark.parametrize("name", BAD_FRAMES)
def test_a_bad_frame_ends_the_socket_with_its_code(echo, name):
    data, code = BAD_FRAMES[name]
    with WebSocket(echo, "/") as socket:
        socket.say("before")
        assert socket.hear() == "before"
        try:
            socket.send(data)
        except ConnectionError:
            pass
        assert socket.closed_by_server()[0] == code


@pytest.mark.parametrize("name", [name for name, (data, _) in BAD_FRAMES.items() if len(data) < 300])
def test_a_bad_frame_in_single_bytes_ends_the_same(echo, name):
    data, code = BAD_FRAMES[name]
    with WebSocket(echo, "/") as socket:
        try:
            for byte in data:
                socket.send(bytes([byte]))
        except ConnectionError:
            pass
        assert socket.closed_by_server()[0] == code


def test_a_message_at_the_limit_is_taken(echo):
    data = random.Random(2).randbytes(MESSAGE_BYTES_MAX)
    with WebSocket(echo, "/") as socket:
        socket.send(frame(BINARY, data[:1000], fin=False) + frame(CONTINUATION, data[1000:]))
        assert socket.message() == (BINARY, data)


def test_what_comes_before_a_bad_frame_is_still_served(echo):
    with WebSocket(echo, "/") as socket:
        socket.send(frame(TEXT, b"one") + frame(TEXT, b"two") + frame(3))
        assert [socket.hear(), socket.hear()] == ["one", "two"]
        assert socket.closed_by_server()[0] == 1002


def test_what_comes_after_a_bad_frame_is_not_looked_at(echo):
    with WebSocket(echo, "/") as socket:
        socket.send(frame(3) + frame(TEXT, b"too late"))
        assert socket.closed_by_server()[0] == 1002


def test_what_comes_after_a_close_frame_is_not_looked_at(echo):
    with WebSocket(echo, "/") as socket:
        socket.send(frame(CLOSE, struct.pack("!H", 1000)) + frame(TEXT, b"too late"))
        _, opcode, payload = socket.frame()
        assert (opcode, close_code(payload)) == (CLOSE, (1000, ""))
        assert socket.ends() == b""


def test_a_character_cut_by_fragments_is_whole_again(echo):
    data = "é€😀".encode()
    for cut in range(len(data) + 1):
        with WebSocket(echo, "/") as socket:
            socket.send(frame(TEXT, data[:cut], fin=False) + frame(PING, b"p") + frame(CONTINUATION, data[cut:]))
            assert socket.frame() == (True, 10, b"p")
            assert socket.message() == (TEXT, data)


def test_a_close_without_a_code_is_answered(echo):
    with WebSocket(echo, "/") as socket:
        socket.send(frame(CLOSE))
        _, opcode, payload = socket.frame()
        assert opcode == CLOSE
        assert close_code(payload)[0] in (1000, 1005)
        assert socket.ends() == b""


@pytest.mark.parametrize("data", [b"", b"\x81", frame(TEXT, b"half")[:5], frame(TEXT, b"part", fin=False)],
                         ids=["nothing", "a byte", "a head", "a fragment"])
@pytest.mark.parametrize("way", ["drop", "reset", "finish_sending"])
def test_a_client_that_vanishes_within_a_frame_leaves_nothing_behind(demo, data, way):
    person = Person(demo, "ghost").joined()
    person.send(data)
    getattr(person, way)()
    until_connections(demo, 0)
    person.drop()


def test_a_client_that_floods_without_reading_is_held_or_closed_and_the_server_lives(serve):
    server = serve("echo", workers=1)
    with WebSocket(server.port, "/", receive_buffer=4096) as flood:
        flood.socket.settimeout(1)
        data = frame(BINARY, b"f" * 100_000)

        def is_held_or_closed():
            try:
                for _ in range(100):
                    flood.send(data)
            except (TimeoutError, ConnectionError):
                return True

        eventually(is_held_or_closed, "the server to have enough of it")
        if not SANITIZED:
            assert server.resident_bytes() < 100 << 20
        assert fetch(server.port, "POST", "/", body=b"alive").body == b"alive"


def test_random_bytes_are_refused_and_nothing_else_happens(echo):
    seed = random.randrange(1 << 32)
    print("seed", seed)
    source = random.Random(seed)
    for _ in range(100):
        with Connection(echo) as connection:
            connection.send(source.randbytes(source.randrange(1, 400)) + b"\r\n\r\n")
            assert connection.response().status == 400
    with WebSocket(echo, "/") as socket:
        socket.say("well")
        assert socket.hear() == "well"


def test_random_frames_end_only_their_own_socket(echo):
    seed = random.randrange(1 << 32)
    print("seed", seed)
    source = random.Random(seed)
    with WebSocket(echo, "/") as witness:
        for number in range(100):
            with WebSocket(echo, "/") as socket:
                # A reserved opcode at the end makes sure that there is something wrong.
                socket.send(source.randbytes(source.randrange(100)) + frame(3) * 3)
                socket.finish_sending()
                socket.ends()
            witness.say(str(number))
            assert witness.hear() == str(number)


# ---- the command line and the machine


def ended(program, **options):
    """Exit status and words of a server that is to end by itself."""
    server = Server(program, wait=False, **options)
    try:
        return server.wait(), server.said()
    finally:
        server.kill()


@pytest.mark.parametrize("program", ["demo", "echo"])
def test_a_port_in_use_is_exit_1_and_a_message(program):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        status, said = ended(program, port=other.getsockname()[1])
    assert status == 1
    assert "in use" in said


@pytest.mark.parametrize("program", ["demo", "echo"])
def test_a_port_that_another_dog_listens_on_is_in_use(serve, workers, program):
    first = serve(program, workers=workers)
    status, said = ended(program, workers=workers, port=first.port)
    assert status == 1
    assert "in use" in said


@pytest.mark.parametrize("program", ["demo", "echo", "fanout", "tasks", "counter", "deferred"])
@pytest.mark.parametrize("options", [{"limit": 0}, {"limit": "x"}, {"port": 65536}, {"port": -1}, {"workers": 65},
                                     {"nonsense": 1}], ids=str)
def test_a_wrong_option_ends_the_program_with_words(program, options):
    status, said = ended(program, **options)
    assert status not in (0, None) and status > 0
    assert "listening" not in said
    assert next(iter(options)) in said


@pytest.mark.parametrize("host", ["256.1.1.1", "no.such.host.invalid", "192.0.2.1", ""])
def test_an_address_that_cannot_be_listened_on_ends_the_program_with_words(host):
    for program in ("demo", "echo"):
        status, said = ended(program, host=host)
        assert status > 0
        assert said.strip() and "listening" not in said


def test_after_a_clean_end_the_port_is_free_at_once(serve):
    first = serve("echo", workers=2)
    with WebSocket(first.port, "/") as socket:
        socket.say("x")
        socket.hear()
        first.stop()
    second = serve("echo", workers=2, port=first.port)
    assert fetch(second.port, "POST", "/", body=b"again").body == b"again"


class Crowd:
    """More connections than the server has descriptors for. One that finds none left may wait, get 503 or be reset."""

    def __init__(self, server, requests):
        self.server = server
        self.served, self.waiting = [], []
        for request in requests:
            connection = Connection(server.port)
            connection.send(request)
            self.waiting.append(connection)

    def look(self):
        """Takes the answers that have come; true when none came."""
        ready = select.select([connection.socket for connection in self.waiting], [], [], 0.2)[0]
        for connection in [one for one in self.waiting if one.socket in ready]:
            self.waiting.remove(connection)
            try:
                status = connection.response().status
            except Ended:
                status = 503
            assert status in (101, 200, 503)
            if status == 503:
                connection.drop()
            else:
                self.served.append(connection)
        return not ready

    def is_at_its_end(self):
        """No more answers come: the server is full, or everybody has one (who gets 503 makes room for the next)."""
        return self.look() and (not self.waiting or self.server.descriptors() >= DESCRIPTORS - 4)


DESCRIPTORS = 64
needs_few_descriptors = pytest.mark.skipif(bool(SANITIZED), reason="a sanitizer needs descriptors of its own")


@needs_few_descriptors
def test_out_of_descriptors_those_it_has_are_served_and_later_ones_too(serve, workers):
    server = serve("echo", workers=workers, descriptors=DESCRIPTORS)
    crowd = Crowd(server, [request_bytes("POST", "/", body=b"x")] * 100)
    eventually(crowd.is_at_its_end, "the server to run out of descriptors")
    assert 16 <= len(crowd.served) < DESCRIPTORS
    for connection in crowd.served:
        assert connection.request("POST", "/", body=b"still served").body == b"still served"
    stays = crowd.served[:4]
    for connection in crowd.served[4:]:
        connection.drop()
    crowd.served.clear()

    def nobody_waits():
        # As descriptors fall free those who wait are accepted; each makes room for the next.
        crowd.look()
        while crowd.served:
            crowd.served.pop().drop()
        return not crowd.waiting

    eventually(nobody_waits, "an answer to every connection")
    assert fetch(server.port, "POST", "/", body=b"as before").body == b"as before"
    for connection in stays:
        assert connection.request("POST", "/", body=b"still served").body == b"still served"


@needs_few_descriptors
def test_out_of_descriptors_a_websocket_is_refused_or_served_never_lost(serve, workers):
    """An upgrade needs a second descriptor while the connection changes its worker."""
    server = serve("demo", workers=workers, descriptors=DESCRIPTORS, limit=3)
    requests = [request_bytes("GET", f"/ws?u=p{number}", upgrade_headers()) for number in range(80)]
    crowd = Crowd(server, requests)
    eventually(crowd.is_at_its_end, "the server to run out of descriptors")
    assert crowd.served, "some were served"
    for connection in crowd.served + crowd.waiting:
        connection.drop()
    until_connections(server.port, 0)
    eventually(lambda: server.descriptors() < DESCRIPTORS - 10, "descriptors to fall free")
    with Person(server.port, "anna") as anna:
        anna.joined()


def test_help_is_for_every_program():
    for program in (["dog-host", "demo"], ["echo"], ["fanout"], ["tasks"], ["counter"], ["deferred"]):
        done = subprocess.run([str(BIN / program[0]), *program[1:], "--help"], capture_output=True, text=True,
                              timeout=DEADLINE)
        assert done.returncode == 0
        assert "--port" in done.stdout and "--workers" in done.stdout and "--limit" in done.stdout
