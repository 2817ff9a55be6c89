"""What the example programs in C promise in their first comments, on one worker and on four: places, joins, gossip.
How their readers use them is in test_example_programs.py."""
import json
import threading

import pytest

from client import Connection, WebSocket, fetch, request_bytes, upgrade_headers
from server import eventually


# ---- tasks


@pytest.fixture
def tasks(serve, workers):
    return serve("tasks", workers=workers).port


def about(answer):
    """The lines "uid: x", "shard: y", "sockets: n" of an answer."""
    assert answer.status == 200, answer
    return dict(line.split(": ", 1) for line in answer.body.decode().splitlines())


def test_a_name_is_the_same_name_however_it_is_encoded(tasks):
    one = about(fetch(tasks, "GET", "/tasks/a%20task"))
    two = about(fetch(tasks, "GET", "/tasks/%61%20%74ask"))
    assert one["shard"] == two["shard"]
    assert about(fetch(tasks, "GET", "/tasks/a%2520task"))["shard"] != one["shard"], "decoded once"


def test_a_shard_of_tasks_holds_fifty(tasks):
    sockets = [WebSocket(tasks, "/tasks/milk/ws") for _ in range(50)]
    there = about(fetch(tasks, "GET", "/tasks/milk"))
    assert there["sockets"] == "0", "the fifty-first request is placed on a Shard of its own"
    sockets.pop().close()
    sockets += [WebSocket(tasks, "/tasks/milk/ws")]


def test_G2_over_http_a_known_uid_comes_back_to_its_shard(serve, workers):
    port = serve("tasks", workers=workers, limit=1).port
    shards = {}
    with WebSocket(port, "/tasks/milk/ws", [("Authorization", "Bearer first")]):
        for name in ("ann", "bob", "ann", "bob", "ann"):
            shard = about(fetch(port, "GET", "/tasks/milk", [("Authorization", f"Bearer {name}")]))["shard"]
            assert shards.setdefault(name, shard) == shard


# ---- counter


@pytest.fixture
def counter(serve, workers):
    return serve("counter", workers=workers, limit=2).port


def player(port, name):
    return WebSocket(port, f"/?u={name}")


def until_joined(socket, name):
    assert socket.hear() == f"{name} has joined"


def score(socket):
    event = json.loads(socket.hear())
    assert event["type"] == "score"
    return event["uid"], event["score"]


def test_who_joins_is_emitted_to_the_others_on_the_shard(counter):
    ann = player(counter, "ann")
    bob = player(counter, "bob")
    until_joined(ann, "bob")
    carl = player(counter, "carl")
    dora = player(counter, "dora")
    until_joined(carl, "dora")
    bob.say('{"type":"+1"}')
    for socket in (ann, bob, carl, dora):
        assert score(socket) == ("bob", 1)


def test_each_change_is_broadcast_to_all(counter):
    players = [player(counter, name) for name in ("ann", "bob", "carl")]
    until_joined(players[0], "bob")
    for kind, total in (("+1", 1), ("+1", 2), ("-1", 1), ("-1", 0), ("-1", -1)):
        players[2].say(json.dumps({"type": kind}))
        for socket in players:
            assert score(socket) == ("carl", total)


def test_many_who_ask_at_once_all_get_the_leaderboard(counter):
    players = [player(counter, f"p{number}") for number in range(6)]
    for socket in players:
        socket.say('{"type":"refresh:leaderboard"}')
    for socket in players:
        while not (text := socket.hear()).startswith('{"type":"leaderboard"'):
            assert text.endswith("has joined")


@pytest.mark.parametrize("name, status", [("x" * 256, 101), ("x" * 257, 400), ("a%00b", 400), ("a%0A", 400),
                                          ("%FF", 400)])
def test_a_uid_is_bounded_and_has_no_control_characters(counter, name, status):
    assert fetch(counter, "GET", f"/?u={name}", upgrade_headers()).status == status


# ---- deferred


def test_G7_gossip_may_be_answered_later_and_each_sibling_is_heard(serve, workers):
    port = serve("deferred", workers=workers, limit=2).port
    sockets = [WebSocket(port, f"/room/ws?u=p{number}") for number in range(5)]
    sockets[0].say("ask")
    lines = sockets[0].hear().splitlines()
    assert lines[0] == "2 siblings"
    assert sorted(line.split(": ")[1] for line in lines[1:]) == ["1 sockets", "2 sockets"]


def test_S6_gossip_without_siblings_is_an_empty_list(serve, workers):
    port = serve("deferred", workers=workers).port
    with WebSocket(port, "/room/ws") as socket:
        socket.say("ask")
        assert socket.hear() == "0 siblings\n"


def shard_count(socket):
    socket.say("ask")
    return int(socket.hear().split()[0]) + 1


@pytest.mark.parametrize("way", ["drop", "reset"])
def test_G5_clients_that_leave_before_the_answer_give_their_places_back(serve, workers, way):
    limit = 8
    port = serve("deferred", workers=workers, limit=limit).port
    for _ in range(5):
        leaving = [Connection(port) for _ in range(40)]
        for number, connection in enumerate(leaving):
            connection.send(request_bytes("GET", f"/room?u=q{number}"))
        for connection in leaving:
            getattr(connection, way)()

    def is_whole_again():
        """Whether as many as there are places find room without a new Shard."""
        first = WebSocket(port, "/room/ws?u=first")
        shards = shard_count(first)
        others = [Connection(port) for _ in range(limit * shards - 1)]
        for number, connection in enumerate(others):
            connection.send(request_bytes("GET", f"/room/ws?u=p{number}", upgrade_headers()))
        for connection in others:
            assert connection.response().status == 101
        then = shard_count(first)
        for connection in [first, *others]:
            connection.drop()
        return then == shards

    eventually(is_whole_again, "every place to be free again")


def test_deferred_serves_many_at_once(serve, workers):
    port = serve("deferred", workers=workers, limit=3).port
    faults = []

    def visit(number):
        with Connection(port) as connection:
            for turn in range(3):
                answer = connection.request("GET", f"/room{turn}?u=p{number}")
                if about(answer)["uid"] != f"p{number}":
                    faults.append(answer)

    threads = [threading.Thread(target=visit, args=[number]) for number in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
