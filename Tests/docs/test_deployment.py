"""What docs/deployment.md shows, in use: its program behind nginx and haproxy, its restarts, its certificates.

nginx and haproxy are not among the packages that set-up installs, since their packages start servers on the machine.
Where they are not installed their tests are skipped.
"""
import asyncio
import configparser
import contextlib
import http.client
import os
import re
import shutil
import signal
import socket
import ssl
import stat
import subprocess
import time

import pytest
from websockets.legacy import client as legacy

from checks import hear
from pages import ROOT, file_on
from programs import BUILD, DEADLINE, end_session, environment, finish, free_port, prepare_binding

PAGE = "deployment.md"
HEADER = ROOT / "include/dog.h"
# Another address of this machine than its proxies have.
CLIENT = "127.0.0.2"


def until(condition, what):
    end = time.monotonic() + DEADLINE
    while not (value := condition()):
        assert time.monotonic() < end, f"waited for {what}"
        time.sleep(0.02)
    return value


@contextlib.contextmanager
def running(folder, *command, status=0, is_ready):
    """A program until its end by SIGTERM, with this exit status; None: whatever it is."""
    with open(folder / "said.txt", "ab") as said, subprocess.Popen(
            [str(part) for part in command], cwd=folder, env=environment(), stdin=subprocess.DEVNULL, stdout=said,
            stderr=said, start_new_session=True) as process:
        process.said = (folder / "said.txt").read_text
        try:
            until(lambda: process.poll() is not None or is_ready(), f"{command[0]} to serve")
            assert process.poll() is None, process.said()
            yield process
            process.terminate()
            ended = process.wait(DEADLINE)
            assert status is None or ended == status, process.said()
        finally:
            end_session(process)


def listens_at(family, address):
    with socket.socket(family) as probe:
        return probe.connect_ex(address) == 0


def answers_at(family, address):
    """A program that answers, with anything at all, heeds its signals too."""
    with socket.socket(family) as probe:
        probe.settimeout(DEADLINE)
        if probe.connect_ex(address) != 0:
            return False
        probe.sendall(b"GET /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        return probe.recv(9) == b"HTTP/1.1 "


class Place:
    """A folder with what the page shows, its paths and ports made this test's own."""

    def __init__(self, folder):
        prepare_binding("python", PAGE)
        self.folder = folder
        self.port = free_port()
        self.path = folder / "chat.sock"

    def file(self, name, *changes):
        text = file_on(PAGE, name).replace("/run/chat/", f"{self.folder}/")
        for old, new in changes:
            assert old in text, f"{name}: {old}"
            text = text.replace(old, new)
        (self.folder / name).write_text(text)
        return self.folder / name

    def chat(self, *changes):
        return running(self.folder, "/usr/bin/python3", self.file("chat.py", *changes),
                       is_ready=lambda: answers_at(socket.AF_UNIX, str(self.path)))

    def listening_for_proxies(self):
        program = self.file("chat.py", ("mode=0o660", "mode=0o660, proxy_protocol=True"))
        return running(self.folder, "/usr/bin/python3", program,
                       is_ready=lambda: listens_at(socket.AF_UNIX, str(self.path)))

    def proxy(self, *command):
        return running(self.folder, *command, status=None,
                       is_ready=lambda: listens_at(socket.AF_INET, ("127.0.0.1", self.port)))

    def get(self, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE, source_address=(CLIENT, 0))
        with contextlib.closing(connection):
            connection.request("GET", "/rooms/den", headers=headers)
            response = connection.getresponse()
            return response.status, response.read().decode()

    def connect(self, room="den"):
        return legacy.connect(f"ws://127.0.0.1:{self.port}/rooms/{room}", open_timeout=DEADLINE)


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def tool(name):
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    if not found:
        pytest.skip(f"{name} is not installed, so its configuration on the page is not tried")
    return found


def nginx(place, *changes):
    program = tool("nginx")
    temporary = "".join(f"{each}_temp_path {place.folder}/{each}; "
                        for each in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    config = place.file("nginx.conf", ("listen 80;", f"listen 127.0.0.1:{place.port};"),
                        ("http {\n", f"http {{\n  access_log off; {temporary}\n"), *changes)
    user = "user root; " if os.geteuid() == 0 else ""
    return place.proxy(program, "-e", "stderr", "-c", config, "-g",
                       f"{user}daemon off; error_log stderr; pid {place.folder}/nginx.pid;")


def haproxy(place):
    program = tool("haproxy")
    return place.proxy(program, "-db", "-f", place.file("haproxy.cfg", ("bind :80", f"bind 127.0.0.1:{place.port}")))


async def talks_until_the_stop(place, program):
    async with place.connect() as ann, place.connect() as bob:
        await ann.send("hello")
        await hear(bob, "hello")
        program.terminate()
        for client in (ann, bob):
            await asyncio.wait_for(client.wait_closed(), DEADLINE)
            assert client.close_code == 1001
    assert await asyncio.to_thread(program.wait, DEADLINE) == 0


def test_behind_nginx_clients_talk_and_have_their_own_address(place):
    with place.chat() as program, nginx(place):
        assert place.get() == (200, CLIENT)
        assert place.get(**{"X-Forwarded-For": "203.0.113.7"}) == (200, CLIENT), "what a client claims is not believed"
        asyncio.run(talks_until_the_stop(place, program))


async def one_hears_another(place, room):
    async with place.connect(room) as ann, place.connect(f"{room}/again?u=bob") as bob:
        await ann.send("hello")
        await hear(bob, "hello")


def test_names_can_be_divided_among_two_processes(place):
    upstream = "  upstream chat { server unix:/run/chat/chat.sock; keepalive 32; }\n"
    texts = (upstream, file_on(PAGE, "divided.conf"))
    divided = tuple(text.replace("/run/chat/", f"{place.folder}/") for text in texts)
    rooms = [f"room-{number}" for number in range(32)]
    with contextlib.ExitStack() as stack:
        folders = [place.folder / name for name in ("one", "two")]
        for folder in folders:
            folder.mkdir()
            program = place.file("chat.py", ("chat.sock", f"{folder.name}.sock"), (
                "    def receive(self, request):\n",
                "    def receive(self, request):\n        print('asked', flush=True)\n")).rename(folder / "chat.py")
            path = f"{folder}.sock"
            stack.enter_context(running(folder, "/usr/bin/python3", program,
                                        is_ready=lambda path=path: answers_at(socket.AF_UNIX, path)))
        stack.enter_context(nginx(place, divided))
        for room in rooms:
            asyncio.run(one_hears_another(place, room))
        counts = [(folder / "said.txt").read_text().count("asked") for folder in folders]
        assert sum(counts) == 2 * len(rooms) and all(counts), "both serve rooms"


def test_behind_haproxy_clients_talk_and_have_their_own_address(place):
    listener = file_on(PAGE, "listener.py").strip()
    before = 'engine.listen(path="/run/chat/chat.sock", mode=0o660)'
    assert before in file_on(PAGE, "chat.py") and listener == before.replace(")", ", proxy_protocol=True)")
    with place.listening_for_proxies() as program, haproxy(place):
        assert place.get() == (200, CLIENT)
        assert place.get(**{"X-Forwarded-For": "203.0.113.7"}) == (200, CLIENT), "what a client claims is not believed"
        asyncio.run(talks_until_the_stop(place, program))


# ---- the socket's file, and two processes


def test_the_file_has_its_mode_and_goes_with_the_listener(place):
    with place.chat():
        assert stat.S_IMODE(place.path.stat().st_mode) == 0o660
    assert not place.path.exists()


def test_a_second_process_cannot_listen_while_the_first_does(place):
    with place.chat():
        second = subprocess.run(["/usr/bin/python3", place.folder / "chat.py"], env=environment(), capture_output=True,
                                text=True, timeout=DEADLINE)
        assert second.returncode == 1 and "EADDRINUSE" in second.stderr, second.stderr


def test_a_file_that_a_crash_left_is_replaced(place):
    with socket.socket(socket.AF_UNIX) as crashed:
        crashed.bind(str(place.path))
    with place.chat():
        pass


@pytest.mark.parametrize("way", ["a path", "a port"])
def test_a_new_process_can_listen_while_the_old_one_still_ends(place, way):
    """It does so for a client that has not answered the close frame."""
    family, address = socket.AF_UNIX, str(place.path)
    changes = []
    if way == "a port":
        family, address = socket.AF_INET, ("127.0.0.1", place.port)
        changes = [(f'path="{place.path}", mode=0o660', f'{place.port}')]
    program = place.file("chat.py", *changes, ('trusted_proxies="unix"', 'close_timeout_ms=60000'))

    def start():
        return running(place.folder, "/usr/bin/python3", program, status=None,
                       is_ready=lambda: answers_at(family, address))

    with start() as old, socket.socket(family) as client:
        client.settimeout(DEADLINE)
        client.connect(address)
        client.sendall(b"GET /rooms/den HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                       b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        assert client.recv(4096).startswith(b"HTTP/1.1 101 ")
        old.terminate()
        assert client.recv(4096)[2:4] == (1001).to_bytes(2, "big"), "the close frame"
        until(lambda: not listens_at(family, address), "the old one to listen no more")
        with start():
            assert old.poll() is None, "it is still ending"
        client.close()
        assert old.wait(DEADLINE) == 0


# ---- certificates


def certify(folder, name):
    finish(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 30,
            "-subj", f"/CN={name}", "-keyout", "privkey.pem", "-out", "fullchain.pem"], folder, PAGE)


def served_certificate(port):
    return ssl.get_server_certificate(("127.0.0.1", port))


def test_sighup_brings_the_new_certificate_and_a_broken_one_changes_nothing(place):
    certify(place.folder, "first")
    first = (place.folder / "fullchain.pem").read_text()
    program = place.file("secure.py", ("8787", str(place.port)))
    with running(place.folder, "/usr/bin/python3", program,
                 is_ready=lambda: listens_at(socket.AF_INET, ("127.0.0.1", place.port))) as server:
        assert served_certificate(place.port) == first
        # The signal is heeded when the program says that it is ready, which may be after it answers.
        connection = http.client.HTTPSConnection("127.0.0.1", place.port, timeout=DEADLINE,
                                                 context=ssl._create_unverified_context())
        with contextlib.closing(connection):
            connection.request("GET", "/")
            assert connection.getresponse().read() == b"hello over TLS"
        (place.folder / "privkey.pem").write_text("no key\n")
        server.send_signal(signal.SIGHUP)
        until(lambda: "CertificateError" in server.said(), "the program to say that it cannot")
        assert served_certificate(place.port) == first
        certify(place.folder, "second")
        server.send_signal(signal.SIGHUP)
        until(lambda: served_certificate(place.port) != first, "the new certificate")


# ---- numbers


def descriptors(place, workers):
    port = free_port()
    with running(place.folder, BUILD / "bin/echo", "--port", port, "--workers", workers,
                 is_ready=lambda: answers_at(socket.AF_INET, ("127.0.0.1", port))) as server:
        until(lambda: sockets_of(server.pid) == workers, "the connection that asked whether it serves to be gone")
        return len(os.listdir(f"/proc/{server.pid}/fd"))


def sockets_of(pid):
    """How many of its descriptors are sockets."""
    count = 0
    for name in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            count += os.readlink(f"/proc/{pid}/fd/{name}").startswith("socket:")
    return count


def test_the_page_counts_descriptors_as_they_are(place):
    one, three = descriptors(place, 1), descriptors(place, 3)
    text = (ROOT / "docs" / PAGE).read_text()
    clients, workers, each, listeners, own, total = (int(number.replace(",", "")) for number in re.search(
        r"    ([\d,]+) \+ (\d+) x \((\d+) \+ (\d+)\) \+ (\d+) = ([\d,]+),", text).groups())
    assert total == clients + workers * (each + listeners) + own
    # libuv 1.44, of Debian 12, takes one fewer for each loop than 1.50, of Debian 13.
    assert three - one in (2 * (each + listeners), 2 * (each - 1 + listeners))
    assert one - each - listeners <= own
    limit = int(unit()["Service"]["LimitNOFILE"])
    assert total <= limit


def test_the_unit_gives_the_stop_the_time_that_it_takes():
    grace = int(re.search(r"grace=(\d+)", file_on(PAGE, "chat.py"))[1])
    assert int(unit()["Service"]["TimeoutStopSec"]) > 2 * grace


def test_systemd_understands_the_unit(place):
    program = tool("systemd-analyze")
    path = place.file("chat.service", ("/opt/chat/chat.py", "/bin/true"), ("User=chat\n", ""))
    checked = subprocess.run([program, "verify", path], capture_output=True, text=True, timeout=DEADLINE)
    assert "chat.service" not in checked.stderr, checked.stderr


def test_a_proxy_waits_longer_than_the_engine_between_pings():
    ping, keepalive = (int(re.search(rf"uint32_t {name}; +/\* (\d+),000:", HEADER.read_text())[1])
                       for name in ("ping_interval_ms", "keepalive_timeout_ms"))
    assert int(re.search(r"proxy_read_timeout (\d+)s", file_on(PAGE, "nginx.conf"))[1]) > ping
    waits = [int(seconds) for seconds in re.findall(r"timeout (?:client|server) (\d+)s", file_on(PAGE, "haproxy.cfg"))]
    assert len(waits) == 2 and min(waits) > max(ping, keepalive)


def unit():
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str
    parser.read_string(file_on(PAGE, "chat.service"))
    return parser
