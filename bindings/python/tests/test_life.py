"""How an engine begins and ends: serving, signals, cancelling, closing, forking."""

import asyncio
import os
import signal
import subprocess
import sys
import threading

import dog
import pytest
from websockets.legacy import client as legacy  # the interface that Debian 12 and Debian 13 both have

from serving import DEADLINE, Connecting, Echo, Everybody, closed, connect, curl, eventually, gateway_for, hear
from serving import in_loop, served

PROGRAM = """
import asyncio, sys
import dog

class Room(dog.Gateway):
    limit = 10
    child = "Seats"
    def identify(self, request):
        return "ann"

class Seats(dog.Shard):
    def receive(self, request):
        return self.connect(request)
    async def onmessage(self, socket, data):
        socket.send(data)
        await asyncio.get_running_loop().create_future()
    def onclose(self, socket, code, reason, clean):
        print("closed", code, flush=True)
    def onstop(self):
        print("stopped", flush=True)

engine = dog.Engine(workers=1).define(Room, Seats).route("/:name", Room).listen()
dog.run(engine, grace=float(sys.argv[1]), ready=lambda: print(engine.port, flush=True))
print("returned", flush=True)
"""


class Program:
    """PROGRAM in a process of its own, with one socket open."""

    def __init__(self, package, grace):
        environment = {**os.environ, "PYTHONPATH": str(package)}
        command = [sys.executable, "-c", PROGRAM, str(grace)]
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True)
        self.port = int(self.process.stdout.readline())

    def finish(self):
        try:
            output, errors = self.process.communicate(timeout=DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f"the program did not end: {self.process.communicate()}") from None
        assert self.process.returncode == 0, errors
        # It has set up no logging. Its onmessage waits for ever.
        said = [f"dog: INFO: listening on http://127.0.0.1:{self.port}"]
        cut = "dog: WARNING: the engine has ended, and what went on in handlers is cut off: 1 of Seats.onmessage"
        assert errors.splitlines() in (said, [*said, cut])
        return output.splitlines()


PROGRAM_WITH_LOGGING = """
import logging, sys
import dog

logging.basicConfig(format="%(name)s says %(message)s", level=sys.argv[1])
engine = dog.Engine(workers=1).listen()
dog.run(engine, ready=engine.stop)
"""


@pytest.mark.parametrize("level, told", [("INFO", 1), ("WARNING", 0)])
def test_the_log_of_a_program_that_has_set_up_logging_is_its_own(package, run, level, told):
    done = run(sys.executable, "-c", PROGRAM_WITH_LOGGING, level, env={**os.environ, "PYTHONPATH": str(package)})
    assert done.stdout == "" and len(done.stderr.splitlines()) == told == done.stderr.count("dog says listening on")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
@in_loop
async def test_a_signal_ends_run_gracefully(package, number):
    program = Program(package, 0.3)
    ann = await legacy.connect(f"ws://127.0.0.1:{program.port}/den")
    await ann.send("hello")
    assert await hear(ann) == "hello"
    program.process.send_signal(number)
    assert await closed(ann) == 1001
    output = await asyncio.get_running_loop().run_in_executor(None, program.finish)
    assert output == ["closed 1001", "stopped", "returned"]


@in_loop
async def test_a_second_signal_waits_for_nobody(package):
    """One whose client does not answer the close frame would hold up the stop for its grace."""
    program = Program(package, 600)
    reader, writer = await asyncio.open_connection("127.0.0.1", program.port)
    writer.write(b"GET /den HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n")
    await asyncio.sleep(0)
    ann = await legacy.connect(f"ws://127.0.0.1:{program.port}/den")
    program.process.send_signal(signal.SIGINT)
    assert await closed(ann) == 1001
    program.process.send_signal(signal.SIGINT)
    output = await asyncio.get_running_loop().run_in_executor(None, program.finish)
    assert output[-1] == "returned"
    writer.close()


def test_run_works_in_another_thread_and_stop_from_any():
    engine = dog.Engine(workers=1).define(gateway_for(Echo)).route("/:name", "Everybody").listen()
    ready = threading.Event()
    thread = threading.Thread(target=dog.run, args=(engine,), kwargs={"ready": ready.set})
    thread.start()
    assert ready.wait(DEADLINE)
    engine.stop(0)
    thread.join(DEADLINE)
    assert not thread.is_alive()


@in_loop
async def test_cancelling_serve_stops_the_engine_and_tells_shards():
    log = []

    class Told(Connecting):
        def onclose(self, socket, code, reason, clean):
            log.append(("closed", code))

        def onstop(self):
            log.append("stopped")

    engine = dog.Engine(workers=1).define(gateway_for(Told)).route("/:name", "Everybody").listen()
    serving = asyncio.ensure_future(engine.serve())
    await asyncio.sleep(0)
    await connect(engine)
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    assert [name if isinstance(name, str) else name[0] for name in log] == ["closed", "stopped"]


@in_loop
async def test_an_engine_serves_once_and_is_of_no_use_after_it():
    async with served(Echo) as engine:
        with pytest.raises(dog.StateError, match="serves already"):
            await engine.serve()
        with pytest.raises(dog.StateError, match="stop an engine that serves"):
            engine.close()
        for late in (lambda: engine.route("/x/:name", "Everybody"), engine.listen, lambda: engine.on_fetch(print),
                     lambda: engine.define(gateway_for(Connecting))):
            with pytest.raises(dog.StateError):
                late()
    late = (engine.stats, engine.reload_certificates, lambda: engine.find(Everybody, "den"), engine.listen,
            lambda: engine.route("/x", "Everybody", "x"), lambda: engine.define(gateway_for(Connecting)),
            lambda: engine.on_fetch(print))
    for call in late:
        with pytest.raises(dog.EndedError, match="the engine has ended"):
            call()
    with pytest.raises(dog.EndedError):
        await engine.serve()
    assert engine.port > 0
    # There is nothing left to be stopped, so these have what they want.
    engine.stop()
    engine.stop(0)
    engine.close()


@in_loop
async def test_one_that_was_closed_says_that_it_has_ended():
    engine = dog.Engine().listen()
    engine.close()
    engine.stop()
    for call in (engine.listen, engine.stats):
        with pytest.raises(dog.EndedError):
            call()
    with pytest.raises(dog.EndedError):
        await engine.serve()


@in_loop
async def test_one_that_is_stopped_before_it_serves_stops_when_it_does():
    engine = dog.Engine(workers=1).define(gateway_for(Echo)).route("/:name", "Everybody").listen()
    serving = asyncio.ensure_future(engine.serve())
    engine.stop(0)  # its task has not begun
    await asyncio.wait_for(serving, DEADLINE)
    with pytest.raises(dog.EndedError):
        engine.stats()


@in_loop
async def test_an_engine_serves_for_as_long_as_a_block_runs():
    closes = []

    class Told(Echo):
        def onclose(self, socket, code, reason, clean):
            closes.append(code)

    async with dog.Engine(workers=1).define(gateway_for(Told)).route("/:name", "Everybody").listen() as engine:
        ann = await connect(engine)
        await ann.send("well")
        assert await hear(ann) == "well"
    assert await closed(ann) == 1001 and closes == [1001]
    with pytest.raises(dog.EndedError):
        engine.stats()


@in_loop
async def test_a_block_whose_engine_cannot_serve_is_not_entered():
    with pytest.raises(dog.NotFoundError, match="Nobody"):
        async with dog.Engine().route("/:name", "Nobody"):
            raise AssertionError("it was entered")


@in_loop
async def test_a_block_that_fails_stops_its_engine_and_fails():
    with pytest.raises(KeyError):
        async with dog.Engine(workers=1) as engine:
            raise KeyError
    with pytest.raises(dog.EndedError):
        engine.stats()


@pytest.mark.parametrize("grace", [-1, -0.001, 86_400.001, 2**32 / 1000, float("nan"), float("inf")])
def test_a_grace_is_up_to_a_day(grace):
    engine = dog.Engine()
    with pytest.raises(dog.InvalidError, match="grace"):
        engine.stop(grace)


def test_close_gives_the_port_back():
    engine = dog.Engine().listen()
    engine.close()
    engine.close()
    dog.Engine().listen(engine.port).close()


def test_an_engine_that_is_forgotten_gives_the_port_back():
    port = dog.Engine().listen().port
    dog.Engine().listen(port).close()


@in_loop
async def test_a_stop_lets_requests_be_answered():
    entered = asyncio.Event()

    class Slow(dog.Shard):
        async def receive(self, request):
            entered.set()
            await asyncio.sleep(0.1)
            return dog.Response("well")

    async with served(Slow) as engine:
        asking = asyncio.ensure_future(curl(engine, "/den"))
        await asyncio.wait_for(entered.wait(), DEADLINE)
        engine.stop(DEADLINE)
        assert (await asking).body == b"well"


@in_loop
async def test_handlers_under_way_are_cancelled_when_it_has_stopped():
    log = []

    class Hanging(Connecting):
        async def onmessage(self, socket, data):
            try:
                log.append("begun")
                await asyncio.get_running_loop().create_future()
            finally:
                log.append("cancelled")

    async with served(Hanging, grace=0) as engine:
        ann = await connect(engine)
        await ann.send("go")
        await eventually(lambda: log, "the handler")
    assert log == ["begun", "cancelled"]


@in_loop
async def test_onstop_may_wait_and_is_ended_with_the_engine():
    log = []

    class Stopping(Connecting):
        async def onstop(self):
            log.append("begun")
            await asyncio.sleep(0)
            log.append("waited")

    async with served(Stopping) as engine:
        await connect(engine)
    assert log[:1] == ["begun"]


def test_after_a_fork_the_child_may_call_nothing():
    """Each call in the child raises; the parent goes on serving."""

    async def main():
        sockets = []

        class Keeping(Echo):
            def onopen(self, socket):
                sockets.append(socket)

        async with served(Keeping) as engine:
            ann = await connect(engine)
            await eventually(lambda: sockets, "the socket")
            child = os.fork()
            if child == 0:
                os._exit(count_forked(engine, sockets[0]))
            _, status = os.waitpid(child, 0)
            assert os.WEXITSTATUS(status) == 6
            await ann.send("well")
            assert await hear(ann) == "well"

    asyncio.run(main())


def count_forked(engine, socket):
    calls = (lambda: socket.send("x"), lambda: socket.broadcast("x"), engine.stop, engine.stats, dog.Engine,
             lambda: socket.shard.emit("x"))
    forked = 0
    for call in calls:
        try:
            call()
        except dog.ForkedError:
            forked += 1
    return forked


def test_a_library_that_is_too_old_is_refused(monkeypatch):
    for loaded, compiled in (((0, 1, 0), (0, 2, 0)), ((1, 0, 0), (0, 1, 0)), ((0, 1, 0), (0, 1, 1))):
        monkeypatch.setattr(dog._native, "versions", lambda pair=(loaded, compiled): pair)
        with pytest.raises(ImportError):
            dog._check_library()
    monkeypatch.setattr(dog._native, "versions", lambda: ((0, 2, 0), (0, 1, 5)))
    dog._check_library()
