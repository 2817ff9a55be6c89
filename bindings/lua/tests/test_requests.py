"""What a request tells beside what dog.h's getters give."""
import asyncio
import socket
import tempfile

import pytest

from program import ask, closed, hear, run_lua

TELL = "function Seats:receive(request) return 200, tostring(%s) end"


def test_the_client_without_its_port(chat):
    program = chat(TELL % "request:remote_ip()")
    assert program.get("/rooms/den") == (200, "127.0.0.1")


@pytest.mark.parametrize("host, forwarded, expected", [
    ("127.0.0.1", "203.0.113.9", "203.0.113.9"), ("127.0.0.1", "2001:db8::7", "2001:db8::7"),
    ("127.0.0.1", "[2001:db8::7]:80", "2001:db8::7")])
def test_the_client_that_a_proxy_tells_of(chat, host, forwarded, expected):
    program = chat("""options = { trusted_proxies = "127.0.0.1" }""" + TELL % "request:remote_ip()")
    assert program.request("GET", "/rooms/den", headers={"X-Forwarded-For": forwarded})[:2] == (200, expected)


def test_a_unix_socket_has_no_address(chat):
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/socket"
        chat(TELL % "request:remote_ip()" + f"""
            local make = dog.engine
            dog.engine = function(options)
              local engine = make(options)
              engine:listen {{ path = "{path}" }}
              return engine
            end""")
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(60)
            client.connect(path)
            client.sendall(b"GET /rooms/den HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            answer = b""
            while piece := client.recv(4096):
                answer += piece
    assert answer.endswith(b"\r\n\r\nnil")


@pytest.mark.parametrize("upgrade, expected", [
    (None, "false"), ("websocket", "true"), ("h2c, WebSocket", "true"), ("websockets", "false")])
def test_whether_it_asks_for_a_websocket(chat, upgrade, expected):
    program = chat(TELL % "request:is_websocket()")
    headers = {"Upgrade": upgrade, "Connection": "Upgrade"} if upgrade else {}
    assert program.request("GET", "/rooms/den", headers=headers)[:2] == (200, expected)
    assert program.request("POST", "/rooms/den", headers=headers)[:2] == (200, "false")


@pytest.mark.parametrize("target, expected", [
    ("/rooms/den", ""), ("/rooms/den/", "/"), ("/rooms/den/board/7?x=/y", "/board/7"), ("/rooms/a%2Fb/c%2F", "/c%2F"),
    ("/fixed/more", "/more"), ("/elsewhere/x", "nil")])
def test_the_path_behind_the_route(chat, target, expected):
    program = chat(TELL % "request:rest()" + """
        local make = dog.engine
        dog.engine = function(options)
          local engine = make(options)
          engine:define(Room, Seats):route("/fixed/", Room, "one")
          engine.define = function() return engine end
          return engine
        end
        fetch = function(request) return Room, "any" end""")
    assert program.get(target) == (200, expected)


@pytest.mark.parametrize("query, expected", [
    ("", "0:"), ("?tag=a", "1:a"), ("?tag=a&x=1&tag=b%20c&tag=&tag", "4:a,b c,,"), ("?t%61g=a+b%2B", "1:a b+"),
    ("?tags=a&TAG=b", "0:"), ("?tag=50%&&=x&", "1:50%")])
def test_every_value_of_a_query_parameter(chat, query, expected):
    program = chat("""
        function Seats:receive(request)
          local values = request:query_all "tag"
          return 200, #values .. ":" .. table.concat(values, ",")
        end""")
    assert program.get(f"/rooms/den{query}") == (200, expected)


# ---- one after another


ORDERED = """
    Seats = dog.shard("Seats", { parent = "Room", ordered = %s })
    function Seats:receive(request) return self:connect(request) end
    local held
    function Seats:onopen(socket) socket.seen = {} end
    function Seats:onmessage(socket, data)
      if data == "hold" then dog.suspend(function(go) held = go end) end
      socket.seen[#socket.seen + 1] = data
      if data == "tell" then socket:send(table.concat(socket.seen, " ")) end
    end
    function Seats:onclose(socket) print("closed after " .. table.concat(socket.seen, " ")) end
    fetch = function(request)
      if request:path() == "/go" then
        while not held do dog.sleep(1) end
        held()
      end
      return 200, "went"
    end
"""


@pytest.mark.parametrize("is_ordered, expected", [("true", "hold a tell"), ("false", "a tell")])
def test_the_messages_of_one_socket_one_after_another(chat, is_ordered, expected):
    program = chat(ORDERED % is_ordered)

    async def talk():
        async with program.connect("ann") as ann, program.connect("bob") as bob:
            for text in ["hold", "a", "tell"]:
                await ann.send(text)
            if is_ordered == "true":
                assert await ask(bob, "tell") == "tell"  # nobody else waits
                await asyncio.to_thread(program.get, "/go")
            assert await hear(ann) == expected
            if is_ordered == "false":
                await asyncio.to_thread(program.get, "/go")
    asyncio.run(talk())
    assert "stopped" in program.stop()


def test_the_close_waits_for_its_turn(chat):
    program = chat(ORDERED % "true")

    async def talk():
        ann = await program.connect("ann")
        await ann.send("hold")
        await ann.send("a")
        await ann.close()
        await asyncio.to_thread(program.get, "/go")
    asyncio.run(talk())
    assert program.line_with("closed") == "closed after hold a"


def test_what_waits_for_its_turn_is_bounded(chat):
    program = chat("options = { handlers_max = 3 }" + ORDERED % "true")

    async def talk():
        async with program.connect("ann") as ann:
            for text in ["hold", "a", "b", "c", "d"]:
                await ann.send(text)
            assert (await closed(ann))[0] == 1013
        await asyncio.to_thread(program.get, "/go")
    asyncio.run(talk())
    assert program.line_with("closed") == "closed after hold a b"
    assert "handlers_max" in program.said()


# ---- names and places


def test_a_name_like_a_handler_that_is_none_is_told(chat):
    program = chat("function Seats:onmesage() end")
    assert "Seats.onmesage is the name of no handler" in program.said()


def test_where_it_listens_is_told_at_info(chat):
    program = chat('options = { log_level = "info" }')
    program.says(f"dog: info: listening on http://127.0.0.1:{program.port}\n")
    assert "listening" not in chat("").said()


def test_an_address_that_is_taken_is_named(chat):
    program = chat("")
    said = run_lua(f'local dog = require "dog"\ndog.engine():listen({program.port})', status=1)
    assert f"127.0.0.1:{program.port}" in said and "DOG_EADDRINUSE" in said
