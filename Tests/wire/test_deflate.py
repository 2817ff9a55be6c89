"""permessage-deflate (RFC 7692), with the clients of others (`websockets`, `wsproto`) and with frames made by zlib."""
import asyncio
import contextlib
import itertools
import json
import random
import struct
import zlib

import pytest
from websockets.legacy import client as legacy  # the interface that Debian 12 and Debian 13 both have
import wsproto
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from wsproto.extensions import PerMessageDeflate

from client import BINARY, CONTINUATION, PING, PONG, TEXT, Connection, WebSocket, frame, upgrade_headers
from server import DEADLINE, SANITIZED

TAIL = b"\x00\x00\xff\xff"
SIZES = [0, 1, 63, 64, 125, 126, 127, 256, 257, 1000, 65535, 65536, 65537, 1 << 20]
WORDS = "shard gateway whisper emit broadcast gossip café 🐶 0123456789".split()


def prose(size, seed=0):
    """Text of so many bytes that compresses."""
    chosen = random.Random(seed)
    text, length = [], 0
    while length < size:
        word = chosen.choice(WORDS) + " "
        text.append(word)
        length += len(word.encode())
    whole = "".join(text).encode()[:size].decode(errors="ignore")
    return whole + "." * (size - len(whole.encode()))


def compress(data, bits=15, level=9):
    """The payload of a compressed message, as section 7.2.1 has it."""
    compressor = zlib.compressobj(level, zlib.DEFLATED, -bits)
    whole = compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH)
    assert whole.endswith(TAIL)
    return whole[:-4]


class DeflateSocket(WebSocket):
    """A socket that offered permessage-deflate and inflates what comes, with its own window size and no context."""

    def __init__(self, port, offer="permessage-deflate", target="/", **options):
        super().__init__(port, target, [("Sec-WebSocket-Extensions", offer)], **options)
        self.agreed = self.handshake.header("Sec-WebSocket-Extensions")
        self.bits = 15
        if self.agreed and "server_max_window_bits=" in self.agreed:
            self.bits = int(self.agreed.split("server_max_window_bits=")[1].split(";")[0])
        self.compressed = 0

    def frame(self):
        while len(self.buffer) < 2:
            self.fill()
        is_compressed = self.buffer[0] & 0x40 != 0
        self.buffer[0] &= 0xBF
        fin, opcode, payload = super().frame()
        if is_compressed:
            assert self.agreed and fin and opcode in (TEXT, BINARY)
            self.compressed += 1
            payload = inflate(payload, self.bits)
        return fin, opcode, payload


def inflate(payload, bits):
    """With a window of so many bits and not a byte more: what zlib has given out is no help to it in the next call."""
    inflater = zlib.decompressobj(-bits)
    inflated = bytearray()
    rest = payload + TAIL
    while rest:
        inflated += inflater.decompress(rest, 64)
        rest = inflater.unconsumed_tail
    return bytes(inflated + inflater.decompress(b""))


@pytest.fixture
def echo(serve, workers):
    return serve("echo", workers=workers, deflate=True, max_message=4 << 20).port


# ---- the clients of others

OFFERS = [
    {},
    {"client_max_window_bits": True},
    {"client_max_window_bits": 9},
    {"server_max_window_bits": 15},
    {"server_max_window_bits": 9},
    {"server_max_window_bits": 12, "client_max_window_bits": 12},
    {"server_no_context_takeover": True, "client_no_context_takeover": True},
    {"server_no_context_takeover": True, "client_no_context_takeover": True, "server_max_window_bits": 10,
     "client_max_window_bits": 10},
]


def converse(port, conversation, **parameters):
    async def run():
        factory = ClientPerMessageDeflateFactory(**parameters)
        async with legacy.connect(f"ws://127.0.0.1:{port}/", max_size=None, compression=None,
                                  extensions=[factory]) as socket:
            return await conversation(socket)

    return asyncio.run(asyncio.wait_for(run(), DEADLINE))


@pytest.mark.parametrize("parameters", OFFERS, ids=str)
def test_messages_of_every_length_come_back(echo, parameters):
    async def conversation(socket):
        assert [extension.name for extension in socket.extensions] == ["permessage-deflate"]
        for size in SIZES:
            text, noise = prose(size), random.Random(size).randbytes(size)
            for message in (text, text.encode(), noise):
                await socket.send(message)
                assert await socket.recv() == message, size

    converse(echo, conversation, **parameters)


@pytest.mark.parametrize("parameters", OFFERS, ids=str)
def test_fragments_come_back_whole(echo, parameters):
    async def conversation(socket):
        for size, count in itertools.product([0, 1, 127, 1000, 65537], [1, 2, 3, 50]):
            text = prose(size).encode()
            step = max(len(text) // count, 1)
            pieces = [text[start:start + step] for start in range(0, len(text), step)] or [b""]
            await socket.send(pieces)
            pong = await socket.ping()
            assert await socket.recv() == text
            await pong

    converse(echo, conversation, **parameters)


def test_wsproto_gets_back_what_it_says(echo):
    peer = wsproto.WSConnection(wsproto.ConnectionType.CLIENT)
    deflate = PerMessageDeflate()
    with Connection(echo) as connection:
        def events():
            while True:
                yield from peer.events()
                connection.fill()
                peer.receive_data(bytes(connection.buffer))
                connection.buffer.clear()

        connection.send(peer.send(wsproto.events.Request(host="dog", target="/", extensions=[deflate])))
        coming = events()
        assert isinstance(next(coming), wsproto.events.AcceptConnection)
        assert deflate.enabled()
        for size in SIZES:
            message = prose(size)
            for piece, is_last in ((message[:size // 2], False), (message[size // 2:], True)):
                connection.send(peer.send(wsproto.events.TextMessage(data=piece, message_finished=is_last)))
            heard = ""
            for event in coming:
                heard += event.data
                if event.message_finished:
                    break
            assert heard == message, size


# ---- the handshake


@pytest.mark.parametrize("offer, agreed", [
    ("permessage-deflate", "permessage-deflate; server_no_context_takeover; client_no_context_takeover"),
    ("permessage-deflate; server_max_window_bits=\"9\", permessage-deflate",
     "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9"),
    ("permessage-deflate; server_max_window_bits=7, permessage-deflate; server_max_window_bits=8",
     "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=8"),
    ("permessage-deflate; x", None),
    ("x-unknown", None),
])
def test_what_is_agreed_to(echo, offer, agreed):
    assert DeflateSocket(echo, offer).agreed == agreed


def test_offers_in_several_headers_are_one_list(echo):
    with Connection(echo) as connection:
        headers = [("Sec-WebSocket-Extensions", "permessage-deflate; x"),
                   ("Sec-WebSocket-Extensions", "permessage-deflate; server_max_window_bits=10")]
        answer = connection.request("GET", "/", upgrade_headers() + headers)
        assert answer.status == 101
        assert answer.header("Sec-WebSocket-Extensions").endswith("; server_max_window_bits=9")


def test_a_malformed_header_is_400(echo):
    with Connection(echo) as connection:
        headers = upgrade_headers(Sec_WebSocket_Extensions="permessage-deflate; =")
        assert connection.request("GET", "/", headers).status == 400


def test_without_the_option_nothing_is_agreed_to_and_rsv1_is_1002(serve):
    socket = DeflateSocket(serve("echo").port)
    assert socket.agreed is None
    socket.send(frame(TEXT, compress(b"Hello"), reserved=4))
    assert socket.closed_by_server()[0] == 1002


# ---- frames


def test_messages_made_by_zlib_in_every_way_come_back(echo):
    socket = DeflateSocket(echo, "permessage-deflate; server_max_window_bits=10")
    for size, bits, level in itertools.product([0, 1, 125, 126, 127, 5000, 65537], [9, 12, 15], [0, 1, 9]):
        text = prose(size, seed=bits).encode()
        socket.send(frame(TEXT, compress(text, bits, level), reserved=4))
        assert socket.message() == (TEXT, text)
    assert socket.compressed > 0


def test_a_message_of_many_frames_with_pings_between_them(echo):
    socket = DeflateSocket(echo)
    text = prose(20_000).encode()
    payload = compress(text)
    for count in (1, 2, 7, len(payload)):
        step = -(-len(payload) // count)
        pieces = [payload[start:start + step] for start in range(0, len(payload), step)]
        for index, piece in enumerate(pieces):
            first = index == 0
            socket.send(frame(TEXT if first else CONTINUATION, piece, fin=index == len(pieces) - 1,
                              reserved=4 if first else 0))
            if index % 100 == 0 and index < len(pieces) - 1:
                socket.send(frame(PING, struct.pack("!I", index)))
                assert socket.frame() == (True, PONG, struct.pack("!I", index))
        assert socket.message() == (TEXT, text)


def test_short_and_incompressible_messages_go_out_as_they_are(echo):
    socket = DeflateSocket(echo)
    for message in (b"", b"a" * 63, random.Random(1).randbytes(5000)):
        socket.send(frame(BINARY, message))
        assert socket.message() == (BINARY, message)
    assert socket.compressed == 0
    socket.send(frame(BINARY, b"a" * 64))
    assert socket.message() == (BINARY, b"a" * 64)
    assert socket.compressed == 1


@pytest.mark.parametrize("opcode, fin, reserved", [
    (PING, True, 4), (PONG, True, 4), (8, True, 4), (TEXT, True, 2), (TEXT, True, 1), (TEXT, True, 6),
    (CONTINUATION, True, 4),
])
def test_a_reserved_bit_where_it_means_nothing_is_1002(echo, opcode, fin, reserved):
    socket = DeflateSocket(echo)
    if opcode == CONTINUATION:
        socket.send(frame(TEXT, b"", fin=False, reserved=4))
    socket.send(frame(opcode, b"\x00", fin=fin, reserved=reserved))
    assert socket.closed_by_server()[0] == 1002


@pytest.mark.parametrize("payload", [b"\xff", b"\xf2\x48", b"\x00\x05\x00\x00\x00", b"\xf2\x00\x11\x00\x00"])
def test_what_is_not_deflate_is_1007(echo, payload):
    socket = DeflateSocket(echo)
    socket.send(frame(TEXT, payload, reserved=4))
    assert socket.closed_by_server()[0] == 1007


def test_text_that_is_not_utf8_is_refused_before_the_message_ends(echo):
    socket = DeflateSocket(echo)
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    begun = compressor.compress("κόσμε".encode() + b"\xf4\x90") + compressor.flush(zlib.Z_SYNC_FLUSH)
    socket.send(frame(TEXT, begun, fin=False, reserved=4))
    assert socket.closed_by_server()[0] == 1007


def test_a_bomb_is_stopped_while_it_inflates(serve):
    server = serve("echo", deflate=True, workers=1)
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    zeros = bytes(1 << 20)
    bomb = b"".join(compressor.compress(zeros) for _ in range(1024)) + compressor.flush(zlib.Z_SYNC_FLUSH)
    assert len(bomb) < 1_100_000
    before = server.resident_bytes()
    for _ in range(20):
        socket = DeflateSocket(server.port)
        with contextlib.suppress(ConnectionError):
            socket.send(frame(BINARY, bomb[:900_000], fin=False, reserved=4))
        assert socket.closed_by_server()[0] == 1009
    if not SANITIZED:
        assert server.resident_bytes() - before < 32 << 20
    # The worker serves on.
    socket = DeflateSocket(server.port)
    socket.send(frame(BINARY, compress(bytes(1 << 20)), reserved=4))
    assert socket.message() == (BINARY, bytes(1 << 20))
    socket.send(frame(BINARY, compress(bytes((1 << 20) + 1)), reserved=4))
    assert socket.closed_by_server()[0] == 1009


# ---- many receivers


def test_everybody_in_a_room_hears_everything_in_order_whatever_they_agreed_to(serve, workers):
    # A few sockets a Shard, so that each worker has some of each kind.
    port = serve("fanout", workers=workers, limit=5, deflate=True).port
    offers = ["x-none", "permessage-deflate", "permessage-deflate; server_max_window_bits=9",
              "permessage-deflate; server_max_window_bits=12", "permessage-deflate; server_max_window_bits=8"]
    sockets = [DeflateSocket(port, offer) for offer in offers * 5]
    rounds = 30
    for turn in range(rounds):
        for number, socket in enumerate(sockets[:10]):
            # Around the lengths at which windows differ, and where nothing is compressed.
            size = [10, 200, 256, 300, 2000, 40_000][(turn + number) % 6]
            socket.say(json.dumps({"from": number, "turn": turn, "words": prose(size, seed=turn)}))
    for socket in sockets:
        turns = {number: 0 for number in range(10)}
        for _ in range(rounds * 10):
            said = json.loads(socket.hear())
            assert said["turn"] == turns[said["from"]]
            turns[said["from"]] += 1
            size = [10, 200, 256, 300, 2000, 40_000][(said["turn"] + said["from"]) % 6]
            assert said["words"] == prose(size, seed=said["turn"])
        assert (socket.compressed > 0) == (socket.agreed is not None)
    kinds = {socket.agreed for socket in sockets}
    # A client that takes 12 bits gets the smaller of our two windows, as one that takes 9 does.
    assert len(kinds) == 4, kinds
    # One that comes late, and those that are left, hear on.
    for socket in sockets[5:]:
        socket.close()
    late = [DeflateSocket(port, offer) for offer in offers]
    late[1].say(prose(3000))
    for socket in sockets[:5] + late:
        assert socket.hear() == prose(3000)


def test_a_client_that_leaves_in_the_middle_of_a_message_costs_the_others_nothing(serve):
    server = serve("echo", deflate=True, workers=1)
    payload = compress(prose(100_000).encode())
    for _ in range(200):
        socket = DeflateSocket(server.port)
        socket.send(frame(TEXT, payload[:len(payload) // 2], fin=False, reserved=4))
        socket.send(frame(PING, b"here"))
        assert socket.frame() == (True, PONG, b"here")
        socket.reset()
    socket = DeflateSocket(server.port)
    socket.send(frame(TEXT, payload, reserved=4))
    assert socket.message() == (TEXT, prose(100_000).encode())
    assert socket.close() == (1000, "")
