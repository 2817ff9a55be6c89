"""dog.h is the product: every compiler takes it, and the library exports what it declares, neither less nor more.

Run from anywhere, after `make`: python3 -m pytest Tests/abi. BUILD names another folder than `build`.
"""
import re
import subprocess

import pytest

from server import BUILD, ROOT

LIBRARY = BUILD / "lib/libdog.so"


def said(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{command}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("compiler, standard", [
    ("gcc", "c99"), ("gcc", "c11"), ("gcc", "c17"), ("g++", "c++11"), ("g++", "c++17"), ("clang", "c99"),
    ("clang", "c17"), ("clang++", "c++17"),
])
def test_the_header_compiles_clean_alone(tmp_path, compiler, standard):
    source = tmp_path / ("use.cpp" if "+" in compiler else "use.c")
    source.write_text("#include <dog.h>\n#include <dog.h>\nint main(void) { return sizeof(dog_options_t) == 0; }\n")
    said(compiler, f"-std={standard}", "-Wall", "-Wextra", "-Wconversion", "-pedantic", "-Werror", f"-I{ROOT}/include",
         "-fsyntax-only", source)


def test_the_library_exports_exactly_what_the_header_declares():
    text = said("cc", "-E", "-P", ROOT / "include/dog.h")
    declared = set(re.findall(r"\b(dog_[a-z0-9_]+) *\((?!\*)", text))
    table = said("nm", "--dynamic", "--defined-only", "--extern-only", "--format=posix", LIBRARY)
    # "A" is the name of a version, which is no symbol to call.
    exported = {line.split()[0].split("@")[0] for line in table.splitlines() if line.split()[1] != "A"}
    assert len(declared) > 50
    assert exported == declared


def test_the_library_says_its_name_and_needs_no_swift():
    dynamic = said("readelf", "--dynamic", "--wide", LIBRARY)
    assert re.search(r"SONAME.*\[libdog\.so\.0\]", dynamic)
    needed = re.findall(r"NEEDED.*\[(.+)\]", dynamic)
    assert not [name for name in needed if "swift" in name.lower() or "foundation" in name.lower()], needed
    assert not re.search(r"RUNPATH|RPATH", dynamic), "no path of the machine that built it"


def test_the_library_is_where_programs_look_for_it():
    assert LIBRARY.resolve() == (BUILD / "lib/libdog.so.0").resolve()
    assert LIBRARY.resolve().name == "libdog.so.0.1.0"
    assert (BUILD / "include/dog.h").is_file()
