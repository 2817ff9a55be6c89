"""The conformance host in Python: what it does is in Tests/conformance/HOST.md, and nowhere else."""

import argparse
import asyncio
import logging
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(Path(os.environ.get("BUILD", ROOT / "build")) / "bindings" / "python"))

import dog  # noqa: E402  # it is where build.sh has put it

counts = {"opened": 0, "closed": 0, "started": 0, "ended": 0}
held = {}


def hold(key, teller):
    """Puts what is held into the table, tells the cluster, and gives what to wait for."""
    future = asyncio.get_running_loop().create_future()
    held.setdefault(key, []).append(future)
    teller(f"holding {key}")
    return future


def release(key):
    futures = held.pop(key, [])
    for future in futures:
        if not future.done():  # it is where its client has left, or was told 503
            future.set_result(None)
    return len(futures)


def text(body, status=200, headers=()):
    return dog.Response(body, status, [*headers, ("Content-Type", "text/plain")])


def name_of(status):
    return f"DOG_{status.name}"


def status_of(call, *arguments):
    """The name of the status that a call gives. A send that reached nobody says so by False."""
    try:
        return "DOG_ESTALE" if call(*arguments) is False else "DOG_OK"
    except dog.Error as error:
        return name_of(error.status)


class Base(dog.Gateway):
    async def identify(self, request):
        uid = request.query.get("u") or "anon"
        if uid == "blocked":
            return dog.Response("not you", 403, {"X-Reason": "blocked"})
        if uid == "broken":
            raise RuntimeError("broken")
        if uid == "never":
            await asyncio.get_running_loop().create_future()
        if uid.startswith("late-"):
            await hold(uid, self.broadcast)
        return self.name if uid == "self" else uid


class Room(Base):
    limit = 2
    child = "RoomShard"


class Pool(Base):
    limit = 1
    child = "PoolShard"
    sticky_seconds = 0
    idle_seconds = 1

    async def clusterize(self, request):
        if request.uid == "mute":
            raise RuntimeError("mute")
        if request.uid.startswith("slow-"):
            await hold(request.uid, self.broadcast)
        return "of-ann" if request.uid == "twin" else f"of-{request.uid}"


class Requests(dog.Shard):
    """receive, and what hangs on a Shard."""

    def __init__(self):
        self.starts = 0
        self.last = "none"
        self.last_closed = None

    def onstart(self):
        self.starts += 1
        counts["started"] += 1

    def onstop(self):
        counts["ended"] += 1
        self.gateway.broadcast(f"stopped {self.id}")

    def receive(self, request):
        _, _, _, verb, argument, *_ = f"{request.path}///".split("/")
        headers = {"X-Shard": self.id}
        if verb in ("", "ws"):
            protocol = "dog.v1" if "dog.v1" in request.protocols else None
            return self.connect(request, protocol=protocol, headers=headers)
        if verb == "info":
            return text(self.info(request), headers=headers.items())
        if verb == "status":
            return dog.Response(b"", int(argument), headers)
        if verb == "hold":
            return self.answer_held(argument)
        if verb == "never":
            return asyncio.get_running_loop().create_future()
        if verb == "broken":
            raise RuntimeError("broken")
        if verb == "stream":
            return dog.Response(
                self.events(argument),
                headers={"Content-Type": "text/event-stream"},
                onend=lambda status: self.broadcast(f"over {argument} {'whole' if status == 0 else 'left'}"),
            )
        if verb == "large":
            return dog.Response(self.large(), headers={"Content-Type": "application/octet-stream"})
        if verb == "twice":
            request.respond(text("first"))
            return self.keep(request.respond, text("second"))
        if verb == "bad-status":
            return self.keep(request.respond, dog.Response(b"x", 99))
        if verb == "bad-header":
            return self.keep(request.respond, dog.Response(b"", 200, {"X-Bad": "a\r\nb"}))
        if verb == "bad-protocol":
            return self.keep(lambda: self.connect(request, protocol="never-offered"))
        return text(f"no {verb}", 404)

    def keep(self, call, *arguments):
        self.last = status_of(call, *arguments)

    def info(self, request):
        lines = {
            "method": request.method,
            "target": request.target,
            "path": request.path,
            "query": request.query.get("q", ""),
            "header": request.headers.get("X-Test", ""),
            "uid": request.uid,
            "shard": self.id,
            "starts": self.starts,
            "body": request.text(),
        }
        return "".join(f"{name} {value}\n" for name, value in lines.items())

    async def answer_held(self, key):
        await hold(key, self.broadcast)
        return text(f"released {key}")

    async def events(self, key):
        yield "data: one\n\n"
        await hold(key, self.broadcast)
        yield "data: two\n\n"

    async def large(self):
        for part in range(64):
            yield bytes([ord("a") + part % 26]) * 65_536


class Cluster(Requests):
    """Sockets and their commands, and gossip."""

    def onopen(self, socket):
        counts["opened"] += 1
        socket.send(f"hello {socket.uid} {self.id}")
        socket.emit(f"joined {socket.uid}")

    def onclose(self, socket, code, reason, clean):
        counts["closed"] += 1
        self.last_closed = socket
        how = "clean" if clean else "lost"
        self.broadcast(f"left {socket.uid} {code} {how}" + (f" {reason}" if reason else ""))

    def onerror(self, socket, error):
        if isinstance(error, dog.Error):
            self.broadcast(f"error {socket.uid} {name_of(error.status)}")

    def uids(self):
        return ",".join(sorted(socket.uid for socket in self.sockets))

    async def ongossip(self, question):
        if question == "fail":
            raise RuntimeError("no comment")
        if question == "never":
            await asyncio.get_running_loop().create_future()
        if question.startswith("hold-"):
            await hold(question, self.broadcast)
            return "released"
        return f"{question}: {self.uids()}"

    def onmessage(self, socket, data):
        if isinstance(data, bytes):
            socket.send(data[::-1])
            return None
        verb, _, rest = data.partition(" ")
        command = getattr(self, "do_" + verb.replace("-", "_").replace("+", "_to_self"), None)
        return command(socket, rest) if command else print_unknown(socket, verb)

    def do_echo(self, socket, rest):
        socket.send(rest)

    def do_binary(self, socket, rest):
        socket.send(rest.encode())

    def do_emit(self, socket, rest):
        socket.emit(rest)

    def do_emit_to_self(self, socket, rest):
        socket.emit(rest, to_self=True)

    def do_broadcast(self, socket, rest):
        socket.broadcast(rest)

    def do_broadcast_to_self(self, socket, rest):
        socket.broadcast(rest, to_self=True)

    def do_whisper(self, socket, rest):
        uid, _, message = rest.partition(" ")
        return self.tell_whispered(socket, socket.whisper(uid, message))

    def do_shard_emit(self, socket, rest):
        self.emit(rest)

    def do_shard_broadcast(self, socket, rest):
        self.broadcast(rest)

    def do_shard_whisper(self, socket, rest):
        uid, _, message = rest.partition(" ")
        return self.tell_whispered(socket, self.whisper(uid, message))

    def do_gateway_broadcast(self, socket, rest):
        name, _, message = rest.partition(" ")
        gateway = self.engine.find(Room, name)
        if gateway is not None:
            gateway.broadcast(message)
        socket.send("nobody" if gateway is None else "told")

    def do_gateway_whisper(self, socket, rest):
        name, uid, message = rest.split(" ", 2)
        gateway = self.engine.find(Room, name)
        if gateway is not None:
            return self.tell_whispered(socket, gateway.whisper(uid, message))
        socket.send("nobody")
        return None

    async def tell_whispered(self, socket, whisper):
        socket.send(f"whispered {await whisper}")

    async def do_gossip(self, socket, rest):
        milliseconds, _, question = rest.partition(" ")
        replies = await self.gossip(question, int(milliseconds) / 1000 or None)
        lines = sorted(
            f"\n{result.shard_id} {name_of(result.status)} {result.text or result.value or ''}".encode()
            for result in replies.results
        )
        socket.send(f"gossip {len(lines)}" + b"".join(lines).decode())

    def do_who(self, socket, rest):
        socket.send(f"who {self.count} {self.uids()}")

    def do_id(self, socket, rest):
        socket.send(f"id {self.id}")

    async def do_hold(self, socket, rest):
        await hold(rest, lambda news: socket.broadcast(news, to_self=True))
        socket.send(f"released {rest}")

    def do_release(self, socket, rest):
        socket.send(f"released {release(rest)}")

    def do_close(self, socket, rest):
        code, _, reason = rest.partition(" ")
        socket.close(int(code), reason)

    def do_fail(self, socket, rest):
        raise RuntimeError("fail")

    def do_last(self, socket, rest):
        socket.send(f"last {self.last}")

    def do_misuse(self, socket, rest):
        if rest == "uid":
            status = status_of(socket.whisper, "u" * 257, "x")
        elif rest == "code":
            status = status_of(socket.close, 1005)
        elif rest == "reason":
            status = status_of(socket.close, 1000, "r" * 124)
        elif rest == "big":
            status = status_of(socket.send, "b" * 262_145)
        else:
            status = status_of(self.last_closed.send, "x") if self.last_closed else "none"
        socket.send(status)


def print_unknown(socket, verb):
    socket.send(f"unknown {verb}")


class RoomShard(Cluster):
    pass


class PoolShard(Cluster):
    pass


def make_engine(arguments):
    options = {"workers": arguments.workers, "message_bytes_max": 65_536, "outbox_bytes_max": 262_144}
    if arguments.deadline:
        options.update(identify_timeout_ms=arguments.deadline, receive_timeout_ms=arguments.deadline)
    engine = dog.Engine(**options).define(Room, RoomShard, Pool, PoolShard)
    engine.route("/room/:name", Room).route("/pool/:name", Pool).route("/lobby", Room, "lobby")

    @engine.on_fetch
    def fetch(request):
        _, first, name, key, *_ = f"{request.path}///".split("/")
        if request.path == "/stats":
            stats = engine.stats()
            names = ("sockets", "places", "shards", "gateways")
            return text("".join(f"{name} {getattr(stats, name)}\n" for name in names))
        if first == "alias":
            return dog.Forward(Room, name)
        if request.path == "/nowhere":
            return dog.Forward("None", "x")
        if first == "wait":
            return answer_held(engine.find(Room, name), key)
        if request.path == "/broken":
            raise RuntimeError("broken")
        return text(f"no route for {request.path}", 404)

    return engine.listen()


async def answer_held(room, key):
    await hold(key, room.broadcast)
    return text(f"released {key}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--deadline", type=int)
    engine = make_engine(parser.parse_args())
    logging.basicConfig(stream=sys.stderr)
    dog.run(engine, ready=lambda: print(f"listening on {engine.port}", flush=True))
    print("stopped " + " ".join(f"{name}={count}" for name, count in counts.items()), flush=True)


if __name__ == "__main__":
    main()
