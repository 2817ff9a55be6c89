"""The C API, tested from C: every check of every program here is one case; and what the header and the library promise.

Run from anywhere, after `make`: python3 -m pytest Tests/capi. DOG_BUILD, or BUILD, names another folder than `build`.
"""

import os
import pathlib
import re
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BUILD = ROOT / (os.environ.get("DOG_BUILD") or os.environ.get("BUILD") or "build")
HEADER = BUILD / "include" / "dog.h"
LIBRARY = BUILD / "lib" / "libdog.so"
SANITIZED = os.environ.get("DOG_SANITIZED", "")
WARNINGS = ["-Wall", "-Wextra", "-pedantic", "-Werror"]
CC = os.environ.get("CC", "cc")


def names(program):
    """The checks of a program, from its table: known before anything is compiled."""
    table = program.read_text().split("static const check_t checks[]", 1)[1]
    return re.findall(r"^\s+(?:ROW\(|\{\")(\w+)", table, re.MULTILINE)


# The thread sanitizer has a thread of its own, which these would count.
COUNTING_THREADS = {"three_hundred_engines_leave_nothing_behind", "run_makes_the_calling_thread_a_worker",
                    "no_thread_exists_before_the_start"}
CASES = [(program.stem, name) for program in sorted(HERE.glob("*.c")) for name in names(program)
         if SANITIZED != "thread" or name not in COUNTING_THREADS]


@pytest.fixture(scope="session")
def programs(tmp_path_factory):
    """Compiles a program at its first use."""
    folder = tmp_path_factory.mktemp("capi")

    def program(stem):
        path = folder / stem
        if not path.exists():
            flags = ["-std=c11", "-g", "-O1", *WARNINGS, f"-I{HEADER.parent}"]
            link = [f"-L{LIBRARY.parent}", f"-Wl,-rpath,{LIBRARY.parent}", "-ldog", "-pthread"]
            subprocess.run([CC, *flags, HERE / f"{stem}.c", "-o", path, *link], check=True)
        return path

    return program


@pytest.mark.parametrize("stem,name", CASES)
def test_check(programs, stem, name):
    run = subprocess.run([programs(stem), name], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=90)
    output = run.stdout.decode(errors="replace")
    if run.returncode < 0:
        output += f"\nended by signal {-run.returncode}"  # 14: the check's own watchdog
    assert run.returncode == 0, output


@pytest.mark.parametrize("compiler,language,standard", [
    ("gcc", "c", "c99"), ("gcc", "c", "c11"), ("gcc", "c", "c17"), ("g++", "c++", "c++17"),
])
def test_the_header_compiles_clean(compiler, language, standard):
    source = '#include "dog.h"\nint main(void) { return (int)dog_version() == 0; }\n'
    command = [compiler, f"-std={standard}", *WARNINGS, f"-I{HEADER.parent}", "-fsyntax-only", "-x", language, "-"]
    subprocess.run(command, input=source.encode(), check=True)


def declared_functions():
    """The functions that dog.h declares, as the compiler sees them once comments and macros are out of the way."""
    text = subprocess.run([CC, "-E", "-P", HEADER], stdout=subprocess.PIPE, check=True).stdout.decode()
    return set(re.findall(r"\b(dog_\w+)\s*\([^;{}]*\)\s*;", re.sub(r"typedef[^;]*;", "", text)))


@pytest.mark.skipif(SANITIZED != "", reason="a sanitized library is laid out for debugging")
def test_the_library_exports_exactly_the_functions_of_the_header():
    lines = subprocess.run(["nm", "-D", "--defined-only", LIBRARY], stdout=subprocess.PIPE, check=True).stdout.decode()
    exported = {line.split()[-1].split("@")[0] for line in lines.splitlines() if line.split()[-2] != "A"}
    declared = declared_functions()
    assert len(declared) > 50
    assert exported == declared


@pytest.mark.skipif(SANITIZED != "", reason="a sanitized library is laid out for debugging")
def test_the_library_has_its_soname():
    output = subprocess.run(["readelf", "-d", LIBRARY], stdout=subprocess.PIPE, check=True).stdout.decode()
    assert re.search(r"SONAME.*\[libdog\.so\.0\]", output)


def test_every_function_of_the_header_is_called_from_c():
    called = "".join(path.read_text() for path in HERE.glob("*.[ch]"))
    # The tables of calls.h spell some without their prefix.
    missing = [name for name in declared_functions()
               if name + "(" not in called and not re.search(rf"\b{name.removeprefix('dog_')}\b", called)]
    assert missing == []
