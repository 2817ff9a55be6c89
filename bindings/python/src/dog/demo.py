"""A chat room in a browser: `python -m dog demo`. A Shard holds two people, so the third window makes another Shard."""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path
from typing import Any, Awaitable, Dict, List, Optional, Union

from . import Data, Engine, Gateway, Request, Response, Shard, Socket, Upgrade, run

PAGE = Path(__file__).with_name("demo.html").read_text(encoding="utf-8")
NAME_MAX = 24
TEXT_MAX = 1000


class Lobby(Gateway):
    """One room of the chat."""

    limit = 2
    child = "Room"
    idle_seconds = 10

    def identify(self, request: Request) -> Union[str, Response]:
        name = request.query.get("u", "").strip()
        if not name.isprintable() or not 0 < len(name) <= NAME_MAX or " " in name:
            return Response(f"a name has 1 to {NAME_MAX} letters and no blanks\n", 400)
        return name


class Room(Shard):
    """Two of its people."""

    def receive(self, request: Request) -> Upgrade:
        return self.connect(request)

    def people(self) -> List[str]:
        return sorted(socket.uid for socket in self.sockets)

    def ongossip(self, question: Any) -> Dict[str, Any]:
        return {"shard": self.id, "people": self.people()}

    async def onopen(self, socket: Socket) -> None:
        socket.broadcast({"type": "joined", "who": socket.uid, "shard": self.id})
        siblings = await self.gossip("who is there?")
        everybody = [*siblings, {"shard": self.id, "people": self.people()}]
        socket.send({"type": "hello", "who": socket.uid, "shard": self.id, "shards": everybody})

    def onclose(self, socket: Socket, code: int, reason: str, clean: bool) -> None:
        socket.broadcast({"type": "left", "who": socket.uid, "shard": self.id})

    def onmessage(self, socket: Socket, data: Data) -> Optional[Awaitable[None]]:
        command, _, rest = str(data)[:TEXT_MAX].partition(" ")
        said = {"type": "said", "who": socket.uid, "shard": self.id}
        if command == "/g":
            socket.emit({**said, "how": "group", "text": rest}, to_self=True)
        elif command == "/w":
            name, _, text = rest.partition(" ")
            return self.whisper_to(socket, name, {**said, "how": "whisper", "to": name, "text": text})
        else:
            socket.broadcast({**said, "how": "all", "text": str(data)[:TEXT_MAX]}, to_self=True)
        return None

    async def whisper_to(self, socket: Socket, name: str, said: Dict[str, Any]) -> None:
        is_heard = bool(name) and await socket.whisper(name, said) > 0
        socket.send(said if is_heard else {"type": "note", "text": f"nobody here is called {json.dumps(name)}"})


def make_engine(host: str, port: int) -> Engine:
    engine = Engine().define(Lobby, Room).route("/rooms/:name", Lobby)

    @engine.on_fetch
    def fetch(request: Request) -> Response:
        return Response.html(PAGE) if request.path == "/" else Response("not found\n", 404)

    return engine.listen(port, host)


def main(arguments: List[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m dog demo", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="numeric address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=8787, help="port, 0 for a free one (%(default)s)")
    options = parser.parse_args(arguments)
    engine = make_engine(options.host, options.port)
    logging.getLogger("dog").setLevel(logging.WARNING)  # where it listens is printed as it always is, for scripts
    place = f"[{options.host}]" if ":" in options.host else options.host
    run(engine, ready=lambda: print(f"listening on http://{place}:{engine.port}", flush=True))
