"""What a client of the demo's chat room may do with its short life, and /cluster as the witness of all of them."""
import asyncio
import json
import time

from client import BINARY, CLOSE, TEXT, frame, request_bytes, upgrade_headers
from crowd import Client
from server import DEADLINE

PATIENCE = DEADLINE * 4


async def talk_and_close(client, source, room, name):
    await client.upgrade(room, name)
    for _ in range(source.randrange(4)):
        client.say(type="msg", text=f"{source.choice(['', '/g ', '/a ', '/w p1 '])}{source.randbytes(20).hex()}")
    client.say(type="req:user:list")
    await client.until("user:list")
    await client.close()


async def talk_and_vanish(client, source, room, name):
    await client.upgrade(room, name)
    client.say(type="msg", text="famous last words")
    client.say(type="req:user:list")
    if source.random() < 0.5:
        await client.until("user:join")


async def vanish_within_a_frame(client, source, room, name):
    await client.upgrade(room, name)
    data = frame(BINARY, source.randbytes(300))
    client.writer.write(data[:source.randrange(len(data))])
    await client.writer.drain()


async def vanish_within_the_handshake(client, source, room, name):
    data = request_bytes("GET", f"/rooms/{room}/ws?u={name}", upgrade_headers()) + frame(TEXT, b"{}")
    client.writer.write(data[:source.randrange(len(data) + 1)])
    await client.writer.drain()


async def say_nonsense(client, source, room, name):
    await client.upgrade(room, name)
    client.writer.write(frame(source.choice([3, 7, 11]), b"?"))
    while (await client.frame())[0] != CLOSE:
        pass


async def ask_over_http(client, source, room, name):
    for _ in range(source.randrange(1, 5)):
        path = source.choice(["broadcast", "emit", f"whisper?target={name}", "ws", "nothing"])
        method = source.choice(["GET", "GET", "HEAD", "POST"])
        status, _ = await client.request(method, f"/rooms/{room}/{path}")
        assert status in (200, 404, 405, 426), status


LIVES = [talk_and_close, talk_and_close, talk_and_vanish, vanish_within_a_frame, vanish_within_the_handshake,
         say_nonsense, ask_over_http]


# ---- the witness


async def look(client):
    """/cluster, after checking what has to hold at any moment."""
    status, body = await client.request("GET", "/cluster")
    assert status == 200
    rooms = json.loads(body)["rooms"]
    for room in rooms:
        ids = [shard["id"] for shard in room["shards"]]
        assert len(set(ids)) == len(ids)
        for shard in room["shards"]:
            assert 0 <= shard["connections"] <= room["limit"], f"G5: {shard} in {room['room']}"
    return rooms


async def until_exactly(port, count):
    client = await Client.open(port)
    end = time.monotonic() + PATIENCE
    while True:
        rooms = await look(client)
        in_rooms = sum(room["connections"] for room in rooms)
        in_shards = sum(shard["connections"] for room in rooms for shard in room["shards"])
        if in_rooms == in_shards == count:
            client.drop()
            return rooms
        assert time.monotonic() < end, f"{in_rooms} in rooms, {in_shards} in Shards, where {count} are open"
        await asyncio.sleep(0.02)
