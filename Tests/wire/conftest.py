import time

import pytest

from chat import Person, until_connections
from server import Server


@pytest.fixture(params=[1, 4], ids=["1-worker", "4-workers"])
def workers(request):
    return request.param


@pytest.fixture
def serve():
    """Starts servers and, when the test is over, stops them: each must still be there and end with exit 0."""
    running = []

    def start(program, **options):
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
