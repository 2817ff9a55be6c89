"""Nothing leaks: what the binding holds after a crowd has left is what it held before, and the rest is collected."""
import asyncio
import http.client
import time

from program import DEADLINE, ask, closed, run_lua

# Every object that handlers saw, held weakly; /objects collects and counts.
WATCHED = """
Room = dog.gateway("Room", { child = "Seats", limit = 2, idle_seconds = 1 })
local seen = setmetatable({}, { __mode = "k" })
function Room:identify(request) seen[request], seen[self] = "request", "gateway" return request:query "u" end
function Seats:onstart() seen[self] = "shard" end
function Seats:receive(request)
  seen[request] = "request"
  if request:header "upgrade" then return self:connect(request) end
  local stream = request:begin(200)
  seen[stream] = "stream"
  stream:write "x"
  stream:finish()
end
function Seats:onopen(socket) seen[socket] = "socket" end
function Seats:ongossip(question, gossip) seen[gossip] = "gossip" return question end
function Seats:onmessage(socket, data)
  if data == "gossip" then socket:send(#self:gossip "x") return end
  if data == "sleep" then dog.sleep(1) end
  if data == "fail" then error "on purpose" end
  socket:send(tostring(socket:whisper("nobody", data)))
end
function options.report() end
local function size(objects)
  local count = 0
  for _ in pairs(objects) do count = count + 1 end
  return count
end
function fetch(request)
  collectgarbage()
  collectgarbage()
  local counts = { request = 0, gateway = 0, shard = 0, socket = 0, stream = 0, gossip = 0 }
  for _, kind in pairs(seen) do counts[kind] = counts[kind] + 1 end
  local lines = {}
  for _, kind in ipairs { "socket", "shard", "request", "stream", "gossip" } do
    lines[#lines + 1] = kind .. " " .. counts[kind]
  end
  for _, name in ipairs { "_objects", "_waiting", "_timers", "_ready", "_streams" } do
    lines[#lines + 1] = name .. " " .. size(engine[name])
  end
  return 200, table.concat(lines, ", ") .. ", waiting " .. engine._waiting_count
end
"""
NOTHING = ("socket 0, shard 0, request 0, stream 0, gossip 0, "
           "_objects 0, _waiting 0, _timers 0, _ready 0, _streams 0, waiting 0")


def test_a_crowd_that_left_leaves_nothing(chat):
    program = chat(WATCHED)

    async def person(number):
        async with program.connect(f"p{number}", room=f"r{number % 3}") as client:
            assert await ask(client, "sleep") == "0"
            assert int(await ask(client, "gossip")) >= 0
            assert await ask(client, "hello") == "0"
            if number % 3 == 0:
                await client.send("fail")
                assert await closed(client) == (1011, "")
            if number % 3 == 1:
                await client.send("sleep")
                client.transport.abort()
                # Else its close, at the end of this block, may find it open no more and say so.
                await client.wait_closed()

    async def crowd():
        for _ in range(5):
            await asyncio.gather(*(person(number) for number in range(40)))
            assert (await asyncio.to_thread(program.get, "/rooms/r0?u=x")) == (200, "x")

    asyncio.run(crowd())
    # The last closes may still be on their way, and the Shards are empty for a second before they go.
    end = time.monotonic() + DEADLINE
    while program.get("/objects") != (200, NOTHING) and time.monotonic() < end:
        time.sleep(0.05)
    assert program.get("/objects") == (200, NOTHING)


def test_gateways_that_were_retired_are_forgotten(chat):
    """Each refused request makes a Gateway, which the engine forgets at once: names may come from anybody."""
    program = chat("""
        local most = 0
        function Room:identify()
          local count = 0
          for _ in pairs(engine._gateways) do count = count + 1 end
          most = math.max(most, count)
          return 403
        end
        function fetch() return 200, tostring(most) end""")

    def knock(worker):
        connection = http.client.HTTPConnection("127.0.0.1", program.port, timeout=60)
        for number in range(750):
            connection.request("GET", f"/rooms/{worker}-{number}")
            response = connection.getresponse()
            assert (response.status, response.read()) == (403, b"")
        connection.close()

    for worker in range(4):
        knock(worker)
    assert 1 <= int(program.get("/")[1]) <= 10


def test_an_engine_that_is_dropped_is_destroyed_by_the_collector():
    assert run_lua("""
        local dog = require "dog"
        local gone = setmetatable({}, { __mode = "k" })
        for number = 1, 600 do
          local engine = dog.engine { workers = 1 }
          gone[engine] = true
          if number % 100 == 0 then
            engine:start()
            engine:spawn(function() dog.suspend(function() end) end)
            engine:spawn(function() end)
            engine:step(0)
          end
          engine = nil
          if number % 10 == 0 then collectgarbage() collectgarbage() end
        end
        collectgarbage()
        collectgarbage()
        print(next(gone))
    """) == "nil\n", "more than DOG_ENGINES_MAX were made, one after the other"


def test_an_engine_that_was_destroyed_does_nothing_and_says_so():
    assert run_lua("""
        local dog = require "dog"
        local engine = dog.engine { workers = 1 }
        engine:start()
        local go
        engine:spawn(function() dog.suspend(function(resume) go = resume end) print "never" end)
        engine:destroy()
        engine:destroy()
        print(engine:step(-1), go(), select(2, engine:stats()), engine:stop())
    """) == "false\tfalse\tDOG_ESTALE\ttrue\n"


def test_many_engines_one_after_the_other_and_two_at_once():
    assert run_lua("""
        local dog = require "dog"
        local Room = dog.gateway("Room", { child = "Seats", limit = 1 })
        function Room:identify() return "x" end
        local Seats = dog.shard("Seats", { parent = "Room" })
        function Seats:receive() return 200 end
        local function make()
          local engine = dog.engine { workers = 1 }
          engine:define(Room, Seats):route("/:name", Room)
          assert(engine:listen(0) > 0)
          return engine:start()
        end
        for _ = 1, 20 do
          local one, other = make(), make()
          one:stop() other:stop()
          while one:step(-1) do end
          while other:step(-1) do end
          one:destroy() other:destroy()
        end
        print "done"
    """) == "done\n"


def test_a_program_that_ends_without_destroying_anything_ends():
    assert run_lua("""
        local engine = require("dog").engine { workers = 2 }
        engine:listen(0)
        engine:start()
        engine:step(0)
        print "done"
    """) == "done\n"
