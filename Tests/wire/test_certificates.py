"""Certificates on both sides: several by the client's wish (SNI), clients with their own; handshakes that stall.

The server is secured.c beside this file, compiled here: no example takes all of these settings.
"""
import os
import re
import ssl
import subprocess
import time

import pytest

from certificates import Authority
from client import Connection, Ended, TLSSocket, connect
from server import BIN, ROOT, Server, eventually
from test_tls import client_hello, s_client, served

NONE, OPTIONAL, REQUIRED = 0, 1, 2
# TLS 1.3 tells a client of its certificate only after the client has called the handshake done.
REFUSED = (ssl.SSLError, ConnectionError, Ended)


class Secured(Server):
    """A Server whose command line is its own."""

    def __init__(self, program, mode, authority, certificates, timeout_ms=10_000):
        self.arguments = [str(mode), str(authority or "-"), str(timeout_ms)]
        for certificate in certificates:
            self.arguments += [str(certificate.certificate), str(certificate.key)]
        super().__init__(program, tls=None, port=None)

    def command_line(self, program, options):
        return [str(program), *self.arguments]


@pytest.fixture(scope="session")
def program(tmp_path_factory):
    path = tmp_path_factory.mktemp("secured") / "secured"
    build = BIN.parent
    subprocess.run([os.environ.get("CC", "cc"), "-std=c11", "-Wall", "-Wextra", "-Werror", f"-I{build}/include",
                    ROOT / "Tests/wire/secured.c", "-o", path, f"-L{build}/lib", "-ldog",
                    f"-Wl,-rpath,{build}/lib"], check=True)
    return path


@pytest.fixture
def secure(program):
    running = []

    def start(*arguments, **options):
        running.append(Secured(program, *arguments, **options))
        return running[-1]

    yield start
    try:
        for server in running:
            server.stop()
    finally:
        for server in running:
            server.kill()


@pytest.fixture(scope="module")
def clients(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("clients"), "clients")


def subject(port, server_certificate, client=None, version=None):
    context = server_certificate.context(**({"maximum_version": version} if version else {}))
    if client:
        context.load_cert_chain(client.certificate, client.key)
    connection = Connection.__new__(Connection)
    connection.socket, connection.buffer = TLSSocket(connect(int(port)), context), bytearray()
    with connection:
        return connection.request("GET", "/").body.decode()


def test_the_certificate_is_that_of_the_name_that_the_client_asks_for(secure, authority):
    names = {"plain": ["DNS:plain.test"], "wild": ["DNS:*.wild.test", "DNS:wild.test"], "upper": ["DNS:UPPER.test"]}
    server = secure(NONE, None, [authority.issue(name, hosts) for name, hosts in names.items()])
    for hostname, shown in [(None, "plain"), ("plain.test", "plain"), ("a.wild.test", "wild"), ("wild.test", "wild"),
                            ("A.WILD.TEST", "wild"), ("upper.test", "upper"), ("a.b.wild.test", "plain"),
                            ("nobody.test", "plain")]:
        assert served(server.port, hostname) == shown, hostname


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
@pytest.mark.parametrize("mode", [NONE, OPTIONAL, REQUIRED], ids=["none", "optional", "required"])
def test_the_subject_of_a_client_is_read_where_it_was_asked_for(secure, localhost, clients, mode, version):
    server = secure(mode, clients.certificate if mode else None, [localhost])
    ann = clients.issue("ann", subject="/O=Example, Inc./CN=ann")
    assert subject(server.port, localhost, ann, version) == ("CN=ann,O=Example\\, Inc." if mode else "none")
    if mode == REQUIRED:
        with pytest.raises(REFUSED):
            subject(server.port, localhost, None, version)
        eventually(lambda: "peer did not return a certificate" in server.said(), "the reason in the log")
    else:
        assert subject(server.port, localhost, None, version) == "none"


@pytest.mark.parametrize("mode", [OPTIONAL, REQUIRED], ids=["optional", "required"])
def test_a_client_whose_certificate_nobody_vouches_for_is_refused(secure, localhost, clients, authority, mode):
    server = secure(mode, clients.certificate, [localhost])
    with pytest.raises(REFUSED):
        subject(server.port, localhost, authority.issue("stranger"))
    said = eventually(lambda: "certificate verify failed" in server.said() and server.said(), "the reason in the log")
    assert re.search(r"127\.0\.0\.1:\d+: closed, the TLS handshake failed: certificate verify failed: ", said)


@pytest.mark.parametrize("way", ["silent", "half", "trickle"])
def test_a_handshake_that_stalls_or_trickles_ends_at_its_deadline(secure, localhost, way):
    server = secure(NONE, None, [localhost], timeout_ms=700)
    hello = client_hello(localhost.context())
    began = time.monotonic()
    with Connection(int(server.port)) as connection:
        if way != "silent":
            connection.send(hello[:100])
        place = 100
        connection.socket.settimeout(0.05)
        while True:
            assert time.monotonic() - began < 20
            try:
                if way == "trickle":
                    connection.send(hello[place:place + 1])
                    place += 1
                if not connection.socket.recv(100):
                    break
            except TimeoutError:
                continue
            except ConnectionError:
                break
    assert time.monotonic() - began > 0.5
    eventually(lambda: "the handshake did not end in time" in server.said(), "the reason in the log")
    assert subject(server.port, localhost) == "none"


def test_faults_of_peers_are_told_with_their_address_and_reason(secure, localhost):
    server = secure(NONE, None, [localhost])
    with Connection(int(server.port)) as connection:
        connection.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        connection.ends()
    line = re.compile(r"127\.0\.0\.1:\d+: closed, the TLS handshake failed: http request")
    eventually(lambda: line.search(server.said()), "the log")
    s_client(server.port, "-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0")
    eventually(lambda: "unsupported protocol" in server.said(), "the log")
