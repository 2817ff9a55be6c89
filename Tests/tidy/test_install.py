"""What a user does first: install, compile a program with pkg-config, run it; and what README's program promises."""
import os
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request

import pytest

VERSION_PROGRAM = r"""
#include <dog.h>
#include <stdio.h>

int main(void) {
  uint32_t version = dog_version();
  printf("%u.%u.%u %s\n", version >> 16, version >> 8 & 255, version & 255, dog_status_name(DOG_ESTALE));
  return 0;
}
"""


@pytest.fixture(scope="module")
def prefix(tmp_path_factory, root):
    """DOG installed by `make install`, and taken out again by `make uninstall`, which leaves no file."""
    prefix = tmp_path_factory.mktemp("prefix")
    make(root, "install", PREFIX=prefix)
    yield prefix
    make(root, "uninstall", PREFIX=prefix)
    assert not [path for path in prefix.rglob("*") if not path.is_dir()]


def make(root, *targets, **variables):
    environment = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS")}
    done = subprocess.run(["make", *targets, *(f"{name}={value}" for name, value in variables.items())], cwd=root,
                          env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def pkg_config(prefix, *arguments):
    environment = dict(os.environ, PKG_CONFIG_PATH=str(prefix / "lib/pkgconfig"))
    done = subprocess.run(["pkg-config", *arguments, "dog"], env=environment, stdout=subprocess.PIPE, text=True,
                          check=True)
    return done.stdout.split()


def compiled(run, prefix, source, out):
    run("cc", "-std=c11", "-Wall", "-Werror", source, "-o", out, *pkg_config(prefix, "--cflags", "--libs"),
        "-pthread")
    return out


def environment_of(prefix):
    return dict(os.environ, LD_LIBRARY_PATH=str(prefix / "lib"))


def test_a_program_builds_and_runs_against_what_was_installed(run, prefix, tmp_path):
    source = tmp_path / "version.c"
    source.write_text(VERSION_PROGRAM)
    program = compiled(run, prefix, source, tmp_path / "version")
    assert run(program, env=environment_of(prefix)).stdout == "0.1.0 DOG_ESTALE\n"


def test_a_program_builds_and_runs_against_the_build_folder_itself(run, build, tmp_path):
    source = tmp_path / "version.c"
    source.write_text(VERSION_PROGRAM)
    program = compiled(run, build, source, tmp_path / "version")
    assert run(program, env=environment_of(build)).stdout == "0.1.0 DOG_ESTALE\n"


def test_pkg_config_knows_the_version_and_the_prefix(prefix):
    assert pkg_config(prefix, "--modversion") == ["0.1.0"]
    assert pkg_config(prefix, "--variable=prefix") == [str(prefix)]


def test_destdir_is_put_before_the_prefix_and_not_into_the_files(root, tmp_path):
    make(root, "install", PREFIX="/opt/dog", DESTDIR=tmp_path)
    assert (tmp_path / "opt/dog/lib/libdog.so").is_file()
    assert "prefix=/opt/dog\n" in (tmp_path / "opt/dog/lib/pkgconfig/dog.pc").read_text()
    make(root, "uninstall", PREFIX="/opt/dog", DESTDIR=tmp_path)
    assert not [path for path in tmp_path.rglob("*") if not path.is_dir()]


def test_destdir_may_have_spaces_and_nothing_beside_it_is_touched(root, tmp_path):
    destdir, beside = tmp_path / "a package", tmp_path / "a"
    beside.write_text("not DOG's")
    make(root, "install", PREFIX="/opt/dog", DESTDIR=destdir)
    assert (destdir / "opt/dog/include/dog.h").is_file()
    make(root, "uninstall", PREFIX="/opt/dog", DESTDIR=destdir)
    assert [path for path in tmp_path.rglob("*") if not path.is_dir()] == [beside]


def test_the_installed_host_runs_by_itself(run, prefix):
    assert "demo" in run(prefix / "bin/dog-host", "--help").stdout


def test_the_program_in_the_readme_works_when_pasted(run, prefix, root, tmp_path):
    programs = re.findall(r"^```c\n(.*?)^```", (root / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    assert len(programs) == 1, "README has one program"
    assert len(programs[0].splitlines()) <= 45
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert programs[0].count("8787") == 1
    source = tmp_path / "readme.c"
    source.write_text(programs[0].replace("8787", str(port)))
    program = compiled(run, prefix, source, tmp_path / "readme")
    process = subprocess.Popen([str(program)], env=environment_of(prefix))
    try:
        assert answers(process, port), "it serves on its port"
        assert upgrades(port), "it takes WebSockets"
    finally:
        process.kill()
        process.wait()


def answers(process, port):
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10)
            return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            time.sleep(0.02)
    return False


def upgrades(port):
    """Whether some path that the README's program may serve answers a handshake with 101."""
    for path in ("/", "/ws", "/room", "/rooms/lobby", "/rooms/lobby/ws"):
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                               "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
                               .encode())
            if connection.recv(4096).startswith(b"HTTP/1.1 101"):
                return True
    return False
