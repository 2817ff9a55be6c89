"""Thousands of sockets that connect, talk and die in every way, on four workers, with /cluster as the witness.

At the end every count is exactly what is open, which is nothing; while it lasts no Shard is over its limit. All
randomness comes from one seed, which a failure prints; DOG_STORM_SEED repeats it, as far as a network can be repeated.
"""
import asyncio
import os
import random
import resource
import time

import pytest

from chat_lives import LIVES, PATIENCE, look, until_exactly
from crowd import Client
from server import SANITIZED, Server, eventually

LIMIT = 5
ROOMS = 60
# A sanitizer makes everything ten times slower and finds nothing more in the next thousand.
CLIENTS = 600 if SANITIZED else 8000
AT_ONCE = 150 if SANITIZED else 500
STANDING = 400 if SANITIZED else 4000


@pytest.fixture
def server():
    lowest, highest = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = STANDING * 2 + 200
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(lowest, min(wanted, highest)), highest))
    server = Server("demo", workers=4, limit=LIMIT)
    try:
        yield server
        server.stop()
    finally:
        server.kill()
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, highest))


# ---- the storm


async def live(port, number, seed):
    source = random.Random(seed * 1_000_003 + number)
    room, name = f"r{source.randrange(ROOMS)}", f"p{source.randrange(ROOMS * 8)}"
    client = await Client.open(port)
    try:
        await source.choice(LIVES)(client, source, room, name)
    finally:
        source.choice([client.drop, client.reset])()


async def crowd(port, count, seed):
    """`count` lives, AT_ONCE of them at any moment."""
    numbers = iter(range(count))

    async def one_after_another():
        for number in numbers:
            await live(port, number, seed)

    await asyncio.gather(*(one_after_another() for _ in range(AT_ONCE)))


# ---- the witness


async def watch(port, done):
    """Looks again and again until `done`; gives back how often, and the most connections it saw."""
    client = await Client.open(port)
    looks, most = 0, 0
    while not done.is_set():
        rooms = await look(client)
        looks += 1
        most = max(most, sum(room["connections"] for room in rooms))
    client.drop()
    return looks, most


async def watched(port, storm):
    done = asyncio.Event()
    watcher = asyncio.create_task(watch(port, done))
    try:
        await storm
    finally:
        done.set()
        looks, most = await watcher
    assert looks > 0
    return most


def run(work):
    return asyncio.run(asyncio.wait_for(work, PATIENCE))


def seed_of_this_run():
    seed = int(os.environ.get("DOG_STORM_SEED") or random.randrange(1 << 32))
    print("DOG_STORM_SEED", seed)
    return seed


def test_after_a_storm_every_count_is_exact_and_nothing_is_left(server):
    seed = seed_of_this_run()
    # A first, small storm makes what is made once: rooms, threads, tables.
    run(watched(server.port, crowd(server.port, CLIENTS // 5, seed + 1)))
    run(until_exactly(server.port, 0))
    descriptors, threads = eventually(lambda: quiet(server), "descriptors to fall free")
    memory = server.resident_bytes()
    most = run(watched(server.port, crowd(server.port, CLIENTS, seed)))
    assert most > AT_ONCE // 10, "too calm to be called a storm"
    run(until_exactly(server.port, 0))
    eventually(lambda: server.descriptors() <= descriptors, f"no more than {descriptors} descriptors", PATIENCE)
    assert server.threads() == threads
    if not SANITIZED:
        assert server.resident_bytes() < memory + (64 << 20)


def quiet(server):
    """Descriptors and threads, once nothing but the server's own is open: two looks in a row agree."""
    first = server.descriptors()
    time.sleep(0.05)
    return (first, server.threads()) if server.descriptors() == first else None


def test_thousands_at_once_are_counted_one_by_one_and_fall_to_zero(server):
    seed = seed_of_this_run()
    source = random.Random(seed)

    async def storm():
        gate = asyncio.Semaphore(200)

        async def arrive(number):
            async with gate:
                return await (await Client.open(server.port)).upgrade(f"r{number % ROOMS}", f"p{number}")

        people = await asyncio.gather(*(arrive(number) for number in range(STANDING)))
        rooms = await until_exactly(server.port, STANDING)
        uids = sorted(uid for room in rooms for shard in room["shards"] for uid in shard["uids"])
        assert uids == sorted(f"p{number}" for number in range(STANDING)), "each is there once"
        workers = {shard["worker"] for room in rooms for shard in room["shards"]}
        assert len(workers) == 4, "the Shards are spread over all workers"
        for room in rooms:
            assert len(room["shards"]) == -(-room["connections"] // LIMIT), "no Shard too many"
        source.shuffle(people)
        while people:
            part, people = people[:STANDING // 4], people[STANDING // 4:]
            for client in part:
                source.choice([client.drop, client.reset])()
            await until_exactly(server.port, len(people))

    run(watched(server.port, storm()))
    eventually(lambda: server.descriptors() < 200, "descriptors to fall free", PATIENCE)
