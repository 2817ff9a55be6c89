"""The examples, as processes of their own."""

import asyncio
import json
import os
import signal
import subprocess
import sys

import pytest
from websockets.legacy import client as legacy  # the interface that Debian 12 and Debian 13 both have

from ports import free_port
from serving import DEADLINE, in_loop


@pytest.fixture
def start(package, sources, tmp_path):
    """Starts an example on a free port in place of 8787, and ends it well."""
    running = []

    def start(name):
        port = free_port()
        program = tmp_path / name
        program.write_text((sources / "examples" / name).read_text().replace("8787", str(port)))
        running.append(subprocess.Popen([sys.executable, program], env={**os.environ, "PYTHONPATH": str(package)}))
        return port

    yield start
    try:
        for process in running:
            process.send_signal(signal.SIGTERM)
            assert process.wait(DEADLINE) == 0
    finally:
        for process in running:
            process.kill()
            process.wait()


async def connect(url, **options):
    """Connects when the program is there."""
    end = asyncio.get_running_loop().time() + DEADLINE
    while True:
        try:
            return await legacy.connect(url, **options)
        except OSError:
            assert asyncio.get_running_loop().time() < end, f"nobody serves {url}"
            await asyncio.sleep(0.02)


async def hear(person):
    return json.loads(await asyncio.wait_for(person.recv(), DEADLINE))


@in_loop
async def test_chat(start):
    url = f"ws://127.0.0.1:{start('chat.py')}/rooms/den"
    ann = await connect(f"{url}?u=ann")
    bob = await connect(f"{url}?u=bob")
    assert await hear(ann) == {"type": "joined", "who": "bob"}
    await bob.send("hello")
    assert await hear(ann) == {"type": "said", "who": "bob", "text": "hello"}
    await bob.close()
    assert await hear(ann) == {"type": "left", "who": "bob"}
    await ann.close()


@in_loop
async def test_tasks(start, run):
    port = start("tasks.py")
    people = [await connect(f"ws://127.0.0.1:{port}/tasks/den/ws", extra_headers={"X-Request-Id": f"p{number}"})
              for number in range(60)]
    await people[0].send(json.dumps({"type": "crawl:url", "url": "x"}))
    for person in people:
        assert await hear(person) == {"url": "x", "done": True}
    url = f"http://127.0.0.1:{port}/tasks/den"
    answer = json.loads(run("curl", "-s", "-H", "X-Request-Id: me", url).stdout)
    assert answer == {"you": "me", "workers": sorted(f"p{number}" for number in range(60))}
    assert "401" in run("curl", "-s", "-i", url).stdout
    for person in people:
        await person.close()
