"""Not run, but checked by mypy --strict and pyright: a Shard that names its Gateway knows it by its type."""

from typing import Set

from typing_extensions import assert_type

import dog


class Lobby(dog.Gateway):
    limit = 2
    child = "Room"

    def __init__(self) -> None:
        self.banned: Set[str] = set()

    def identify(self, request: dog.Request) -> str:
        return request.query.get("u", "anon")


class Room(dog.Shard["Lobby"]):
    def receive(self, request: dog.Request) -> dog.Upgrade:
        return self.connect(request)

    def onmessage(self, socket: dog.Socket, data: dog.Data) -> None:
        assert_type(self.gateway, Lobby)
        self.gateway.banned.add(socket.uid)


class Plain(dog.Shard):
    def receive(self, request: dog.Request) -> dog.Response:
        assert_type(self.gateway, dog.Gateway)
        return dog.Response(self.gateway.name)


def members(shard: dog.Shard) -> int:
    return shard.count


def count(room: Room, plain: Plain) -> int:
    return members(room) + members(plain)
