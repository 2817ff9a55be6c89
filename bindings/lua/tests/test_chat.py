"""examples/chat, as its readers use it, and the hosts of the benchmarks."""
import asyncio
import json
import signal

import pytest
from websockets.legacy import client as legacy  # the interface that Debian 12 and Debian 13 both have

from program import BINDING, DEADLINE, Program, closed, hear, run_lua

EXAMPLE = BINDING / "examples/chat"


@pytest.fixture
def chat_room():
    program = Program(EXAMPLE / "server.lua", "0", LUA_PATH=None, says="The chat is on")
    yield program
    program.end()


class Person:
    def __init__(self, program, name):
        self.connecting = legacy.connect(f"ws://127.0.0.1:{program.port}/ws?u={name}", open_timeout=DEADLINE)

    async def __aenter__(self):
        self.client = await self.connecting.__aenter__()
        return self

    async def __aexit__(self, *error):
        await self.connecting.__aexit__(*error)

    async def event(self, kind):
        """The next event of this type, past others, without its time."""
        while True:
            event = json.loads(await hear(self.client))
            assert isinstance(event.pop("time"), int)
            if event["type"] == kind:
                return event

    async def tell(self, kind, **members):
        await self.client.send(json.dumps({"type": kind, **members}))


def test_three_people_in_two_rooms_talk_whisper_and_leave(chat_room):
    async def get(target):
        return await asyncio.to_thread(chat_room.get, target)

    async def talk():
        async with Person(chat_room, "ann") as ann, Person(chat_room, "bob") as bob, Person(chat_room, "cat") as cat:
            for name, person in {"ann": ann, "bob": bob, "cat": cat}.items():
                assert await person.event("user:join") == {"type": "user:join", "from": name}
            await cat.tell("req:user:list")
            assert await cat.event("user:list") == {"type": "user:list", "list": ["ann", "bob", "cat"]}
            await cat.tell("req:connected")
            assert await ann.event("user:connected") == {"type": "user:connected", "from": "cat"}
            await ann.tell("msg", text=" h\u00e9llo \U0001f415 ")
            for person in (ann, bob, cat):
                assert await person.event("user:msg") == {
                    "type": "user:msg", "from": "ann", "text": "h\u00e9llo \U0001f415"}
            await ann.tell("msg", text="/g closer")
            await ann.tell("msg", text="/w cat psst")
            assert (await bob.event("user:msg"))["text"] == "closer"
            assert await cat.event("user:msg") == {
                "type": "user:msg", "from": "ann", "text": "psst", "meta": "whisper", "to": "cat"}
            assert [(await ann.event("user:msg"))["text"] for _ in range(2)] == ["closer", "psst"]
            for text, why in {"/w zoe psst": "zoe is not here.", "/w " + "x" * 300 + " y": "x" * 300 + " is not here.",
                              "/w cat": "There are no words in that.", "  ": "There are no words in that."}.items():
                await ann.tell("msg", text=text)
                assert (await ann.event("error"))["text"] == why
            for nonsense in ("nonsense", "[1", "3", b"{}", '{"type": null}'):
                await ann.client.send(nonsense)
                assert "JSON" in (await ann.event("error"))["text"]
            assert await get("/broadcast?text=all") == (200, "DONE\n")
            for person in (ann, bob, cat):
                assert await person.event("user:msg") == {"type": "user:msg", "from": "HTTP", "text": "all"}
            assert await get("/whisper?target=bob&text=you") == (200, "1 reached\n")
            assert (await bob.event("user:msg"))["text"] == "you"
            await ann.client.close()
            assert await cat.event("user:exit") == {"type": "user:exit", "from": "ann"}
            chat_room.process.send_signal(signal.SIGINT)
            assert await closed(bob.client) == (1001, "")
    asyncio.run(talk())
    assert chat_room.process.wait(60) == 0
    assert chat_room.said() == ""


def test_what_the_chat_answers_over_http(chat_room):
    status, page, headers = chat_room.request("GET", "/")
    assert status == 200 and "<title>DOG chat</title>" in page and headers["Content-Type"].startswith("text/html")
    assert chat_room.get("/nowhere") == (404, "Not found\n")
    assert chat_room.get("/whisper") == (400, "Whom? /whisper?target=NAME\n")
    assert chat_room.get("/emit") == (200, "DONE\n")
    assert chat_room.request("POST", "/broadcast")[:2] == (405, "Method not allowed\n")
    assert chat_room.get("/broadcast?u=" + "x" * 65) == (400, "u is no name\n")
    chat_room.stop()
    assert chat_room.said() == ""


# ---- its JSON


def in_json(program):
    return run_lua(f'local json = require "json"\n{program}', LUA_PATH=f"{EXAMPLE}/?.lua")


GOOD = ['{}', '[]', 'true', '-0', '1.5e3', '"\\u00e9\\ud83d\\udc15\\n\\/\\""', '[1,[2,{"a":[true,false]}]]',
        ' { "a" : 1 , "b" : [ ] } ', '"\x7f"', '[' * 31 + ']' * 31, '"héllo"', '1e-2', '0.1']
BAD = ['', ' ', '{', '[1,]', '{"a":1,}', '{"a"}', '{a:1}', "{'a':1}", '01', '1.', '.5', '+1', '-', '1e', 'nul', 'True',
       'truex', '"', '"\\x"', '"\\u12"', '"\\ud800"', '"\\ud800\\u0041"', '"\\udc00"', '"\n"', '"a\tb"', '[1 2]', '1 2',
 '{"a":}', '{1:2}', 'NaN', 'Infinity', '0x10', '//', '[1]]']


def long_string(text):
    return "[=====[\n" + text + "]=====]"


@pytest.mark.parametrize("text", GOOD)
def test_json_that_is_decoded_and_encoded_again(text):
    again = in_json(f"io.write(json.encode(assert(json.decode({long_string(text)}))))")
    value = json.loads(text)
    # An empty table is an empty array.
    assert json.loads(again) == ([] if value == {} else value)


def test_json_null_is_nil():
    assert in_json("print(json.decode 'null', json.encode(json.decode '{\"a\":null,\"b\":1}'))") == 'nil\t{"b":1}\n'


def assert_no_json(text):
    said = in_json(f"local value, why = json.decode({long_string(text)}) print(value, why)")
    assert said.startswith("nil\t") and "at byte" in said


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_json(text):
    assert_no_json(text)


def test_json_has_an_end_downwards():
    assert_no_json("[" * 33 + "]" * 33)


def test_what_json_has_no_word_for():
    assert in_json("""
        local endless = {}
        endless[1] = endless
        for _, value in ipairs { print, 0 / 0, math.huge, { print }, endless } do
          assert(not pcall(json.encode, value))
        end
        print "none" """) == "none\n"


# ---- the benchmarks' hosts


@pytest.mark.parametrize("name, heard", [("echo", ["a"]), ("fanout", ["a", "b"])])
def test_the_hosts_of_the_benchmarks(name, heard):
    program = Program(BINDING / "bench" / f"{name}.lua", "0", "2", LUA_PATH=None)

    async def talk():
        async with program.connect("ann") as ann, program.connect("bob") as bob:
            await ann.send(b"\x00")
            for client in [ann, bob][:len(heard)]:
                assert await hear(client) == b"\x00"
            # What is on its way to anybody comes before the answer to a ping.
            await (await ann.ping())
            await (await bob.ping())
            assert not ann.messages and not bob.messages
    try:
        asyncio.run(talk())
        program.stop()
        assert program.said() == ""
    finally:
        program.end()
