"""The C API, tested from C: every check of every program here is one case.

Run from anywhere, after `make`: python3 -m pytest Tests/capi. BUILD names another folder than `build`.
"""

import os
import pathlib
import re
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from server import BUILD, SANITIZED

HERE = pathlib.Path(__file__).resolve().parent
HEADER = BUILD / "include" / "dog.h"
LIBRARY = BUILD / "lib" / "libdog.so"
WARNINGS = ["-Wall", "-Wextra", "-pedantic", "-Werror"]
CC = os.environ.get("CC", "cc")
# A sanitized program is at work for most of its time.
AT_ONCE = 1 if SANITIZED else 4


def names(program):
    """The checks of a program, from its table: known before anything is compiled."""
    table = program.read_text().split("static const check_t checks[]", 1)[1]
    return re.findall(r"^\s+(?:ROW\(|\{\")(\w+)", table, re.MULTILINE)


# The thread sanitizer has a thread of its own, which these would count.
COUNTING_THREADS = {"three_hundred_engines_leave_nothing_behind", "run_makes_the_calling_thread_a_worker",
                    "no_thread_exists_before_the_start"}
# They stand in for functions of the C library of which a sanitizer has to know.
STANDING_IN = {"descriptors", "locks"}
CASES = [(program.stem, name) for program in sorted(HERE.glob("*.c")) for name in names(program)
         if not (SANITIZED == "thread" and name in COUNTING_THREADS)
         and not (SANITIZED and program.stem in STANDING_IN)]


class Checks:
    """The checks that were chosen, a few at once: most of the time each waits for a clock of its own."""

    def __init__(self, folder, chosen):
        self.folder, self.lock = folder, threading.Lock()
        self.pool = ThreadPoolExecutor(AT_ONCE)
        self.runs = {case: self.pool.submit(self.run, *case) for case in chosen}

    def program(self, stem):
        """Compiles a program at its first use."""
        path = self.folder / stem
        with self.lock:
            if not path.exists():
                flags = ["-std=c11", "-g", "-O1", *WARNINGS, f"-I{HEADER.parent}"]
                link = [f"-L{LIBRARY.parent}", f"-Wl,-rpath,{LIBRARY.parent}", "-ldog", "-pthread"]
                subprocess.run([CC, *flags, HERE / f"{stem}.c", "-o", path, *link], check=True)
        return path

    def run(self, stem, name):
        return subprocess.run([self.program(stem), name], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=90)

    def end(self):
        self.pool.shutdown(cancel_futures=True)


@pytest.fixture(scope="session")
def checks(request, tmp_path_factory):
    chosen = [(item.callspec.params["stem"], item.callspec.params["name"]) for item in request.session.items
              if getattr(item, "originalname", "") == "test_check"]
    checks = Checks(tmp_path_factory.mktemp("capi"), chosen)
    yield checks
    checks.end()


@pytest.mark.parametrize("stem,name", CASES)
def test_check(checks, stem, name):
    run = checks.runs[stem, name].result()
    output = run.stdout.decode(errors="replace")
    if run.returncode < 0:
        output += f"\nended by signal {-run.returncode}"  # 14: the check's own watchdog
    assert run.returncode == 0, output


@pytest.mark.skipif(SANITIZED != "", reason="a sanitizer's runtime is not unloaded")
def test_the_library_is_unloaded_as_often_as_it_is_loaded():
    """More often than there are pthread keys; and none of those is gone at the end."""
    program = f"""
import _ctypes, ctypes
def keys():
    found = []
    while len(found) < 2000:
        key = ctypes.c_uint()
        if ctypes.CDLL(None).pthread_key_create(ctypes.byref(key), None) != 0:
            break
        found.append(key)
    for key in found:
        ctypes.CDLL(None).pthread_key_delete(key)
    return len(found)
def use():
    library = ctypes.CDLL({str(LIBRARY)!r})
    engine = ctypes.c_void_p()
    assert library.dog_engine_create(None, ctypes.byref(engine)) == 0
    assert library.dog_socket_close(ctypes.c_uint64(1), 0, None, 0) != 0
    assert library.dog_engine_destroy(engine) == 0
    _ctypes.dlclose(library._handle)
use()
before = keys()
for _ in range(1100):
    use()
assert keys() == before, (keys(), before)
"""
    subprocess.run(["/usr/bin/python3", "-c", program], check=True, timeout=90)


def declared_functions():
    """The functions that dog.h declares, as the compiler sees them once comments and macros are out of the way."""
    text = subprocess.run([CC, "-E", "-P", HEADER], stdout=subprocess.PIPE, check=True).stdout.decode()
    return set(re.findall(r"\b(dog_\w+)\s*\([^;{}]*\)\s*;", re.sub(r"typedef[^;]*;", "", text)))


def test_every_function_of_the_header_is_called_from_c():
    called = "".join(path.read_text() for path in HERE.glob("*.[ch]"))
    # The tables of calls.h spell some without their prefix.
    missing = [name for name in declared_functions()
               if name + "(" not in called and not re.search(rf"\b{name.removeprefix('dog_')}\b", called)]
    assert missing == []
