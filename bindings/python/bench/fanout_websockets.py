"""fanout_websockets.py PORT: every message goes to everybody, its sender included, by websockets (asyncio)."""

import asyncio
import sys

import websockets

everybody = set()


async def fanout(socket, path=None):
    everybody.add(socket)
    try:
        async for message in socket:
            websockets.broadcast(everybody, message)
    finally:
        everybody.discard(socket)


async def main():
    async with websockets.serve(fanout, "127.0.0.1", int(sys.argv[1]), compression=None) as server:
        print(f"listening on {server.sockets[0].getsockname()[1]}", flush=True)
        await asyncio.get_running_loop().create_future()


asyncio.run(main())
