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


@pytest.fixture(scope="session")
def install(tmp_path_factory, build):
    """Installs what `make` has built into a folder of its own, by CMake."""

    def install(*options, arguments=(), **more):
        folder = tmp_path_factory.mktemp("installed")
        configure(ROOT, folder / "binary", f"-DDOG_BUILD_DIR={build}", "-DDOG_BUILD_EXAMPLES=OFF",
                  "-DDOG_BUILD_TESTING=OFF", *options)
        run("cmake", "--install", folder / "binary", "--prefix", folder / "prefix", *arguments, **more)
        return folder / "prefix"

    return install


@pytest.fixture(scope="session")
def prefix(install):
    return install()


@pytest.fixture
def checkout(tmp_path):
    """A copy of this checkout, as far as CMake reads it, that a test may change."""
    copy = tmp_path / "checkout"
    for name in ("cmake", "examples", "include", "scripts", "Sources"):
        shutil.copytree(ROOT / name, copy / name)
    shutil.copytree(HERE, copy / "Tests/packages", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("CMakeLists.txt", "Makefile", "Package.swift", "dog.pc.in"):
        shutil.copy(ROOT / name, copy / name)
    return copy


@pytest.fixture
def swift(tmp_path, build):
    """A stand-in for Swift, which takes minutes: "builds" by a copy of what `make` has built, and notes what it was
    asked for."""
    path = tmp_path / "bin" / "swift"
    path.parent.mkdir()
    path.write_text(f"""#!/bin/sh
if [ "$1" = --version ]; then echo 'Swift version 6.3 (stand-in)'; exit; fi
if [ -n "$CC$CXX" ]; then echo 'CC is not the compiler that Swift needs'; exit 1; fi
echo "$@" >>{path.parent}/asked
while [ "$1" != --scratch-path ]; do shift; done
mkdir -p "$2/release"
cp {build}/lib/libdog.so "$2/release/libdog.so"
cp {build}/bin/dog-host "$2/release/dog-host"
""")
    path.chmod(0o755)
    return path
