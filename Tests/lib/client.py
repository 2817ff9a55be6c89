"""A client that says exactly what a test wants said, right or wrong, over one TCP connection.

It is blocking and small on purpose. Ordinary use of the protocol is tested with clients that others wrote (curl, the
`websockets` library, a browser); this one is for what those refuse to send.
"""
import base64
import hashlib
import json
import os
import socket
import ssl
import struct
import threading
from dataclasses import dataclass

from server import DEADLINE

TEXT, BINARY, CLOSE, PING, PONG, CONTINUATION = 1, 2, 8, 9, 10, 0
ACCEPT_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


@dataclass
class Response:
    status: int
    headers: list
    body: bytes

    def header(self, name):
        """The value of a header; None if it is absent. Several of one name are a fault of the server."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(values) < 2, f"{name} came {len(values)} times"
        return values[0] if values else None

    def json(self):
        return json.loads(self.body)


class Ended(Exception):
    """The server closed the connection (or reset it) although more was expected."""


class TLSSocket:
    """TLS over a socket, as one socket. Python's own SSLSocket cannot end one direction and read on.

    One thread may read while another writes: `guard` keeps OpenSSL's object to one of them, and `sender` keeps the
    records in their order on the wire. No thread waits for `sender`, so that a reader still reads while a write waits.
    """

    def __init__(self, plain, context, hostname=None, handshake=True):
        self.plain = plain
        self.guard, self.sender = threading.Lock(), threading.Lock()
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=hostname)
        if handshake:
            self.perform(self.tls.do_handshake)

    def __getattr__(self, name):
        return getattr(self.plain, name)

    def flush(self):
        # If another thread is sending, it sends these records as well: it looks again when it has sent its own.
        while self.outgoing.pending and self.sender.acquire(blocking=False):
            try:
                with self.guard:
                    records = self.outgoing.read()
                # To send nothing would still tell of a direction that has ended.
                if records:
                    self.plain.sendall(records)
            finally:
                self.sender.release()

    def perform(self, operation, *arguments):
        """Runs one operation of TLS, with as many packets as it takes."""
        while True:
            try:
                with self.guard:
                    result = operation(*arguments)
                self.flush()
                return result
            except ssl.SSLWantReadError:
                self.flush()
                piece = self.plain.recv(65536)
                with self.guard:
                    if piece:
                        self.incoming.write(piece)
                    else:
                        self.incoming.write_eof()

    def sendall(self, data):
        for start in range(0, len(data), 16384):
            with self.guard:
                self.tls.write(data[start:start + 16384])
            self.flush()

    def recv(self, count):
        try:
            return self.perform(self.tls.read, count)
        except ssl.SSLZeroReturnError:
            return b""
        except ssl.SSLError as error:
            raise ConnectionError(str(error)) from None

    def shutdown(self, _):
        """Ends our direction: close_notify, then FIN."""
        try:
            self.tls.unwrap()
        except ssl.SSLError:
            pass
        self.flush()
        self.plain.shutdown(socket.SHUT_WR)


def connect(port, receive_buffer=None):
    """A socket to where `port` says: see server.Port."""
    path, tls = getattr(port, "path", None), getattr(port, "tls", None)
    plain = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
    plain.settimeout(DEADLINE)
    if receive_buffer:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    plain.connect(path or ("127.0.0.1", port))
    if not path:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return TLSSocket(plain, tls.context()) if tls else plain


class Connection:
    def __init__(self, port, receive_buffer=None):
        self.socket = connect(port, receive_buffer)
        self.buffer = bytearray()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.drop()

    def send(self, data):
        self.socket.sendall(data)

    def finish_sending(self):
        self.socket.shutdown(socket.SHUT_WR)

    def drop(self):
        """Closes the TCP connection as an operating system does for a process that ended."""
        self.socket.close()

    def reset(self):
        """Ends the connection by RST: what a crashed host or a dropped network looks like."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def fill(self):
        try:
            piece = self.socket.recv(262144)
        except ConnectionError as error:
            raise Ended(f"{error}; read so far: {bytes(self.buffer[-200:])!r}") from None
        if not piece:
            raise Ended(f"end of stream; read so far: {bytes(self.buffer[-200:])!r}")
        self.buffer += piece

    def exactly(self, count):
        while len(self.buffer) < count:
            self.fill()
        piece = bytes(self.buffer[:count])
        del self.buffer[:count]
        return piece

    def through(self, mark):
        while (place := self.buffer.find(mark)) < 0:
            self.fill()
        return self.exactly(place + len(mark))

    def ends(self):
        """Reads on until the server closes, and gives back what still came."""
        try:
            while True:
                self.fill()
        except Ended:
            return bytes(self.buffer)

    # ---- HTTP

    def head(self):
        lines = self.through(b"\r\n\r\n").decode("latin-1").split("\r\n")
        version, status, _ = (lines[0] + " ").split(" ", 2)
        assert version == "HTTP/1.1", lines[0]
        headers = [tuple(part.strip() for part in line.split(":", 1)) for line in lines[1:] if line]
        return Response(int(status), headers, b"")

    def response(self, method="GET"):
        """The next response, 1xx included, with its body."""
        response = self.head()
        length = response.header("Content-Length")
        if method == "HEAD" or response.status < 200 or response.status in (204, 304):
            return response
        if (response.header("Transfer-Encoding") or "").lower() == "chunked":
            response.body = self.chunks()
        elif length is not None:
            response.body = self.exactly(int(length))
        else:
            response.body = self.ends()
        return response

    def chunks(self):
        body = b""
        while size := int(self.through(b"\r\n").split(b";")[0], 16):
            body += self.exactly(size)
            assert self.exactly(2) == b"\r\n"
        assert self.exactly(2) == b"\r\n"
        return body

    def request(self, method, target, headers=(), body=None):
        self.send(request_bytes(method, target, headers, body))
        return self.response(method)


def request_bytes(method, target, headers=(), body=None):
    lines = [f"{method} {target} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in headers]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"")


def fetch(port, method, target, headers=(), body=None):
    """One request on a connection of its own."""
    with Connection(port) as connection:
        return connection.request(method, target, headers, body)


def upgrade_headers(key=None, **changes):
    """The headers of a right handshake; a keyword with None leaves that one out, another value replaces it."""
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Key": key or base64.b64encode(os.urandom(16)).decode(),
        "Sec-WebSocket-Version": "13",
    }
    headers.update({name.replace("_", "-"): value for name, value in changes.items()})
    return [(name, value) for name, value in headers.items() if value is not None]


def frame(opcode, payload=b"", fin=True, mask=b"\x01\x02\x03\x04", reserved=0, length_bytes=None):
    """One frame of a client. `mask` None leaves it unmasked; `length_bytes` (0, 2, 8) forces a form of the length."""
    length = len(payload)
    if length_bytes is None:
        length_bytes = 0 if length < 126 else 2 if length < 65536 else 8
    first = (0x80 if fin else 0) | reserved << 4 | opcode
    masked = 0x80 if mask is not None else 0
    if length_bytes == 0:
        head = struct.pack("!BB", first, masked | length)
    elif length_bytes == 2:
        head = struct.pack("!BBH", first, masked | 126, length)
    else:
        head = struct.pack("!BBQ", first, masked | 127, length)
    return head + (mask + masked_payload(payload, mask) if mask is not None else payload)


def masked_payload(payload, mask):
    whole = (mask * (len(payload) // 4 + 1))[:len(payload)]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(whole, "big")).to_bytes(len(payload), "big")


class WebSocket(Connection):
    """An open WebSocket. Pings are answered while it waits for something; everything else is for the test to see."""

    def __init__(self, port, target, headers=(), receive_buffer=None):
        super().__init__(port, receive_buffer)
        key = base64.b64encode(os.urandom(16)).decode()
        self.send(request_bytes("GET", target, [*upgrade_headers(key), *headers]))
        self.handshake = self.response()
        if self.handshake.status != 101:
            self.drop()
            raise AssertionError(f"upgrade of {target} answered {self.handshake}")
        wanted = base64.b64encode(hashlib.sha1(key.encode() + ACCEPT_MAGIC).digest()).decode()
        assert self.handshake.header("Sec-WebSocket-Accept") == wanted
        assert self.handshake.header("Upgrade").lower() == "websocket"
        assert self.handshake.header("Connection").lower() == "upgrade"

    def frame(self):
        """The next frame: whether it is the last of its message, its opcode, its payload. Checks what a server must."""
        first, second = self.exactly(2)
        assert first & 0x70 == 0, "a reserved bit is set"
        assert second & 0x80 == 0, "a server's frame is masked"
        length = second & 0x7F
        if length == 126:
            length = struct.unpack("!H", self.exactly(2))[0]
            assert length > 125, "not the shortest form of the length"
        elif length == 127:
            length = struct.unpack("!Q", self.exactly(8))[0]
            assert length > 65535, "not the shortest form of the length"
        return bool(first & 0x80), first & 0x0F, self.exactly(length)

    def message(self):
        """The next message: opcode and payload. A close frame raises Ended with its code and reason."""
        kind, parts = None, []
        while True:
            fin, opcode, payload = self.frame()
            if opcode == PING:
                self.send(frame(PONG, payload))
            elif opcode == CLOSE:
                raise Ended(close_code(payload))
            elif opcode != PONG:
                kind = kind or opcode
                parts.append(payload)
                if fin:
                    return kind, b"".join(parts)

    def say(self, text):
        self.send(frame(TEXT, text.encode()))

    def hear(self):
        kind, payload = self.message()
        assert kind == TEXT, (kind, payload)
        return payload.decode()

    def closed_by_server(self):
        """Reads on to the server's close frame, answers it, sees the connection end, and gives back code and reason."""
        while True:
            _, opcode, payload = self.frame()
            if opcode == CLOSE:
                break
        try:
            self.send(frame(CLOSE, payload[:2]))
        except ConnectionError:
            pass
        assert self.ends() == b"", "bytes after the close frame"
        self.drop()
        return close_code(payload)

    def close(self, code=1000, reason=""):
        """Closes as a well-behaved client does; gives back the code and reason that the server answered."""
        self.send(frame(CLOSE, struct.pack("!H", code) + reason.encode()))
        while True:
            _, opcode, payload = self.frame()
            if opcode == CLOSE:
                break
        assert self.ends() == b"", "bytes after the close frame"
        self.drop()
        return close_code(payload)


def close_code(payload):
    """Code and reason of a close frame's payload; 1005 where it has none, as RFC 6455 section 7.1.5 says."""
    if not payload:
        return 1005, ""
    return struct.unpack("!H", payload[:2])[0], payload[2:].decode()
