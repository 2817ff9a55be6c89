"""Where the library and its header are found, and what is said where they are not."""
import os
import re
import shutil
import subprocess

import pytest

from program import BINDING, BUILD, run_lua

LOAD = 'print(require("dog").version)'


@pytest.fixture
def prefix(tmp_path):
    """libdog and dog.h as they are installed."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "include").mkdir()
    (tmp_path / "lib/libdog.so").symlink_to((BUILD / "lib/libdog.so").resolve())
    shutil.copy(BUILD / "include/dog.h", tmp_path / "include/dog.h")
    return tmp_path


def version():
    return ".".join(re.findall(r"#define DOG_VERSION_\w+ (\d+)", (BUILD / "include/dog.h").read_text())) + "\n"


def test_it_loads_without_any_other_module(prefix):
    shutil.copy(BINDING / "dog.lua", prefix / "dog.lua")
    assert run_lua(LOAD, DOG_LIBRARY=f"{prefix}/lib/libdog.so", LUA_PATH=f"{prefix}/?.lua", LUA_CPATH="") == version()


def test_the_header_is_found_beside_the_library(prefix):
    assert run_lua(LOAD, DOG_LIBRARY=f"{prefix}/lib/libdog.so", PATH="/usr/bin:/bin") == version()


def test_the_header_is_found_beside_a_library_in_a_folder_of_its_architecture(prefix):
    (prefix / "lib/x86_64-linux-gnu").mkdir()
    library = shutil.move(prefix / "lib/libdog.so", prefix / "lib/x86_64-linux-gnu/libdog.so")
    assert run_lua(LOAD, DOG_LIBRARY=str(library)) == version()


def test_the_library_is_found_by_the_loader(prefix):
    assert run_lua(LOAD, DOG_LIBRARY=None, LD_LIBRARY_PATH=f"{prefix}/lib") == version()


def test_a_library_by_a_relative_path(prefix):
    assert run_lua(LOAD, DOG_LIBRARY="lib/libdog.so", cwd=prefix) == version()


def test_the_header_is_found_by_pkg_config(prefix):
    (prefix / "elsewhere").mkdir()
    header = shutil.move(prefix / "include", prefix / "elsewhere/include")
    (prefix / "dog.pc").write_text(f"includedir={header}\nName: dog\nDescription: dog\nVersion: 0\n")
    assert run_lua(LOAD, DOG_LIBRARY=f"{prefix}/lib/libdog.so", PKG_CONFIG_PATH=str(prefix)) == version()


def test_the_header_is_found_where_dog_header_says(prefix):
    header = shutil.move(prefix / "include/dog.h", prefix / "mine.h")
    assert run_lua(LOAD, DOG_LIBRARY=f"{prefix}/lib/libdog.so", DOG_HEADER=str(header)) == version()


def test_no_library_is_an_error_that_says_what_to_do(tmp_path):
    said = run_lua(LOAD, status=1, DOG_LIBRARY=f"{tmp_path}/libdog.so")
    assert "libdog is not to be had" in said and "DOG_LIBRARY" in said and str(tmp_path) in said


def test_no_header_is_an_error_that_says_where_it_was_looked_for(prefix):
    for path in ("/usr/local/include/dog.h", "/usr/include/dog.h"):
        if os.path.exists(path):
            pytest.skip("DOG is installed here")
    (prefix / "include/dog.h").unlink()
    said = run_lua(LOAD, status=1, DOG_LIBRARY=f"{prefix}/lib/libdog.so", PKG_CONFIG_PATH="", PKG_CONFIG_LIBDIR="")
    assert "DOG_HEADER" in said and "/usr/include/dog.h" in said and f"{prefix}/lib/../include/dog.h" in said


def test_dog_header_that_names_nothing_is_an_error(tmp_path):
    assert "DOG_HEADER names no file" in run_lua(LOAD, status=1, DOG_HEADER=f"{tmp_path}/none.h")


def test_a_header_of_another_version_is_refused(prefix):
    header = prefix / "include/dog.h"
    header.write_text(header.read_text().replace("#define DOG_VERSION_MINOR ", "#define DOG_VERSION_MINOR 9"))
    assert re.search(r"dog.h is of version 0\.9\d+, the library of 0\.\d+", run_lua(
        LOAD, status=1, DOG_LIBRARY=f"{prefix}/lib/libdog.so"))


def test_it_can_be_loaded_twice():
    assert run_lua('local first = require "dog"; package.loaded.dog = nil; local second = require "dog";'
                   "print(first ~= second and first.version == second.version)") == "true\n"


def test_every_function_and_constant_of_the_header_is_declared():
    header = (BUILD / "include/dog.h").read_text()
    plain = subprocess.run(["cc", "-E", "-P", BUILD / "include/dog.h"], capture_output=True, text=True, check=True)
    functions = set(re.findall(r"\b(dog_[a-z0-9_]+) *\((?!\*)", plain.stdout))
    constants = set(re.findall(r"^ +(DOG_[A-Z_]+) = ", header, re.MULTILINE))
    assert len(functions) > 60 and len(constants) > 60
    names = "".join(f"local _ = lib.{name}\n" for name in sorted(functions | constants))
    run_lua('require "dog"; local ffi = require "ffi"; local lib = ffi.load(os.getenv "DOG_LIBRARY")\n'
            + re.sub(r"local _ = (lib\.\w+)", r"assert(\1)", names))


def test_no_global_is_made():
    assert run_lua('local before = {}; for name in pairs(_G) do before[name] = true end; require "dog";'
                   "for name in pairs(_G) do assert(before[name], name) end; print 'none'") == "none\n"


def test_the_rockspec_installs_the_file_that_there_is():
    said = run_lua(f'local spec = {{}}; setfenv(assert(loadfile "{BINDING}/libdog-scm-1.rockspec"), spec)();'
                   'for name, file in pairs(spec.build.modules) do print(spec.package, name, file) end')
    assert said == "libdog\tdog\tdog.lua\n" and (BINDING / "dog.lua").is_file()
