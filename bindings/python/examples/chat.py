"""A chat: everybody in a room hears everybody else, whichever Shard they are on.

python3 chat.py
python3 -m websockets 'ws://127.0.0.1:8787/rooms/den?u=ann'
"""

import dog


class Room(dog.Gateway):
    limit = 50  # connections that a Shard holds; the next one makes another Shard
    child = "Seats"

    def identify(self, request: dog.Request) -> str:
        return request.query.get("u", "anon")


class Seats(dog.Shard):
    def receive(self, request: dog.Request) -> dog.Upgrade:
        return self.connect(request)

    def onopen(self, socket: dog.Socket) -> None:
        socket.broadcast({"type": "joined", "who": socket.uid})

    def onmessage(self, socket: dog.Socket, data: dog.Data) -> None:
        socket.broadcast({"type": "said", "who": socket.uid, "text": str(data)})

    def onclose(self, socket: dog.Socket, code: int, reason: str, clean: bool) -> None:
        socket.broadcast({"type": "left", "who": socket.uid})


if __name__ == "__main__":
    dog.run(dog.Engine().define(Room, Seats).route("/rooms/:name", Room).listen(port=8787))
