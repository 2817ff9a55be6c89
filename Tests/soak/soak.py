#!/usr/bin/env python3
"""Mixed traffic for a while, after which everything is as it was: `make soak`, for SOAK_SECONDS.

A round is a crowd of short lives of every kind, good and bad, on four servers: the chat room, `echo` with compression,
`echo` behind TLS as well, and `queue`, whose host takes events. When it is over, all connections are gone, /cluster
counts nobody, and sockets, descriptors and threads are exactly as many as before.

Of the heap a crowd leaves what is kept for the next one: each worker's spare buffers, and tables as large as the
highest tide. The first round's is the largest crowd, so that the others find all that made; the heap at the end of the
last may not be more than GROWTH_MAX above that: what each life left behind, times thousands, would be. That it is
nothing at all, to the byte, is shown by the same lives one at a time: replay.py.
"""
import asyncio
import contextlib
import itertools
import os
import random
import resource
import ssl
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))
from chat_lives import LIVES, until_exactly  # noqa: E402
from client import BINARY, CLOSE, PING, PONG, TEXT, frame, request_bytes, upgrade_headers  # noqa: E402
from crowd import Client  # noqa: E402
from heap import Heap, compile_library  # noqa: E402
from replay import QUEUE, from_lanes, replay  # noqa: E402
from server import SANITIZED, Server, eventually  # noqa: E402

ROUNDS = 4
AT_ONCE = 40
AT_ONCE_FIRST = 3 * AT_ONCE
FIRST_SECONDS = 8
GROWTH_MAX = 2 << 20
PORTS_TRIED_MAX = 100
# A life that takes longer hangs.
LIFE_SECONDS_MAX = 60


# ---- lives on echo


async def ask(client, source):
    for _ in range(source.randrange(1, 6)):
        body = source.randbytes(source.choice([0, 5, 3000, 60000]))
        assert await client.request("POST", "/x", body=body) == (200, body)


async def ask_in_chunks(client, source):
    body = source.randbytes(source.randrange(5000))
    parts = [body[start:start + 700] for start in range(0, len(body), 700)]
    client.writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    for part in parts:
        client.writer.write(b"%x;x=y\r\n%s\r\n" % (len(part), part))
        await client.writer.drain()
    client.writer.write(b"0\r\nX-Sum: z\r\n\r\n")
    status, answer = await client.request("POST", "/y", body=b"")
    assert (status, answer) == (200, body), (status, len(answer), len(body), answer[:99])


async def ask_badly(client, source):
    client.writer.write(source.choice([
        b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\nHost: a\n", b"\x16\x03\x01\x02", b"POST / HTTP/1.1\r\nHost: a\r\n"
        b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", b"GET /" + b"a" * 70000, b"X" * 400 + b"\r\n\r\n",
    ]))
    await client.reader.read()


async def stop_within_a_request(client, source):
    data = request_bytes("POST", "/x", body=source.randbytes(500))
    client.writer.write(data[:source.randrange(len(data))])
    await client.writer.drain()


async def upgrade(client, source):
    extensions = [("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits")]
    status, _ = await client.request("GET", "/", upgrade_headers() + (extensions if source.random() < 0.7 else []))
    assert status == 101


async def hear(client):
    """The next message or pong, as it came; a close ends the life."""
    while True:
        opcode, payload = await client.frame()
        if opcode == CLOSE:
            raise EOFError(payload)
        if opcode == PING:
            client.writer.write(frame(PONG, payload))
        else:
            return opcode, payload


async def talk(client, source):
    await upgrade(client, source)
    for _ in range(source.randrange(1, 20)):
        payload = (b"word " * source.randrange(3000)) if source.random() < 0.5 else source.randbytes(200)
        client.writer.write(frame(BINARY, payload))
        assert (await hear(client))[0] == BINARY
    await client.close()


async def talk_compressed(client, source):
    status, _ = await client.request(
        "GET", "/", [*upgrade_headers(), ("Sec-WebSocket-Extensions", "permessage-deflate")])
    assert status == 101
    for _ in range(source.randrange(1, 8)):
        text = b"the quick brown dog " * source.randrange(1, 500)
        packer = zlib.compressobj(wbits=-15)
        packed = (packer.compress(text) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]
        client.writer.write(frame(TEXT, packed, reserved=4))
        _, answer = await hear(client)
        assert answer == text or zlib.decompressobj(wbits=-15).decompress(answer + b"\0\0\xff\xff") == text
    await client.close()


async def ping(client, source):
    await upgrade(client, source)
    for number in range(5):
        client.writer.write(frame(PING, b"%d" % number))
        assert await hear(client) == (PONG, b"%d" % number)


async def read_slowly(client, source):
    """Asks for more than it reads, and leaves; the server holds what it must and no more."""
    await upgrade(client, source)
    message = frame(BINARY, source.randbytes(200_000))
    for _ in range(10):
        client.writer.write(message)
        await client.reader.read(5000)
        await asyncio.sleep(0.01)


async def break_the_protocol(client, source):
    await upgrade(client, source)
    client.writer.write(source.choice([
        frame(3), frame(TEXT, b"\xff"), frame(CLOSE, b"\x03"), frame(TEXT, b"x", mask=None), frame(9, b"x" * 126),
        frame(TEXT, b"\xff\xff", reserved=4), frame(CLOSE, struct.pack("!H", 1005)),
    ]))
    with contextlib.suppress(EOFError):
        while True:
            await hear(client)


ECHO = [ask, ask_in_chunks, ask_badly, stop_within_a_request, talk, talk_compressed, ping, read_slowly,
        break_the_protocol]
CHAT = LIVES


# ---- servers and rounds


class Place:
    """A server, who lives there, and what it holds of the heap (nil under a sanitizer, whose heap is another)."""

    def __init__(self, name, lives, library, folder, program, workers, tls=None, **options):
        self.name, self.kinds, self.workers, self.tls = name, lives, workers, tls
        self.heap = Heap(library, f"{folder}/{name}.heap") if library else None
        self.server = Server(program, workers=workers, environment=self.heap and self.heap.environment, **options)
        # For each client, what more it is opened with.
        self.arrivals = itertools.repeat({})
        self.lives = 0

    async def arrive(self):
        """A client's port may be taken: then the next is tried."""
        for _ in range(PORTS_TRIED_MAX):
            with contextlib.suppress(OSError):
                return await Client.open(self.server.port, self.tls, **next(self.arrivals))
        raise AssertionError(f"{self.name} lets nobody in:\n{self.server.said()}")

    async def live(self, source):
        client = await self.arrive()
        try:
            if self.name == "demo":
                room, name = f"r{source.randrange(12)}", f"p{source.randrange(96)}"
                await source.choice(self.kinds)(client, source, room, name)
            else:
                with contextlib.suppress(EOFError, ConnectionError):
                    await source.choice(self.kinds)(client, source)
            self.lives += 1
        finally:
            self.leave(client, source)

    def leave(self, client, source):
        if self.tls and client.reader.at_eof():
            # asyncio has nothing left to abort where TLS has ended.
            client.drop()
        else:
            with contextlib.suppress(AttributeError):
                source.choice([client.drop, client.writer.transport.abort if self.tls else client.reset])()

    async def crowd(self, seconds, seed, at_once):
        end = time.monotonic() + seconds

        async def one_after_another(number):
            source = random.Random(f"{seed} {self.name} {number}")
            while time.monotonic() < end:
                await asyncio.wait_for(self.live(source), LIFE_SECONDS_MAX)

        await asyncio.gather(*(one_after_another(number) for number in range(at_once)))

    async def settle(self):
        """Until nobody is counted any more."""
        if self.name == "demo":
            await until_exactly(self.server.port, 0)

    def sockets(self):
        """Listeners and connections."""
        return self.count("socket:")

    def count(self, prefix):
        folder, found = f"/proc/{self.server.pid}/fd", 0
        for name in os.listdir(folder):
            with contextlib.suppress(FileNotFoundError):
                found += os.readlink(f"{folder}/{name}").startswith(prefix)
        return found

    def state(self):
        return self.sockets(), self.server.descriptors(), self.server.threads()


@contextlib.contextmanager
def places(workers):
    with tempfile.TemporaryDirectory() as folder:
        certificate, key = f"{folder}/cert.pem", f"{folder}/key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-subj", "/CN=localhost", "-addext", "keyUsage=critical,digitalSignature,keyCertSign",
                        "-days", "2", "-keyout", key, "-out", certificate],
                       check=True, stderr=subprocess.DEVNULL)
        tls = ssl.create_default_context(cafile=certificate)
        tls.check_hostname = False
        tls.verify_flags |= ssl.VERIFY_X509_STRICT  # Python 3.13's default
        common = None if SANITIZED else compile_library(folder), folder
        found = []
        try:
            found.append(Place("demo", CHAT, *common, "demo", workers, limit=5))
            found.append(Place("echo", ECHO, *common, "echo", workers, deflate=True))
            found.append(Place("echo, TLS", ECHO, *common, "echo", workers, tls, deflate=True, tls_cert=certificate,
                               tls_key=key))
            found.append(Place("queue", QUEUE, *common, "queue", workers, deflate=True, limit=5))
            yield found
            for place in found:
                place.server.stop()
        finally:
            for place in found:
                place.server.kill()


def soak(seconds, seed=1, show=print):
    """Raises where something is left over; gives back the growth of each server's heap in bytes."""
    lowest, highest = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(lowest, 4096), highest), highest))
    with places(workers=3) as all_places:
        show(f"{'round':>5}  {'server':<10}{'lives':>8}{'sockets':>9}{'descriptors':>13}{'threads':>9}{'bytes':>12}")
        states, first, growth = {}, {}, {}
        for number in range(ROUNDS):
            at_once = AT_ONCE if number else AT_ONCE_FIRST
            asyncio.run(round_of(all_places, seconds / ROUNDS, f"{seed} {number}", at_once))
            for place in all_places:
                if number == 0:
                    states[place.name] = eventually(lambda: settled(place), f"{place.name} to come to rest")
                else:
                    eventually(lambda: place.state() == states[place.name],
                               f"{place.name}: sockets, descriptors, threads {states[place.name]}")
                sockets, descriptors, threads = place.state()
                held = place.heap.counts()[0] if place.heap else 0
                growth[place.name] = held - first.setdefault(place.name, held)
                show(f"{number:>5}  {place.name:<10}{place.lives:>8}{sockets:>9}{descriptors:>13}{threads:>9}"
                     f"{held:>12}")
        return growth


async def round_of(all_places, seconds, seed, at_once):
    await asyncio.gather(*(place.crowd(seconds, seed, at_once) for place in all_places))
    for place in all_places:
        await place.settle()


def settled(place):
    """Its state, when only listeners are left of its sockets, one for each worker."""
    return place.state() if place.sockets() == place.workers else None


def soak_to_the_byte(seconds, seed=1, show=print):
    """On two workers, so that what one sends the other is among it."""
    with places(workers=2) as all_places:
        asyncio.run(round_of(all_places, FIRST_SECONDS, seed, AT_ONCE_FIRST))
        for place in all_places:
            if place.kinds is ECHO:
                # What is held of one that reads slowly depends on how slowly.
                place.kinds = [life for life in ECHO if life is not read_slowly]
                place.arrivals = from_lanes()
        replay(all_places, seconds, seed, show)


def main():
    seconds, seed = float(os.environ.get("SOAK_SECONDS", 600)), int(os.environ.get("SOAK_SEED", 1))
    soak_to_the_byte(seconds / 2, seed)
    growth = soak(seconds / 2, seed)
    too_much = {name: count for name, count in growth.items() if count > GROWTH_MAX}
    print(f"heaps grew by {', '.join(f'{count // 1024} KiB ({name})' for name, count in growth.items())}; "
          f"the bound is {GROWTH_MAX // 1024} KiB")
    return 1 if too_much else 0


if __name__ == "__main__":
    sys.exit(main())
