"""What a message or a request costs in user space, in instructions, which say the same on a busy machine. callgrind
counts them over a short run with one worker: of examples/c and of hello in bench/c, whose hosts are called, and of
others in bench/c, whose hosts take events. A figure of CEILINGS that is passed by more than a tenth fails: then the way
of a message or a request has become longer. One that is much lower than its ceiling is progress, and lowers it.

A figure is the difference between a run and a longer one, so that the start, the handshakes and the stop cancel."""
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))

from ports import free_port
from server import BIN, BUILD, DEADLINE, ROOT, SANITIZED

pytestmark = pytest.mark.skipif(SANITIZED != "", reason="a sanitizer counts for more than the message")

# Program, sockets, and how many messages each has under way (echo) or how many of them send (fanout), or how many
# requests each has under way (hello): instructions in user space for each message that is answered or delivered, and
# for each request.
CEILINGS = {
    ("echo", 10, 1): 1000,
    ("echo", 10, 20): 420,
    ("fanout", 100, 1): 170,
    ("fanout", 100, 100): 14,
    ("hello", 10, 1): 7800,
    # With more room: how many messages one poll gives depends on when the host's thread runs.
    ("echo_events", 10, 1): 2400,
    ("echo_events", 10, 20): 1200,
    ("fanout_events", 100, 1): 250,
    ("fanout_events", 100, 100): 25,
}
TOLERANCE = 1.10
# Messages, or deliveries, of the shorter run.
COUNT = 4000

UPGRADE = (b"GET %s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
PAYLOAD = b"twenty bytes a frame"
# Masked with a key of zeros, and as it comes back.
FRAME = b"\x82" + bytes([0x80 | len(PAYLOAD)]) + bytes(4) + PAYLOAD
ANSWER = b"\x82" + bytes([len(PAYLOAD)]) + PAYLOAD
REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
DATE = re.compile(rb"Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT")
DATE_SHOWN = b"Date: Sun, 06 Nov 1994 08:49:37 GMT"
RESPONSE = b"HTTP/1.1 200 OK\r\n" + DATE_SHOWN + b"\r\nContent-Length: 13\r\n\r\nHello, world!"


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """The library and the programs, without debug sections: valgrind does not read those that lld writes."""
    folder = tmp_path_factory.mktemp("programs")
    (folder / "lib").mkdir()
    (folder / "bin").mkdir()
    for source in [*(BUILD / "lib").glob("libdog.so.?"), BIN / "echo", BIN / "fanout"]:
        copy = folder / source.parent.name / source.name
        shutil.copy(source, copy)
        subprocess.run(["strip", "-g", copy], check=True)
    for name in ("hello", "echo_events", "fanout_events"):
        subprocess.run(["cc", "-O2", "-pthread", "-I", BUILD / "include", ROOT / "bench/c" / f"{name}.c", "-o",
                        folder / "bin" / name, "-L", BUILD / "lib", "-ldog", "-Wl,-rpath,$ORIGIN/../lib"], check=True)
    return folder / "bin"


def connect(port):
    end = time.monotonic() + DEADLINE
    while True:
        try:
            connection = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE)
            break
        except ConnectionRefusedError:
            assert time.monotonic() < end, "the server does not listen"
            time.sleep(0.05)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def open_socket(port, path):
    connection = connect(port)
    connection.sendall(UPGRADE % path)
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += connection.recv(1)
    assert head.startswith(b"HTTP/1.1 101 "), head
    return connection


def take(connection, size):
    """Reads so many bytes."""
    got = b""
    while len(got) < size:
        piece = connection.recv(1 << 20)
        assert piece, "the server closed the connection"
        got += piece
    return got


def expect_messages(connection, count):
    assert take(connection, count * len(ANSWER)) == ANSWER * count


def expect_responses(connection, count):
    got = take(connection, count * len(RESPONSE))
    for start in range(0, len(got), len(RESPONSE)):
        response = got[start:start + len(RESPONSE)]
        # Each has its own date.
        assert DATE.sub(DATE_SHOWN, response) == RESPONSE, response
    assert len(got) == count * len(RESPONSE)


def instructions(programs, program, sockets, width, rounds):
    """Instructions of a run, and how many messages it answered or delivered."""
    port = free_port()
    takes_events = program.endswith("_events")
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", programs / program]
    command += [port] if takes_events else ["--port", port, "--workers", 1, "--limit", 1000]
    with subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          text=True) as process:
        try:
            expect, batch = expect_messages, FRAME
            if program == "hello":
                connections = [connect(port) for _ in range(sockets)]
                expect, batch = expect_responses, REQUEST * width
            else:
                connections = [open_socket(port, b"/" if takes_events else b"/count") for _ in range(sockets)]
            senders = connections[:width] if program.startswith("fanout") else connections
            if program.startswith("echo"):
                batch = FRAME * width
            for _ in range(rounds):
                # It sleeps until all is sent: so all of it is one turn's work, however the system shares out its time.
                process.send_signal(signal.SIGSTOP)
                os.waitid(os.P_PID, process.pid, os.WSTOPPED)
                for connection in senders:
                    connection.sendall(batch)
                process.send_signal(signal.SIGCONT)
                for connection in connections:
                    expect(connection, width)
            for connection in connections:
                connection.close()
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=DEADLINE)
        finally:
            process.kill()
    counted = [line.split()[-1] for line in said.splitlines() if "Collected :" in line]
    # The hosts of the bench serve until they are ended.
    assert process.returncode == (-signal.SIGTERM if takes_events else 0) and len(counted) == 1, said
    return int(counted[0]), sockets * width * rounds


def figure(programs, program, sockets, width):
    rounds = max(3, COUNT // (sockets * width))
    short, short_count = instructions(programs, program, sockets, width, rounds)
    long, long_count = instructions(programs, program, sockets, width, 3 * rounds)
    return (long - short) / (long_count - short_count)


def test_a_message_or_a_request_costs_no_more_instructions_than_it_did(programs):
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        figures = list(pool.map(lambda load: figure(programs, *load), CEILINGS))
    lines = []
    for (program, sockets, width), ceiling, found in zip(CEILINGS, CEILINGS.values(), figures):
        lines.append(f"{program} {sockets} {width}: {found:.0f} instructions, ceiling {ceiling}")
    print("\n".join(lines))
    assert all(found <= TOLERANCE * ceiling for found, ceiling in zip(figures, CEILINGS.values())), "\n".join(lines)
