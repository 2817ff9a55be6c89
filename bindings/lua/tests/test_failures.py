"""What becomes of a handler that fails, and who is told."""
import asyncio

import pytest

from program import ask, closed, hear


@pytest.mark.parametrize("handlers, what", [
    ('function Room:identify() error "on purpose" end', "Room.identify: "),
    ('function Room:clusterize() error "on purpose" end', "Room.clusterize: "),
    ('function Seats:receive() error "on purpose" end', "Seats.receive: "),
    ('function Seats:receive() error({}) end', "Seats.receive: table: "),
    ('function Seats:receive() error(setmetatable({}, { __tostring = error })) end', "that tostring fails for"),
    ('function Seats:receive() local function f() return 1 + f() end f() end', "stack overflow"),
    ('function Seats:receive() dog.sleep(1) error "on purpose" end', "Seats.receive: "),
    ("function Seats:receive() end", "Seats.receive: receive ended without an answer"),
    ("function Seats:receive() return true end", "Seats.receive: a handler returned a boolean"),
    ("function Room:clusterize() end", "Room.clusterize: clusterize ended without an answer"),
    ("function Room:identify() return {} end", "Room.identify: identify returned a table"),
    ('function Seats:receive() return 200, "", { Bad = "a\\nb" } end', "DOG_EINVAL"),
    ('function Seats:receive() return 200, "", { Bad = true } end', "a header is a name and a string"),
    ('function Seats:receive() return 200, "", "text/html" end', "headers are a table, not a string"),
    ('function Seats:receive() return 200, {} end', "a table can be sent where dog.json is set"),
    ('function Seats:receive() return 99 end', "DOG_EINVAL"),
    ('function Seats:receive() return 200, print end', "this is a function"),
])
def test_a_question_whose_handler_fails_is_answered_500_and_reported(chat, handlers, what):
    program = chat(handlers + "\nfunction fetch() return 'alive' end")
    assert program.get("/rooms/den") == (500, "500 Internal Server Error\n")
    program.says(what)
    assert "in function 'dispatch'" not in program.said()
    assert program.get("/") == (200, "alive")


def test_fetch_that_fails(chat):
    program = chat("function fetch(request) if request:path() == '/bad' then error 'on purpose' end return 'alive' end")
    assert program.get("/bad") == (500, "500 Internal Server Error\n")
    program.says("fetch: ")
    program.says("on purpose")
    assert program.get("/") == (200, "alive")


@pytest.mark.parametrize("handler", ["onmessage", "onopen"])
def test_a_socket_whose_handler_fails_hears_1011_after_onerror(chat, handler):
    program = chat(f"""
        function Seats:{handler}(socket)
          if socket.uid == "bad" then error("on purpose", 0) end
          if "{handler}" == "onmessage" then socket:send "well" end
        end
        function Seats:onerror(socket, status, text) self:broadcast("error " .. status .. " " .. text) end
        function Seats:onclose(socket, code) self:broadcast("close " .. code) end""")

    async def talk():
        async with program.connect("good") as good, program.connect("bad") as bad:
            if handler == "onmessage":
                assert await ask(good, "x") == "well"
                await bad.send("x")
            assert await hear(bad) == "error DOG_EHOST on purpose"
            assert await closed(bad) == (1011, "")
            assert await hear(good) == "error DOG_EHOST on purpose"
            assert await hear(good) == "close 1011"
    asyncio.run(talk())
    program.says(f"Seats.{handler}: on purpose")


def test_handlers_that_only_hear_are_reported_when_they_fail(chat):
    program = chat("""
        for _, name in ipairs { "onclose", "onstop" } do
          Seats[name] = function() error(name .. " on purpose", 0) end
        end""")

    async def talk():
        async with program.connect("ann") as ann:
            assert await ask(ann, "x") == "x"
    asyncio.run(talk())
    program.stop()
    assert [line for line in program.said().splitlines() if line.startswith("Seats.")] == [
        f"Seats.{name}: {name} on purpose" for name in ("onclose", "onstop")]


def test_failures_go_to_the_report_hook_and_a_hook_that_fails_stops_nothing(chat):
    program = chat("""
        function options.report(message)
          print("reported " .. message:match "^[^\\n]*")
          error "and so does this"
        end
        function Seats:receive() error("on purpose", 0) end""")
    assert program.get("/rooms/den") == (500, "500 Internal Server Error\n")
    assert program.get("/rooms/den") == (500, "500 Internal Server Error\n")
    assert program.stop().count("reported Seats.receive: on purpose") == 2
    program.says("the report hook failed")


def test_the_engines_log_goes_to_stderr_or_the_hook_or_nowhere(chat):
    bad = 'function Seats:receive(request) request:respond(200, "", { ["X-Bad"] = "a\\nb" }) end\n'
    program = chat(bad + "function options.report() end")
    assert program.get("/rooms/den")[0] == 500
    program.stop()
    assert program.said().startswith("dog: error: ")
    program = chat(bad + "function options.report() end options.log = function(level, line) print(level, line) end")
    assert program.get("/rooms/den")[0] == 500
    assert "error\t127.0.0.1:" in program.stop() and program.said() == ""
    program = chat(bad + "function options.report() end options.log = false")
    assert program.get("/rooms/den")[0] == 500
    program.stop()
    assert program.said() == ""


@pytest.mark.parametrize("uid", ['""', '("x"):rep(257)', '"a\\nb"', '"\\255"'])
def test_what_is_no_uid_is_the_clients_400_and_no_error_of_the_program(chat, uid):
    program = chat(f"""
        options.log_level = "info"
        function options.report() print "reported" end
        function options.log(level, line) print(level, line) end
        function Room:identify() return {uid} end""")
    assert program.get("/rooms/den")[0] == 400
    said = program.stop()
    assert "reported" not in said and said.count("info\t127.0.0.1:") == 1 and "400, its uid is " in said


def test_what_others_cause_is_an_answer_and_what_the_program_does_wrong_an_error(chat):
    program = chat("""
        local last
        function Seats:onclose(socket) last = socket end
        function Seats:onmessage(socket, data)
          local results = { pcall(function()
            if data == "stale" then return last:send "x" end
            if data == "text" then return socket:send "\\255" end
            if data == "kind" then return socket:send("x", "txt") end
            if data == "code" then return socket:close(1005) end
            if data == "big code" then return socket:close(66536) end
            if data == "table" then return socket:send {} end
            if data == "nothing" then return socket:send() end
          end) }
          for index = 1, 3 do results[index] = tostring(results[index]) end
          results[2] = dog.status(results[2]) or results[2]:gsub("^.*%.lua:%d+: ", "")
          self:broadcast(table.concat(results, "|"))
        end""")

    async def talk():
        async with program.connect("ann") as ann:
            async with program.connect("bob"):
                pass
            while (answer := await ask(ann, "stale")).startswith("false"):
                pass
            assert answer == "true|nil|DOG_ESTALE"
            assert await ask(ann, "text") == "false|DOG_EINVAL|nil"
            assert await ask(ann, "kind") == 'false|a kind is "text" or "binary", not txt|nil'
            assert await ask(ann, "code") == "false|DOG_EINVAL|nil"
            assert (await ask(ann, "big code")).startswith("false|a close code is a number")
            assert (await ask(ann, "table")).startswith("false|a table can be sent where dog.json is set")
            assert (await ask(ann, "nothing")).startswith("false|a string is to be sent")
    asyncio.run(talk())


def test_an_error_is_at_the_line_of_the_call_that_was_wrong(chat):
    program = chat("""
        function Seats:onmessage(socket, data)
          local line = debug.getinfo(1, "l").currentline
          local _, first = pcall(function() socket:send("x", "txt") end)
          local _, second = pcall(function() socket:close(1005) end)
          local _, third = pcall(function() socket:broadcast(print) end)
          for index, problem in ipairs { first, second, third } do
            assert(tonumber(problem:match ":(%d+):") == line + index, problem)
          end
          socket:send "right"
        end""")

    async def talk():
        async with program.connect("ann") as ann:
            assert await ask(ann, "x") == "right"
    asyncio.run(talk())


def test_an_upgrade_that_is_none_is_told_and_no_failure(chat):
    program = chat("""
        function Seats:receive(request)
          local is_well, status = self:connect(request)
          print("connect " .. tostring(is_well) .. " " .. tostring(status))
        end""")
    assert program.get("/rooms/den")[0] == 426
    assert program.line_with("connect") == "connect nil DOG_EUPGRADE"
    assert program.said() == ""
