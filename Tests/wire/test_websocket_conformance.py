"""RFC 6455 to the letter, in raw frames, strict where a suite would also take less: the right frames, then the right
close frame, then FIN and no RST."""
import random
import subprocess
import threading
import time

import pytest
from wsproto.connection import Connection as ReferenceConnection
from wsproto.connection import ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage
from wsproto.utilities import RemoteProtocolError

from autobahn import CASES, INVALID, KOSME, VALID
from client import BINARY, CLOSE, PONG, TEXT, close_code, fetch, frame, upgrade_headers
from frames import Peer, binary, close, converse, deliveries, ended_with, fragments, more, ping, pong, text
from server import BIN, DEADLINE, Server

MEGABYTE = 1 << 20


@pytest.fixture(scope="module")
def port():
    server = Server("echo", workers=2)
    try:
        yield server.port
        server.stop()
    finally:
        server.kill()


def test_the_cases_have_a_name_each():
    names = [case.name for case in CASES]
    assert len(names) == len(set(names)) > 500


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case_ends_as_it_must_however_it_is_cut(port, case):
    for name, pieces in deliveries(case.sent, case.name):
        frames, ending = converse(port, pieces)
        received, code = ended_with(frames)
        assert (received, code, ending) == (case.received, case.code, "fin"), name


# ---- the opening handshake (RFC 6455, section 4.2.1)


@pytest.mark.parametrize("changes, status", [
    ({"Upgrade": "WebSocket"}, 101), ({"Upgrade": "other/2, websocket"}, 101),
    ({"Connection": "keep-alive, Upgrade"}, 101),
    ({"Upgrade": None}, 426), ({"Upgrade": "h2c"}, 426), ({"Upgrade": "websockets"}, 426), ({"Connection": None}, 426),
    ({"Upgrade": None, "Sec_WebSocket_Version": None}, 426), ({"Upgrade": None, "Sec_WebSocket_Key": None}, 426),
    ({"Sec_WebSocket_Version": "8"}, 426), ({"Sec_WebSocket_Key": None}, 400), ({"Sec_WebSocket_Key": "short"}, 400),
    ({"Upgrade": "h2c", "Sec_WebSocket_Version": None, "Sec_WebSocket_Key": None}, 200),
], ids=str)
def test_whoever_sends_any_of_a_handshake_is_told_what_is_wrong_with_it(port, changes, status):
    assert fetch(port, "GET", "/", upgrade_headers(**changes)).status == status


# ---- 6.*: text is refused at its first bad byte, and not before


def first_bad(payload):
    """Where a decoder that fails fast stops; None where it never does before the end."""
    for count in range(1, len(payload) + 1):
        try:
            payload[:count].decode()
        except UnicodeDecodeError as error:
            if error.reason != "unexpected end of data":
                return count - 1
    return None


def completions(payload):
    """Bytes that make a whole text of what is the beginning of one."""
    for more_bytes in (b"", b"\x80", b"\x90\x80", b"\x80\x80", b"\xa0\x80", b"\x90\x80\x80", b"\x80\x80\x80"):
        try:
            (payload + more_bytes).decode()
            return more_bytes
        except UnicodeDecodeError:
            pass
    raise AssertionError(payload)


BAD = [(f"{group}.{number}", payload) for group, payloads in INVALID.items()
       for number, payload in enumerate(payloads, 1) if first_bad(payload) is not None]


@pytest.mark.parametrize("prefix", [b"", KOSME, b"a" * 200], ids=["alone", "after-greek", "after-200"])
@pytest.mark.parametrize("payload", [payload for _, payload in BAD], ids=[name for name, _ in BAD])
def test_text_is_refused_at_its_very_bad_byte_in_the_middle_of_a_frame(port, payload, prefix):
    payload = prefix + payload
    bad = first_bad(payload)
    whole = text(payload + b"never sent" * 10)
    head = len(whole) - len(payload) - 100
    # Octet by octet, up to the bad one: the frame has not ended, and the close comes all the same.
    frames, ending = converse(port, [whole[place:place + 1] for place in range(head + bad + 1)])
    assert (ended_with(frames), ending) == (([], 1007), "fin")
    # The same as a fragment of a message that goes on, in one write.
    frames, ending = converse(port, [text(prefix, fin=False) + more(payload[len(prefix):bad + 1])])
    assert (ended_with(frames), ending) == (([], 1007), "fin")
    # Without that byte all was well: it can still become a text.
    good = payload[:bad] + completions(payload[:bad])
    frames, ending = converse(port, [text(good) + close(1000)])
    assert (ended_with(frames), ending) == (([(TEXT, good)], 1000), "fin")


def test_valid_text_may_be_cut_anywhere(port):
    payload = b"".join(part for parts in VALID.values() for part in parts)
    for size in (1, 2, 3, 4, 5, 7):
        frames, _ = converse(port, [fragments(payload, size, between=ping(b"x")), close(1000)])
        received, code = ended_with(frames)
        assert received[-1] == (TEXT, payload) and code == 1000


# ---- 7.*: closing


@pytest.mark.parametrize("first", range(0, 65536, 4096))
def test_of_all_close_codes_those_that_may_be_sent_come_back(port, first):
    valid = {*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)}
    source = random.Random(first)
    codes = range(first, first + 4096)
    for code in {*source.sample(codes, 12), *(set(codes) & {999, 1017, 2999, 3000, 4999, 5000, 4095, 4096})}:
        frames, ending = converse(port, [close(code, b"x")])
        answer = close_code(frames[-1][1])
        assert (answer[0], ending) == (code if code in valid else 1002, "fin")
        assert answer[1] == ("x" if code in valid else "")


def test_the_close_frame_comes_behind_all_that_was_sent_before_it(port):
    """Data in flight in both directions: more than any buffer holds, then the close frame at once."""
    payload = bytes(100_000)
    with Peer(port, "/", receive_buffer=65536) as peer:
        sender = threading.Thread(target=peer.send_in, args=([binary(payload)] * 30 + [close(4000, b"all said")],))
        sender.start()
        frames = peer.rest()
        sender.join()
    assert frames == [(BINARY, payload)] * 30 + [(CLOSE, b"\x0f\xa0all said")]
    assert peer.ending == "fin"


def test_an_error_is_told_behind_the_answers_to_what_came_before_it(port):
    payload = bytes(100_000)
    frames, ending = converse(port, [binary(payload)] * 20 + [frame(3)] + [binary(payload)] * 20)
    assert frames == [(BINARY, payload)] * 20 + [(CLOSE, b"\x03\xea")]
    assert ending == "fin"


def test_half_closed_behind_its_close_frame_a_client_still_gets_everything(port):
    payload = bytes(100_000)
    with Peer(port, "/", receive_buffer=65536) as peer:

        def send():
            peer.send_in([binary(payload)] * 30 + [close(1000)])
            peer.finish_sending()

        sender = threading.Thread(target=send)
        sender.start()
        frames = peer.rest()
        sender.join()
    assert frames == [(BINARY, payload)] * 30 + [(CLOSE, b"\x03\xe8")]
    assert peer.ending == "fin"


def test_half_closed_without_a_close_frame_a_client_still_gets_the_answers(port):
    payload = bytes(100_000)
    with Peer(port, "/", receive_buffer=65536) as peer:

        def send():
            peer.send_in([binary(payload)] * 30)
            peer.finish_sending()

        sender = threading.Thread(target=send)
        sender.start()
        frames = peer.rest()
        sender.join()
    assert frames == [(BINARY, payload)] * 30
    assert peer.ending == "fin"


@pytest.mark.parametrize("cut", [1, 2, 5, 6, 7, 20])
def test_half_closed_inside_a_frame_is_the_end(port, cut):
    with Peer(port, "/") as peer:
        peer.send(text("answered") + text("never whole and never answered")[:cut])
        peer.finish_sending()
        assert peer.rest() == [(TEXT, b"answered")]
        assert peer.ending == "fin"


def test_the_server_ends_tcp_first_and_waits_for_the_client(port):
    with Peer(port, "/") as peer:
        peer.send(close(1000))
        assert peer.rest() == [(CLOSE, b"\x03\xe8")]
        # Its FIN is here. What a client still sends is read and thrown away.
        for _ in range(50):
            peer.send(text("too late") * 100)
        peer.finish_sending()
        assert peer.socket.recv(1) == b""


# ---- floods and trickles


def test_a_flood_of_pings_is_answered_or_held_and_messages_go_on(port):
    count = 50_000
    with Peer(port, "/") as peer:
        sent = b"".join(ping(number.to_bytes(4, "big")) for number in range(count)) + text("after") + close(1000)
        sender = threading.Thread(target=peer.send_in, args=([sent],))
        sender.start()
        frames = peer.rest()
        sender.join()
    assert frames[-2:] == [(TEXT, b"after"), (CLOSE, b"\x03\xe8")] or (TEXT, b"after") in frames[-20:]
    pongs = [int.from_bytes(payload, "big") for opcode, payload in frames if opcode == PONG]
    # Of several pings the last may be answered alone (section 5.5.3): in order, and none twice.
    assert pongs == sorted(set(pongs)) and pongs


def test_a_thousand_pings_in_one_write_get_a_pong_each(port):
    frames, ending = converse(port, [b"".join(ping(str(number).encode()) for number in range(1000)) + close(1000)])
    assert (ended_with(frames), ending) == (([(PONG, str(number).encode()) for number in range(1000)], 1000), "fin")


def test_pongs_that_nobody_asked_for_cost_nothing(port):
    frames, ending = converse(port, [b"".join(pong(b"x" * 125) for _ in range(20_000)) + text("a") + close(1000)])
    assert (ended_with(frames), ending) == (([(TEXT, b"a")], 1000), "fin")


def seconds(conversation):
    start = time.monotonic()
    conversation()
    return time.monotonic() - start


def test_a_message_in_fragments_of_one_byte_takes_time_in_proportion(port):
    def say(count):
        one = b"\0\x81\0\0\0\0a"
        sent = b"\x01\x81\0\0\0\0a" + one * (count - 2) + b"\x80\x81\0\0\0\0a" + close(1000)
        frames, _ = converse(port, [sent])
        assert ended_with(frames) == ([(TEXT, b"a" * count)], 1000)

    small = min(seconds(lambda: say(MEGABYTE // 8)) for _ in range(2))
    large = seconds(lambda: say(MEGABYTE))
    assert large < 40 * small + 1


def test_frames_that_trickle_in_hold_up_nobody_else(port):
    slow = [Peer(port, "/") for _ in range(50)]
    message = text("slow" * 20, fin=False) + ping(b"in between") + more("er", fin=True)
    for place in range(len(message) - 1):
        for peer in slow:
            peer.send(message[place:place + 1])
        if place % 30 == 0:
            frames, _ = converse(port, [text("quick") + close(1000)])
            assert frames[0] == (TEXT, b"quick")
    for peer in slow:
        peer.send(message[-1:] + close(1000))
        assert peer.rest() == [(PONG, b"in between"), (TEXT, b"slow" * 20 + b"er"), (CLOSE, b"\x03\xe8")]
        peer.drop()


# ---- 9.*: sizes, and 10.*


@pytest.mark.parametrize("opcode", [TEXT, BINARY], ids=["9.1", "9.2"])
@pytest.mark.parametrize("size", [65536, 262144, MEGABYTE])
def test_a_large_message_comes_back(port, opcode, size):
    payload = b"*" * size
    frames, ending = converse(port, [frame(opcode, payload) + close(1000)])
    assert (frames, ending) == ([(opcode, payload), (CLOSE, b"\x03\xe8")], "fin")


@pytest.fixture(scope="module")
def roomy_port():
    """An echo that takes messages of 16 MiB, where the example can be told so."""
    if b"--max-message" not in subprocess.run([BIN / "echo", "--help"], capture_output=True, timeout=DEADLINE).stdout:
        pytest.skip("this echo has no --max-message")
    server = Server("echo", workers=2, max_message=16 * MEGABYTE)
    try:
        yield server.port
        server.stop()
    finally:
        server.kill()


@pytest.mark.parametrize("opcode", [TEXT, BINARY], ids=["9.1", "9.2"])
@pytest.mark.parametrize("size", [4 * MEGABYTE, 8 * MEGABYTE, 16 * MEGABYTE])
def test_a_very_large_message_comes_back(roomy_port, opcode, size):
    payload = b"*" * size
    frames, ending = converse(roomy_port, [frame(opcode, payload, mask=b"\0\0\0\0") + close(1000)])
    assert frames == [(opcode, payload), (CLOSE, b"\x03\xe8")] and ending == "fin"


@pytest.mark.parametrize("opcode", [TEXT, BINARY], ids=["9.3", "9.4"])
@pytest.mark.parametrize("size", [64, 256, 1024, 4096, 16384, 65536, 262144, MEGABYTE])
def test_a_large_message_in_fragments_comes_back(port, opcode, size):
    payload = b"*" * MEGABYTE
    frames, ending = converse(port, [fragments(payload, size, opcode) + close(1000)])
    assert frames == [(opcode, payload), (CLOSE, b"\x03\xe8")] and ending == "fin"


@pytest.mark.parametrize("opcode", [TEXT, BINARY], ids=["9.5", "9.6"])
@pytest.mark.parametrize("size", [64, 128, 256, 512, 1024, 2048])
def test_a_large_message_in_small_writes_comes_back(port, opcode, size):
    payload = b"*" * MEGABYTE
    sent = frame(opcode, payload) + close(1000)
    frames, ending = converse(port, [sent[place:place + size] for place in range(0, len(sent), size)])
    assert frames == [(opcode, payload), (CLOSE, b"\x03\xe8")] and ending == "fin"


@pytest.mark.parametrize("opcode", [TEXT, BINARY], ids=["9.7", "9.8"])
@pytest.mark.parametrize("size", [0, 16, 64, 256, 1024, 4096])
def test_a_thousand_messages_go_there_and_back_one_by_one(port, opcode, size):
    payload = b"*" * size
    with Peer(port, "/") as peer:
        sent = frame(opcode, payload)
        for _ in range(1000):
            peer.send(sent)
            assert peer.frame() == (True, opcode, payload)


def test_10_1_1_a_message_cut_by_the_sender_comes_back_whole(port):
    payload = b"*" * 65536
    frames, _ = converse(port, [fragments(payload, 1300) + close(1000)])
    assert ended_with(frames) == ([(TEXT, payload)], 1000)


def test_one_byte_over_the_limit_is_refused_before_it_is_sent(port):
    header = b"\x81\xff" + (MEGABYTE + 1).to_bytes(8, "big") + b"mask"
    frames, ending = converse(port, [header])
    assert (ended_with(frames), ending) == (([], 1009), "fin")
    # In fragments too: each by itself is small.
    piece = text("x" * 65536, fin=False) + more("x" * 65536) * 15
    frames, ending = converse(port, [piece, more("y", fin=True)[:6]])
    assert (ended_with(frames), ending) == (([], 1009), "fin")


# ---- differential: wsproto, fed the same bytes


def of_reference(data):
    """What wsproto makes of a client's frames: messages and pings in order, and the code that it would close with."""
    connection = ReferenceConnection(ConnectionType.SERVER)
    seen, parts = [], []
    try:
        connection.receive_data(data)
        for event in connection.events():
            if isinstance(event, (TextMessage, BytesMessage)):
                is_text = isinstance(event, TextMessage)
                parts.append(event.data.encode() if is_text else bytes(event.data))
                if event.message_finished:
                    seen.append((TEXT if is_text else BINARY, b"".join(parts)))
                    parts = []
            elif isinstance(event, Ping):
                seen.append((PONG, bytes(event.payload)))
            elif isinstance(event, CloseConnection):
                return seen, int(event.code)
    except RemoteProtocolError as error:
        return seen, int(error.event_hint.code) if error.event_hint else 1002
    return seen, None


# Where the two may differ: (what wsproto would close with, what we did; None for neither) and why.
REASONED = [
    (lambda theirs, ours, data: (theirs, ours) == (None, 1009), "wsproto has no limit, and waits for the rest"),
    (lambda theirs, ours, data: theirs is not None and theirs >= 5000 and ours == 1002,
     "nothing defines codes from 5000 on (RFC 6455, section 7.4.2)"),
    (lambda theirs, ours, data: theirs is not None and 1004 <= theirs <= 2999 and ours == 1002,
     "codes that are reserved or not assigned are the protocol's own (sections 7.4.1 and 7.4.2)"),
    (lambda theirs, ours, data: (theirs, ours) == (None, 1002) and is_bad_beginning(data),
     "wsproto waits for the second byte of a header to look at the first"),
]


def is_bad_beginning(data):
    """Whatever the header that ends here goes on with, wsproto refuses it too."""
    return all(of_reference(data + rest)[1] == 1002 for rest in (b"\x80mask", b"\x85maskhello", b"\xfe\x01\0mask"))


def random_stream(source):
    """Frames of a client, right ones for the most part."""
    out, within = [], None
    for _ in range(source.randint(1, 8)):
        size = source.choice([0, 1, 2, 5, 124, 125, 126, 127, 300, 70_000 if source.random() < 0.05 else 10])
        mask = source.randbytes(4)
        kind = source.random()
        if kind < 0.15:
            out.append(ping(source.randbytes(min(size, 125)), mask=mask))
        elif kind < 0.2:
            out.append(pong(source.randbytes(min(size, 125)), mask=mask))
        elif kind < 0.24:
            out.append(close(source.choice([None, 1000, 1001, 3000, 4999, source.randint(0, 65535)]), mask=mask))
        else:
            opcode = 0 if within else source.choice([TEXT, BINARY])
            if (within or opcode) == TEXT:
                letters = source.choice(["abc", "aé", "€a", "😀é"])
                payload = "".join(source.choice(letters) for _ in range(size)).encode()
            else:
                payload = source.randbytes(size)
            fin = source.random() < 0.6
            within = None if fin else within or opcode
            out.append(frame(opcode, payload, fin=fin, mask=mask))
    if within and source.random() < 0.7:
        out.append(more(b"", fin=True))
    return b"".join(out)


def mutated(data, source):
    data = bytearray(data)
    for _ in range(source.choice([0, 0, 1, 1, 2, 4])):
        place = source.randrange(min(len(data), 400))
        action = source.random()
        if action < 0.6:
            data[place] ^= 1 << source.randrange(8)
        elif action < 0.8:
            data[place] = source.choice([0, 0x7F, 0x80, 0xFF, 0xC0, 0xED, 0x81, 0x88])
        elif action < 0.9 and len(data) > 1:
            del data[place]
        else:
            data.insert(place, source.randrange(256))
    return bytes(data)


@pytest.mark.parametrize("seed", range(20))
def test_wsproto_makes_the_same_of_any_frames(port, seed):
    differ = 0
    for number in range(60):
        source = random.Random(f"{seed}.{number}")
        data = mutated(random_stream(source), source)
        theirs, their_code = of_reference(data)
        with Peer(port, "/") as peer:
            pieces = list(deliveries(data, f"{seed}.{number}", count=1))[-1][1]
            peer.send_in(pieces)
            peer.finish_sending()
            ours = peer.rest()
            assert peer.ending == "fin", (seed, number)
        our_code = None
        if ours and ours[-1][0] == CLOSE:
            our_code = close_code(ours.pop()[1])[0]
        if our_code != their_code:
            reasons = [reason for holds, reason in REASONED if holds(their_code, our_code, data)]
            assert reasons, (seed, number, their_code, our_code, data[:200])
            differ += 1
        else:
            assert ours == theirs, (seed, number)
    assert differ <= 30, "the reasoned differences are the exception"
