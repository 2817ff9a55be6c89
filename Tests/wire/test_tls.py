"""TLS as clients see it that others wrote (openssl, Python's ssl, curl) and as hostile ones do it."""
import os
import re
import signal
import socket
import ssl
import subprocess

import pytest

from chat import Person, cluster
from client import (BINARY, TEXT, Connection, TLSSocket, WebSocket, connect, fetch, frame, request_bytes,
                    upgrade_headers)
from server import DEADLINE, Port, Server, eventually


@pytest.fixture(params=["1.2", "1.3"])
def version(request):
    return {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}[request.param]


@pytest.fixture
def server(serve, localhost):
    return serve("echo", workers=4, tls=localhost, max_message=20 << 20)


def plain(port):
    """The TCP connection under TLS, before its handshake."""
    return connect(int(port))


def client_hello(context, hostname=None):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname=hostname)
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


def tls_connection(port, context, hostname=None):
    connection = Connection.__new__(Connection)
    connection.socket = TLSSocket(plain(port), context, hostname)
    connection.buffer = bytearray()
    return connection


def s_client(port, *arguments):
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", *map(str, arguments)], input=b"",
                          capture_output=True, timeout=DEADLINE)
    return (done.stdout + done.stderr).decode(errors="replace")


# ---- handshakes


@pytest.mark.parametrize("flag, taken", [("-tls1", False), ("-tls1_1", False), ("-tls1_2", True), ("-tls1_3", True)])
def test_TLS_1_2_and_1_3_are_spoken_and_nothing_older(server, flag, taken):
    said = s_client(server.port, flag, "-cipher", "DEFAULT:@SECLEVEL=0", "-CAfile", server.port.tls.authority)
    assert ("Cipher is (NONE)" not in said) == taken, said
    if not taken:
        assert "alert protocol version" in said, said
        assert fetch(server.port, "POST", "/", body=b"x").body == b"x"


@pytest.mark.parametrize("cipher", ["AES128-SHA", "ECDHE-ECDSA-AES128-SHA", "AES128-GCM-SHA256", "NULL"])
def test_a_cipher_without_AEAD_or_forward_secrecy_is_refused(server, cipher):
    assert "Cipher is (NONE)" in s_client(server.port, "-tls1_2", "-cipher", f"{cipher}:@SECLEVEL=0")


@pytest.mark.parametrize("offered, chosen", [(["h2", "http/1.1"], "http/1.1"), (["http/1.1"], "http/1.1"), ([], None)])
def test_ALPN_is_http_1_1_where_it_is_offered(server, offered, chosen):
    context = server.port.tls.context()
    if offered:
        context.set_alpn_protocols(offered)
    with tls_connection(server.port, context) as connection:
        assert connection.socket.tls.selected_alpn_protocol() == chosen
        assert connection.request("POST", "/", body=b"x").body == b"x"


def test_ALPN_without_http_is_refused_with_an_alert(server):
    context = server.port.tls.context()
    context.set_alpn_protocols(["h2"])
    with pytest.raises(ssl.SSLError, match="(?i)no.application.protocol"):
        tls_connection(server.port, context)


def test_renegotiation_is_refused_and_harms_nobody(server):
    said = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-tls1_2"],
                          input=b"R\n", capture_output=True, timeout=DEADLINE)
    assert b"no renegotiation" in said.stderr + said.stdout
    assert fetch(server.port, "POST", "/", body=b"x").body == b"x"


def test_a_session_is_resumed_on_any_worker(server, version):
    context = server.port.tls.context(minimum_version=version, maximum_version=version)
    first = ssl.SSLContext.wrap_socket(context, plain(server.port))
    first.sendall(request_bytes("POST", "/", body=b"x"))
    assert first.recv(1000)
    for _ in range(8):
        again = context.wrap_socket(plain(server.port), session=first.session)
        assert again.session_reused
        again.close()
    first.close()


def test_a_request_without_TLS_is_closed(server):
    with Connection(int(server.port)) as connection:
        connection.send(request_bytes("GET", "/"))
        assert not connection.ends().startswith(b"HTTP")
    assert fetch(server.port, "POST", "/", body=b"x").body == b"x"


def test_a_handshake_byte_by_byte_is_understood(server, version):
    context = server.port.tls.context(minimum_version=version, maximum_version=version)
    slow = plain(server.port)

    class Trickle:
        def __getattr__(self, name):
            return getattr(slow, name)

        def sendall(self, data):
            for byte in data:
                slow.sendall(bytes([byte]))

    tls = TLSSocket(Trickle(), context)
    tls.sendall(request_bytes("POST", "/", body=b"slow"))
    assert tls.recv(1000).startswith(b"HTTP/1.1 200")
    tls.close()


def test_connections_that_die_in_the_middle_of_a_handshake_leave_nothing(serve, localhost):
    server = serve("echo", workers=2, tls=localhost)
    # Every worker has served one, and made what it makes once.
    for _ in range(40):
        assert fetch(server.port, "POST", "/", body=b"x").status == 200
    hello = client_hello(localhost.context())
    before = server.descriptors()
    for length in range(0, len(hello) + 1, 7):
        connection = Connection(int(server.port))
        connection.send(hello[:length])
        [connection.drop, connection.reset][length % 2]()
    for length in range(0, len(hello), 40):
        with Connection(int(server.port)) as connection:
            connection.send(hello[:length] + os.urandom(400))
            connection.finish_sending()
            connection.ends()
    eventually(lambda: server.descriptors() <= before, "every descriptor to be given back")
    assert fetch(server.port, "POST", "/", body=b"x").status == 200


# ---- data


@pytest.mark.parametrize("size", [0, 1, 16383, 16384, 16385, 100_000, 17 << 20])
def test_a_message_of_any_size_goes_both_ways(server, version, size):
    message = os.urandom(size)
    tls = server.port.tls
    context = tls.context(minimum_version=version, maximum_version=version)
    pinned = type("Pinned", (), {"context": lambda self: context})()
    with WebSocket(Port.at(server.port, pinned), "/") as socket:
        socket.send(frame(BINARY, message))
        assert socket.message() == (BINARY, message)
        socket.say("still here")
        assert socket.hear() == "still here"


def test_many_sockets_move_to_the_worker_of_their_shard(serve, localhost):
    """The kernel deals connections out to all workers as they come; a worker's own sockets are those in its epoll."""
    server = serve("demo", workers=4, limit=10, tls=localhost)
    people = [Person(server.port, f"p{number}").joined() for number in range(100)]
    ports = {person.name: person.socket.getsockname()[1] for person in people}
    shards = cluster(server.port)["lobby"]["shards"]
    assert sorted(len(shard["uids"]) for shard in shards) == [10] * 10
    polled = server.polled_by()
    polls = {}
    for shard in shards:
        of_sockets = {polled[ports[uid]] for uid in shard["uids"]}
        assert len(of_sockets) == 1, f"{shard} has sockets of several workers"
        polls.setdefault(shard["worker"], set()).update(of_sockets)
    assert len(polls) == 4 and all(len(of_worker) == 1 for of_worker in polls.values()), polls
    assert len(set.union(*polls.values())) == 4, polls
    # What moved is whole: each of them hears each of the others.
    for person in people:
        person.talk(f"I am {person.name}")
    for person in people:
        heard = {person.until("user:msg")["text"] for _ in people}
        assert heard == {f"I am {other.name}" for other in people}
    for person in people:
        person.drop()


def test_a_close_notify_behind_an_upgrade_travels_with_the_connection(serve, localhost):
    server = serve("echo", workers=4, tls=localhost)
    for _ in range(20):
        with Connection(server.port) as connection:
            tls = connection.socket.tls
            # In one write, and without a FIN: nothing more comes from the network.
            tls.write(request_bytes("GET", "/", upgrade_headers()) + frame(TEXT, b"first"))
            with pytest.raises(ssl.SSLWantReadError):
                tls.unwrap()
            connection.socket.flush()
            assert connection.response().status == 101
            assert connection.exactly(7) == b"\x81\x05first"
            connection.ends()


def test_frames_sent_with_the_handshake_travel_with_the_connection(serve, localhost):
    server = serve("echo", workers=4, tls=localhost)
    for _ in range(20):
        with Connection(server.port) as connection:
            # One TLS record each: what was not read yet moves inside of TLS.
            connection.send(request_bytes("GET", "/", upgrade_headers()) + frame(TEXT, b"first"))
            connection.send(frame(TEXT, b"second" * 1000))
            assert connection.response().status == 101
            wanted = b"\x81\x05first\x81\x7e\x17\x70" + b"second" * 1000
            assert connection.exactly(len(wanted)) == wanted


def test_a_client_that_reads_slowly_gets_everything(server):
    message = os.urandom(8 << 20)
    with WebSocket(server.port, "/", receive_buffer=4096) as socket:
        socket.send(frame(BINARY, message))
        # The window is closed, and the server waits with the rest.
        eventually(lambda: server.unacknowledged(socket.socket.getsockname()[1]) > 0, "a window to close")
        assert socket.message() == (BINARY, message)


def test_a_truncated_body_is_not_taken_for_a_whole_one(server):
    with Connection(server.port) as connection:
        connection.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf")
        connection.socket.plain.shutdown(socket.SHUT_WR)
        assert not connection.ends().startswith(b"HTTP/1.1 200")


def test_a_connection_ends_with_close_notify(server, version):
    context = server.port.tls.context(minimum_version=version, maximum_version=version)
    with tls_connection(server.port, context) as connection:
        assert connection.request("POST", "/", [("Connection", "close")], b"x").body == b"x"
        # Without a close_notify this raises SSLEOFError.
        assert connection.socket.perform(connection.socket.tls.read, 1) == b""


# ---- certificates


def served(port, hostname=None):
    """The name in the certificate that the server shows."""
    said = s_client(port, *(["-servername", hostname] if hostname else ["-noservername"]))
    return re.search(r"subject=.*CN ?= ?(\S+)", said).group(1)


def test_new_certificates_are_for_new_connections_and_old_connections_go_on(serve, authority, tmp_path):
    first, second = authority.issue("first"), authority.issue("second")
    certificate, key = tmp_path / "now.pem", tmp_path / "now.key"

    def install(chosen):
        certificate.write_bytes(chosen.certificate.read_bytes())
        key.write_bytes(chosen.key.read_bytes())

    install(first)
    server = serve("echo", workers=2, tls=type(first)(certificate, key, authority.certificate))
    assert served(server.port) == "first"
    with WebSocket(server.port, "/") as old:
        install(second)
        server.process.send_signal(signal.SIGHUP)
        eventually(lambda: served(server.port) == "second", "the new certificate")
        old.say("still here")
        assert old.hear() == "still here"
        # A broken file, and a key of another certificate: each leaves all as it was.
        key.write_bytes(first.key.read_bytes())
        server.process.send_signal(signal.SIGHUP)
        eventually(lambda: "key values mismatch" in server.said(), "the fault in the log")
        certificate.write_bytes(b"no certificate")
        server.process.send_signal(signal.SIGHUP)
        eventually(lambda: server.said().count("stay as they were") == 2, "the other fault in the log")
        assert served(server.port) == "second"
        old.say("still here")
        assert old.hear() == "still here"


@pytest.mark.parametrize("fault", ["encrypted", "missing", "garbage", "mismatch"])
def test_a_key_that_cannot_be_used_is_said_at_the_start(authority, localhost, tmp_path, fault):
    key = tmp_path / "bad.key"
    match fault:
        case "encrypted":
            subprocess.run(["openssl", "pkcs8", "-topk8", "-in", localhost.key, "-passout", "pass:x", "-out", key],
                           check=True)
        case "garbage":
            key.write_bytes(os.urandom(100))
        case "mismatch":
            key.write_bytes(authority.key.read_bytes())
    server = Server("echo", wait=False, tls=type(localhost)(localhost.certificate, key, localhost.authority))
    assert server.wait() == 1
    assert "DOG_ETLS" in server.said() and str(key) in server.said()
    if fault == "encrypted":
        assert "the key is encrypted" in server.said()
