"""Streamed responses: they wait for their reader, and say how they ended."""
import http.client
import socket

import pytest

MIB = 1 << 20


def test_a_response_in_parts(chat):
    program = chat("""
        function Seats:receive(request)
          local stream = request:begin(200, { ["Content-Type"] = "text/event-stream" })
          for number = 1, 3 do
            stream:write("data: " .. number .. "\\n\\n")
            dog.sleep(1)
          end
          stream:finish()
          print("ended " .. stream:wait() .. " " .. stream.status)
        end""")
    status, body, headers = program.request("GET", "/rooms/den")
    assert (status, body) == (200, "data: 1\n\ndata: 2\n\ndata: 3\n\n")
    assert headers["Content-Type"] == "text/event-stream" and headers["Transfer-Encoding"] == "chunked"
    assert program.line_with("ended") == "ended DOG_OK DOG_OK"


def test_write_waits_until_there_is_room(chat):
    """The reader begins to read only when the writer has had to wait; no byte is lost, and the outbox's limit holds."""
    program = chat("""
        options.outbox_bytes_max = 65536
        function Seats:receive(request)
          local stream = request:begin(200)
          local part, written = ("x"):rep(32768), 0
          engine:spawn(function()
            for number = 1, 1024 do
              assert(stream:write(part))
              written = number
            end
            stream:finish()
          end)
          local before
          repeat
            before = written
            dog.sleep(50)
          until written == before
          print("stalled " .. tostring(written > 0 and written < 1024))
        end""")
    connection = http.client.HTTPConnection("127.0.0.1", program.port, timeout=60)
    connection.request("GET", "/rooms/den")
    assert program.line_with("stalled") == "stalled true"
    assert len(connection.getresponse().read()) == 32 * MIB
    connection.close()


def test_a_reader_that_leaves_ends_the_writer(chat):
    program = chat("""
        function Seats:receive(request)
          local stream = request:begin(200)
          local is_well, status
          repeat is_well, status = stream:write(("x"):rep(65536)) until not is_well
          print("write " .. status .. ", ended " .. stream:wait() .. ", again " .. select(2, stream:write "x")
            .. ", finish " .. select(2, stream:finish()))
        end""")
    with socket.create_connection(("127.0.0.1", program.port), timeout=60) as connection:
        connection.sendall(b"GET /rooms/den HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
    assert program.line_with("write") == (
        "write DOG_ESTALE, ended DOG_ERESET, again DOG_ESTALE, finish DOG_ESTALE")


def test_several_may_write_to_one_stream(chat):
    program = chat("""
        options.outbox_bytes_max = 65536
        function Seats:receive(request)
          local stream, left = request:begin(200), 4
          for _, letter in ipairs { "a", "b", "c", "d" } do
            engine:spawn(function()
              for _ = 1, 64 do assert(stream:write(letter:rep(32768))) end
              left = left - 1
              if left == 0 then stream:finish() end
            end)
          end
        end""")
    body = program.get("/rooms/den")[1]
    assert {letter: body.count(letter) for letter in "abcd"} == dict.fromkeys("abcd", 2 * MIB)


def test_where_nobody_can_wait_a_full_outbox_is_an_answer(chat):
    program = chat("""
        options.outbox_bytes_max = 65536
        function Seats:receive(request)
          local stream = request:begin(200)
          local result = coroutine.wrap(function()
            local is_well, status
            repeat is_well, status = stream:write(("x"):rep(16384)) until not is_well
            return status
          end)()
          stream:finish()
          print("full " .. result)
        end""")
    program.get("/rooms/den")
    assert program.line_with("full") == "full DOG_EFULL"


@pytest.mark.parametrize("handlers", [
    "function Room:identify(request) local s = request:begin(200) s:write 'x' s:finish() end",
    "function fetch(request) local s = request:begin(200) s:write 'x' s:finish() end"])
def test_identify_and_fetch_may_stream_too(chat, handlers):
    program = chat(handlers)
    assert program.get("/rooms/den" if "Room" in handlers else "/") == (200, "x")


def test_a_response_to_head_is_thrown_away(chat):
    program = chat("function Seats:receive(request) local s = request:begin(200) s:write 'x' s:finish() end")
    assert program.request("HEAD", "/rooms/den")[:2] == (200, "")


def test_a_response_that_cannot_be_begun_is_the_programs_error(chat):
    program = chat("function Seats:receive(request) request:begin(99) end")
    assert program.get("/rooms/den")[0] == 500
    program.says("DOG_EINVAL")


def test_a_second_answer_is_none(chat):
    program = chat("""
        function Seats:receive(request)
          local stream = request:begin(200)
          print("second " .. select(2, request:respond(200, "x")))
          stream:finish()
        end""")
    assert program.get("/rooms/den") == (200, "")
    assert program.line_with("second") == "second DOG_ESTALE"


@pytest.mark.parametrize("ends", ['error "on purpose"', "print(stream:abort(), stream:wait(), stream:abort())"])
def test_a_response_that_is_cut_off_is_not_taken_for_the_whole(chat, ends):
    program = chat(f"""
        function Seats:receive(request)
          local stream = request:begin(200)
          stream:write "some"
          dog.sleep(10)
          {ends}
        end""")
    with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
        program.get("/rooms/den")
    if "error" in ends:
        program.says("on purpose")
    else:
        assert program.line_with("DOG_") == "true\tDOG_EHOST\tnil\tDOG_ESTALE"
