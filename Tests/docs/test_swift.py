"""examples/swift: the program of the package, used by people, and its manifest as docs/swift.md shows it."""
import asyncio
import http.client
import re
import signal

from checks import connect, hear
from pages import ROOT, file_on
from programs import BUILD, DEADLINE, Server, finish, free_port

EXAMPLE = ROOT / "examples/swift"


def served(folder):
    program, port = BUILD / "bin/swift-chat", free_port()
    assert program.exists(), "make swift-example builds it"
    return Server([program, str(port)], folder, port, "examples/swift")


async def people_talk(server):
    async with connect(server, "/rooms/den?u=ann") as ann:
        await hear(ann, "ann has joined")
        async with connect(server, "/rooms/den?u=bob") as bob:
            await hear(ann, "bob has joined")
            await ann.send("hello")
            for client in (ann, bob):
                await hear(client, "ann: hello")
            await ann.send("/w bob psst, you")
            await hear(bob, "ann whispers: psst, you")
            await ann.send("/w cleo psst")
            await hear(ann, "cleo is not here")
        await hear(ann, "bob has left")
        assert await asyncio.to_thread(get, server, "/rooms/den") == (200, "1\n")
        assert server.stop(signal.SIGINT) == 0
        await asyncio.wait_for(ann.wait_closed(), DEADLINE)
        assert ann.close_code == 1001


def get(server, path):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=DEADLINE)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def test_people_talk_whisper_and_are_told_of_the_stop(tmp_path):
    with served(tmp_path) as server:
        asyncio.run(people_talk(server))


def test_an_address_in_use_is_told_and_ends_it(tmp_path):
    with served(tmp_path) as server:
        command = ["sh", "-c", f"{BUILD}/bin/swift-chat {server.port}; test $? -eq 1"]
        finish(command, tmp_path, "a second one")


def test_the_page_shows_the_manifest_of_the_example():
    def rest(manifest):
        return re.sub(r"(?m)^// (?!swift-tools).*\n", "", manifest).replace('path: "../.."', 'path: "../dog"')

    assert rest((EXAMPLE / "Package.swift").read_text()) == file_on("swift.md", "Package.swift")


def test_the_package_finds_the_engine_in_this_repository(tmp_path):
    """As far as that goes without a build: its dependencies and their products are resolved."""
    shown = finish(["swift", "package", "--package-path", EXAMPLE, "--scratch-path", tmp_path / "scratch",
                    "show-dependencies", "--format", "flatlist"], tmp_path, "the package")
    assert "dog" in shown or ROOT.name in shown
