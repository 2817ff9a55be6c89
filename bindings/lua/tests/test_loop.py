"""How a program runs the engine: by `run` and signals, or step by step in a loop of its own."""
import asyncio
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from program import CHAT, ask, closed, environment, hear, run_lua

# A loop of the program's own: poll(2) on the engine's descriptor and on a socket of the program's, which ends it.
OWN_LOOP = """
local ffi = require "ffi"
ffi.cdef [[
typedef struct { int fd; short wanted, got; } own_t;
int own_wait(own_t *, unsigned long, int) __asm__("poll");
int own_pipe(int *) __asm__("pipe");
ptrdiff_t own_write(int, const char *, size_t) __asm__("write");
ptrdiff_t own_read(int, char *, size_t) __asm__("read");
]]
local ends, byte = ffi.new "int[2]", ffi.new "char[1]"
assert(ffi.C.own_pipe(ends) == 0)
local rounds, outside = 0, {}
function Seats:onmessage(socket, data)
  if data == "outside" then
    socket:send("from " .. dog.suspend(function(go)
      outside[#outside + 1] = go
      ffi.C.own_write(ends[1], "x", 1)
    end))
  elseif data == "sleep" then
    dog.sleep(5)
    socket:send "slept"
  elseif data == "stop" then
    engine:stop(0)
  else
    socket:send(data)
  end
end
"""
LOOP = """
local watched = ffi.new "own_t[2]"
watched[0].fd, watched[0].wanted = engine:fd(), 1
watched[1].fd, watched[1].wanted = ends[0], 1
repeat
  assert(ffi.C.own_wait(watched, 2, engine:timeout() or -1) >= 0)
  if watched[1].got ~= 0 then
    ffi.C.own_read(ends[0], byte, 1)
    table.remove(outside)("outside")
  end
  rounds = rounds + 1
until not engine:step(0)
engine:destroy()
print("rounds " .. rounds)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_well(chat, number):
    program = chat("function Seats:onclose(socket, code) print('closed ' .. code) end")

    async def talk():
        async with program.connect("ann") as ann:
            assert await ask(ann, "x") == "x"
            program.process.send_signal(number)
            assert await closed(ann) == (1001, "")
    asyncio.run(talk())
    assert program.line_with("stopped")
    assert program.process.wait(60) == 0
    assert program.output.decode().splitlines()[1:] == ["closed 1001", "stopped"]
    assert program.said() == ""


def test_a_second_signal_waits_for_nobody(start):
    """The first one gives a request that is never answered a day."""
    text = CHAT.replace("@@", """
        options.receive_timeout_ms = 86400000
        function Seats:receive() print "asked" dog.suspend(function() end) end""")
    program = start(text.replace("stop_on_signals(2000)", "stop_on_signals(86400000)"))
    with socket.create_connection(("127.0.0.1", program.port), timeout=60) as connection:
        connection.sendall(b"GET /rooms/den HTTP/1.1\r\nHost: x\r\n\r\n")
        program.line_with("asked")
        program.process.terminate()
        # It no longer accepts: so it has heard the first one.
        while True:
            try:
                socket.create_connection(("127.0.0.1", program.port), timeout=60).close()
            except ConnectionRefusedError:
                break
            except ConnectionResetError:
                pass  # it was in the listener's queue as that was closed
        program.process.terminate()
        assert program.process.wait(60) == 0


def test_signals_are_as_they_were_once_it_has_stopped():
    """An engine that is stopped by its program leaves SIGTERM to end the process, as it did before."""
    text = """
        local engine = require("dog").engine { workers = 1 }
        engine:stop_on_signals()
        engine:start()
        engine:spawn(function() engine:stop() end)
        engine:run()
        print "over"
        io.flush()
        while true do os.execute "exec sleep 60" end"""
    with subprocess.Popen(["luajit", "-e", text], env=environment(), stdout=subprocess.PIPE,
                          start_new_session=True) as process:
        try:
            assert process.stdout.readline() == b"over\n"
        finally:
            process.terminate()
        assert process.wait(60) == -signal.SIGTERM


def test_a_handler_may_stop_the_engine(chat):
    program = chat("function Seats:onmessage() engine:stop(1000) end")

    async def talk():
        async with program.connect("ann") as ann:
            await ann.send("x")
            assert await closed(ann) == (1001, "")
    asyncio.run(talk())
    assert program.process.wait(60) == 0


def test_a_loop_of_the_programs_own(start):
    """Events by the descriptor, sleepers by `timeout`, and handlers that something outside of DOG goes on with."""
    text = CHAT.replace("@@", OWN_LOOP).replace("engine:stop_on_signals(2000)\n", "")
    text = text.replace("engine:run()\n", LOOP)
    program = start(text)

    async def talk():
        async with program.connect("ann") as ann:
            assert await ask(ann, "hello") == "hello"
            assert await ask(ann, "outside") == "from outside"
            assert await ask(ann, "sleep") == "slept"
            await ann.send("sleep")
            await ann.send("outside")
            assert sorted([await hear(ann), await hear(ann)]) == ["from outside", "slept"]
            await ann.send("stop")
            assert (await closed(ann))[0] in (1001, 1006)
    asyncio.run(talk())
    rounds = int(program.line_with("rounds").split()[1])
    assert rounds < 1000, "it does not spin"
    assert program.process.wait(60) == 0


def test_steps_and_destroy_are_not_for_handlers(chat):
    program = chat("""
        function Seats:onmessage(socket)
          local _, step = pcall(engine.step, engine, 0)
          local _, destroy = pcall(engine.destroy, engine)
          socket:send(step:gsub("^.*%d: ", "") .. ", " .. destroy:gsub("^.*%d: ", ""))
        end""")

    async def talk():
        async with program.connect("ann") as ann:
            assert await ask(ann, "x") == "step: not in a handler, destroy: not in a handler; stop is for that"
    asyncio.run(talk())


def test_a_step_ends_after_its_time():
    assert run_lua("""
        local engine = require("dog").engine { workers = 1, log = false }
        engine:start()
        engine:step(0)
        print(engine:step(1), engine:timeout())
        engine:spawn(function() require("dog").sleep(86400000) end)
        print(engine:timeout() > 86300000, engine:step(1))
        engine:destroy()
    """) == "true\tnil\ntrue\ttrue\n"


def test_an_interrupt_that_luajit_makes_an_error_can_be_gone_on_from(start):
    """Without stop_on_signals SIGINT is luajit's own affair: an error out of `run`. The engine is as it was."""
    text = CHAT.replace("@@", "").replace("engine:stop_on_signals(2000)\n", "")
    text = text.replace("engine:run()", "print(pcall(engine.run, engine))\nengine:stop(1000)\nengine:run()")
    program = start(text)

    async def talk():
        async with program.connect("ann") as ann:
            assert await ask(ann, "x") == "x"
            # The answer may be here before its handler has returned, which would then be what is interrupted.
            while Path(f"/proc/{program.process.pid}/stat").read_text().rpartition(")")[2].split()[0] != "S":
                await asyncio.sleep(0)
            program.process.send_signal(signal.SIGINT)
            assert await closed(ann) == (1001, "")
    asyncio.run(talk())
    assert program.line_with("interrupted!").startswith("false")
    assert program.process.wait(60) == 0
