"""What handlers are given, and what they return."""
import asyncio
import http.client
from concurrent.futures import ThreadPoolExecutor

import pytest

from program import ask, closed, hear


# ---- answers


@pytest.mark.parametrize("returns, status, body", [
    ('"ann"', 200, "ann"), ("403", 403, ""), ('401, "who?\\n"', 401, "who?\n"),
    ("nil", 403, "403 Forbidden\n"), ("false", 403, "403 Forbidden\n"),
    ('request:identify("bob")', 200, "bob"), ('request:respond(418, "tea")', 418, "tea")])
def test_identify_answers_by_what_it_returns(chat, returns, status, body):
    program = chat(f"""
        function Room:identify(request) return {returns} end
        function Seats:receive(request) return 200, request:uid() end""")
    assert program.get("/rooms/den") == (status, body)
    assert program.said() == ""


@pytest.mark.parametrize("returns, status, body, kind", [
    ("204", 204, "", None), ('200, "text"', 200, "text", None), ('"text"', 200, "text", None),
    ('201, "<p>", { ["Content-Type"] = "text/html" }', 201, "<p>", "text/html"), ("200, 42", 200, "42", None)])
def test_receive_answers_by_what_it_returns(chat, returns, status, body, kind):
    program = chat(f"function Seats:receive() return {returns} end")
    assert program.request("GET", "/rooms/den")[:2] == (status, body)
    assert program.request("GET", "/rooms/den")[2].get("Content-Type") == kind


def test_a_table_is_json_where_there_is_an_encoder(chat):
    program = chat("""
        dog.json = { encode = function(value) return '{"people":' .. value.people .. "}" end }
        function Seats:receive(request)
          if request:header "upgrade" then return self:connect(request) end
          return 200, { people = 3 }
        end
        function Seats:onmessage(socket) socket:send { people = self:count() } end""")
    status, body, headers = program.request("GET", "/rooms/den")
    assert (status, body, headers["Content-Type"]) == (200, '{"people":3}', "application/json")

    async def talk():
        async with program.connect("ann") as ann:
            assert await ask(ann, "x") == '{"people":1}'
    asyncio.run(talk())


def test_headers_in_all_their_forms(chat):
    program = chat("""
        function Seats:receive()
          return 200, "", { ["X-One"] = "1", ["X-Number"] = 2, ["Set-Cookie"] = { "a=1", "b=2" }, { "X-Pair", "3" } }
        end""")
    connection = http.client.HTTPConnection("127.0.0.1", program.port, timeout=60)
    connection.request("GET", "/rooms/den")
    response = connection.getresponse()
    response.read()
    connection.close()
    assert [response.getheader(name) for name in ("X-One", "X-Number", "X-Pair")] == ["1", "2", "3"]
    assert response.headers.get_all("Set-Cookie") == ["a=1", "b=2"]


def test_a_request_can_be_read_in_all_its_parts(chat):
    program = chat("""
        function Seats:receive(request)
          local lines = { request:method(), request:target(), request:path(), request:query "q", request:header "x-a",
            tostring(request:query "none"), tostring(request:header "none"), request:body(), request:uid(),
            request:remote():match "^127%.0%.0%.1:%d+$" and "here", tostring(request:client_subject()),
            request.shard.id == self.id and request.gateway.name }
          for _, header in ipairs(request:headers()) do
            if header[1]:find "^X" then lines[#lines + 1] = header[1] .. "=" .. header[2] end
          end
          return 200, table.concat(lines, "\\n")
        end""")
    status, body, _ = program.request("POST", "/rooms/a%20b?u=ann&q=c+d", "body", {"X-A": "one", "X-B": "two"})
    assert (status, body.splitlines()) == (200, [
        "POST", "/rooms/a%20b?u=ann&q=c+d", "/rooms/a%20b", "c d", "one", "nil", "nil", "body", "ann", "here", "nil",
        "a b", "X-A=one", "X-B=two"])


def test_connect_chooses_a_protocol_and_adds_headers(chat):
    program = chat("""
        function Seats:receive(request)
          local offered = request:protocols()
          return self:connect(request, { protocol = offered[2], headers = { ["X-Offered"] = #offered } })
        end""")

    async def talk():
        async with program.connect("ann", subprotocols=["a", "b", "c"]) as ann:
            assert ann.subprotocol == "b" and ann.response_headers["X-Offered"] == "3"
    asyncio.run(talk())


def test_connect_does_not_take_an_option_that_it_does_not_know(chat):
    program = chat("function Seats:receive(request) return self:connect(request, { protocols = {} }) end")
    assert program.get("/rooms/den") == (500, "500 Internal Server Error\n")
    program.says("connect: there is no option protocols")


def test_clusterize_names_the_shards(chat):
    program = chat("""
        function Room:clusterize(request) return "of-" .. request:uid() end
        function Seats:receive() return 200, self.id end""")
    assert program.get("/rooms/den?u=ann") == (200, "of-ann")


def test_fetch_forwards_or_answers(chat):
    program = chat("""
        function fetch(request)
          local name = request:path():match "^/to/(.+)"
          if name then return Room, name end
          if request:path() == "/direct" then return request:forward("Room", "direct") end
          if request:path() == "/text" then return "text" end
          if request:path() == "/number" then return 410, "gone" end
        end
        function Seats:receive() return 200, self.gateway.name end""")
    assert program.get("/to/den") == (200, "den")
    assert program.get("/direct") == (200, "direct")
    assert program.get("/text") == (200, "text")
    assert program.get("/number") == (410, "gone")
    assert program.get("/none") == (404, "404 Not Found\n")


# ---- sockets


def test_kinds_are_told_apart_and_kept(chat):
    program = chat("""
        function Seats:onmessage(socket, data, kind)
          socket:send(kind)
          socket:send(data, kind)
        end""")

    async def talk():
        async with program.connect("ann") as ann:
            await ann.send(b"\x00\xff")
            assert [await hear(ann), await hear(ann)] == ["binary", b"\x00\xff"]
            await ann.send("")
            assert [await hear(ann), await hear(ann)] == ["text", ""]
    asyncio.run(talk())


def test_emit_broadcast_and_whisper_reach_whom_they_should(chat):
    """The limit is two: ann and bob are on one Shard, cy on another."""
    program = chat("""
        function Seats:onmessage(socket, data)
          if data == "emit" then socket:emit "emitted" end
          if data == "emit self" then socket:emit("emitted", nil, dog.TO_SELF) end
          if data == "broadcast" then socket:broadcast "broadcast" end
          if data == "broadcast self" then socket:broadcast("broadcast", "text", dog.TO_SELF) end
          if data == "shard" then self:emit "shard emitted" end
          if data == "all" then self.gateway:broadcast "to all" end
          if data == "whisper" then socket:whisper("cy", "psst", "text", false) end
          socket:send "done"
        end""")

    async def talk():
        async with program.connect("ann") as ann, program.connect("bob") as bob, program.connect("cy") as cy:
            everybody = {"ann": ann, "bob": bob, "cy": cy}
            for text, heard in {"emit": {"bob": "emitted"}, "emit self": {"ann": "emitted", "bob": "emitted"},
                                "broadcast": {"bob": "broadcast", "cy": "broadcast"},
                                "broadcast self": dict.fromkeys(everybody, "broadcast"),
                                "shard": {"ann": "shard emitted", "bob": "shard emitted"},
                                "all": dict.fromkeys(everybody, "to all"), "whisper": {"cy": "psst"}}.items():
                await ann.send(text)
                for name in heard:
                    if name != "ann":
                        assert await hear(everybody[name]) == heard[name], text
                assert sorted([await hear(ann) for _ in range(1 + ("ann" in heard))]) == sorted(
                    ["done", *([heard["ann"]] if "ann" in heard else [])]), text
            # And nobody else heard a thing: what comes next comes first.
            await ann.send("broadcast self")
            assert [await hear(one) for one in everybody.values()] == ["broadcast"] * 3
    asyncio.run(talk())


def test_a_socket_knows_who_and_where_it_is_and_keeps_what_it_is_given(chat):
    program = chat("""
        function Seats:onopen(socket) socket.said = 0 end
        function Seats:onmessage(socket, data)
          socket.said = socket.said + 1
          socket:send(table.concat({ socket.uid, socket.said, tostring(socket.shard == self), self.gateway.name,
            self:count(), #self:sockets() }, " "))
        end""")

    async def talk():
        async with program.connect("ann") as ann, program.connect("bob") as bob:
            assert await ask(ann, "x") == "ann 1 true den 2 2"
            assert await ask(ann, "x") == "ann 2 true den 2 2"
            assert await ask(bob, "x") == "bob 1 true den 2 2"
            await bob.close()
            await bob.wait_closed()
            while (answer := await ask(ann, "x")).endswith("2 2"):
                pass
            assert answer.endswith("true den 1 1")
    asyncio.run(talk())


def test_open_close_and_error_are_told(chat):
    program = chat("""
        options.message_bytes_max = 1000
        function Seats:onopen(socket) self:broadcast("open " .. socket.uid) end
        function Seats:onclose(socket, code, reason, clean)
          self:broadcast(("close %s %d %s %s"):format(socket.uid, code, reason, tostring(clean)))
        end
        function Seats:onerror(socket, status, text)
          self:broadcast(("error %s %s %s"):format(socket.uid, status, text))
        end""")

    async def talk():
        async with program.connect("ann") as ann:
            assert await hear(ann) == "open ann"
            async with program.connect("bob") as bob:
                await bob.close(4000, "bye")
            assert [await hear(ann), await hear(ann)] == ["open bob", "close bob 4000 bye true"]
            async with program.connect("bob") as bob:
                await bob.send("x" * 1001)
                assert await closed(bob) == (1009, "")
            assert [await hear(ann) for _ in range(3)] == [
                "open bob", "error bob DOG_ETOOBIG longer than its limit", "close bob 1009  false"]
    asyncio.run(talk())


def test_a_socket_is_closed_with_a_code_and_a_reason(chat):
    program = chat("function Seats:onmessage(socket) socket:close(4001, \"enough\") end")

    async def talk():
        async with program.connect("ann") as ann:
            await ann.send("x")
            assert await closed(ann) == (4001, "enough")
    asyncio.run(talk())


def test_start_and_stop_are_told(start, chat):
    program = chat("""
        function Seats:onstart() self.started = true print("start " .. self.id .. " " .. self.gateway.name) end
        function Seats:onstop() print("stop " .. self.id .. " " .. tostring(self.started)) end
        function Room:clusterize() return "seats" end""")

    async def talk():
        async with program.connect("ann"):
            pass
    asyncio.run(talk())
    assert program.stop().splitlines()[1:] == ["start seats den", "stop seats true", "stopped"]


def test_gossip_asks_and_answers(chat):
    program = chat("""
        function Seats:ongossip(question, gossip)
          if question == "fail" then error("no comment", 0) end
          if question == "say no" then return gossip:fail "no" end
          if question == "nothing" then return end
          return question .. " " .. self:sockets()[1].uid
        end
        function Seats:onmessage(socket, data)
          local answers = self:gossip(data)
          for index, answer in ipairs(answers) do
            answers[index] = answer.status .. " " .. tostring(answer.data)
            assert(#answer.shard_id == 32)
          end
          socket:send(#answers .. " " .. table.concat(answers, ","))
        end""")

    async def talk():
        async with program.connect("ann") as ann, program.connect("ann2"):
            assert await ask(ann, "alone") == "0 "
            async with program.connect("bob"):
                assert await ask(ann, "who") == "1 DOG_OK who bob"
                assert await ask(ann, "nothing") == "1 DOG_OK "
                assert await ask(ann, "say no") == "1 DOG_EHOST no"
                assert await ask(ann, "fail") == "1 DOG_EHOST no comment"
    asyncio.run(talk())
    program.says("Seats.ongossip: no comment")


def test_siblings_without_ongossip_say_so(chat):
    program = chat("function Seats:onmessage(socket) socket:send(self:gossip(\"x\")[1].status) end")

    async def talk():
        async with program.connect("a") as ann, program.connect("b"), program.connect("c"):
            assert await ask(ann, "x") == "DOG_ENOHANDLER"
    asyncio.run(talk())


def test_a_gateway_is_found_by_its_name(chat):
    program = chat("""
        function Seats:onmessage(socket, name)
          local room = engine:find(Room, name)
          if not room then return socket:send "nobody" end
          room:broadcast("hello " .. room.name)
          socket:send(tostring(room == self.gateway) .. " " .. room:stats().connections)
        end""")

    async def talk():
        async with program.connect("ann", "den") as ann, program.connect("bob", "pub") as bob:
            assert await ask(ann, "none") == "nobody"
            assert await ask(ann, "pub") == "false 1"
            assert await hear(bob) == "hello pub"
            await ann.send("den")
            assert sorted([await hear(ann), await hear(ann)]) == ["hello den", "true 1"]
    asyncio.run(talk())


def test_a_gateway_may_be_found_before_its_first_request_was_asked_about(chat):
    program = chat("""
        function Seats:receive() return self.gateway.name end
        function fetch()
          print "waiting"
          local room
          repeat room = engine:find(Room, "den") until room
          return room.name
        end""")
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(program.get, "/")
        program.line_with("waiting")
        assert program.get("/rooms/den") == (200, "den")
        assert found.result(60) == (200, "den")


def test_a_gateway_that_ends_is_told(chat):
    program = chat("""
        Room = dog.gateway("Room", { child = "Seats", limit = 2, idle_seconds = 1, sticky_seconds = 1 })
        function Room:identify() return self.name == "den" and "ann" or 403 end
        function Room:onretire()
          local found = engine:find(Room, self.name)
          print("retired " .. self.name .. " " .. tostring(found) .. " " .. tostring(next(engine._gateways)))
          error "on purpose"
        end
        function Seats:receive() return 200 end""")
    assert program.get("/rooms/pub")[0] == 403
    assert program.line_with("retired") == "retired pub nil nil"
    program.says("Room.onretire: ")
    assert program.get("/rooms/den")[0] == 200
    assert program.line_with("retired den") == "retired den nil nil"


def test_counts_of_the_engine(chat):
    program = chat("""
        function fetch()
          local stats = engine:stats()
          return stats.sockets .. " " .. stats.shards .. " " .. stats.gateways
        end""")

    async def talk():
        async with program.connect("a"), program.connect("b"), program.connect("c"):
            assert await asyncio.to_thread(program.get, "/") == (200, "3 2 1")
    asyncio.run(talk())
