"""`make install` of a checkout of its own: it installs what CMake does and the programs, and takes it out again.

Run from anywhere, after `make`: python3 -m pytest Tests/packages. BUILD names another folder than `build`.
"""
import pytest

from conftest import run

PACKAGE_FILES = ["include/dog.h", "lib/cmake/dog/dogConfig.cmake", "lib/cmake/dog/dogConfigVersion.cmake"]


@pytest.fixture
def make(checkout, swift):
    """Runs make in the checkout."""
    return lambda *targets, **variables: run("make", "-C", checkout, *targets, f"SWIFT={swift}",
                                             *(f"{name}={value}" for name, value in variables.items()))


def files_below(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


def test_make_installs_the_same_as_cmake_and_takes_it_out_again(make, prefix, tmp_path, version):
    to = tmp_path / "prefix"
    make("install", PREFIX=to)
    for name in PACKAGE_FILES:
        assert (to / name).read_bytes() == (prefix / name).read_bytes()
    assert files_below(to) == files_below(prefix) | {"bin/dog-host"}
    assert "demo" in run(to / "bin/dog-host", "--help")
    pkg_config = ["pkg-config", "dog"], {"PKG_CONFIG_PATH": to / "lib/pkgconfig"}
    assert run(*pkg_config[0], "--modversion", **pkg_config[1]).strip() == version
    assert run(*pkg_config[0], "--variable=prefix", **pkg_config[1]).strip() == str(to)
    make("uninstall", PREFIX=to)
    assert files_below(to) == set()


def test_what_make_installed_is_found_by_pkg_config(make, consumer, tmp_path, programs_answer):
    to = tmp_path / "prefix"
    make("install", PREFIX=to)
    project = consumer("pkg_config")
    run("make", "-C", project, PKG_CONFIG_PATH=to / "lib/pkgconfig")
    programs_answer(project, LD_LIBRARY_PATH=to / "lib")


def test_destdir_is_put_before_the_prefix_and_not_into_the_files(make, tmp_path):
    """Also where there are spaces in it; and nothing beside it is touched."""
    destdir, beside = tmp_path / "a package", tmp_path / "a"
    beside.write_text("not DOG's")
    make("install", PREFIX="/opt/dog", DESTDIR=destdir)
    assert (destdir / "opt/dog/lib/libdog.so").is_file() and (destdir / "opt/dog/include/dog.h").is_file()
    assert "prefix=/opt/dog\n" in (destdir / "opt/dog/lib/pkgconfig/dog.pc").read_text()
    make("uninstall", PREFIX="/opt/dog", DESTDIR=destdir)
    assert files_below(destdir) == set() and beside.is_file()
