"""How a Shard begins, and what its end and the engine's wait for."""
import asyncio

from program import ask, closed, hear, run_lua


def test_requests_and_messages_wait_for_onstart(chat):
    program = chat("""
        function Seats:onstart()
          dog.sleep(50)
          self.is_loaded = true
        end
        function Seats:receive(request)
          if request:is_websocket() then return self:connect(request) end
          return 200, tostring(self.is_loaded)
        end
        function Seats:onmessage(socket) socket:send(tostring(self.is_loaded)) end""")
    assert program.get("/rooms/den") == (200, "true")

    async def talk():
        async with program.connect("ann", room="other") as ann:
            assert await ask(ann, "loaded?") == "true"
    asyncio.run(talk())


def test_a_start_that_fails_ends_that_shard_alone(chat):
    program = chat("""
        local starts = 0
        function Seats:onstart()
          starts = starts + 1
          self.number = starts
          if starts == 2 then dog.sleep(1) end
          if starts < 3 then error "no database" end
        end
        function Seats:onstop() print("end of " .. self.number) end
        function Seats:receive() return 200, "shard " .. self.number end""")
    assert [program.get("/rooms/den")[0] for _ in range(2)] == [500, 500]
    assert program.get("/rooms/den") == (200, "shard 3")
    for number in (1, 2):
        assert program.line_with(f"end of {number}")
    assert program.said().count("no database") == 2


def test_a_stop_waits_for_handlers(chat):
    program = chat("""
        function Seats:onclose(socket, code)
          dog.sleep(30)
          print("closed " .. code)
        end
        function Seats:onstop()
          dog.sleep(60)
          print "saved"
        end
        function Room:onretire()
          dog.sleep(1)
          print "retired"
        end""")

    async def talk():
        async with program.connect("ann") as ann:
            assert await ask(ann, "x") == "x"
            output = asyncio.to_thread(program.stop)
            assert (await asyncio.gather(output, closed(ann)))[1][0] == 1001
    asyncio.run(talk())
    lines = program.output.decode().splitlines()
    assert {"retired", "saved"} < set(lines) and lines[-1] == "stopped"
    assert any(line.startswith("closed ") for line in lines)
    assert "cut off" not in program.said()


def test_a_handler_that_nobody_can_wake_is_cut_off_and_told(chat):
    program = chat("""
        function Seats:onstop() dog.suspend(function() end) end
        function Seats:receive() return 200, "here" end""")
    assert program.get("/rooms/den") == (200, "here")
    assert program.stop().splitlines()[-1] == "stopped"
    program.says("1 handlers that waited were cut off at the stop")


def test_a_handler_that_outlasts_the_grace_is_cut_off_and_told(chat):
    program = chat("""
        function Seats:onstop() dog.sleep(3600000) end
        function Seats:receive() return 200, "here" end
        fetch = function() engine:stop(20) return 200, "stopping" end""")
    assert program.get("/rooms/den") == (200, "here")
    assert program.get("/stop") == (200, "stopping")
    program.line_with("stopped")
    program.process.wait(60)
    program.says("were cut off")


def test_an_engine_that_has_ended_says_so():
    said = run_lua("""
        local dog = require "dog"
        local engine = dog.engine { workers = 1 }
        engine:start()
        engine:stop()
        engine:run()
        assert(engine:stop() == true and engine:stop(5) == true)
        engine:destroy()
        for _, call in ipairs { "listen", "start", "fd" } do
          local is_well, problem = pcall(engine[call], engine, 0)
          assert(not is_well and problem:find "the engine has ended", tostring(problem))
        end
        print "told"
    """)
    assert said == "told\n"
