"""Every way to build a program with DOG: pkg-config, find_package, add_subdirectory and FetchContent, each with two of
them, in C and in C++, that are built, run and asked. And what is installed: it may be moved, and it says its version.

Run from anywhere, after `make`: python3 -m pytest Tests/packages. BUILD names another folder than `build`.
"""
import os
import re
import shutil
import stat

import pytest

from conftest import HERE, ROOT, configure, run


def build_with_pkg_config(project, lib):
    run("make", "-C", project, PKG_CONFIG_PATH=lib / "pkgconfig")
    return project


def build_with_cmake(project, *options, **more):
    binary = project / "binary"
    configure(project, binary, *options, **more)
    run("cmake", "--build", binary, **more)
    return binary


# ---- pkg-config


def test_pkg_config_finds_what_was_installed(consumer, prefix, programs_answer):
    programs_answer(build_with_pkg_config(consumer("pkg_config"), prefix / "lib"), LD_LIBRARY_PATH=prefix / "lib")


def test_pkg_config_finds_the_build_folder(consumer, build, programs_answer):
    programs_answer(build_with_pkg_config(consumer("pkg_config"), build / "lib"), LD_LIBRARY_PATH=build / "lib")


def test_pkg_config_knows_the_version(prefix, version):
    assert run("pkg-config", "--modversion", "dog", PKG_CONFIG_PATH=prefix / "lib/pkgconfig").strip() == version


# ---- find_package


def test_find_package_finds_what_was_installed(consumer, prefix, programs_answer):
    programs_answer(build_with_cmake(consumer("find_package"), f"-DCMAKE_PREFIX_PATH={prefix}"))


def test_find_package_finds_the_build_folder(consumer, build, programs_answer):
    programs_answer(build_with_cmake(consumer("find_package"), f"-DCMAKE_PREFIX_PATH={build}"))


def test_what_was_installed_may_be_moved(consumer, install, tmp_path, programs_answer):
    moved = tmp_path / "elsewhere"
    shutil.move(install(), moved)
    programs_answer(build_with_cmake(consumer("find_package"), f"-DCMAKE_PREFIX_PATH={moved}"))
    programs_answer(build_with_pkg_config(consumer("pkg_config"), moved / "lib"), LD_LIBRARY_PATH=moved / "lib")


def test_the_prefix_may_be_found_through_a_link(consumer, prefix, tmp_path, programs_answer):
    """As /lib is one to /usr/lib: the header is beside the real one."""
    (tmp_path / "link").mkdir()
    (tmp_path / "link" / "lib").symlink_to(prefix / "lib")
    programs_answer(build_with_cmake(consumer("find_package"), f"-Ddog_DIR={tmp_path}/link/lib/cmake/dog"))


@pytest.mark.parametrize("lib, include", [("lib/x86_64-linux-gnu", "include"), ("lib64", "include/dog-0")])
def test_folders_may_have_other_names(consumer, install, programs_answer, lib, include):
    prefix = install(f"-DCMAKE_INSTALL_LIBDIR={lib}", f"-DCMAKE_INSTALL_INCLUDEDIR={include}")
    assert (prefix / include / "dog.h").is_file()
    programs_answer(build_with_cmake(consumer("find_package"), f"-Ddog_DIR={prefix}/{lib}/cmake/dog"))
    programs_answer(build_with_pkg_config(consumer("pkg_config"), prefix / lib), LD_LIBRARY_PATH=prefix / lib)


def changed(version, position, by):
    numbers = [int(number) for number in version.split(".")]
    numbers[position] += by
    return ".".join(str(number) for number in numbers)


@pytest.fixture
def find(prefix, tmp_path):
    """The status of find_package(dog ...) with these arguments."""

    def find(*arguments, status=0):
        (tmp_path / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.19)\nproject(find LANGUAGES C)\n"
            f"find_package(dog {' '.join(arguments)} REQUIRED)\nmessage(\"found ${{dog_VERSION}}\")\n")
        return configure(tmp_path, tmp_path / "binary", f"-DCMAKE_PREFIX_PATH={prefix}", status=status)

    return find


def test_find_package_takes_the_versions_that_fit(find, version):
    major, minor, _ = version.split(".")
    later_major, later_minor = changed(version, 0, 1), changed(version, 1, 1)
    for arguments in ([], [version], [f"{major}.{minor}"], [version, "EXACT"], [f"{major}.{minor}...{later_major}"],
                      [f"{major}.0...{version}"], [f"{major}.0...<{later_minor}"]):
        assert f"found {version}" in find(*arguments)


def test_find_package_refuses_those_that_do_not(find, version):
    later_major, later_minor, later_patch = (changed(version, position, 1) for position in range(3))
    for arguments in ([later_major], [later_minor], [later_patch], [later_minor, "EXACT"],
                      [f"{later_minor}...{later_major}"], [f"0.0.0...<{version}"]):
        assert f"version: {version}" in find(*arguments, status=None)
    assert "there is no component storage" in find("COMPONENTS", "storage", status=None)


def test_a_package_without_its_library_is_not_found(find, install, tmp_path):
    prefix = install()
    (prefix / "include/dog.h").unlink()
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.18)\nproject(find LANGUAGES C)\nfind_package(dog REQUIRED)\n")
    said = configure(tmp_path, tmp_path / "binary", f"-DCMAKE_PREFIX_PATH={prefix}", status=None)
    assert "is missing" in said


# ---- what is installed


def test_what_is_installed(prefix, build, version):
    files = {str(path.relative_to(prefix)) for path in prefix.rglob("*") if not path.is_dir()}
    major = version.split(".")[0]
    assert files == {
        "include/dog.h", f"lib/libdog.so.{version}", f"lib/libdog.so.{major}", "lib/libdog.so",
        "lib/pkgconfig/dog.pc", "lib/cmake/dog/dogConfig.cmake", "lib/cmake/dog/dogConfigVersion.cmake"}
    assert os.readlink(prefix / "lib/libdog.so") == f"libdog.so.{major}"
    assert os.readlink(prefix / f"lib/libdog.so.{major}") == f"libdog.so.{version}"
    assert stat.S_IMODE((prefix / f"lib/libdog.so.{version}").stat().st_mode) == 0o644
    assert (prefix / "include/dog.h").read_bytes() == (build / "include/dog.h").read_bytes()
    for path in prefix.rglob("*.*c*"):
        if path.suffix in (".pc", ".cmake"):
            assert str(prefix) not in path.read_text() and str(ROOT) not in path.read_text(), path


def test_strip_takes_out_what_only_a_debugger_needs(install, prefix, version):
    stripped = install(arguments=["--strip"]) / f"lib/libdog.so.{version}"
    assert "no symbols" in run("nm", stripped)
    assert "dog_version" in run("nm", "--dynamic", stripped)
    assert stripped.stat().st_size < (prefix / f"lib/libdog.so.{version}").stat().st_size


def test_destdir_is_put_before_the_prefix(install, tmp_path, version):
    prefix = install(arguments=["--strip"], DESTDIR=tmp_path)
    assert not prefix.exists()
    assert (tmp_path / prefix.relative_to("/") / f"lib/libdog.so.{version}").is_file()


# ---- in the same tree


@pytest.mark.parametrize("way", ["add_subdirectory", "fetch_content"])
def test_a_build_is_taken_from_where_make_left_it(checkout, build, programs_answer, way):
    binary = build_with_cmake(checkout / "Tests/packages" / way, f"-DDOG_BUILD_DIR={build}")
    programs_answer(binary)
    assert not list(binary.rglob("libdog*"))
    # It is there to be linked with; its own programs and its installation are not the consumer's.
    run("cmake", "--install", binary, "--prefix", binary / "prefix")
    assert not list(binary.rglob("dog.h")) and not list(binary.rglob("echo*"))


def asked(swift):
    """How often the library was built; what is asked is forgotten."""
    lines = (swift.parent / "asked").read_text().splitlines() if (swift.parent / "asked").exists() else []
    (swift.parent / "asked").unlink(missing_ok=True)
    return len([line for line in lines if re.search(r"--product dog\b(?!-)", line) and "-c release" in line])


@pytest.mark.parametrize("generator", ["Unix Makefiles", "Ninja"])
@pytest.mark.parametrize("way", ["add_subdirectory", "fetch_content"])
def test_without_a_build_the_library_is_built_along(checkout, swift, programs_answer, way, generator):
    project = checkout / "Tests/packages" / way
    binary = build_with_cmake(project, f"-DDOG_SWIFT={swift}", "-G", generator)
    programs_answer(binary)
    assert asked(swift) == 1, "for both programs together"
    run("cmake", "--build", binary)
    assert asked(swift) == 0, "nothing has changed"
    with open(checkout / "Sources/DOGEngine/Engine/Engine.swift", "a") as source:
        source.write("// changed\n")
    run("cmake", "--build", binary)
    assert asked(swift) == 1
    run("cmake", "--build", binary)
    assert asked(swift) == 0, "although the library came out the same"
    (checkout / "Sources/DOGEngine/Engine/More.swift").write_text("// new\n")
    run("cmake", "--build", binary)
    assert asked(swift) == 1
    # All of it is in the binary folder.
    assert not (checkout / "build").exists() and not (checkout / ".build").exists()


def test_what_an_outer_make_was_told_is_not_for_the_library(checkout, swift, tmp_path, programs_answer):
    binary, compilers = checkout / "binary", {"CC": "gcc", "CXX": "g++"}
    configure(checkout / "Tests/packages/add_subdirectory", binary, f"-DDOG_SWIFT={swift}", "-G", "Unix Makefiles",
              **compilers)
    run("make", "-C", binary, "-j2", "BUILD=elsewhere", "VERSION=9", "SONAME=libnone.so", **compilers)
    programs_answer(binary)
    assert not list(checkout.rglob("elsewhere"))


@pytest.fixture
def own_tree(checkout, swift):
    """DOG's own CMake build: its examples, its tests."""
    configure(checkout, checkout / "binary", f"-DDOG_SWIFT={swift}")
    run("cmake", "--build", checkout / "binary", "--parallel", "2")
    return checkout / "binary"


def test_its_own_build_has_every_example_and_tests_that_pass(own_tree):
    for source in (ROOT / "examples/c").glob("*.c"):
        assert os.access(own_tree / "examples" / source.stem, os.X_OK), source
    said = run("ctest", "--test-dir", own_tree)
    assert "100% tests passed" in said and "dog.answer" in said and "dog.example.queue" in said


def test_its_own_build_can_be_installed(own_tree, tmp_path, consumer, programs_answer):
    run("cmake", "--install", own_tree, "--prefix", tmp_path / "prefix")
    binary = build_with_cmake(consumer("find_package"), f"-DCMAKE_PREFIX_PATH={tmp_path}/prefix")
    programs_answer(binary)


# ---- what is wrong is told


def test_a_build_folder_without_a_build_is_told(tmp_path):
    said = configure(ROOT, tmp_path / "binary", f"-DDOG_BUILD_DIR={tmp_path}", status=None)
    assert f"DOG_BUILD_DIR is {tmp_path}, which has no" in said


@pytest.mark.parametrize("missing", ["DOG_SWIFT", "DOG_MAKE"])
def test_a_missing_tool_is_told(tmp_path, swift, missing):
    said = configure(ROOT, tmp_path / "binary", f"-DDOG_SWIFT={swift}", f"-D{missing}=", status=None)
    assert "DOG is built with GNU make and Swift" in said and "DOG_BUILD_DIR" in said


def test_a_folder_that_make_cannot_take_is_told(tmp_path, swift):
    said = configure(ROOT, tmp_path / "two words", f"-DDOG_SWIFT={swift}", status=None)
    assert "takes no folder with a space in its name" in said


def test_a_build_that_fails_fails(checkout, swift):
    swift.write_text("#!/bin/sh\n[ \"$1\" = --version ] && echo 'Swift version 6.3' && exit\nexit 9\n")
    configure(checkout / "Tests/packages/add_subdirectory", checkout / "binary", f"-DDOG_SWIFT={swift}")
    assert "libdog.so (Swift, release)" in run("cmake", "--build", checkout / "binary", status=None)
