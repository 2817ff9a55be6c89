import time

import pytest

from certificates import Authority
from chat import Person, until_connections
from server import Server

# How many workers, and what the bytes travel over. A test of what the transport could change, order, ends, bytes of any
# size, is marked each_transport; the others are on TCP alone.
SETTINGS = {"1-worker": (1, "tcp"), "4-workers": (4, "tcp"), "4-workers-tls": (4, "tls"), "4-workers-unix": (4, "unix")}


def pytest_generate_tests(metafunc):
    if "setting" not in metafunc.fixturenames:
        return
    is_on_each = metafunc.definition.get_closest_marker("each_transport")
    settings = {name: setting for name, setting in SETTINGS.items() if setting[1] == "tcp" or is_on_each}
    metafunc.parametrize("setting", settings.values(), ids=settings.keys(), indirect=True)


@pytest.fixture
def setting(request):
    return request.param


@pytest.fixture
def workers(setting):
    return setting[0]


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def localhost(authority):
    return authority.issue("localhost")


@pytest.fixture
def serve(request, tmp_path):
    """Starts servers and, when the test is over, stops them: each must still be there and end with exit 0."""
    running = []
    over = request.getfixturevalue("setting")[1] if "setting" in request.fixturenames else "tcp"

    def start(program, **options):
        if over == "tls":
            options = {"tls": request.getfixturevalue("localhost"), **options}
        elif over == "unix":
            options = {"unix": tmp_path / f"{len(running)}.sock", **options}
        server = Server(program, **options)
        running.append(server)
        return server

    yield start
    try:
        for server in running:
            if server.process.returncode is None:
                server.stop()
    finally:
        for server in running:
            server.kill()


@pytest.fixture(scope="session")
def idle_cluster():
    """A demo whose Shards fell empty when the session began. Gives its port and when that was."""
    server = Server("demo", workers=2)
    try:
        people = [Person(server.port, f"p{number}").joined() for number in range(5)]
        for person in people:
            person.close()
        until_connections(server.port, 0)
        yield server.port, time.monotonic()
        server.stop()
    finally:
        server.kill()


@pytest.fixture(scope="session", autouse=True)
def begin_early(request):
    """The minute until an empty Shard is retired passes while other tests run."""
    if any(item.name.startswith("test_G6_") for item in request.session.items):
        request.getfixturevalue("idle_cluster")
