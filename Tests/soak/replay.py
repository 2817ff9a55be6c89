"""The same lives again and again, one at a time, after which not a byte is left: see `make soak`.

A crowd shows what happens when many meet, but what a server then keeps for the next crowd depends on who met whom. So
first comes a crowd, larger than anything after it, which makes the tables as large as they will be needed; then rounds
of the same lives, one at a time. What is left to chance is which spare buffers a worker has at the moment: an outbox
that needs a second one gives back one of them. So a round may end on one of a few numbers of bytes and of blocks; but
these come again and again. What every round left behind, be it a single byte, would let none of them come again.
"""
import asyncio
import random
import time
from collections import Counter

from crowd import Client
from client import CLOSE, PING, PONG, TEXT, frame
from heap import difference
from server import eventually

# Of the latest half of the rounds so many end on the very same numbers.
AGAIN = 3
ROUNDS_MIN = 6
ROUNDS_MAX = 30
LIVES = 60
# What all rounds after the first may add: some tables, each once, where a stall lets things meet that never met before.
ONCE_BYTES_MAX = 256 << 10
# The longest that anything of a client that has gone waits is close_timeout_ms, 5 seconds; hardly anything does.
REST_SECONDS = 1

# echo deals its clients out over 64 Gateways by their ports, and each keeps a little of its own until a minute after
# its last use. So its clients come from ports that lead to a few of them, used in each round.
LANE_BITS = 6
LANES = 4
PORTS = [port for port in range(20000, 32000) if (port * 2654435761 & 0xFFFFFFFF) >> (32 - LANE_BITS) < LANES]


def from_lanes():
    """What to open a client with, each time another port."""
    while True:
        for port in PORTS:
            yield {"local_addr": ("127.0.0.1", port)}


async def play(place, seed):
    for number in range(LIVES):
        source = random.Random(f"{seed} {place.name} {number}")
        await asyncio.wait_for(place.live(source), 60)
    await place.settle()


async def play_all(places, seed):
    await asyncio.gather(*(play(place, seed) for place in places))


def replay(places, seconds, seed=1, show=print):
    """Plays until it is seen that nothing is left by any round, and for `seconds` at least. Raises where that is never
    seen."""
    show(f"{'round':>5}  {'server':<10}{'lives':>8}{'bytes':>13}{'blocks':>9}{'again':>7}")
    end = time.monotonic() + seconds
    counts = {place.name: [] for place in places}
    while not are_at_rest(counts) and rounds(counts) < ROUNDS_MAX or time.monotonic() < end:
        asyncio.run(play_all(places, seed))
        for place in places:
            eventually(lambda: place.sockets() == place.workers, f"{place.name}: its listeners and no other socket")
        time.sleep(REST_SECONDS)
        for place in places:
            history = counts[place.name]
            history.append(place.heap.counts())
            show(f"{rounds(counts) - 1:>5}  {place.name:<10}{place.lives:>8}{history[-1][0]:>13}{history[-1][1]:>9}"
                 f"{again(history):>7}")
    for name, history in counts.items():
        growth = difference(history[0], history[-1])
        assert again(history) >= AGAIN, f"{name} is never at rest; since the first round {growth}"
        assert history[-1][0] - history[0][0] <= ONCE_BYTES_MAX, f"{name}: since the first round {growth}"
        assert is_level(history), f"{name} grows slowly; since the first round {growth}"


def rounds(counts):
    return max(len(history) for history in counts.values())


def again(history):
    """How many rounds of the latest half ended on the same bytes and blocks."""
    latest = Counter(counts[:2] for counts in history[len(history) // 2:])
    return max(latest.values(), default=0)


def is_level(history):
    """In a long run the last quarter ends on numbers that the quarter before it ended on."""
    quarter = len(history) // 4
    third, last = history[-2 * quarter:-quarter], history[-quarter:]
    return len(history) < ROUNDS_MAX or not {counts[:2] for counts in third}.isdisjoint(counts[:2] for counts in last)


def are_at_rest(counts):
    return rounds(counts) >= ROUNDS_MIN and all(again(history) >= AGAIN for history in counts.values())


# ---- lives in the queue example's rooms


async def hear(client, text):
    """Others may be heard before."""
    while (heard := await client.frame()) != (TEXT, text):
        if heard[0] == CLOSE:
            raise EOFError(heard)
        if heard[0] == PING:
            client.writer.write(frame(PONG, heard[1]))


async def sit_and_talk(client, source):
    name = f"p{source.randrange(9)}"
    await client.upgrade_at(f"/r{source.randrange(5)}?u={name}")
    await hear(client, f"{name} has joined".encode())
    for number in range(source.randrange(9)):
        text = b"%d %s" % (number, source.randbytes(source.randrange(400)).hex().encode())
        client.writer.write(frame(TEXT, text))
        await hear(client, f"{name}: ".encode() + text)
    if source.random() < 0.5:
        await client.close()


async def look_in(client, source):
    for _ in range(source.randrange(1, 4)):
        status, body = await client.request("GET", f"/r{source.randrange(5)}")
        assert status == 200 and body.startswith(b"sockets: "), (status, body)


async def leave_within_the_handshake(client, source):
    data = b"GET /r1?u=a HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
    client.writer.write(data[:source.randrange(len(data))])
    await client.writer.drain()


async def say_what_is_none(client, source):
    await client.upgrade_at("/r2?u=b")
    client.writer.write(source.choice([frame(3), frame(TEXT, b"\xff"), frame(TEXT, b"x", mask=None)]))
    await client.reader.read()


QUEUE = [sit_and_talk, sit_and_talk, look_in, leave_within_the_handshake, say_what_is_none]
