"""The storm and the random program for a moment each, from a new seed and from those that found something before. The
long ones are `make storm` and `make random`; README.md here says what they do."""
import os
import subprocess

import pytest

from heap import Heap, compile_library
from run import compiled, ending, seed_of

# Enough of them to tell the first rounds' heap from the last.
SECONDS = {"storm": 8, "random": 18}
# A round is not cut off, and takes its time under a sanitizer.
SECONDS_MAX = 240
# Seeds that brought down the library before it was mended. What random.c draws changes with its tables.
FOUND = {"storm": [4, 14], "random": []}


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("random")
    return {name: compiled(name, folder) for name in FOUND}


@pytest.fixture
def heap(tmp_path):
    """The sanitizers have a heap of their own."""
    return {} if os.environ.get("DOG_SANITIZED") else Heap(compile_library(tmp_path), tmp_path / "heap").environment


def play(program, seconds, seed, environment=None):
    done = subprocess.run([program, str(seconds), str(seed)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=SECONDS_MAX, env=dict(os.environ, **environment or {}))
    output = done.stdout.decode(errors="replace")
    print(output)
    assert done.returncode == 0, f"{output[-4000:]}\n{ending(done.returncode)}"


@pytest.mark.parametrize("name", FOUND)
def test_from_a_new_seed(programs, heap, name):
    play(programs[name], SECONDS[name], seed_of(name), heap)


@pytest.mark.parametrize("name, seed", [(name, seed) for name, seeds in FOUND.items() for seed in seeds])
def test_from_a_seed_that_found_something(programs, name, seed):
    play(programs[name], 0, seed)
