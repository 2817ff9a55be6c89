"""What a raw WebSocket client needs beside client.py: whole conversations, every way to cut them, and how they end."""
import random
import socket
import threading

from client import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Ended, WebSocket, close_code, frame


class Peer(WebSocket):
    """A socket on the wire. `ending` is "fin" or "reset" once the server's side is over."""

    ending = None

    def fill(self):
        try:
            piece = self.socket.recv(262144)
        except ConnectionError as error:
            self.ending = "reset"
            raise Ended(str(error)) from None
        if not piece:
            self.ending = "fin"
            raise Ended("end of stream")
        self.buffer += piece

    def rest(self):
        """Every frame until the server's end: (opcode, payload). Answers nothing."""
        frames = []
        while True:
            try:
                fin, opcode, payload = self.frame()
            except Ended:
                assert not self.buffer, f"the end is inside a frame: {bytes(self.buffer[:20])!r}"
                return frames
            assert fin, "the server does not fragment"
            frames.append((opcode, payload))

    def send_in(self, pieces):
        for piece in pieces:
            self.socket.sendall(piece)


def deliveries(data, name, count=3):
    """`data` in one write, byte by byte, and at random splits that `name` seeds."""
    yield "whole", [data]
    if len(data) <= 2000:
        yield "bytes", [data[place:place + 1] for place in range(len(data))]
    source = random.Random(name)
    for number in range(count):
        cuts = sorted(source.sample(range(len(data) + 1), min(source.randint(1, 6), len(data) + 1)))
        yield f"split-{number}", [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)])]


def converse(port, pieces, target="/"):
    """Sends it all, reads all that comes, ends its side when the server has: the frames, and how the server ended."""
    with Peer(port, target) as peer:
        sender = None
        if sum(map(len, pieces)) > 32768:
            sender = threading.Thread(target=peer.send_in, args=(pieces,))
            sender.start()
        else:
            peer.send_in(pieces)
        frames = peer.rest()
        if sender:
            sender.join()
        if peer.ending == "fin":
            # The server still reads: what comes late resets nothing.
            peer.send(b"\x8a\x80\0\0\0\0")
            peer.socket.shutdown(socket.SHUT_WR)
            try:
                assert peer.socket.recv(1) == b""
            except ConnectionError:
                peer.ending = "reset"
        return frames, peer.ending


def text(payload, **options):
    return frame(TEXT, payload.encode() if isinstance(payload, str) else payload, **options)


def binary(payload, **options):
    return frame(BINARY, payload, **options)


def more(payload, fin=False, **options):
    return frame(CONTINUATION, payload.encode() if isinstance(payload, str) else payload, fin=fin, **options)


def ping(payload=b"", **options):
    return frame(PING, payload, **options)


def pong(payload=b"", **options):
    return frame(PONG, payload, **options)


def close(code=None, reason=b"", **options):
    return frame(CLOSE, (b"" if code is None else code.to_bytes(2, "big")) + reason, **options)


def fragments(payload, size, opcode=TEXT, between=b""):
    """A message in frames of `size` bytes, with `between` after each but the last."""
    parts = [payload[place:place + size] for place in range(0, len(payload), size)] or [b""]
    last = len(parts) - 1
    return b"".join(
        frame(CONTINUATION if number else opcode, part, fin=number == last) + (between if number < last else b"")
        for number, part in enumerate(parts))


def ended_with(frames):
    """The frames before the server's close frame, and its code."""
    assert frames and frames[-1][0] == CLOSE, f"no close frame at the end of {frames[-3:]!r}"
    return frames[:-1], close_code(frames[-1][1])[0]
