"""Storms of clients while system calls fail: no crash, no hang; where a connection survives, all that came over it is
right and in order; and when the faults end, every count and every descriptor is back where it was.

A plan and a seed make a run; DOG_FAULTS_SEED repeats one, as far as threads can be repeated.
"""
import asyncio
import os
import random
import signal
import time
import zlib

import pytest

from chat_lives import until_exactly
from client import BINARY, CLOSE, PING, PONG, TEXT, Connection, frame, upgrade_headers
from crowd import Client
from plans import HARMLESS, LETHAL, MEMORY, START, Faults, compile_library
from server import DEADLINE, SANITIZED, Server, eventually

CLIENTS = 40 if SANITIZED else 120
AT_ONCE = 20
MESSAGES = 15
SEEDS = [int(os.environ["DOG_FAULTS_SEED"])] if os.environ.get("DOG_FAULTS_SEED") else [1, 2]
PLANS = {**HARMLESS, **LETHAL, **({} if SANITIZED else MEMORY)}
# How a connection ends for a client that a fault has struck.
LOST = (OSError, EOFError)


class Refused(EOFError):
    """Answered, and not with what was asked for."""


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    return compile_library(tmp_path_factory.mktemp("faults"))


@pytest.fixture
def serve(library, tmp_path):
    """Starts a program that a plan is for; faults are off until the test turns them on."""
    running = []

    def start(program, plan, seed, **options):
        faults = Faults(library, tmp_path, plan, seed, is_on=False)
        server = Server(program, environment=faults.environment, **options)
        running.append(server)
        return server, faults

    yield start
    for server in running:
        server.kill()


def run(work):
    return asyncio.run(asyncio.wait_for(work, DEADLINE * 2))


class Tally:
    """How the lives of a storm ended. What is wrong is raised at once; what a fault ended is counted."""

    def __init__(self):
        self.whole, self.losses = 0, []

    @property
    def lost(self):
        return len(self.losses)

    async def live(self, port, life, source):
        client = None
        try:
            client = await Client.open(port)
            await life(client, source)
            self.whole += 1
        except LOST as error:
            self.losses.append(f"{life.__name__}: {error!r}")
        finally:
            if client is not None:
                source.choice([client.drop, client.reset])()

    async def storm(self, port, lives, seed):
        numbers = iter(range(CLIENTS))

        async def one_after_another():
            for number in numbers:
                source = random.Random(seed * 1_000_003 + number)
                await self.live(port, source.choice(lives), source)

        await asyncio.gather(*(one_after_another() for _ in range(AT_ONCE)))

    def check(self, name, faults):
        assert sum(faults.hits().values()) > 0, f"no fault struck: {faults.hits()}"
        if name in HARMLESS:
            assert self.lost == 0, f"of {CLIENTS} lost by {faults.hits()}: {self.losses}"
        assert self.whole > 0, f"nobody survived {faults.hits()}"


async def upgraded(client, target):
    try:
        return await client.upgrade_at(target)
    except AssertionError as error:
        raise Refused(str(error)) from None


async def next_message(client):
    while True:
        opcode, payload = await client.frame()
        if opcode == CLOSE:
            raise Refused(payload)
        if opcode == PING:
            client.writer.write(frame(PONG, payload))
        else:
            return opcode, payload


async def closed(client):
    await client.close()


# ---- echo


async def echo_messages(client, source):
    await upgraded(client, "/")
    waiting = []
    for _ in range(MESSAGES):
        payload = source.randbytes(source.choice([0, 1, 125, 126, 3000, 70000]))
        client.writer.write(frame(BINARY, payload, mask=source.randbytes(4)))
        waiting.append(payload)
        while len(waiting) > source.randrange(5):
            assert await next_message(client) == (BINARY, waiting.pop(0))
    for payload in waiting:
        assert await next_message(client) == (BINARY, payload)
    await closed(client)


async def echo_compressed(client, source):
    """Where there is no memory for compression, what is sent goes out as it is, and what comes is refused."""
    headers = [*upgrade_headers(), ("Sec-WebSocket-Extensions", "permessage-deflate")]
    status, _ = await client.request("GET", "/", headers)
    if status != 101:
        raise Refused(status)
    for _ in range(5):
        text = b"the quick brown dog " * source.randrange(4, 300)
        client.writer.write(frame(TEXT, text))
        _, answer = await next_message(client)
        # Shorter than what was sent, it is compressed.
        if len(answer) < len(text):
            answer = zlib.decompressobj(wbits=-15).decompress(answer + b"\0\0\xff\xff")
        assert answer == text


async def echo_bodies(client, source):
    for _ in range(3):
        body = source.randbytes(source.choice([0, 10, 5000, 100000]))
        status, echoed = await client.request("POST", "/x", body=body)
        if status != 200:
            raise Refused(status)
        assert echoed == body


def descriptors_of(server):
    """What is open, but for the one that libuv keeps for each loop from its first connection on."""
    folder = f"/proc/{server.pid}/fd"
    links = []
    for name in os.listdir(folder):
        try:
            links.append(os.readlink(f"{folder}/{name}"))
        except FileNotFoundError:
            pass
    return len([link for link in links if link != "/dev/null"])


def settled(server, descriptors):
    eventually(lambda: descriptors_of(server) <= descriptors, f"no more than {descriptors} descriptors")


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", PLANS)
def test_echo_gives_back_what_came(serve, name, seed):
    server, faults = serve("echo", PLANS[name], seed, workers=2, deflate=True)
    calm = Tally()
    run(calm.storm(server.port, [echo_messages, echo_compressed, echo_bodies], seed + 1))
    assert calm.lost == 0
    descriptors = descriptors_of(server)
    faults.turn(True)
    tally = Tally()
    run(tally.storm(server.port, [echo_messages, echo_compressed, echo_bodies], seed))
    faults.turn(False)
    tally.check(name, faults)
    settled(server, descriptors)
    after = Tally()
    run(after.storm(server.port, [echo_messages, echo_compressed, echo_bodies], seed + 2))
    assert after.lost == 0, "the faults are over, and connections are still lost"
    settled(server, descriptors)
    server.stop()


# ---- fanout


@pytest.mark.parametrize("name", PLANS)
def test_fanout_keeps_the_order_of_every_sender(serve, name):
    server, faults = serve("fanout", PLANS[name], 3, workers=2, limit=4)
    run(fan_out(server.port, 4))
    descriptors = descriptors_of(server)
    faults.turn(True)
    survivors = run(fan_out(server.port, 16))
    faults.turn(False)
    assert sum(faults.hits().values()) > 0
    if name in HARMLESS:
        assert survivors == 16
    settled(server, descriptors)
    assert run(fan_out(server.port, 4)) == 4
    server.stop()


async def fan_out(port, count):
    """Everybody sends numbers and hears everybody's; gives back how many heard all of their own."""
    is_heard = asyncio.Event()
    arrived = 0

    async def member(number):
        nonlocal arrived
        client = None
        try:
            client = await Client.open(port)
            await upgraded(client, "/")
        except LOST:
            if client is not None:
                client.drop()
            return False
        finally:
            arrived += 1
            if arrived == count:
                is_heard.set()
        await is_heard.wait()
        last = {}
        try:
            for step in range(MESSAGES):
                client.writer.write(frame(TEXT, f"{number} {step}".encode()))
                await asyncio.sleep(0)
            while last.get(number) != MESSAGES - 1:
                _, payload = await next_message(client)
                sender, step = map(int, payload.split())
                # All had arrived before the first message: the first one heard of anybody is the first.
                assert step == last.get(sender, -1) + 1, f"{number} heard {step} of {sender} after {last.get(sender)}"
                last[sender] = step
            return True
        except LOST:
            return False
        finally:
            client.drop()

    return sum(await asyncio.gather(*(member(number) for number in range(count))))


# ---- counts: a room's own page, and the demo's


async def sit_in_a_room(client, source):
    await upgraded(client, f"/tasks/r{source.randrange(4)}/ws")
    for _ in range(source.randrange(5)):
        client.writer.write(frame(TEXT, source.randbytes(30).hex().encode()))
    client.writer.write(frame(PING, b"still there?"))
    while (await client.frame())[0] != PONG:
        pass
    if source.random() < 0.5:
        await closed(client)


@pytest.mark.parametrize("name", PLANS)
def test_rooms_are_empty_after_the_storm(serve, name):
    server, faults = serve("tasks", PLANS[name], 4, workers=3, limit=5)
    descriptors = descriptors_of(server)
    faults.turn(True)
    tally = Tally()
    run(tally.storm(server.port, [sit_in_a_room], 4))
    faults.turn(False)
    tally.check(name, faults)
    for room in range(4):
        eventually(lambda: sockets_in(server.port, f"r{room}") == 0, f"no sockets in room {room}")
    settled(server, descriptors)
    server.stop()


def sockets_in(port, room):
    """Of the Shard that this request is placed on, which has the most room: asked by one who was nowhere before."""
    with Connection(port) as connection:
        response = connection.request("GET", f"/tasks/{room}", [("Authorization", f"Bearer {random.random()}")])
        return int(response.body.split(b"sockets: ")[1])


async def chat(client, source):
    await upgraded(client, f"/rooms/r{source.randrange(6)}/ws?u=p{source.randrange(40)}")
    for _ in range(source.randrange(4)):
        client.say(type="msg", text=source.choice(["", "/g ", "/a ", "/w p1 "]) + source.randbytes(9).hex())
    client.say(type="req:user:list")
    try:
        await client.until("user:list")
    except AssertionError as error:
        raise Refused(str(error)) from None
    if source.random() < 0.5:
        await closed(client)


@pytest.mark.parametrize("name", PLANS)
def test_every_count_of_the_demo_is_exact_afterwards(serve, name):
    server, faults = serve("demo", PLANS[name], 5, workers=4, limit=3)
    calm = Tally()
    run(calm.storm(server.port, [chat], 6))
    assert calm.lost == 0
    run(until_exactly(server.port, 0))
    descriptors = descriptors_of(server)
    faults.turn(True)
    tally = Tally()
    run(tally.storm(server.port, [chat], 5))
    faults.turn(False)
    tally.check(name, faults)
    run(until_exactly(server.port, 0))
    settled(server, descriptors)
    after = Tally()
    run(after.storm(server.port, [chat], 7))
    assert after.lost == 0
    server.stop()


# ---- the end, and the beginning


@pytest.mark.parametrize("name", PLANS)
def test_a_stop_ends_while_calls_fail(serve, name):
    server, faults = serve("echo", PLANS[name], 8, workers=2)
    faults.turn(True)
    connections = []
    for _ in range(20):
        try:
            connection = Connection(server.port)
            connection.send(b"GET / HTTP/1.1\r\nHost: a\r\nX: y")
            connections.append(connection)
        except OSError:
            pass
    server.stop()
    for connection in connections:
        connection.drop()


@pytest.mark.parametrize("plan", START if not SANITIZED else [])
def test_a_start_that_fails_says_so_and_ends(library, tmp_path, plan):
    faults = Faults(library, tmp_path, plan, 1, is_on=True)
    server = Server("echo", wait=False, workers=2, environment=faults.environment)
    try:
        end = time.monotonic() + DEADLINE
        while server.is_alive() and b"listening" not in server.output:
            assert time.monotonic() < end, f"neither serves nor ends: {server.said()}"
            server.output += os.read(server.process.stdout.fileno(), 65536)
            time.sleep(0.01)
        assert sum(faults.hits().values()) == 1, "the fault did not strike"
        if server.is_alive():
            # What failed can be done without.
            faults.turn(False)
            server.read_port()
            server.stop()
        else:
            assert server.process.returncode > 0, f"ended by {server.process.returncode}: {server.said()}"
            assert len(server.said().strip()) > 10, "ended without a word"
    finally:
        server.kill()
