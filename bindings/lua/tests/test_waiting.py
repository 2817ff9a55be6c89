"""Handlers that wait hold up nobody, go on where they were, and are never gone on with twice."""
import asyncio

import pytest

from program import ask, closed, hear, run_lua

# "hold KEY" waits until "go KEY VALUE" comes from anybody; both answer.
HOLD = """
local held = {}
function Seats:onmessage(socket, data)
  local verb, key, value = data:match "^(%S+) ?(%S*) ?(.*)$"
  if verb == "hold" then
    local got = dog.suspend(function(go)
      held[key] = go
      socket:send("holding " .. key)
    end)
    socket:send("got " .. tostring(got))
  elseif verb == "go" then
    socket:send("went " .. tostring(held[key](value)))
  else
    socket:send(data)
  end
end
"""


def test_a_handler_that_waits_holds_up_nobody_and_is_woken_once(chat):
    program = chat(HOLD)

    async def talk():
        async with program.connect("ann") as ann, program.connect("bob") as bob:
            assert await ask(ann, "hold a") == "holding a"
            assert await ask(ann, "hold b") == "holding b"
            assert await ask(ann, "still here") == "still here"
            assert await ask(bob, "go a 1") == "went true"
            assert await hear(ann) == "got 1"
            assert await ask(bob, "go a 2") == "went false"
            assert await ask(bob, "go b 3") == "went true"
            assert await hear(ann) == "got 3"
            assert await ask(ann, "quiet") == "quiet"
    asyncio.run(talk())


def test_a_thousand_handlers_wait_at_once_in_any_order(chat):
    program = chat(HOLD)

    async def talk():
        async with program.connect("ann") as ann, program.connect("bob") as bob:
            for number in range(1000):
                assert await ask(ann, f"hold {number}") == f"holding {number}"
            for number in reversed(range(1000)):
                assert await ask(bob, f"go {number} {number}") == "went true"
                assert await hear(ann) == f"got {number}"
    asyncio.run(talk())


def test_every_kind_of_handler_may_wait(chat):
    program = chat("""
        options.workers = 1
        function Room:identify(request) dog.sleep(1) return request:query "u" end
        function Room:clusterize(request) dog.sleep(1) return "of-" .. request:uid() end
        function fetch(request) dog.sleep(1) return Room, "den" end
        function Seats:receive(request)
          dog.sleep(1)
          if request:header "upgrade" then return self:connect(request) end
          return 200, self.id
        end
        function Seats:ongossip() dog.sleep(1) return self.id end
        function Seats:onopen(socket) dog.sleep(1) socket:send "open" end
        function Seats:onmessage(socket, data)
          local answers = self:gossip "who"
          socket:send(answers[1].data .. " " .. socket:whisper("bob", "psst"))
        end""")
    assert program.get("/?u=ann") == (200, "of-ann")

    async def talk():
        async with program.connect("ann") as ann, program.connect("ann") as ann2, program.connect("bob") as bob:
            assert [await hear(one) for one in (ann, ann2, bob)] == ["open"] * 3
            assert await ask(ann, "x") == "of-bob 1"
            assert await hear(bob) == "psst"
    asyncio.run(talk())


def test_sleepers_wake_in_the_order_of_their_time_and_not_before_it(chat):
    program = chat("""
        local ffi = require "ffi"
        ffi.cdef "typedef struct { long s, ns; } moment_t; int moment(int, moment_t *) __asm__(\\"clock_gettime\\");"
        local function now()
          local moment = ffi.new "moment_t"
          ffi.C.moment(1, moment)
          return tonumber(moment.s) * 1000 + tonumber(moment.ns) / 1e6
        end
        function Seats:onmessage(socket)
          local left, early = 50, 0
          for ms = 50, 1, -1 do
            engine:spawn(function()
              local began = now()
              dog.sleep(ms)
              if now() - began < ms then early = early + 1 end
              left = left - 1
              if left == 0 then socket:send("early " .. early) end
            end)
          end
        end""")

    async def talk():
        async with program.connect("ann") as ann:
            assert await ask(ann, "x") == "early 0"
    asyncio.run(talk())


def test_whispers_say_how_many_sockets_they_reached(chat):
    program = chat("""
        function Seats:onmessage(socket, data)
          local from, uid = data:match "(%S+) (%S+)"
          local by = from == "socket" and socket or from == "shard" and self or self.gateway
          socket:send(uid .. " " .. by:whisper(uid, "psst"))
        end""")

    async def talk():
        async with program.connect("ann") as ann, program.connect("bob") as bob, program.connect("bob") as bob2:
            for by in ("socket", "shard", "gateway"):
                assert await ask(ann, f"{by} bob") == "bob 2"
                assert [await hear(bob), await hear(bob2)] == ["psst"] * 2
                assert await ask(ann, f"{by} nobody") == "nobody 0"
                await ann.send(f"{by} ann")
                assert sorted([await hear(ann), await hear(ann)]) == ["ann 1", "psst"]
    asyncio.run(talk())


def test_a_whisper_nobody_waits_for_needs_no_handler(chat):
    program = chat("""
        function Seats:onmessage(socket, data)
          coroutine.wrap(function() socket:send(tostring(socket:whisper("ann", "psst", "text", false))) end)()
        end""")

    async def talk():
        async with program.connect("ann") as ann:
            await ann.send("x")
            assert sorted([await hear(ann), await hear(ann)]) == ["psst", "true"]
    asyncio.run(talk())


def test_waiting_in_a_coroutine_of_ones_own_is_an_error_and_leaves_nothing(chat):
    program = chat("""
        function Seats:onmessage(socket)
          local is_well, problem = coroutine.resume(coroutine.create(function() dog.sleep(1) end))
          socket:send(problem:match ": (.*)")
        end""")

    async def talk():
        async with program.connect("ann") as ann:
            assert await ask(ann, "x") == "this waits, which only a handler can, or a function given to engine:spawn"
    asyncio.run(talk())


def test_where_there_is_no_way_to_wait_it_is_an_error_and_wakes_nobody_later(chat):
    """table.sort's comparator cannot be left. The time of that sleep passes while the same coroutine waits again."""
    program = chat("""
        function Seats:onmessage(socket)
          local is_well, problem = pcall(table.sort, { 1, 2, 3 }, function() dog.sleep(1) end)
          local woken = dog.suspend(function(go)
            engine:spawn(function()
              dog.sleep(20)
              go "by whom it should"
            end)
          end)
          socket:send(tostring(is_well) .. " " .. problem .. " " .. tostring(woken))
        end""")

    async def talk():
        async with program.connect("ann") as ann:
            for _ in range(3):
                assert await ask(ann, "x") == (
                    "false attempt to yield across C-call boundary by whom it should")
    asyncio.run(talk())


def test_suspend_returns_what_it_is_woken_with_be_that_early(chat):
    program = chat("""
        function Seats:onmessage(socket)
          local again
          local one, two, three = dog.suspend(function(go)
            again = go
            assert(go(1, nil, 3) == true)
          end)
          assert(again() == false)
          local is_well, problem = pcall(dog.suspend, function() error("on purpose", 0) end)
          socket:send(("%s %s %s %s %s"):format(one, two, three, is_well, problem))
        end""")

    async def talk():
        async with program.connect("ann") as ann:
            assert await ask(ann, "x") == "1 nil 3 false on purpose"
    asyncio.run(talk())


def test_a_handler_may_yield_by_itself_and_be_resumed_by_the_program(chat):
    """As libraries do that know nothing of DOG: coroutine.yield, and coroutine.resume from another handler."""
    program = chat("""
        local asleep
        function Seats:onmessage(socket, data)
          if data == "sleep" then
            asleep = coroutine.running()
            socket:send "asleep"
            socket:send("woken " .. coroutine.yield())
            dog.sleep(1)
            socket:send "rested"
          elseif data == "wake" then
            assert(coroutine.resume(asleep, "by hand"))
            socket:send "woke"
          else
            socket:send(data)
          end
        end""")

    async def talk():
        async with program.connect("ann") as ann, program.connect("bob") as bob:
            for _ in range(3):
                assert await ask(ann, "sleep") == "asleep"
                assert await ask(ann, "still here") == "still here"
                assert await ask(bob, "wake") == "woke"
                assert [await hear(ann), await hear(ann)] == ["woken by hand", "rested"]
    asyncio.run(talk())


def test_spawned_functions_run_as_handlers_do(chat):
    program = chat("""
        function Seats:onmessage(socket)
          engine:spawn(function(...)
            dog.sleep(1)
            socket:send(select("#", ...) .. " " .. tostring((select(3, ...))))
            error("on purpose", 0)
          end, 1, nil, "three", nil)
          socket:send "spawned"
        end""")

    async def talk():
        async with program.connect("ann") as ann:
            assert await ask(ann, "x") == "spawned"
            assert await hear(ann) == "4 three"
            assert await ask(ann, "x") == "spawned"
            assert await hear(ann) == "4 three"
    asyncio.run(talk())
    program.says("spawn: on purpose")


def test_no_more_handlers_wait_than_handlers_max(chat):
    program = chat("options.handlers_max = 2\n" + HOLD)

    async def talk():
        async with program.connect("ann") as ann, program.connect("bob") as bob:
            assert await ask(ann, "hold a") == "holding a"
            assert await ask(ann, "hold b") == "holding b"
            await bob.send("hold c")
            assert await closed(bob) == (1011, "")
            assert await ask(ann, "go a 1") == "went true"
            assert await hear(ann) == "got 1"
            assert await ask(ann, "hold d") == "holding d"
    asyncio.run(talk())
    program.says("DOG_EFULL: a queue or table is at its limit: handlers_max handlers wait already")


def test_coroutines_are_used_again(chat):
    """While nobody waits all handlers run in one; those that had to be made for waiting ones do the work afterwards."""
    program = chat("""
        local seen, count = setmetatable({}, { __mode = "k" }), 0
        function Seats:onmessage(socket, data)
          local me = coroutine.running()
          if not seen[me] then seen[me], count = true, count + 1 end
          if data == "sleep" then dog.sleep(1) end
          socket:send(data == "count" and count or data)
        end""")

    async def talk():
        async with program.connect("ann") as ann:
            for number in range(100):
                assert await ask(ann, str(number)) == str(number)
            assert await ask(ann, "count") == "1"
            for _ in range(100):
                assert await ask(ann, "sleep") == "sleep"
            assert int(await ask(ann, "count")) <= 3
    asyncio.run(talk())


@pytest.mark.parametrize("asks", ["socket:whisper('bob', 'x')", "self:whisper('bob', 'x')", "self:gossip 'x'",
                                  "self.gateway:whisper('bob', 'x')"])
def test_who_waits_for_an_answer_that_cannot_come_any_more_is_told(chat, asks):
    """What the engine would never tell is what was asked right before the end of who asked. So the end is brought about
    by hand: the socket's, the Shard's and the Gateway's last events come while a wait is on their books."""
    program = chat(f"""
        options.workers = 1
        function Seats:onmessage(socket)
          local owner = {asks.partition(":")[0]}
          engine:spawn(function()
            local result, why = dog.suspend(function()
              local id = engine._next_id - 1
              owner._pending = owner._pending or {{}}
              owner._pending[id] = true
            end)
            print("told " .. tostring(result) .. " " .. why)
          end)
          socket:close(1000)
        end
        function Seats:onclose() if self:count() == 0 then engine:stop(0) end end""")

    async def talk():
        async with program.connect("ann") as ann:
            await ann.send("x")
            assert await closed(ann) == (1000, "")
    asyncio.run(talk())
    assert program.line_with("told") == "told nil DOG_EGONE"
    program.process.wait(60)


def test_what_waits_when_the_engine_has_stopped_is_never_gone_on_with(chat):
    program = chat(HOLD)

    async def talk():
        async with program.connect("ann") as ann:
            assert await ask(ann, "hold a") == "holding a"
            program.process.terminate()
            assert await closed(ann) == (1001, "")
    asyncio.run(talk())
    assert program.process.wait(60) == 0
    assert program.said() == "dog: warn: 1 handlers that waited were cut off at the stop\n"


def test_functions_that_wait_can_be_spawned_before_the_start_and_from_outside():
    assert run_lua("""
        local dog = require "dog"
        local engine = dog.engine()
        engine:start()
        local go
        engine:spawn(function()
          print("first " .. tostring(dog.suspend(function(resume) go = resume end)))
          dog.sleep(1)
          print "last"
          engine:stop()
        end)
        print "second"
        print(go "third" , go "never")
        while engine:step(-1) do end
        engine:destroy()
    """) == "second\nfirst third\ntrue\tfalse\nlast\n"
