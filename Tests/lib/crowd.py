"""A client of which a test has thousands: asyncio's streams, and no more of the protocols than a storm needs."""
import asyncio
import base64
import json
import os
import socket
import struct

from client import CLOSE, PING, TEXT, frame, request_bytes, upgrade_headers


class Client:
    @classmethod
    async def open(cls, port, tls=None, **options):
        self = cls()
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls, **options)
        return self

    async def request(self, method, target, headers=(), body=None):
        self.writer.write(request_bytes(method, target, headers, body))
        head = await self.reader.readuntil(b"\r\n\r\n")
        status = int(head[9:12])
        if status != 101 and method != "HEAD":
            for line in head.split(b"\r\n"):
                if line.lower().startswith(b"content-length:"):
                    return status, await self.reader.readexactly(int(line.split(b":")[1]))
        return status, b""

    async def upgrade(self, room, name):
        return await self.upgrade_at(f"/rooms/{room}/ws?u={name}")

    async def upgrade_at(self, target):
        key = base64.b64encode(os.urandom(16)).decode()
        status, _ = await self.request("GET", target, upgrade_headers(key))
        assert status == 101, status
        return self

    async def frame(self):
        first, length = await self.reader.readexactly(2)
        if length == 126:
            length, = struct.unpack("!H", await self.reader.readexactly(2))
        elif length == 127:
            length, = struct.unpack("!Q", await self.reader.readexactly(8))
        return first & 15, await self.reader.readexactly(length)

    async def until(self, type):
        while True:
            opcode, payload = await self.frame()
            assert opcode != CLOSE, payload
            if opcode == PING:
                self.writer.write(frame(10, payload))
            elif opcode == TEXT and json.loads(payload).get("type") == type:
                return payload

    def say(self, **fields):
        self.writer.write(frame(TEXT, json.dumps(fields).encode()))

    async def close(self):
        self.writer.write(frame(CLOSE, struct.pack("!H", 1000)))
        while (await self.frame())[0] != CLOSE:
            pass
        await self.reader.read()
        self.drop()

    def drop(self):
        self.writer.close()

    def reset(self):
        connection = self.writer.get_extra_info("socket")
        if connection is not None and connection.fileno() >= 0:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()
