import pytest

from program import CHAT, Program


@pytest.fixture
def start(tmp_path):
    """Starts programs by their text, and ends them with the test: each must still be there and end well."""
    running = []

    def start(text, *arguments, **changes):
        path = tmp_path / f"program{len(running)}.lua"
        path.write_text(text)
        running.append(Program(path, *arguments, **changes))
        return running[-1]

    yield start
    try:
        for program in running:
            if program.process.returncode is None:
                program.stop()
    finally:
        for program in running:
            program.end()


@pytest.fixture
def chat(start):
    """A chat whose handlers are the test's own (see CHAT)."""
    return lambda handlers="": start(CHAT.replace("@@", handlers))
