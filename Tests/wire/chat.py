"""One person in the demo's chat room, and the /cluster page that says where everybody is."""
import json

from client import WebSocket, fetch
from server import eventually


class Person(WebSocket):
    def __init__(self, port, name, room=None, **options):
        path = f"/rooms/{room}/ws" if room else "/ws"
        super().__init__(port, path if name is None else f"{path}?u={name}", **options)
        self.name = name or "anon"
        # What came and was passed over by `until`, so that a test can also say what must not have come.
        self.passed = []

    def tell(self, **fields):
        self.say(json.dumps(fields))

    def talk(self, text):
        self.tell(type="msg", text=text)

    def next(self):
        event = json.loads(self.hear())
        assert isinstance(event, dict), event
        return event

    def until(self, type, **fields):
        """Reads on to the first event of this type with these fields, and gives it back."""
        while True:
            event = self.next()
            if event.get("type") == type and all(event.get(key) == value for key, value in fields.items()):
                return event
            self.passed.append(event)

    def joined(self):
        """Waits for one's own arrival: from then on this person is in the room for everybody."""
        self.until("user:join", **{"from": self.name})
        return self


def cluster(port):
    """GET /cluster as {room: room's entry}. Every look checks what must hold at any moment."""
    response = fetch(port, "GET", "/cluster")
    assert response.status == 200, response
    rooms = response.json()["rooms"]
    for room in rooms:
        for shard in room["shards"]:
            assert 0 <= shard["connections"] <= room["limit"], f"G5: {shard} in {room['room']}"
    assert len({room["room"] for room in rooms}) == len(rooms)
    return {room["room"]: room for room in rooms}


def shards_of(port, room="lobby"):
    """The Shards of a room as a list of sorted uids, for the Shards that have any; oldest first."""
    entry = cluster(port).get(room, {"shards": []})
    return [sorted(shard["uids"]) for shard in entry["shards"] if shard["uids"]]


def shard_of(port, uid, room="lobby"):
    """The id of the Shard that holds a uid's sockets; the uid must be on exactly one."""
    found = [shard["id"] for shard in cluster(port)[room]["shards"] if uid in shard["uids"]]
    assert len(found) == 1, (uid, found)
    return found[0]


def connections(port):
    return sum(room["connections"] for room in cluster(port).values())


def until_connections(port, count):
    eventually(lambda: connections(port) == count, f"{count} connections in /cluster")
