"""The chat room of `dog-host demo`, as its clients see it: the protocol, the HTTP side, the rooms, the end."""
import json
import re
import signal
import subprocess
import time

import pytest

from chat import Person, cluster, connections, shard_of, shards_of, until_connections
from client import Connection, fetch, request_bytes
from server import BIN, DEADLINE, eventually


@pytest.fixture
def port(serve, workers):
    return serve("demo", workers=workers).port


def gather(port, *names, room=None):
    """People who are all in the room already: each has seen everybody who came later arrive."""
    people = []
    for name in names:
        person = Person(port, name, room).joined()
        for other in people:
            other.until("user:join", **{"from": name})
        people.append(person)
    return people


def short(text):
    return repr(text[:20])


def assert_is_now(event):
    assert isinstance(event["time"], int)
    assert abs(event["time"] / 1000 - time.time()) < 600, "milliseconds since 1970"


# ---- arriving and leaving


def test_an_arrival_is_told_to_all_the_newcomer_included(port):
    anna, = gather(port, "anna")
    bert = Person(port, "bert")
    for person in (anna, bert):
        event = person.next()
        assert (event["type"], event["from"]) == ("user:join", "bert")
        assert_is_now(event)


def test_without_a_name_one_is_anon(port):
    person = Person(port, None)
    assert person.next()["from"] == "anon"


def test_a_name_is_percent_decoded(port):
    person = Person(port, "J%C3%B6rg%20%26+co")
    assert person.next()["from"] == "Jörg & co"


def test_a_departure_is_told_to_the_others(port):
    anna, bert, carl = gather(port, "anna", "bert", "carl")
    bert.close()
    for person in (anna, carl):
        event = person.until("user:exit")
        assert event["from"] == "bert"
        assert_is_now(event)


@pytest.mark.parametrize("way", ["close", "drop", "reset"])
def test_a_departure_is_told_once_however_it_came_about(port, way):
    anna, bert, carl = gather(port, "anna", "bert", "carl")
    getattr(bert, way)()
    anna.until("user:exit", **{"from": "bert"})
    carl.until("user:exit", **{"from": "bert"})
    carl.talk("after")
    anna.until("user:msg", text="after")
    assert [event["type"] for event in anna.passed].count("user:exit") == 0


# ---- what clients may ask


def test_req_connected_is_answered_to_all(port):
    people = gather(port, "anna", "bert", "carl")
    people[0].tell(type="req:connected")
    for person in people:
        event = person.until("user:connected")
        assert event["from"] == "anna"
        assert_is_now(event)


def test_req_user_list_tells_the_asker_alone_who_is_in_the_cluster(port):
    names = ["anna", "bert", "carl", "dora", "emil"]
    people = gather(port, *names)
    people[0].tell(type="req:user:list")
    event = people[0].until("user:list")
    assert sorted(event["list"]) == names
    assert_is_now(event)
    people[0].talk("done")
    for other in people[1:]:
        assert other.next()["type"] == "user:msg", "nobody else got the list"


def test_a_message_is_broadcast_to_all_the_sender_included(port):
    people = gather(port, "anna", "bert", "carl")
    people[0].talk("hello everyone")
    for person in people:
        event = person.next()
        assert (event["type"], event["from"], event["text"]) == ("user:msg", "anna", "hello everyone")
        assert "meta" not in event and "to" not in event
        assert_is_now(event)


@pytest.mark.parametrize("command", ["/a", "/all"])
def test_all_is_the_command_for_a_broadcast(port, command):
    people = gather(port, "anna", "bert", "carl")
    people[2].talk(f"{command} hello there")
    for person in people:
        event = person.next()
        assert (event["type"], event["from"], event["text"]) == ("user:msg", "carl", "hello there")
        assert "meta" not in event


@pytest.mark.parametrize("command", ["/g", "/group"])
def test_group_reaches_the_senders_shard_alone(port, command):
    anna, bert, carl, dora = gather(port, "anna", "bert", "carl", "dora")
    assert shards_of(port) == [["anna", "bert"], ["carl", "dora"]]
    anna.talk(f"{command} just us two")
    for person in (anna, bert):
        event = person.next()
        assert (event["type"], event["from"], event["text"]) == ("user:msg", "anna", "just us two")
        assert event["meta"] == "group"
    anna.talk("everybody")
    for person in (carl, dora):
        assert person.next()["text"] == "everybody"


@pytest.mark.parametrize("command", ["/w", "/msg"])
@pytest.mark.parametrize("target", ["bert", "dora"], ids=["same-shard", "other-shard"])
def test_a_whisper_reaches_its_target_and_is_echoed_to_its_sender(port, command, target):
    people = dict(zip(["anna", "bert", "carl", "dora"], gather(port, "anna", "bert", "carl", "dora")))
    people["anna"].talk(f"{command} {target} psst, a secret")
    for name in (target, "anna"):
        event = people[name].next()
        assert (event["type"], event["from"], event["text"]) == ("user:msg", "anna", "psst, a secret")
        assert (event["meta"], event["to"]) == ("whisper", target)
        assert_is_now(event)
    people["anna"].talk("aloud")
    for person in people.values():
        assert person.next()["text"] == "aloud", "no one else heard it, and nobody twice"


def test_a_whisper_to_nobody_is_echoed_to_its_sender(port):
    anna, bert = gather(port, "anna", "bert")
    anna.talk("/w nobody are you there")
    event = anna.next()
    assert (event["meta"], event["to"], event["text"]) == ("whisper", "nobody", "are you there")
    anna.talk("aloud")
    assert bert.next()["text"] == "aloud"


def test_another_object_is_broadcast_as_it_is(port):
    people = gather(port, "anna", "bert", "carl")
    sent = '{"type":"draw", "points": [[1, 2.50], [3e2, -4]], "nested": {"é": null, "on": true}, "text": "<b>&\\u0000"}'
    people[1].say(sent)
    for person in people:
        assert person.hear() == sent


@pytest.mark.parametrize("text", ["", "hello", "{", '{"type":', "nul", "{'a': 1}", '{"a":1} x', '{"a":1,}', "[1,",
                                  '{"a":"\x01"}', '"\\ud800', "[" * 100_000, '{"a":' * 50_000], ids=short)
def test_what_is_not_json_gets_an_error_and_nothing_else_happens(port, text):
    anna, bert = gather(port, "anna", "bert")
    anna.say(text)
    event = anna.next()
    assert event["type"] == "error"
    assert event["text"]
    anna.talk("next")
    assert anna.next()["text"] == "next"
    assert bert.next()["text"] == "next"


@pytest.mark.parametrize("text", ["[]", "1", '"text"', "null", "true"])
def test_json_that_is_not_an_object_is_never_broadcast(port, text):
    anna, bert = gather(port, "anna", "bert")
    anna.say(text)
    assert anna.next()["type"] == "error"
    anna.talk("next")
    assert bert.next()["text"] == "next"


@pytest.mark.parametrize("fields", [{}, {"text": None}, {"text": 5}, {"text": ["x"]}, {"text": {}}])
def test_a_msg_without_a_text_harms_nobody(port, fields):
    anna, bert = gather(port, "anna", "bert")
    anna.tell(type="msg", **fields)
    anna.talk("next")
    anna.until("user:msg", text="next")
    bert.until("user:msg", text="next")


@pytest.mark.parametrize("text", ["/w", "/w ", "/w bert", "/msg", "/g", "/a", "/", "/unknown command", " ", ""])
def test_an_unfinished_command_harms_nobody(port, text):
    anna, bert = gather(port, "anna", "bert")
    anna.talk(text)
    anna.talk("next")
    anna.until("user:msg", text="next")
    bert.until("user:msg", text="next")


def test_names_and_texts_are_data(port):
    anna = Person(port, "anna").joined()
    bert = Person(port, "%22%3Cscript%3E%5C")
    assert bert.next()["from"] == anna.next()["from"] == '"<script>\\'
    bert.talk('"quotes" \\ <i>markup</i> \u2028 \x7f \U0001f600')
    for person in (anna, bert):
        event = person.next()
        assert event["from"] == '"<script>\\'
        assert event["text"] == '"quotes" \\ <i>markup</i> \u2028 \x7f \U0001f600'


# ---- HTTP


@pytest.mark.parametrize("room", [None, "kitchen"])
def test_http_broadcast_reaches_all_and_answers_done(port, room):
    people = gather(port, "anna", "bert", "carl", room=room)
    answer = fetch(port, "GET", f"/rooms/{room}/broadcast" if room else "/broadcast")
    assert (answer.status, answer.body.strip()) == (200, b"DONE")
    for person in people:
        event = person.next()
        assert (event["type"], event["from"]) == ("user:msg", "HTTP")
        assert "meta" not in event
        assert_is_now(event)


@pytest.mark.parametrize("room", [None, "kitchen"])
def test_http_emit_reaches_one_shard_and_answers_done(port, room):
    anna, bert, carl = gather(port, "anna", "bert", "carl", room=room)
    answer = fetch(port, "GET", f"/rooms/{room}/emit" if room else "/emit")
    assert (answer.status, answer.body.strip()) == (200, b"DONE")
    # anna and bert fill their Shard, so the request is placed beside carl.
    event = carl.next()
    assert (event["type"], event["from"], event["meta"]) == ("user:msg", "HTTP", "group")
    carl.talk("next")
    for person in (anna, bert):
        assert person.next()["text"] == "next"


@pytest.mark.parametrize("room", [None, "kitchen"])
def test_http_whisper_reaches_its_target_and_answers_done(port, room):
    anna, bert, carl = gather(port, "anna", "bert", "carl", room=room)
    path = f"/rooms/{room}/whisper" if room else "/whisper"
    answer = fetch(port, "GET", f"{path}?target=anna")
    assert (answer.status, answer.body.strip()) == (200, b"DONE")
    event = anna.next()
    assert (event["type"], event["from"], event["meta"], event["to"]) == ("user:msg", "HTTP", "whisper", "anna")
    carl.talk("next")
    for person in (anna, bert, carl):
        assert person.next()["text"] == "next"


@pytest.mark.parametrize("path", ["/broadcast", "/emit", "/whisper?target=x", "/rooms/a/broadcast", "/rooms/a/emit",
                                  "/rooms/a/whisper?target=x", "/", "/cluster"])
def test_head_is_allowed_wherever_get_is(port, path):
    answer = fetch(port, "HEAD", path)
    assert (answer.status, answer.body) == (200, b"")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize("path", ["/broadcast", "/emit", "/whisper?target=x", "/rooms/a/broadcast"])
def test_other_methods_are_405(port, method, path):
    answer = fetch(port, method, path, body=b"" if method != "OPTIONS" else None)
    assert answer.status == 405
    assert sorted(re.split(r",\s*", answer.header("Allow"))) == ["GET", "HEAD"]


@pytest.mark.parametrize("path", ["/nothing", "/rooms", "/rooms/", "/rooms//ws", "/cluster/x", "/favicon.ico"])
def test_an_unknown_path_is_404(port, path):
    assert fetch(port, "GET", path).status == 404


@pytest.mark.parametrize("path", ["/ws", "/rooms/kitchen/ws"])
def test_a_plain_request_for_the_socket_is_426(port, path):
    answer = fetch(port, "GET", path)
    assert answer.status == 426
    assert answer.header("Upgrade").lower() == "websocket"
    assert answer.header("Sec-WebSocket-Version") == "13"


def test_the_page_is_whole_in_itself(port):
    answer = fetch(port, "GET", "/")
    assert answer.status == 200
    assert answer.header("Content-Type").lower().replace(" ", "") == "text/html;charset=utf-8"
    page = answer.body.decode()
    assert page.lstrip().lower().startswith("<!doctype html>")
    assert not re.search(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//""", page), "something is loaded from elsewhere"
    assert not re.search(r"@import|url\(\s*['\"]?https?:", page)


# ---- the cluster


def test_cluster_tells_every_room_with_its_shards(port):
    people = gather(port, "anna", "bert", "carl") + gather(port, "dora", room="kitchen")
    response = fetch(port, "GET", "/cluster")
    assert response.header("Content-Type").split(";")[0] == "application/json"
    rooms = {room["room"]: room for room in response.json()["rooms"]}
    assert sorted(rooms) == ["kitchen", "lobby"]
    for room, count in (("lobby", 3), ("kitchen", 1)):
        assert set(rooms[room]) == {"room", "limit", "connections", "shards"}
        assert (rooms[room]["limit"], rooms[room]["connections"]) == (2, count)
    for shard in rooms["lobby"]["shards"] + rooms["kitchen"]["shards"]:
        assert set(shard) == {"id", "worker", "connections", "uids"}
        assert re.fullmatch("[0-9a-f]{32}", shard["id"])
        assert shard["connections"] == len(shard["uids"])
        assert isinstance(shard["worker"], int)
    assert [sorted(shard["uids"]) for shard in rooms["lobby"]["shards"]] == [["anna", "bert"], ["carl"]]
    assert [shard["uids"] for shard in rooms["kitchen"]["shards"]] == [["dora"]]
    assert len(people) == 4


def test_asking_for_the_cluster_takes_no_place(port):
    for _ in range(10):
        assert fetch(port, "GET", "/cluster").json() == {"rooms": []}


def test_rooms_hear_nothing_of_one_another(port):
    anna, bert = gather(port, "anna", "bert")
    carl, dora = gather(port, "carl", "dora", room="kitchen")
    anna.talk("in the lobby")
    anna.talk("/w dora are you in the lobby")
    fetch(port, "GET", "/broadcast")
    fetch(port, "GET", "/whisper?target=carl")
    carl.talk("in the kitchen")
    assert carl.next()["text"] == dora.next()["text"] == "in the kitchen"
    assert bert.next()["text"] == "in the lobby"


def test_the_lobby_is_a_room_like_any_other(port):
    anna, = gather(port, "anna")
    bert = Person(port, "bert", "lobby").joined()
    assert anna.next()["from"] == "bert"
    assert shards_of(port) == [["anna", "bert"]]
    bert.drop()


def test_a_rooms_name_is_percent_decoded(port):
    anna = Person(port, "anna", "a%20b").joined()
    bert = Person(port, "bert", "a%20b").joined()
    assert anna.next()["from"] == "bert"
    assert list(cluster(port)) == ["a b"]
    bert.drop()


def test_a_third_person_gets_a_second_shard(port):
    people = gather(port, "anna", "bert", "carl", "dora", "emil")
    assert shards_of(port) == [["anna", "bert"], ["carl", "dora"], ["emil"]]
    assert len(people) == 5


def test_the_limit_is_an_option(serve, workers):
    port = serve("demo", workers=workers, limit=3).port
    people = gather(port, "anna", "bert", "carl", "dora")
    assert shards_of(port) == [["anna", "bert", "carl"], ["dora"]]
    assert cluster(port)["lobby"]["limit"] == 3
    assert len(people) == 4


def test_who_comes_back_finds_the_same_shard(port):
    anna, bert, carl, dora = gather(port, "anna", "bert", "carl", "dora")
    before = shard_of(port, "anna")
    for person in (anna, carl, dora):
        person.close()
    until_connections(port, 1)
    # The other Shard is empty and so the least utilised: only memory leads back beside bert.
    anna = Person(port, "anna").joined()
    assert shard_of(port, "anna") == shard_of(port, "bert") == before


# ---- the end


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_the_end_says_1001_to_everybody_and_is_exit_0(serve, workers, number):
    server = serve("demo", workers=workers)
    people = gather(server.port, "anna", "bert", "carl")
    people += gather(server.port, "dora", room="kitchen")
    server.process.send_signal(number)
    for person in people:
        assert person.closed_by_server()[0] == 1001
    assert server.wait() == 0, server.said()
    with pytest.raises(ConnectionError):
        Connection(server.port)


def test_the_end_does_not_wait_for_idle_http_connections(serve, workers):
    server = serve("demo", workers=workers)
    with Connection(server.port) as idle, Connection(server.port) as silent:
        assert idle.request("GET", "/cluster").status == 200
        silent.send(request_bytes("GET", "/")[:10])
        server.stop(signal.SIGINT)
        idle.ends()
        silent.ends()


def test_help_names_every_option():
    said = subprocess.run([str(BIN / "dog-host"), "demo", "--help"], capture_output=True, text=True, timeout=DEADLINE)
    assert said.returncode == 0
    for option in ("--host", "--port", "--limit", "--workers", "--log-level"):
        assert option in said.stdout


def test_many_people_in_a_room_all_hear_everything(serve, workers):
    port = serve("demo", workers=workers, limit=7).port
    people = gather(port, *[f"p{number}" for number in range(40)])
    for person in people:
        person.talk(f"I am {person.name}")
    for person in people:
        heard = [json.loads(person.hear()) for _ in people]
        assert sorted(event["text"] for event in heard) == sorted(f"I am {other.name}" for other in people)
    assert connections(port) == 40
    for person in people:
        person.close()
    eventually(lambda: connections(port) == 0, "an empty room")
