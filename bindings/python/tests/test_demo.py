"""`python -m dog demo`: the page, and the chat behind it."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys

import pytest
import websockets
from websockets.legacy import client as legacy  # the interface that Debian 12 and Debian 13 both have

from serving import DEADLINE, in_loop


@pytest.fixture
def demo(package):
    """Its port, while it runs."""
    command = [sys.executable, "-m", "dog", "demo", "--port", "0"]
    environment = {**os.environ, "PYTHONPATH": str(package)}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        yield int(re.fullmatch(r"listening on http://127.0.0.1:(\d+)\n", process.stdout.readline()).group(1))
        process.send_signal(signal.SIGINT)
        assert process.wait(DEADLINE) == 0
    finally:
        process.kill()
        process.communicate()


class Person:
    def __init__(self, port, name, room="lobby"):
        self.url = f"ws://127.0.0.1:{port}/rooms/{room}?u={name}"

    async def __aenter__(self):
        self.socket = await legacy.connect(self.url)
        self.hello = await self.hear("hello")
        return self

    async def __aexit__(self, *_):
        await self.socket.close()

    async def hear(self, kind):
        while True:
            news = json.loads(await asyncio.wait_for(self.socket.recv(), DEADLINE))
            if news["type"] == kind:
                return news


@in_loop
async def test_people_on_two_shards_hear_one_another(demo):
    async with Person(demo, "ann") as ann, Person(demo, "bob") as bob, Person(demo, "cat") as cat:
        assert ann.hello["shard"] == bob.hello["shard"] != cat.hello["shard"]
        assert sorted((shard["people"] for shard in cat.hello["shards"])) == [["ann", "bob"], ["cat"]]
        await ann.socket.send("hello <b>all</b>")
        for person in (ann, bob, cat):
            said = await person.hear("said")
            assert (said["who"], said["how"], said["text"]) == ("ann", "all", "hello <b>all</b>")
        await ann.socket.send("/g only us")
        assert (await bob.hear("said"))["text"] == (await ann.hear("said"))["text"] == "only us"
        await ann.socket.send("/w cat psst")
        assert (await cat.hear("said"))["how"] == (await ann.hear("said"))["how"] == "whisper"
        await ann.socket.send("/w nobody psst")
        assert "nobody here" in (await ann.hear("note"))["text"]
        await cat.socket.close()
        assert (await ann.hear("left"))["who"] == "cat"


@pytest.mark.parametrize("name", ["", "a%20b", "%01", "n" * 25])
@in_loop
async def test_a_name_that_is_none_is_refused(demo, name):
    with pytest.raises(websockets.InvalidStatusCode) as refusal:
        await legacy.connect(f"ws://127.0.0.1:{demo}/rooms/lobby?u={name}")
    assert refusal.value.status_code == 400


def test_the_page_loads_nothing_from_elsewhere(demo, run):
    page = run("curl", "-s", "-i", f"http://127.0.0.1:{demo}/").stdout
    assert "200 OK" in page and "text/html; charset=utf-8" in page and "<title>DOG in Python</title>" in page
    assert not re.search(r"(src|href)=.?https?:", page) and "innerHTML" not in page
    assert "404 Not Found" in run("curl", "-s", "-i", f"http://127.0.0.1:{demo}/other").stdout


def test_without_a_command_it_says_how_it_is_used(package):
    done = subprocess.run([sys.executable, "-m", "dog"], env={**os.environ, "PYTHONPATH": str(package)},
                          capture_output=True, text=True)
    assert done.returncode == 1 and "python -m dog demo" in done.stderr
