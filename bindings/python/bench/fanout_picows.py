"""fanout_picows.py PORT: every message goes to everybody, its sender included, by picows (Cython, asyncio)."""

import asyncio
import sys

from picows import WSListener, WSMsgType, ws_create_server

everybody = set()


class Fanout(WSListener):
    def on_ws_connected(self, transport):
        everybody.add(transport)

    def on_ws_disconnected(self, transport):
        everybody.discard(transport)

    def on_ws_frame(self, transport, frame):
        if frame.msg_type in (WSMsgType.TEXT, WSMsgType.BINARY):
            kind, data = frame.msg_type, frame.get_payload_as_bytes()
            for each in everybody:
                each.send(kind, data)
        elif frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()


async def main():
    server = await ws_create_server(lambda request: Fanout(), "127.0.0.1", int(sys.argv[1]))
    print(f"listening on {server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


asyncio.run(main())
