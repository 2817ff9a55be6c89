"""The cases of the Autobahn fuzzing client, by their numbers, as bytes: what is sent, what must come back, and the code
of the close frame that ends it. Where that suite takes several outcomes, the strict one stands here. (9.* and 10.*, the
large ones, are in test_websocket_conformance.py; 12.* and 13.* with the tests of compression.)"""
from dataclasses import dataclass

from client import BINARY, PING, PONG, TEXT
from frames import binary, close, fragments, frame, more, ping, pong, text

NORMAL, PROTOCOL, PAYLOAD = 1000, 1002, 1007
NO_CODE = 1005


@dataclass
class Case:
    name: str
    sent: bytes
    received: list
    code: int


def echoed(name, sent, *received):
    """Ends well: the client closes behind it."""
    return Case(name, sent + close(NORMAL), list(received), NORMAL)


def refused(name, sent, code, *received):
    return Case(name, sent, list(received), code)


KOSME = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5"
HELLO = "Hello-µ@ßöäüàá-UTF-8!!".encode()
SIZES = [0, 125, 126, 127, 128, 65535, 65536]


def framing():
    for number, size in enumerate(SIZES, 1):
        yield echoed(f"1.1.{number}", text(b"*" * size), (TEXT, b"*" * size))
        yield echoed(f"1.2.{number}", binary(b"\xfe" * size), (BINARY, b"\xfe" * size))
    yield echoed("1.1.8", fragments(b"*" * 65536, 997), (TEXT, b"*" * 65536))
    yield echoed("1.2.8", fragments(b"\xfe" * 65536, 997, BINARY), (BINARY, b"\xfe" * 65536))


def pings():
    yield echoed("2.1", ping(), (PONG, b""))
    yield echoed("2.2", ping(b"Hello, world!"), (PONG, b"Hello, world!"))
    yield echoed("2.3", ping(b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff"), (PONG, b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff"))
    yield echoed("2.4", ping(b"\xfe" * 125), (PONG, b"\xfe" * 125))
    yield refused("2.5", ping(b"\xfe" * 126), PROTOCOL)
    yield echoed("2.6", ping(b"\xfe" * 125), (PONG, b"\xfe" * 125))
    yield echoed("2.7", pong())
    yield echoed("2.8", pong(b"unsolicited pong payload"))
    yield echoed("2.9", pong(b"unsolicited pong payload") + ping(b"ping payload"), (PONG, b"ping payload"))
    payloads = [f"payload-{number}".encode() for number in range(10)]
    yield echoed("2.10", b"".join(ping(payload) for payload in payloads), *[(PONG, payload) for payload in payloads])
    yield echoed("2.11", b"".join(ping(payload, mask=b"\xff\0\xaa\x55") for payload in payloads),
                 *[(PONG, payload) for payload in payloads])


def reserved():
    hello = (TEXT, b"Hello, world!")
    yield refused("3.1", text("Hello, world!", reserved=1), PROTOCOL)
    yield refused("3.2", text("Hello, world!") + text("Hello, world!", reserved=2) + ping(), PROTOCOL, hello)
    yield refused("3.3", text("Hello, world!") + text("Hello, world!", reserved=3) + ping(), PROTOCOL, hello)
    yield refused("3.4", text("Hello, world!") + text("Hello, world!", reserved=4) + ping(), PROTOCOL, hello)
    yield refused("3.5", binary(b"\0\xff\xfe\xfd\xfc\xfb\0\xff", reserved=5), PROTOCOL)
    yield refused("3.6", ping(b"Hello, world!", reserved=6), PROTOCOL)
    yield refused("3.7", close(NORMAL, reserved=7), PROTOCOL)


def opcodes():
    hello = (TEXT, b"Hello, world!")
    for group, first in ((1, 3), (2, 11)):
        yield refused(f"4.{group}.1", frame(first), PROTOCOL)
        yield refused(f"4.{group}.2", frame(first + 1, b"reserved opcode payload"), PROTOCOL)
        for number in (3, 4, 5):
            bad = frame(first + number - 1, b"" if number == 3 else b"reserved opcode payload")
            yield refused(f"4.{group}.{number}", text("Hello, world!") + bad + ping(), PROTOCOL, hello)


def fragmentation():
    whole = (TEXT, b"fragment1fragment2")
    begun = text("fragment1", fin=False)
    yield refused("5.1", ping(b"fragment1", fin=False) + more("fragment2", fin=True), PROTOCOL)
    yield refused("5.2", pong(b"fragment1", fin=False) + more("fragment2", fin=True), PROTOCOL)
    for number in (3, 4, 5):
        yield echoed(f"5.{number}", begun + more("fragment2", fin=True), whole)
    for number in (6, 7, 8):
        yield echoed(f"5.{number}", begun + ping(b"ping payload") + more("fragment2", fin=True),
                     (PONG, b"ping payload"), whole)
    stray = more("non-continuation payload", fin=True)
    for number in (9, 10, 11):
        yield refused(f"5.{number}", stray + text("Hello, world!"), PROTOCOL)
    stray = more("non-continuation payload")
    for number in (12, 13, 14):
        yield refused(f"5.{number}", stray + text("Hello, world!"), PROTOCOL)
    yield refused("5.15", begun + more("fragment2", fin=True) + more("fragment3") + text("fragment4"), PROTOCOL, whole)
    again = more("fragment1") + text("fragment2", fin=False) + more("fragment3", fin=True)
    yield refused("5.16", again * 2, PROTOCOL)
    again = more("fragment1", fin=True) + text("fragment2", fin=False) + more("fragment3", fin=True)
    yield refused("5.17", again * 2, PROTOCOL)
    yield refused("5.18", begun + text("fragment2", fin=True), PROTOCOL)
    five = [text("fragment1", fin=False), more("fragment2"), ping(b"pongme 1!"), more("fragment3"), more("fragment4"),
            ping(b"pongme 2!"), more("fragment5", fin=True)]
    for number in (19, 20):
        yield echoed(f"5.{number}", b"".join(five), (PONG, b"pongme 1!"), (PONG, b"pongme 2!"),
                     (TEXT, b"fragment1fragment2fragment3fragment4fragment5"))


# Section 6.5 and following of the suite: Markus Kuhn's stress test for decoders. Valid, then invalid.
VALID = {
    "6.7": [b"\x00", b"\xc2\x80", b"\xe0\xa0\x80", b"\xf0\x90\x80\x80"],
    "6.9": [b"\x7f", b"\xdf\xbf", b"\xef\xbf\xbf", b"\xf4\x8f\xbf\xbf"],
    "6.11": [b"\xed\x9f\xbf", b"\xee\x80\x80", b"\xef\xbf\xbd", b"\xf4\x8f\xbf\xbf"],
    "6.22": [chr(plane << 16 | low).encode() for plane in range(17) for low in (0xFFFE, 0xFFFF)],
    "6.23": [chr(code).encode() for code in range(0xFFF9, 0x10000)],
}
INCOMPLETE = [b"\xc0", b"\xe0\x80", b"\xf0\x80\x80", b"\xf8\x80\x80\x80", b"\xfc\x80\x80\x80\x80", b"\xdf", b"\xef\xbf",
              b"\xf7\xbf\xbf", b"\xfb\xbf\xbf\xbf", b"\xfd\xbf\xbf\xbf\xbf"]
HIGH = [b"\xed\xa0\x80", b"\xed\xad\xbf", b"\xed\xae\x80", b"\xed\xaf\xbf"]
LOW = [b"\xed\xb0\x80", b"\xed\xbe\x80", b"\xed\xbf\xbf"]
INVALID = {
    "6.8": [b"\xf8\x88\x80\x80\x80", b"\xfc\x84\x80\x80\x80\x80"],
    "6.10": [b"\xf7\xbf\xbf\xbf", b"\xfb\xbf\xbf\xbf\xbf", b"\xfd\xbf\xbf\xbf\xbf\xbf"],
    "6.11.5": [b"\xf4\x90\x80\x80"],
    "6.12": [b"\x80", b"\xbf", *[b"\x80\xbf\x80\xbf\x80\xbf"[:count] for count in (2, 3, 4, 5, 6)],
             bytes(range(0x80, 0xBF))],
    "6.13": [b"".join(bytes([byte, 0x20]) for byte in range(first, end))
             for first, end in ((0xC0, 0xE0), (0xE0, 0xF0), (0xF0, 0xF8), (0xF8, 0xFC), (0xFC, 0xFE))],
    "6.14": INCOMPLETE,
    "6.15": [b"".join(INCOMPLETE)],
    "6.16": [b"\xfe", b"\xff", b"\xfe\xfe\xff\xff"],
    "6.17": [b"\xc0\xaf", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf", b"\xf8\x80\x80\x80\xaf", b"\xfc\x80\x80\x80\x80\xaf"],
    "6.18": [b"\xc1\xbf", b"\xe0\x9f\xbf", b"\xf0\x8f\xbf\xbf", b"\xf8\x87\xbf\xbf\xbf", b"\xfc\x83\xbf\xbf\xbf\xbf"],
    "6.19": [b"\xc0\x80", b"\xe0\x80\x80", b"\xf0\x80\x80\x80", b"\xf8\x80\x80\x80\x80", b"\xfc\x80\x80\x80\x80\x80"],
    "6.20": [*HIGH, *LOW],
    "6.21": [high + low for high in HIGH for low in (LOW[0], LOW[2])],
}


def utf8():
    yield echoed("6.1.1", text(b""), (TEXT, b""))
    yield echoed("6.1.2", text(b"", fin=False) + more(b"") + more(b"", fin=True), (TEXT, b""))
    yield echoed("6.1.3", text(b"", fin=False) + more("middle frame payload") + more(b"", fin=True),
                 (TEXT, b"middle frame payload"))
    yield echoed("6.2.1", text(HELLO), (TEXT, HELLO))
    yield echoed("6.2.2", text(HELLO[:12], fin=False) + more(HELLO[12:], fin=True), (TEXT, HELLO))
    yield echoed("6.2.3", fragments(HELLO, 1), (TEXT, HELLO))
    yield echoed("6.2.4", fragments(KOSME, 1), (TEXT, KOSME))
    bad = KOSME + b"\xed\xa0\x80" + b"edited"
    yield refused("6.3.1", text(bad), PAYLOAD)
    yield refused("6.3.2", fragments(bad, 1), PAYLOAD)
    # In 6.4 the end is never sent: who waits for it does not fail fast. 6.4.3 and 6.4.4 cut inside one frame.
    beyond = b"\xf4\x90\x80\x80"
    yield refused("6.4.1", text(KOSME, fin=False) + more(beyond), PAYLOAD)
    yield refused("6.4.2", text(KOSME + beyond[:1], fin=False) + more(beyond[1:2]), PAYLOAD)
    whole = text(KOSME + beyond + b"edited")
    yield refused("6.4.3", whole[:6 + len(KOSME) + 4], PAYLOAD)
    yield refused("6.4.4", whole[:6 + len(KOSME) + 2], PAYLOAD)
    for number in range(1, 6):
        cut = (len(KOSME), 1, 2, 3, 5)[number - 1]
        yield echoed(f"6.5.{number}", fragments(KOSME, cut), (TEXT, KOSME))
    for number in range(1, 12):
        part = KOSME[:number]
        if number in (2, 5, 7, 9, 11):
            yield echoed(f"6.6.{number}", text(part), (TEXT, part))
        else:
            yield refused(f"6.6.{number}", text(part), PAYLOAD)
    for group, payloads in VALID.items():
        for number, payload in enumerate(payloads, 1):
            yield echoed(f"{group}.{number}", text(payload), (TEXT, payload))
            yield echoed(f"{group}.{number} in fragments", fragments(payload, 1), (TEXT, payload))
    for group, payloads in INVALID.items():
        for number, payload in enumerate(payloads, 1):
            name = group if group == "6.11.5" else f"{group}.{number}"
            yield refused(name, text(payload), PAYLOAD)
            yield refused(f"{name} in fragments", fragments(payload, 1), PAYLOAD)
            yield refused(f"{name} between good text", text(KOSME + payload + KOSME), PAYLOAD)


MAY_BE_SENT = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999]
MAY_NOT_BE_SENT = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 5001, 32768, 65535]


def closing():
    hello = (TEXT, b"Hello World!")
    said = text("Hello World!")
    yield Case("7.1.1", said + close(), [hello], NO_CODE)
    yield Case("7.1.2", close(NORMAL) + close(1001), [], NORMAL)
    yield Case("7.1.3", close(NORMAL) + ping(), [], NORMAL)
    yield Case("7.1.4", close(NORMAL) + said, [], NORMAL)
    yield Case("7.1.5", text("fragment1", fin=False) + close(NORMAL) + more("fragment2", fin=True), [], NORMAL)
    large = b"BAsd7&jh23" * 26214
    yield Case("7.1.6", text(large) + close(NORMAL) + ping(), [(TEXT, large)], NORMAL)
    yield Case("7.3.1", close(), [], NO_CODE)
    yield refused("7.3.2", frame(8, b"a"), PROTOCOL)
    yield Case("7.3.3", close(NORMAL), [], NORMAL)
    yield Case("7.3.4", close(NORMAL, b"Hello World!"), [], NORMAL)
    yield Case("7.3.5", close(NORMAL, b"*" * 123), [], NORMAL)
    yield refused("7.3.6", close(NORMAL, b"*" * 124), PROTOCOL)
    yield refused("7.5.1", close(NORMAL, KOSME + b"\xed\xa0\x80" + b"edited"), PAYLOAD)
    for number, code in enumerate(MAY_BE_SENT, 1):
        yield Case(f"7.7.{number} ({code})", close(code), [], code)
        yield Case(f"7.7.{number} ({code}) with a reason", close(code, KOSME), [], code)
    for number, code in enumerate(MAY_NOT_BE_SENT, 1):
        yield refused(f"7.9.{number} ({code})", close(code), PROTOCOL)
        yield refused(f"7.13.{number} ({code}) with a reason", close(code, b"why"), PROTOCOL)
    for group, payloads in INVALID.items():
        yield refused(f"7.5 with {group}", close(NORMAL, payloads[0]), PAYLOAD)
        at_the_end = (b"*" * 123 + payloads[0])[-123:]
        yield refused(f"7.5 with {group} at the end", close(4000, at_the_end), PAYLOAD)
    yield refused("close in fragments", close(NORMAL, fin=False) + more(b""), PROTOCOL)
    yield refused("an error, then a close", text(b"\xff") + close(NORMAL), PAYLOAD)
    yield refused("an error, then good frames", frame(3) + said + ping() + close(NORMAL), PROTOCOL)


def headers():
    """Every first byte of a frame, between messages and inside one; lengths in every form; masks."""
    for first in range(256):
        fin, rsv, opcode = bool(first & 0x80), first >> 4 & 7, first & 15
        bad = bytes([first, 0x80]) + b"mask"
        name = f"first byte {first:#04x}"
        wrong = rsv != 0 or opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15) or (opcode >= 8 and not fin)
        answer = {9: [(PONG, b"")]}.get(opcode, [])
        if wrong or opcode == 0:
            yield refused(f"{name} between messages", bad, PROTOCOL)
        elif opcode == 8:
            yield Case(f"{name} between messages", bad, [], NO_CODE)
        else:
            rest = b"" if fin else more(b"", fin=True)
            yield echoed(f"{name} between messages", bad + rest, *(answer or ([] if opcode == 10 else [(opcode, b"")])))
        begun = text("a", fin=False)
        if wrong or opcode in (1, 2):
            yield refused(f"{name} within a message", begun + bad, PROTOCOL)
        elif opcode == 8:
            yield Case(f"{name} within a message", begun + bad, [], NO_CODE)
        elif opcode == 0:
            rest = b"" if fin else more(b"", fin=True)
            yield echoed(f"{name} within a message", begun + bad + rest, (TEXT, b"a"))
        else:
            yield echoed(f"{name} within a message", begun + bad + more(b"", fin=True), *answer, (TEXT, b"a"))
    for size, forms in ((0, (2, 8)), (1, (2, 8)), (125, (2, 8)), (126, (8,)), (65535, (8,))):
        for form in forms:
            yield refused(f"{size} bytes in a length of {form}", binary(b"x" * size, length_bytes=form), PROTOCOL)
            if size <= 125:
                yield refused(f"ping of {size} bytes in a length of {form}", ping(b"x" * size, length_bytes=form),
                              PROTOCOL)
    for length in (1 << 63, (1 << 63) | 5, (1 << 64) - 1):
        yield refused(f"length {length:#x}", b"\x82\xff" + length.to_bytes(8, "big") + b"mask", PROTOCOL)
    for length in ((1 << 20) + 1, 1 << 31, 1 << 32, (1 << 63) - 1):
        yield refused(f"length {length:#x}", b"\x82\xff" + length.to_bytes(8, "big") + b"mask", 1009)
    for opcode in (TEXT, BINARY, PING, PONG, 8):
        yield refused(f"opcode {opcode} without a mask", frame(opcode, mask=None), PROTOCOL)
    for mask in (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x80\0\0\x01"):
        yield echoed(f"mask {mask.hex()}", text(HELLO * 9, mask=mask), (TEXT, HELLO * 9))


CASES = [case for group in (framing, pings, reserved, opcodes, fragmentation, utf8, closing, headers)
         for case in group()]
