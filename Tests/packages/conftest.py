import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
HERE = Path(__file__).resolve().parent
# As long as any one command may take. It says nothing about speed: it only ends a test that would hang.
DEADLINE = 300


@pytest.fixture(scope="session")
def build():
    return Path(os.environ.get("BUILD", ROOT / "build")).resolve()


@pytest.fixture(scope="session")
def version():
    text = (ROOT / "include/dog.h").read_text()
    return ".".join(re.search(rf"DOG_VERSION_{part} (\d+)", text).group(1) for part in ("MAJOR", "MINOR", "PATCH"))


def environment(**more):
    """That of a user at a prompt: what `make test` has set for itself is not in it."""
    ours = {"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "BUILD", "SCRATCH", "DESTDIR", "PKG_CONFIG_PATH",
            "CMAKE_PREFIX_PATH", "LD_LIBRARY_PATH", "CC", "CXX"}
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return {**kept, **{name: str(value) for name, value in more.items()}}


def run(*command, status=0, **more):
    """Runs a command to its end and gives back what it said; keywords are its environment. Any other exit status than
    `status` (None: whichever is not 0) fails the test."""
    done = subprocess.run([str(part) for part in command], env=environment(**more), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=DEADLINE)
    is_wanted = done.returncode != 0 if status is None else done.returncode == status
    assert is_wanted, f"{command}: exit {done.returncode}\n{done.stdout}"
    return done.stdout


def configure(source, binary, *options, status=0, **more):
    """What CMake said, in one line: it breaks its messages wherever they get too long."""
    return " ".join(run("cmake", "-S", source, "-B", binary, *options, status=status, **more).split())


@pytest.fixture(scope="session")
def programs_answer():
    """Runs the two programs that were built in a folder."""

    def programs_answer(folder, **more):
        for name, greeting in (("answer", "hello from C"), ("answer++", "hello from C++")):
            said = run(folder / name, **more)
            assert said.startswith("HTTP/1.1 200 OK"), said
            assert said.splitlines()[-1] == greeting

    return programs_answer


@pytest.fixture
def consumer(tmp_path):
    """A copy of a consumer's project: what it builds does not end up in the checkout."""

    def consumer(name):
        for source in HERE.glob("answer.*"):
            shutil.copy(source, tmp_path)
        shutil.copytree(HERE / name, tmp_path / name)
        return tmp_path / name

    return consumer
