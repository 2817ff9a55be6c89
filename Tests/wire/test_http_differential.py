"""Two parsers, one request: what libdog reads is what h11 reads, and what it refuses h11 refuses too, or a reason says
why libdog is stricter. Where two parsers on one way disagree about the end of a request, one can be smuggled past."""
import os
import random
import re
import subprocess

import h11
import pytest

from client import Connection, Ended
from server import BIN, ROOT, Server

# Refused here and taken by h11, each with its reason in the answer's body. In all of them parsers on the way may
# differ.
STRICTER = {
    "the method is not known here": "501 is for methods that no resource here supports (RFC 9110, section 15.6.2)",
    "there are no tunnels here": "CONNECT is for proxies",
    "the target * is for OPTIONS": "RFC 9112, section 3.2.4",
    "the request target is malformed": "h11 takes any visible characters: it leaves targets to its user",
    "the request line is malformed": "h11 takes any number of empty lines before it, and bare LF behind it",
    "a line does not end with CRLF": "h11 takes a bare LF, as RFC 9112, section 2.2 allows",
    "only HTTP/1.1 and HTTP/1.0 are spoken here": "h11 reads any digits",
    "a header is malformed": "h11 unfolds obs-fold, as RFC 9112, section 5.2 allows",
    "a header holds a control character": "RFC 9110, section 5.5; h11 takes all but NUL, CR and LF",
    "Host is malformed": "h11 leaves it to its user",
    "Content-Length is malformed": "h11 takes a list of equal lengths, as RFC 9110, section 8.6 allows",
    "Transfer-Encoding in HTTP/1.0": "RFC 9112, section 6.1: its framing is faulty",
    "both Transfer-Encoding and Content-Length": "RFC 9112, section 6.1: refused or read with care",
    "only 100-continue can be expected": "h11 leaves it to its user",
    "a chunk's size is malformed": "h11 takes white space behind it, and 20 digits",
    "a chunk's extension is malformed": "h11 takes anything there",
    "a chunk does not end with CRLF": "h11 takes a bare LF behind a size",
    "a trailer is malformed": "h11 unfolds obs-fold there too",
    "a trailer says what only a header may": "RFC 9110, section 6.5.1",
    "a chunk's extension or a trailer holds a control character": "h11 takes anything in an extension",
}

# Refused by h11, with what it says, and taken here.
LOOSER = {"no request line received": "empty lines before a request SHOULD be ignored (RFC 9112, section 2.2)"}

GET = b"GET /a?b=c HTTP/1.1\r\nHost: a\r\n"
POST = b"POST /p HTTP/1.1\r\nHost: a\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"

ALIKE = {
    "a request": GET + b"\r\n",
    "two requests": GET + b"\r\n" + GET + b"X: y\r\n\r\n",
    "a sized body": POST + b"Content-Length: 3\r\n\r\nabc" + GET + b"\r\n",
    "a length with zeros before it": POST + b"Content-Length: 003\r\n\r\nabc",
    "a body that does not come": POST + b"Content-Length: 3\r\n\r\nab",
    "a chunked body": CHUNKED + b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n" + GET + b"\r\n",
    "trailers": CHUNKED + b"1\r\na\r\n0\r\nX: y\r\n\r\n" + GET + b"\r\n",
    "a request in a body": POST + b"Content-Length: 20\r\n\r\nGET /b HTTP/1.1\r\n\r\n!!",
    "a size in capitals and with zeros": CHUNKED + b"00A\r\n0123456789\r\n000\r\n\r\n",
    "a coding in capitals": POST + b"Transfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n",
    "white space around a value": GET + b"X:  \t y z \t \r\nY:\r\n\r\n",
    "a value of bytes above ASCII": GET + b"X: \xff\xc3\xa9\r\n\r\n",
    "a tab in a value": GET + b"X: a\tb\r\n\r\n",
    "HTTP/1.0": b"GET / HTTP/1.0\r\n\r\n" + GET + b"\r\n",
    "HTTP/1.0 with keep-alive": b"GET / HTTP/1.0\r\nHost: a\r\n\r\n",
    "close": GET + b"Connection: x, CLOSE\r\n\r\n" + GET + b"\r\n",
    "absolute-form": b"GET http://b/x HTTP/1.1\r\nHost: a\r\n\r\n",
    "asterisk-form": b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    "an upgrade that is not taken": GET + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n",
    "no Host": b"GET / HTTP/1.1\r\n\r\n",
    "two Hosts": GET + b"Host: a\r\n\r\n",
    "two lengths": POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "a list of lengths": POST + b"Content-Length: 3, 4\r\n\r\nabcd",
    "a length with a sign": POST + b"Content-Length: +3\r\n\r\nabc",
    "a negative length": POST + b"Content-Length: -1\r\n\r\n",
    "a hexadecimal length": POST + b"Content-Length: 0x3\r\n\r\nabc",
    "no length": POST + b"Content-Length:\r\n\r\nabc",
    "another coding": POST + b"Transfer-Encoding: gzip\r\n\r\n",
    "another coding first": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "another coding last": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "chunked twice": POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "chunked in two lines": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "nearly chunked": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked behind a vertical tab": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "a size that is no number": CHUNKED + b"g\r\n\r\n",
    "a size with 0x": CHUNKED + b"0x3\r\nabc\r\n0\r\n\r\n",
    "a negative size": CHUNKED + b"-3\r\nabc\r\n0\r\n\r\n",
    "a space before a size": CHUNKED + b" 3\r\nabc\r\n0\r\n\r\n",
    "no size": CHUNKED + b"\r\nabc\r\n0\r\n\r\n",
    "a chunk longer than its size": CHUNKED + b"3\r\nabcd\r\n0\r\n\r\n",
    "a space before the colon": GET + b"X : y\r\n\r\n",
    "no name": GET + b": y\r\n\r\n",
    "no colon": GET + b"X\r\n\r\n",
    "a name with a space": GET + b"X Y: z\r\n\r\n",
    "a name above ASCII": GET + b"X\xe9: z\r\n\r\n",
    "a NUL": GET + b"X: a\0b\r\n\r\n",
    "a bare CR": GET + b"X: a\rb\r\n\r\n",
    "a space before the first header": b"GET / HTTP/1.1\r\n Host: a\r\n\r\n",
    "a space before the request": b" " + GET + b"\r\n",
    "two spaces in the request line": b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
    "HTTP/0.9": b"GET /\r\n\r\n",
    "http in small letters": b"GET / http/1.1\r\nHost: a\r\n\r\n",
    "a target above ASCII": b"GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n",
    "a control character in a target": b"GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n",
}

STRICT = {
    "an unknown method": b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n",
    "a fragment": b"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n",
    "a bare LF": b"GET / HTTP/1.1\nHost: a\n\n",
    "obs-fold": GET + b"X: y\r\n z\r\n\r\n",
    "equal lengths": POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "a length and chunks": POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks in HTTP/1.0": b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "an ill-formed Host": b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
    "an empty Host": b"GET / HTTP/1.1\r\nHost:\r\n\r\n",
    "another expectation": POST + b"Expect: tea\r\nContent-Length: 1\r\n\r\na",
    "white space behind a size": CHUNKED + b"3 \r\nabc\r\n0\r\n\r\n",
    "a length in a trailer": CHUNKED + b"0\r\nContent-Length: 3\r\n\r\n",
    "HTTP/1.2": b"GET / HTTP/1.2\r\nHost: a\r\n\r\n",
}


@pytest.fixture(scope="module")
def mirror(tmp_path_factory):
    build = BIN.parent
    path = tmp_path_factory.mktemp("mirror") / "mirror"
    subprocess.run([os.environ.get("CC", "cc"), "-std=c11", "-Wall", "-Wextra", "-Werror", f"-I{build}/include",
                    ROOT / "Tests/wire/mirror.c", "-o", path, f"-L{build}/lib", f"-Wl,-rpath,{build}/lib", "-ldog",
                    "-pthread"], check=True)
    server = Server(path, workers=1)
    try:
        yield server.port
        server.stop()
    finally:
        server.kill()


def read_by_us(port, data):
    """The requests as they were read, and the reason for which the next one was refused; None if none was."""
    requests = []
    with Connection(port) as connection:
        try:
            connection.send(data)
            connection.finish_sending()
        except OSError:
            pass  # It had seen enough.
        while True:
            try:
                answer = connection.response()
            except Ended:
                assert not connection.buffer, bytes(connection.buffer)
                return requests, None
            if answer.status == 100:
                continue
            if answer.status != 200:
                connection.ends()
                return requests, answer.body.decode().strip().partition(": ")[2]
            head, _, body = answer.body.partition(b"\n\n")
            method, target, *headers = (line.partition(b": ")[2] if number < 2 else line
                                        for number, line in enumerate(head.split(b"\n")))
            requests.append((method, target, [comparable(*line.split(b": ", 1)) for line in headers], body))


def comparable(name, value):
    """A header as h11 tells it: without letter case where that means nothing."""
    name = name.lower()
    return name, value.lower() if name == b"transfer-encoding" else value


def read_by_h11(data):
    """The same by h11."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
    connection.receive_data(data)
    requests, request, body = [], None, b""
    try:
        while True:
            event = connection.next_event()
            if isinstance(event, h11.Request):
                request, body = event, b""
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                headers = [(bytes(name), bytes(value)) for name, value in request.headers]
                requests.append((bytes(request.method), bytes(request.target), headers, body))
                connection.send(h11.Response(status_code=200, headers=[("Content-Length", "0")]))
                connection.send(h11.EndOfMessage())
                if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
                    return requests, None
                connection.start_next_cycle()
            else:
                return requests, None
    except h11.RemoteProtocolError as error:
        return requests, str(error)


def difference(port, data):
    """What is wrong with how these bytes were read; None if nothing is."""
    ours, our_reason = read_by_us(port, data)
    theirs, their_reason = read_by_h11(data)
    if our_reason is None and their_reason is None and ours == theirs:
        return None
    if our_reason is None and ours == theirs and data.endswith(b"\r") and their_reason == "illegal request line":
        return None  # Half of such an empty line.
    if their_reason in LOOSER and ours[:len(theirs)] == theirs:
        return None
    # Refused is refused, whatever comes first to each one's notice.
    if our_reason is not None and ours == theirs[:len(ours)]:
        # h11 may not have seen all that it needs: it looks at whole heads.
        if len(theirs) == len(ours) or our_reason in STRICTER:
            return None
    return f"read as {ours} {our_reason!r}, by h11 as {theirs} {their_reason!r}"


@pytest.mark.parametrize("name", ALIKE)
def test_it_is_read_as_by_h11(mirror, name):
    ours, our_reason = read_by_us(mirror, ALIKE[name])
    theirs, their_reason = read_by_h11(ALIKE[name])
    assert ours == theirs
    assert (our_reason is None) == (their_reason is None), (our_reason, their_reason)


@pytest.mark.parametrize("name", STRICT)
def test_it_is_refused_where_h11_is_lenient(mirror, name):
    ours, reason = read_by_us(mirror, STRICT[name])
    assert ours == [] and reason in STRICTER
    assert len(read_by_h11(STRICT[name])[0]) == 1, "h11 has become as strict: this belongs to the others"


def test_empty_lines_before_a_request_are_ignored_where_h11_refuses_them(mirror):
    data = b"\r\n\r\n" + GET + b"\r\n"
    assert read_by_us(mirror, data) == ([(b"GET", b"/a?b=c", [(b"host", b"a")], b"")], None)
    assert read_by_h11(data) == ([], *LOOSER)


PIECES = [b"\r", b"\n", b"\r\n", b"\r\n\r\n", b" ", b"\t", b":", b"\0", b"\x7f", b"\xff", b";", b",", b"0", b"a", b"=",
          b'"', b"chunked", b"Host: b\r\n", b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n",
          b"Connection: close\r\n", b"HTTP/1.0", b"GET ", b"/", b"?", b"#", b"*", b"0\r\n\r\n", b"X: y\r\n", b"HEAD"]


def mutant(source):
    data = bytearray(b"".join(source.choice(list(ALIKE.values())) for _ in range(source.randint(1, 2))))
    for _ in range(source.randint(1, 3)):
        place = source.randrange(len(data) + 1)
        kind = source.randrange(4)
        if kind == 0:
            data[place:place + source.randint(0, 3)] = source.choice(PIECES)
        elif kind == 1:
            del data[place:place + source.randint(1, 4)]
        elif kind == 2:
            data[place:place] = data[place:place + source.randint(1, 12)]
        elif place < len(data):
            data[place] ^= 1 << source.randrange(8)
    return bytes(data)


def test_mutants_are_read_as_by_h11_or_refused_for_a_reason(mirror):
    seed = int(os.environ.get("DOG_SEED", random.SystemRandom().randrange(1 << 32)))
    source = random.Random(seed)
    taken = 0
    for number in range(int(os.environ.get("DOG_MUTANTS", 5000))):
        data = mutant(source)
        if re.search(rb"HEAD|Expect", data):
            continue  # Their answers do not show what was read.
        wrong = difference(mirror, data)
        assert wrong is None, f"DOG_SEED={seed}, mutant {number}: {data!r}: {wrong}"
        taken += 1
    assert taken
