"""JSON: what is taken and given without a codec of one's own, which is RFC 8259, and what with one."""

import json
from dataclasses import asdict, dataclass

import dog
import pytest

from serving import Connecting, connect, curl, gateway_for, hear, in_loop, served

text = dog.jsontext.JSONText()


@pytest.mark.parametrize(
    "value, encoded",
    [
        ({"a": [1, 2.5, None, True, "é"]}, '{"a":[1,2.5,null,true,"é"]}'),
        ((1, (2,)), "[1,[2]]"),
        ("\ud800", '"\\ud800"'),
        ("\\\udc00\n", '"\\\\\\udc00\\n"'),
        (2**70, "1180591620717411303424"),
        ({}, "{}"),
    ],
)
def test_what_is_json_is_compact_utf_8(value, encoded):
    assert text.encode(value) == encoded.encode()
    assert text.decode(encoded) == (json.loads(json.dumps(value)))
    assert text.decode(encoded.encode()) == text.decode(encoded)


def circle():
    circle = []
    circle.append({"a": circle})
    return circle


@pytest.mark.parametrize(
    "value",
    [
        float("nan"), [float("inf")], {"a": -float("inf")}, b"bytes", {"a": {1, 2}}, object(), {1: 2}, {None: 2},
        [{"a": ({True: 1},)}], {float("nan"): 1}, circle(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_not_json_is_an_error_of_one_kind(value):
    with pytest.raises(dog.UnsendableError, match="JSON") as raised:
        text.encode(value)
    assert isinstance(raised.value, TypeError) and isinstance(raised.value, ValueError)


@pytest.mark.parametrize("wrong", ["NaN", "[Infinity]", '{"a":-Infinity}', "", "{", "[1] 2", b'"\xff"', "[" * 100_000])
def test_what_is_not_json_is_not_read(wrong):
    with pytest.raises(ValueError):
        text.decode(wrong)


def test_nesting_has_an_end():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(dog.UnsendableError, match="nested"):
        text.encode(deep)


@dataclass
class Point:
    x: int


class Points:
    """A codec that knows dataclasses, and says what it was asked."""

    def dumps(self, value):
        return json.dumps(value, default=asdict).encode()

    def loads(self, data):
        return {"read": json.loads(data)}


@in_loop
async def test_a_codec_of_ones_own_is_asked_for_all_that_is_json():
    class Talking(Connecting):
        async def receive(self, request):
            if request.is_websocket:
                return self.connect(request)
            return dog.Response.json([request.json(), Point(1)], json=Points())

        def ongossip(self, question):
            return [question, Point(2)]

        async def onmessage(self, socket, data):
            socket.send(Point(3))
            socket.emit({"a": Point(4)}, to_self=True)
            socket.broadcast((Point(5),), to_self=True)
            self.broadcast([Point(6)])
            self.gateway.broadcast(Point(7))
            await socket.whisper(socket.uid, Point(8))
            socket.send([list(await self.gossip(Point(9)))])

    async with served(Talking, gateway=gateway_for(Talking, limit=1), json=Points()) as engine:
        ann, _bob = await connect(engine, "ann"), await connect(engine, "bob")
        await ann.send("go")
        assert await hear(ann) == '{"x": 3}'
        assert await hear(ann) == '{"a": {"x": 4}}'
        # What the Gateway says takes another way than what the socket says.
        heard = sorted([await hear(ann) for _ in range(4)])
        assert heard == ['[{"x": 5}]', '[{"x": 6}]', '{"x": 7}', '{"x": 8}']
        assert json.loads(await hear(ann)) == [[{"read": [{"read": {"x": 9}}, {"x": 2}]}]]
        answer = await curl(engine, "/den?u=cat", "-d", "[1]")
        assert json.loads(answer.body) == [{"read": [1]}, {"x": 1}]


@in_loop
async def test_a_codec_that_cannot_read_what_it_wrote_costs_the_question_alone():
    class Broken(Points):
        def loads(self, data):
            if b"reply" in (data if isinstance(data, bytes) else data.encode()):
                raise RuntimeError("unreadable")
            return json.loads(data)

    class Talking(Connecting):
        def ongossip(self, question):
            return "reply"

        async def onmessage(self, socket, data):
            try:
                await self.gossip("well?")
            except RuntimeError as error:
                socket.send(str(error))

    async with served(Talking, gateway=gateway_for(Talking, limit=1), json=Broken()) as engine:
        ann, _bob = await connect(engine, "ann"), await connect(engine, "bob")
        await ann.send("go")
        assert await hear(ann) == "unreadable"


def test_the_standard_librarys_module_is_a_codec():
    own = dog.jsontext.JSONText(json)
    assert own.encode({1: "\ud800"}) == b'{"1": "\\ud800"}' and own.decode("[NaN]") != []


def test_what_is_no_codec_is_an_error():
    with pytest.raises(TypeError, match="dumps and loads"):
        dog.Engine(json=json.dumps)
