"""Where an engine listens: ports, Unix-domain sockets, TLS with and without certificates of clients."""

import asyncio
import logging
import socket
import ssl
import subprocess

import dog
import pytest
from websockets.legacy import client as legacy  # the interface that Debian 12 and Debian 13 both have

from serving import Echo, hear, in_loop, served


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """An authority, and certificates by it for localhost and for ann: pairs of files by name."""
    folder = tmp_path_factory.mktemp("certificates")

    def openssl(*arguments):
        subprocess.run(["openssl", *map(str, arguments)], cwd=folder, check=True, capture_output=True)

    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
            "/CN=authority", "-addext", "keyUsage=critical,keyCertSign", "-keyout", "ca.key", "-out", "ca.pem")
    for name, extension in (("localhost", "DNS:localhost"), ("ann", "DNS:ann")):
        (folder / f"{name}.ext").write_text(f"subjectAltName={extension}\nauthorityKeyIdentifier=keyid\n")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                f"/O=Example/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        openssl("x509", "-req", "-days", "2", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                "-CAcreateserial", "-extfile", f"{name}.ext", "-out", f"{name}.pem")
    return {name: (str(folder / f"{name}.pem"), str(folder / f"{name}.key")) for name in ("ca", "localhost", "ann")}


class Subject(Echo):
    """Echoes, and says whose certificate it was shown."""

    def receive(self, request):
        return self.connect(request, data=request.client_subject)

    def onmessage(self, socket, data):
        socket.send(f"{data} {socket.data}")


@pytest.mark.parametrize("shown, subject", [(None, "None"), ("ann", "CN=ann,O=Example")])
@in_loop
async def test_tls_and_the_certificates_of_clients(certificates, shown, subject):
    context = ssl.create_default_context(cafile=certificates["ca"][0])
    if shown:
        context.load_cert_chain(*certificates[shown])
    listen = {"certificates": [certificates["localhost"]], "client_ca_file": certificates["ca"][0],
              "client_certificate": dog.ClientCertificate.OPTIONAL}
    async with served(Subject, listen=listen) as engine:
        url = f"wss://localhost:{engine.port}/den"
        async with legacy.connect(url, ssl=context) as ann:
            await ann.send("hello")
            assert await hear(ann) == f"hello {subject}"
        engine.reload_certificates()


@in_loop
async def test_certificates_that_cannot_be_read_again_leave_those_that_are(certificates, tmp_path):
    pair = [tmp_path / "certificate", tmp_path / "key"]
    for target, source in zip(pair, certificates["localhost"]):
        target.write_text(open(source).read())
    context = ssl.create_default_context(cafile=certificates["ca"][0])
    async with served(Echo, listen={"certificates": [tuple(map(str, pair))]}) as engine:
        pair[0].write_text("none")
        with pytest.raises(dog.CertificateError):
            engine.reload_certificates()
        async with legacy.connect(f"wss://localhost:{engine.port}/den", ssl=context) as ann:
            await ann.send("hello")
            assert await hear(ann) == "hello"


@in_loop
async def test_a_unix_domain_socket(tmp_path):
    path = str(tmp_path / "dog.sock")
    async with served(Echo, listen={"path": path}) as engine:
        assert engine.port == 0
        async with legacy.unix_connect(path, "ws://localhost/den") as ann:
            await ann.send("hello")
            assert await hear(ann) == "hello"


@in_loop
async def test_an_ipv6_address_and_several_listeners():
    engine = dog.Engine(workers=1).listen(host="::1").listen()
    assert engine.ports[0] == engine.port and len(set(engine.ports)) == 2
    serving = asyncio.ensure_future(engine.serve())
    for host, port in zip(("::1", "127.0.0.1"), engine.ports):
        _, writer = await asyncio.open_connection(host, port)
        writer.close()
    engine.stop(0)
    await serving


@pytest.mark.parametrize(
    "listen, error",
    [
        ({"host": "example.com"}, dog.AddressError),
        ({"host": "203.0.113.1"}, dog.AddressError),
        ({"path": "/nowhere/dog.sock"}, dog.AddressError),
        ({"path": "x.sock", "port": 1}, dog.InvalidError),
        ({"certificates": [("nowhere", "nowhere")]}, dog.CertificateError),
        ({"client_certificate": dog.ClientCertificate.REQUIRED}, dog.InvalidError),
        ({"proxy_protocol": True}, dog.InvalidError),
        ({"port": 65_536}, ValueError),
        ({"port": -1}, ValueError),
        ({"port": "8787"}, TypeError),
    ],
    ids=str,
)
def test_what_cannot_be_listened_on_is_an_error(listen, error):
    with pytest.raises(error):
        dog.Engine().listen(**listen)


@pytest.mark.parametrize(
    "certificates",
    [[("cert.pem",)], [("cert.pem", "key.pem", "ca.pem")], ["cert.pem", "key.pem"], ("c.", "k.")],
    ids=str,
)
def test_certificates_that_are_no_pairs_are_an_error_and_not_plain_text(certificates):
    with pytest.raises(TypeError, match="pairs of files"):
        dog.Engine().listen(certificates=certificates)


def test_an_error_says_why_in_the_words_of_the_log():
    with pytest.raises(dog.CertificateError) as error:
        dog.Engine().listen(certificates=[("nowhere.pem", "nowhere.key")])
    assert "nowhere.pem" in str(error.value)


def test_a_port_that_is_taken_is_an_error():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(dog.AddressError) as error:
            dog.Engine().listen(taken.getsockname()[1])
    assert error.value.status is dog.Status.EADDRINUSE


def test_there_is_no_port_before_it_listens():
    with pytest.raises(dog.StateError):
        dog.Engine().port


@in_loop
async def test_it_says_where_it_listens(caplog, certificates, tmp_path):
    caplog.set_level(logging.INFO, "dog")
    engine = dog.Engine(workers=1).listen().listen(0, "::1", certificates=[certificates["localhost"]])
    engine.listen(path=str(tmp_path / "dog"))
    async with engine:
        pass
    told = [record.getMessage() for record in caplog.records if record.name == "dog"]
    plain, tls, _ = engine.ports
    assert told == [f"listening on http://127.0.0.1:{plain}", f"listening on https://[::1]:{tls}",
                    f"listening on unix:{tmp_path}/dog"]


@in_loop
async def test_one_that_listens_nowhere_says_so(caplog):
    async with dog.Engine(workers=1):
        pass
    assert [record.getMessage() for record in caplog.records if record.name == "dog"] == [
        "the engine listens nowhere: nobody can reach it without listen()"]


@pytest.mark.parametrize(
    "listen, text",
    [({"port": None}, "cannot listen on 127.0.0.1:{port}: address already in use"),
     ({"host": "nowhere"}, 'host is "nowhere"'),
     ({"path": "/no/such/folder"}, "cannot listen on /no/such/folder: no such file or directory")],
    ids=["port", "host", "path"],
)
def test_an_address_that_cannot_be_had_is_named(listen, text):
    taken = dog.Engine().listen()
    if "port" in listen:
        listen = {"port": taken.port}
    with pytest.raises(dog.Error) as error:
        dog.Engine().listen(**listen)
    assert str(error.value).startswith(text.format(port=taken.port))
    taken.close()
