"""dog.h is the product: every compiler takes it, and the library exports what it declares, neither less nor more."""
import re

import pytest


@pytest.mark.parametrize("compiler, standard", [("cc", "c99"), ("cc", "c11"), ("cc", "c17"), ("c++", "c++11"),
                                                ("c++", "c++17"), ("clang", "c99"), ("clang++", "c++17")])
def test_the_header_compiles_clean_alone(run, root, tmp_path, compiler, standard):
    source = tmp_path / ("use.cpp" if "+" in compiler else "use.c")
    source.write_text("#include <dog.h>\n#include <dog.h>\nint main(void) { return sizeof(dog_options_t) == 0; }\n")
    run(compiler, f"-std={standard}", "-Wall", "-Wextra", "-Wconversion", "-pedantic", "-Werror",
        f"-I{root}/include", "-fsyntax-only", source)


@pytest.fixture
def declared(run, root):
    text = run("cc", "-E", "-P", root / "include/dog.h").stdout
    return set(re.findall(r"\b(dog_[a-z0-9_]+) *\((?!\*)", text))


def test_the_library_exports_exactly_what_the_header_declares(run, build, declared):
    table = run("nm", "--dynamic", "--defined-only", "--extern-only", "--format=posix", build / "lib/libdog.so").stdout
    exported = {line.split()[0].split("@")[0] for line in table.splitlines()}
    assert len(declared) > 50
    assert exported == declared


def test_the_library_says_its_name_and_needs_no_swift(run, build):
    dynamic = run("readelf", "--dynamic", "--wide", build / "lib/libdog.so").stdout
    assert re.search(r"SONAME.*\[libdog\.so\.0\]", dynamic)
    needed = re.findall(r"NEEDED.*\[(.+)\]", dynamic)
    assert not [name for name in needed if "swift" in name.lower() or "foundation" in name.lower()], needed
    assert not re.search(r"RUNPATH|RPATH", dynamic), "no path of the machine that built it"


def test_the_library_is_where_programs_look_for_it(build):
    assert (build / "lib/libdog.so").resolve() == (build / "lib/libdog.so.0").resolve()
    assert (build / "lib/libdog.so").resolve().name == "libdog.so.0.1.0"
    assert (build / "include/dog.h").is_file()
