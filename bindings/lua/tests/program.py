"""A Lua program under test, as a process: started from its text, talked to over sockets, asked to end by a signal."""
import asyncio
import http.client
import os
import select
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from websockets.legacy import client as legacy  # the interface that Debian 12 and Debian 13 both have

BINDING = Path(__file__).resolve().parent.parent
ROOT = BINDING.parent.parent
BUILD = Path(os.environ.get("BUILD", ROOT / "build")).resolve()

# How long anything may take before a test gives up. It says nothing about speed: it only ends a test that would hang.
DEADLINE = 60.0

# What most tests need around what they are about. `@@` is where a test's own handlers go.
CHAT = """
local dog = require "dog"
io.stdout:setvbuf "line"
local options = { workers = 2 }
local Room = dog.gateway("Room", { child = "Seats", limit = 2 })
function Room:identify(request) return request:query "u" or "anon" end
local Seats = dog.shard("Seats", { parent = "Room" })
function Seats:receive(request) return self:connect(request) end
function Seats:onmessage(socket, data, kind) socket:send(data, kind) end
local engine, fetch
@@
engine = dog.engine(options)
engine:define(Room, Seats):route("/rooms/:name", Room)
if fetch then engine:on_fetch(fetch) end
local port = engine:listen(0)
engine:stop_on_signals(2000)
engine:start()
print("listening on " .. port)
io.flush()
engine:run()
print "stopped"
"""


def environment(**changes):
    """Where a program finds the binding and the library. A change to None takes a variable out."""
    variables = {**os.environ, "DOG_LIBRARY": str(BUILD / "lib/libdog.so"), "LUA_PATH": f"{BINDING}/?.lua;;", **changes}
    return {name: value for name, value in variables.items() if value is not None}


def run_lua(text, *arguments, status=0, cwd=None, **changes):
    """Runs a program to its end, which must be `status`; gives what it printed, or where it failed what it said."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as source:
        source.write(text)
        source.flush()
        done = subprocess.run(["luajit", source.name, *arguments], env=environment(**changes), cwd=cwd,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert done.returncode == status, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stderr if status else done.stdout


class Program:
    """A program that serves: it has printed a line with `says` in it, which ends with its port."""

    def __init__(self, path, *arguments, says="listening on", **changes):
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(["luajit", str(path), *arguments], env=environment(**changes),
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.errors)
        self.output = b""
        self.port = int(self.line_with(says).rsplit(None, 1)[1].rsplit(":", 1)[-1])

    def line_with(self, text):
        """The first line of its output with this text in it, as soon as it is there."""
        end = time.monotonic() + DEADLINE
        descriptor = self.process.stdout.fileno()
        while True:
            for line in self.output.decode().splitlines(keepends=True):
                if text in line and line.endswith("\n"):
                    return line.strip()
            ready, _, _ = select.select([descriptor], [], [], max(0, end - time.monotonic()))
            piece = os.read(descriptor, 65536) if ready else b""
            assert piece, f"there was no {text!r}\n{self.said()}"
            self.output += piece

    def said(self):
        """What it wrote to stderr so far."""
        # Without moving the offset, which is the program's too: it would write over what it wrote before.
        return os.pread(self.errors.fileno(), 1 << 26, 0).decode(errors="replace")

    def says(self, text):
        """Waits until this is in what it wrote to stderr: a report may come after the client's answer."""
        end = time.monotonic() + DEADLINE
        while text not in self.said():
            assert time.monotonic() < end, f"it did not say {text!r}, but\n{self.said()}"
            time.sleep(0.01)

    def request(self, method, target, body=None, headers=None):
        """Status, body as text, and headers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        try:
            connection.request(method, target, body=body, headers=headers or {})
            response = connection.getresponse()
            return response.status, response.read().decode(), dict(response.getheaders())
        finally:
            connection.close()

    def get(self, target):
        return self.request("GET", target)[:2]

    def connect(self, uid, room="den", **more):
        return legacy.connect(f"ws://127.0.0.1:{self.port}/rooms/{room}?u={uid}", open_timeout=DEADLINE,
                                  max_queue=None, **more)

    def stop(self, number=signal.SIGTERM):
        """Asks it to end and insists that it ends well. Gives all its output."""
        self.process.send_signal(number)
        self.output += self.process.communicate(timeout=DEADLINE)[0]
        assert self.process.returncode == 0, f"exit {self.process.returncode}\n{self.said()}"
        return self.output.decode()

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        self.errors.close()


async def hear(client):
    return await asyncio.wait_for(client.recv(), DEADLINE)


async def ask(client, text):
    await client.send(text)
    return await hear(client)


async def closed(client):
    """How the server closed this connection: code and reason."""
    await asyncio.wait_for(client.wait_closed(), DEADLINE)
    return client.close_code, client.close_reason
