"""The rules that must always hold, as far as a client can see them, each test named by its rule."""
import random
import signal
import threading
import time

import pytest

from chat import Person, cluster, connections, shard_of, shards_of, until_connections
from client import BINARY, PONG, TEXT, Connection, Ended, WebSocket, fetch, frame, request_bytes, upgrade_headers
from server import DEADLINE, eventually


@pytest.fixture
def demo(serve, workers):
    return serve("demo", workers=workers).port


@pytest.fixture
def echo(serve, workers):
    return serve("echo", workers=workers).port


@pytest.fixture
def fanout(serve, workers):
    # Few places, so that the one cluster has Shards on every worker.
    return serve("fanout", workers=workers, limit=3).port


# Where a program that does not take any path has its WebSocket.
PATHS = {"tasks": "/tasks/x/ws", "demo": "/ws", "deferred": "/room/ws"}


def arrive(port, *names, room=None):
    """People in the order of their arrival; each is in the room before the next one comes."""
    return [Person(port, name, room).joined() for name in names]


def mark(person, *hearers):
    """A broadcast that all hearers have heard: what the same sender sent before is there by then, or never comes."""
    person.talk("mark")
    for hearer in hearers:
        hearer.until("user:msg", text="mark", **{"from": person.name})


# ---- Gateway


@pytest.mark.each_transport
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"])
def test_G1_receive_gets_the_body_as_it_was_sent_under_any_method(echo, method):
    body = bytes(range(256)) * 20
    with Connection(echo) as connection:
        for target in ("/", "/a%20b/../c?d=e&f=%00", "/%E2%82%AC", "*" if method == "OPTIONS" else "/x"):
            assert connection.request(method, target, [("Content-Type", "x/y")], body).body == body


def test_G1_the_gateway_named_by_the_route_gets_the_request(demo):
    people = arrive(demo, "anna", room="one") + arrive(demo, "bert", room="two")
    rooms = cluster(demo)
    assert {name: [shard["uids"] for shard in room["shards"]] for name, room in rooms.items()} == {
        "one": [["anna"]], "two": [["bert"]]}
    assert len(people) == 2


def test_G2_a_known_uid_goes_back_to_its_shard(demo):
    anna, bert, carl, dora = arrive(demo, "anna", "bert", "carl", "dora")
    home = shard_of(demo, "bert")
    for person in (anna, carl, dora):
        person.close()
    until_connections(demo, 1)
    anna = Person(demo, "anna").joined()
    assert shard_of(demo, "anna") == home
    bert.close()


def test_G2_a_known_uid_whose_shard_is_full_goes_elsewhere(demo):
    anna, bert, carl = arrive(demo, "anna", "bert", "carl")
    anna.close()
    until_connections(demo, 2)
    dora = Person(demo, "dora").joined()
    emil = Person(demo, "emil").joined()
    assert shards_of(demo) == [["bert", "dora"], ["carl", "emil"]]
    anna = Person(demo, "anna").joined()
    assert shards_of(demo) == [["bert", "dora"], ["carl", "emil"], ["anna"]]
    del carl, dora, emil


def test_G2_two_sockets_of_one_uid_go_to_one_shard(demo):
    people = arrive(demo, "anna", "bert", "carl", "carl")
    assert shards_of(demo) == [["anna", "bert"], ["carl", "carl"]] or shards_of(demo) == [["anna", "bert"], ["carl"]]
    assert [shard["connections"] for shard in cluster(demo)["lobby"]["shards"]] == [2, 2]
    assert len(people) == 4


def test_G3_the_least_utilised_shard_is_taken_and_the_oldest_of_equals(demo):
    anna, bert, carl, dora, emil = arrive(demo, "anna", "bert", "carl", "dora", "emil")
    for person in (anna, bert, dora):
        person.close()
    until_connections(demo, 2)
    # By age: 0, 1, 1.
    people = arrive(demo, "p1")
    assert shards_of(demo) == [["p1"], ["carl"], ["emil"]]
    people += arrive(demo, "p2")
    assert shards_of(demo) == [["p1", "p2"], ["carl"], ["emil"]]
    people += arrive(demo, "p3")
    assert shards_of(demo) == [["p1", "p2"], ["carl", "p3"], ["emil"]]
    people += arrive(demo, "p4")
    assert shards_of(demo) == [["p1", "p2"], ["carl", "p3"], ["emil", "p4"]]
    assert len(people) == 4


@pytest.mark.parametrize("limit", [1, 2, 7])
def test_G4_a_rush_of_arrivals_makes_no_shard_too_many(serve, workers, limit):
    port = serve("demo", workers=workers, limit=limit).port
    waiting = [Connection(port) for _ in range(60)]
    for number, connection in enumerate(waiting):
        connection.send(request_bytes("GET", f"/ws?u=p{number}", upgrade_headers()))
    for connection in waiting:
        assert connection.response().status == 101
    shards = cluster(port)["lobby"]["shards"]
    assert sum(shard["connections"] for shard in shards) == 60
    assert len(shards) == -(-60 // limit)


def test_G5_requests_over_http_give_their_places_back(demo):
    people = arrive(demo, "anna", "bert")
    for path in ("/broadcast", "/emit", "/whisper?target=anna", "/ws", "/broadcast"):
        fetch(demo, "GET", path)
        fetch(demo, "POST", path)
    until_connections(demo, 2)
    assert len(people) == 2


def test_G5_refused_upgrades_give_their_places_back(demo):
    for changes in ({"Sec_WebSocket_Version": "8"}, {"Sec_WebSocket_Key": None}, {"Upgrade": None}):
        for _ in range(5):
            assert fetch(demo, "GET", "/ws", upgrade_headers(**changes)).status in (400, 426)
    until_connections(demo, 0)


@pytest.mark.each_transport
@pytest.mark.parametrize("way", ["drop", "reset"])
def test_G5_clients_that_vanish_at_any_point_give_their_places_back(serve, workers, way):
    port = serve("demo", workers=workers, limit=3).port
    whole = request_bytes("GET", "/ws?u=ghost", upgrade_headers()) + frame(TEXT, b'{"type":"req:user:list"}')
    source = random.Random(5)
    for cut in [*range(0, len(whole), 7), *(len(whole) for _ in range(30))]:
        connection = Connection(port)
        connection.send(whole[:cut])
        if source.random() < 0.3:
            fetch(port, "GET", "/cluster")
        getattr(connection, way)()
    until_connections(port, 0)
    people = arrive(port, "anna", "bert", "carl")
    assert connections(port) == len(people)


def test_G5_no_shard_is_over_its_limit_while_people_come_and_go(serve, workers):
    seed = random.randrange(1 << 32)
    print("seed", seed)
    port = serve("demo", workers=workers, limit=3).port
    done = threading.Event()
    faults = []

    def come_and_go(source):
        try:
            for _ in range(40):
                person = Person(port, f"p{source.randrange(12)}")
                if source.random() < 0.5:
                    person.joined()
                source.choice([person.close, person.drop, person.reset])()
        except (AssertionError, OSError, Ended) as fault:
            faults.append(fault)

    threads = [threading.Thread(target=come_and_go, args=[random.Random(seed + number)]) for number in range(8)]
    watcher = threading.Thread(target=lambda: watch(port, done, faults))
    watcher.start()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    watcher.join()
    assert not faults, faults
    until_connections(port, 0)


def watch(port, done, faults):
    try:
        while not done.is_set():
            cluster(port)
    except (AssertionError, Ended) as fault:
        faults.append(fault)


def test_G6_an_empty_shard_is_retired(idle_cluster):
    """The server emptied its Shards when the session began; idle_seconds is a minute by default."""
    port, began = idle_cluster
    eventually(lambda: not any(room["shards"] for room in cluster(port).values()), "the retirement of empty Shards",
               deadline=60 + DEADLINE)
    assert time.monotonic() - began > 50, "no Shard is retired before its time"
    anna = Person(port, "anna").joined()
    assert shards_of(port) == [["anna"]]


def test_G7_identify_may_refuse(serve, workers):
    port = serve("tasks", workers=workers).port
    long = [("Authorization", "Bearer " + "x" * 300)]
    assert fetch(port, "GET", "/tasks/chores", long).status == 400
    assert fetch(port, "GET", "/tasks/chores").status == 200


@pytest.mark.each_transport
def test_G7_every_answer_may_come_later_and_nobody_else_waits_for_it(serve, workers):
    port = serve("deferred", workers=workers).port
    waiting = [Connection(port) for _ in range(50)]
    for number, connection in enumerate(waiting):
        connection.send(request_bytes("GET", f"/room?u=p{number}"))
    for number, connection in enumerate(waiting):
        answer = connection.response()
        assert (answer.status, f"p{number}" in answer.body.decode()) == (200, True)
    with WebSocket(port, "/room/ws?u=one") as one, WebSocket(port, "/room/ws?u=two") as other:
        assert one.handshake.status == other.handshake.status == 101


FORGERIES = [
    ("DOG-UID", "boss"), ("X-DOG-UID", "boss"), ("X-DOG-Shard", "0" * 32), ("X-ReqID", "boss"), ("X-Gateway", "lobby"),
    ("X-Forwarded-For", "10.0.0.1"), ("Sec-WebSocket-DOG", "1"), ("X-Real-IP", "10.0.0.1"), (":path", "/cluster"),
]


def test_G8_no_header_of_a_client_passes_for_something_internal(demo):
    for name, value in FORGERIES:
        if name.startswith(":"):
            assert fetch(demo, "GET", "/ws", [(name, value)]).status == 400
            continue
        with Person(demo, "anna", headers=[(name, value)]) as person:
            assert person.next()["from"] == "anna"
            eventually(lambda: shards_of(demo) == [["anna"]], "anna alone on her Shard")
        until_connections(demo, 0)


@pytest.mark.parametrize("path", ["/dog", "/_dog", "/__dog/emit", "/gateway/lobby", "/shard/0", "/rooms/lobby/internal",
                                  "/rooms/lobby/ws/../../cluster", "//cluster"])
def test_G8_no_path_of_a_client_leads_inside(demo, path):
    answer = fetch(demo, "GET", path)
    assert answer.status in (400, 404, 426), answer


def test_G8_a_frame_that_looks_internal_is_only_a_message(demo):
    anna, bert = arrive(demo, "anna", "bert")
    for forged in ('{"type":"user:exit","from":"bert"}', '{"gossip":1}', '{"type":"whisper","to":"bert","uid":"boss"}'):
        anna.say(forged)
        while (heard := bert.hear()) != forged:
            assert heard.startswith("{")
    assert shards_of(demo) == [["anna", "bert"]]


# ---- Shard and socket


@pytest.mark.parametrize("method, changes, status", [
    ("POST", {}, 405),
    ("GET", {"Upgrade": None, "Connection": None, "Sec_WebSocket_Key": None, "Sec_WebSocket_Version": None}, 426),
    ("GET", {"Upgrade": None}, 426),
    ("GET", {"Upgrade": "h2c"}, 426),
    ("GET", {"Sec_WebSocket_Version": "12"}, 426),
    ("GET", {"Sec_WebSocket_Key": None}, 400),
    ("GET", {"Sec_WebSocket_Key": "tooshort"}, 400),
])
def test_S1_connect_on_a_bad_upgrade_answers_for_itself(demo, method, changes, status):
    answer = fetch(demo, method, "/ws", upgrade_headers(**changes), b"" if method == "POST" else None)
    assert answer.status == status
    if status == 426:
        assert answer.header("Upgrade").lower() == "websocket"
        assert answer.header("Sec-WebSocket-Version") == "13"


def test_S2_what_is_broadcast_in_onopen_reaches_the_newcomer_first(demo):
    for number in range(20):
        with Person(demo, f"p{number}") as person:
            event = person.next()
            assert (event["type"], event["from"]) == ("user:join", f"p{number}")


@pytest.mark.each_transport
def test_S2_messages_arrive_in_the_order_they_were_sent(echo):
    with WebSocket(echo, "/") as socket:
        socket.send(b"".join(frame(TEXT, str(number).encode()) for number in range(5000)))
        assert [int(socket.hear()) for _ in range(5000)] == list(range(5000))


@pytest.mark.each_transport
def test_S2_each_end_of_a_socket_is_told_exactly_once(demo):
    witness = Person(demo, "witness").joined()
    for number, way in enumerate(["close", "drop", "reset"] * 6):
        getattr(Person(demo, f"p{number}").joined(), way)()
        witness.until("user:exit", **{"from": f"p{number}"})
    mark(witness, witness)
    types = [event["type"] for event in witness.passed]
    assert types == ["user:join"] * 18, "each was seen to join, and no exit came twice"


@pytest.mark.each_transport
def test_S3_text_and_binary_are_kept_apart(echo):
    with WebSocket(echo, "/") as socket:
        for kind, data in ((TEXT, b"same"), (BINARY, b"same"), (TEXT, b""), (BINARY, b""), (BINARY, b"\xff\xfe")):
            socket.send(frame(kind, data))
            assert socket.message() == (kind, data)


def test_S3_two_sockets_of_one_uid_are_two(demo):
    first, second, other = arrive(demo, "anna", "anna", "bert")
    first.close()
    other.until("user:exit", **{"from": "anna"})
    other.talk("/w anna still there?")
    assert second.until("user:msg", meta="whisper")["text"] == "still there?"
    assert connections(demo) == 2


@pytest.mark.each_transport
def test_S4_each_receiver_gets_what_one_sender_sent_in_that_order(fanout):
    members = [WebSocket(fanout, "/") for _ in range(12)]
    senders = members[:4]
    count = 300
    threads = [threading.Thread(target=lambda me=me: [senders[me].say(f"{me} {n}") for n in range(count)])
               for me in range(len(senders))]
    for thread in threads:
        thread.start()
    for member in members:
        heard = [member.hear().split() for _ in range(count * len(senders))]
        for me in range(len(senders)):
            assert [int(number) for who, number in heard if who == str(me)] == list(range(count))
    for thread in threads:
        thread.join()


def test_S4_emit_stays_in_the_shard_and_broadcast_does_not(demo):
    anna, bert, carl = arrive(demo, "anna", "bert", "carl")
    anna.talk("/g near")
    anna.talk("/a far")
    assert [bert.until("user:msg")["text"], bert.until("user:msg")["text"]] == ["near", "far"]
    assert carl.until("user:msg")["text"] == "far"


def test_S4_a_direct_answer_and_broadcasts_of_one_turn_keep_their_order(demo):
    anna, bert = arrive(demo, "anna", "bert")
    anna.send(b"".join(frame(TEXT, text) for text in (
        b'{"type":"msg","text":"one"}', b"not json", b'{"type":"msg","text":"two"}', b"nor this",
        b'{"type":"msg","text":"/w anna three"}')))
    anna.until("user:msg", text="one")
    assert [anna.next()["type"], anna.next().get("text"), anna.next()["type"]] == ["error", "two", "error"]
    assert [bert.until("user:msg")["text"], bert.next()["text"]] == ["one", "two"]


@pytest.mark.each_transport
def test_S4_the_dead_cost_the_living_nothing(fanout):
    members = [WebSocket(fanout, "/") for _ in range(30)]
    living, dying = members[::3], members[1::3] + members[2::3]
    sender = living[0]
    for number in range(200):
        if number % 10 == 5:
            dying.pop().reset()
        sender.say(str(number))
    for member in living:
        assert [member.hear() for _ in range(200)] == [str(number) for number in range(200)]


def test_S5_a_whisper_reaches_every_socket_of_its_uid_and_no_other(demo):
    # Two Annas share a Shard, a third has to live on another one.
    annas = arrive(demo, "anna", "anna", "anna")
    others = arrive(demo, "bert", "carl")
    others[1].talk("/w anna to all of you")
    for anna in annas:
        event = anna.until("user:msg")
        assert (event["meta"], event["text"]) == ("whisper", "to all of you")
    mark(others[1], *annas, *others)
    assert not [event for event in others[0].passed if event.get("meta") == "whisper"]


def test_S5_a_whisper_to_oneself_is_delivered(demo):
    anna, = arrive(demo, "anna")
    anna.talk("/w anna note to self")
    assert anna.next()["text"] == "note to self"


def test_S5_nobody_of_that_name_is_an_answer(demo):
    answer = fetch(demo, "GET", "/whisper?target=nobody")
    assert (answer.status, answer.body.strip()) == (200, b"DONE")


def test_S6_gossip_brings_the_answers_of_every_shard(demo):
    names = [f"p{number}" for number in range(15)]
    people = arrive(demo, *names)
    for person in (people[0], people[7], people[14]):
        person.tell(type="req:user:list")
        assert sorted(person.until("user:list")["list"]) == sorted(names)


def test_S6_without_siblings_the_answer_is_there_at_once(demo):
    anna, = arrive(demo, "anna")
    anna.tell(type="req:user:list")
    assert anna.next()["list"] == ["anna"]


def test_S6_siblings_that_come_and_go_cost_no_answer(demo):
    anna, = arrive(demo, "anna")
    for number in range(40):
        anna.tell(type="req:user:list")
        person = Person(demo, f"p{number}")
        anna.tell(type="req:user:list")
        person.reset()
    lists = [anna.until("user:list") for _ in range(80)]
    assert all("anna" in event["list"] for event in lists)


def test_S7_the_server_may_speak_with_no_socket_involved(demo):
    anna, bert, carl = arrive(demo, "anna", "bert", "carl")
    assert fetch(demo, "GET", "/broadcast").status == 200
    for person in (anna, bert, carl):
        person.until("user:msg", **{"from": "HTTP"})
    assert fetch(demo, "GET", "/whisper?target=bert").status == 200
    bert.until("user:msg", meta="whisper", **{"from": "HTTP"})


@pytest.mark.each_transport
def test_S8_who_does_not_read_is_closed_with_1013_and_nobody_else_notices(fanout):
    slow = WebSocket(fanout, "/", receive_buffer=4096)
    sender, reader = WebSocket(fanout, "/"), WebSocket(fanout, "/")
    blob = b"x" * 250_000
    began = time.monotonic()
    for _ in range(120):
        sender.send(frame(BINARY, blob))
        # Both keep up, so theirs is never the outbox that fills.
        assert sender.message() == reader.message() == (BINARY, blob)
    try:
        while True:
            assert slow.message() == (BINARY, blob)
    except Ended as ended:
        # The close frame waits close_timeout_ms for its answer; a run that was slower than that sees the reset alone.
        assert ended.args[0][0] == 1013 or time.monotonic() - began > 4, ended
    sender.say("after")
    assert reader.hear() == "after"


@pytest.mark.each_transport
def test_S8_a_ping_is_answered_behind_an_outbox_that_fills(fanout):
    slow, sender = WebSocket(fanout, "/", receive_buffer=4096), WebSocket(fanout, "/")
    blob = b"x" * 100_000
    for _ in range(30):
        sender.send(frame(BINARY, blob))
        assert sender.message() == (BINARY, blob)
    slow.send(frame(9, b"are you there"))
    while (arrived := slow.frame())[1] != PONG:
        assert arrived[1:] == (BINARY, blob)
    assert arrived == (True, PONG, b"are you there")


# ---- engine


@pytest.mark.parametrize("program", ["echo", "demo", "tasks", "counter"])
def test_E1_nothing_that_a_client_sends_ends_the_process(serve, workers, program):
    seed = random.randrange(1 << 32)
    print("seed", seed)
    source = random.Random(seed)
    server = serve(program, workers=workers)
    path = PATHS.get(program, "/")
    request = request_bytes("GET", path, upgrade_headers()) + b"".join(
        frame(source.choice([0, 1, 2, 8, 9, 10]), source.randbytes(source.randrange(200))) for _ in range(4))
    for _ in range(400):
        data = bytearray(request)
        for _ in range(source.randrange(1, 6)):
            place = source.randrange(len(data))
            match source.randrange(4):
                case 0:
                    data[place] = source.randrange(256)
                case 1:
                    del data[place:place + source.randrange(20)]
                case 2:
                    data[place:place] = source.randbytes(source.randrange(20))
                case 3:
                    data[place:place] = data[place:place + source.randrange(100)]
        with Connection(server.port) as connection:
            connection.send(bytes(data[:source.randrange(len(data) + 1)] if source.random() < 0.3 else data))
            if source.random() < 0.3:
                connection.reset()
            elif source.random() < 0.3:
                connection.finish_sending()
                connection.ends()
        assert server.is_alive(), server.said()
    assert fetch(server.port, "GET", "/").status in (200, 404, 426)


@pytest.mark.each_transport
def test_E2_a_connection_that_only_waits_holds_nobody_up(echo):
    idle = [Connection(echo) for _ in range(200)]
    for connection in idle[::2]:
        connection.send(b"POST / HT")
    assert fetch(echo, "POST", "/", body=b"x").body == b"x"
    for connection in idle[::2]:
        connection.send(b"TP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\ny")
    assert [connection.response().body for connection in idle[::2]] == [b"y"] * 100


@pytest.mark.each_transport
@pytest.mark.parametrize("program", ["echo", "fanout", "tasks", "counter", "deferred", "demo"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_E3_stop_closes_with_1001_and_ends(serve, workers, program, number):
    server = serve(program, workers=workers)
    path = PATHS.get(program, "/")
    sockets = [WebSocket(server.port, path) for _ in range(10)]
    server.process.send_signal(number)
    for socket in sockets:
        assert socket.closed_by_server()[0] == 1001
    assert server.wait() == 0, server.said()


@pytest.mark.each_transport
def test_E3_stop_answers_the_requests_in_flight(serve, workers):
    server = serve("deferred", workers=workers)
    waiting = [Connection(server.port) for _ in range(20)]
    for connection in waiting:
        connection.send(request_bytes("GET", "/room"))
    # What the engine answers by itself, on every worker, comes after it has read what was there before; the answers of
    # the host take longer than that.
    for _ in range(40):
        assert fetch(server.port, "GET", "/").status == 404
    server.process.send_signal(signal.SIGTERM)
    assert [connection.response().status for connection in waiting] == [200] * 20
    assert server.wait() == 0, server.said()


@pytest.mark.each_transport
def test_E3_a_client_that_does_not_answer_the_close_is_not_waited_for_forever(serve, workers):
    server = serve("echo", workers=workers)
    with WebSocket(server.port, "/") as silent:
        server.stop()
        assert silent.frame()[1] == 8
        silent.ends()
