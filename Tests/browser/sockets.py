"""The host for test_sockets.py: rooms in which a socket ends as it is told to, and the files of docs/browser.md.

sockets.py PORT FOLDER     prints "listening on http://127.0.0.1:PORT" once it serves; ends by SIGINT or SIGTERM
"""
import logging
import pathlib
import sys

import dog

PORT, FOLDER = int(sys.argv[1]), pathlib.Path(sys.argv[2])
TYPES = {".html": "text/html", ".js": "text/javascript"}


class Room(dog.Gateway):
    limit = 100
    child = "Seats"

    def identify(self, request):
        if self.name == "refused":
            return dog.Response("not you\n", 401)
        return request.query.get("u", "anon")


class Seats(dog.Shard):
    def receive(self, request):
        chosen = "chat.v1" if "chat.v1" in request.protocols else None
        return self.connect(request, protocol=chosen)

    def onmessage(self, socket, data):
        word, _, rest = data.partition(" ") if isinstance(data, str) else ("", "", "")
        if word == "fail":
            raise RuntimeError("as it was told to")
        if word == "close":
            code, _, reason = rest.partition(" ")
            return socket.close(int(code), reason)
        if word == "flood":
            for _ in range(1000):
                socket.send(b"x" * 60_000)
            return None
        if word == "count":
            return socket.send(str(self.count))
        if not isinstance(data, str):
            return socket.send(data)
        return socket.broadcast(data, to_self=True)


class Small(dog.Gateway):
    limit = 1
    child = "SmallSeats"
    connections_max = 1

    def identify(self, request):
        return "anon"


class SmallSeats(Seats):
    pass


class Foreign(dog.Gateway):
    limit = 100
    child = "ForeignSeats"

    def identify(self, request):
        return "anon"


class ForeignSeats(Seats):
    origins = ["https://example.com"]


def serve():
    engine = dog.Engine(
        workers=2,
        message_bytes_max=1_000_000,
        outbox_bytes_max=100_000,
        message_rate_max=1,
        message_burst_max=50,
        idle_timeout_ms=86_400_000 if FOLDER.name != "idle" else 50,
        retry_after_seconds=7,
    )
    engine.define(Room, Seats).define(Small, SmallSeats).define(Foreign, ForeignSeats)
    engine.route("/rooms/:name", Room).route("/small/:name", Small).route("/foreign/:name", Foreign)

    @engine.on_fetch
    def fetch(request):
        name = request.path.strip("/") or "index.html"
        path = FOLDER / name
        if name not in {each.name for each in FOLDER.iterdir()}:
            return dog.Response("not found\n", 404)
        return dog.Response(path.read_bytes(), headers={"Content-Type": TYPES[path.suffix]})

    engine.listen(PORT)
    dog.run(engine, ready=lambda: print(f"listening on http://127.0.0.1:{engine.port}", flush=True))


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)
    serve()
