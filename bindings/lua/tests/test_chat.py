"""examples/chat.lua, as its readers use it, and the hosts of the benchmarks."""
import asyncio
import signal

import pytest

from program import BINDING, Program, ask, closed, hear


@pytest.fixture
def program():
    program = Program(BINDING / "examples/chat.lua", "0", LUA_PATH=None)
    yield program
    program.end()


def test_a_conversation(program):
    async def talk():
        async with program.connect("ann") as ann, program.connect("bob") as bob, program.connect("bob") as bob2:
            assert [await hear(ann) for _ in range(3)] == ["ann has joined", "bob has joined", "bob has joined"]
            assert [await hear(bob), await hear(bob), await hear(bob2)] == ["bob has joined"] * 3
            await ann.send("hello")
            assert [await hear(one) for one in (ann, bob, bob2)] == ["ann: hello"] * 3
            await ann.send(b"\x01\x02")
            assert [await hear(one) for one in (ann, bob, bob2)] == [b"\x01\x02"] * 3
            await ann.send("/w bob psst")
            assert [await hear(bob), await hear(bob2)] == ["ann whispers: psst"] * 2
            assert await ask(ann, "/w cy psst") == "cy is not here"
            await bob2.close()
            assert [await hear(ann), await hear(bob)] == ["bob has left"] * 2
            program.process.send_signal(signal.SIGINT)
            assert [await closed(ann), await closed(bob)] == [(1001, "")] * 2
    asyncio.run(talk())
    assert program.process.wait(60) == 0
    assert program.said() == ""


def test_people_are_counted_over_all_shards_and_rooms_are_apart(program):
    async def talk():
        async with program.connect("bob", "pub") as bob:
            assert await hear(bob) == "bob has joined"
            people = [program.connect(f"p{number}") for number in range(150)]
            async with asyncio.timeout(60):
                people = [await person for person in people]
            answer = await asyncio.to_thread(program.get, "/rooms/den")
            assert answer == (200, "people: 150\n")
            assert await asyncio.to_thread(program.get, "/rooms/pub") == (200, "people: 1\n")
            for person in people:
                await person.close()
            assert await ask(bob, "quiet here") == "bob: quiet here"
    asyncio.run(talk())
    program.stop()


@pytest.mark.parametrize("name", ["", "a" * 65, "a%0ab", "a%20b"])
def test_names(program, name):
    status, body = program.get(f"/rooms/den?u={name}")
    assert (status, body) == ((200, "people: 0\n") if name == "" else (400, "u is no name\n"))
    program.stop()
    assert program.said() == ""


@pytest.mark.parametrize("name, heard", [("echo", ["a"]), ("fanout", ["a", "b"])])
def test_the_hosts_of_the_benchmarks(name, heard):
    program = Program(BINDING / "bench" / f"{name}.lua", "0", "2", LUA_PATH=None)

    async def talk():
        async with program.connect("ann") as ann, program.connect("bob") as bob:
            await ann.send(b"\x00")
            for client in {"a": ann, "b": bob}[heard[-1]], ann:
                assert await hear(client) == b"\x00"
                if len(heard) == 1:
                    break
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
