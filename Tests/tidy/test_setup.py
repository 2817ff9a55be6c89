"""What `make` says on a machine where something is missing. The machine is made up: a PATH with stand-ins for dpkg,
apt-get and Swift, so nothing is installed."""
import shutil
import subprocess

import pytest

ALWAYS = ["sh", "sed", "head", "tail", "dirname", "mkdir", "cat", "env", "true"]


@pytest.fixture
def machine(tmp_path, root):
    return Machine(tmp_path, root)


class Machine:
    def __init__(self, folder, root):
        self.root = root
        self.folder = folder
        self.bin = folder / "bin"
        self.bin.mkdir()
        for name in ALWAYS:
            (self.bin / name).symlink_to(shutil.which(name))

    def has(self, name, script):
        path = self.bin / name
        path.write_text("#!/bin/sh\n" + script)
        path.chmod(0o755)
        return self

    def has_packages_but(self, *missing):
        cases = "|".join(missing) or "-"
        return self.has("dpkg-query", f'for last; do :; done; case $last in {cases}) exit 1;; esac; printf installed\n')

    def is_root(self, number=0):
        return self.has("id", f"echo {number}\n")

    def has_swift(self, version="6.3.1"):
        return self.has("swift", f"echo 'Swift version {version} (swift-{version}-RELEASE)'\n")

    def has_apt(self, status=0):
        return self.has("apt-get", f'echo "$@" >>{self.folder}/apt; exit {status}\n')

    def has_in_lists(self, *packages, after_update=()):
        """What apt-cache knows, at first and once apt-get has brought new lists."""
        return self.has("apt-cache", f'''case " {" ".join(packages)} " in *" $2 "*) exit 0;; esac
[ -e {self.folder}/apt ] || exit 100
case " {" ".join(after_update)} " in *" $2 "*) exit 0;; esac
exit 100
''')

    def apt(self):
        path = self.folder / "apt"
        return path.read_text() if path.exists() else ""

    def setup(self, what="build"):
        return subprocess.run([str(self.root / "scripts/setup.sh"), what], capture_output=True, text=True, timeout=60,
                              env={"PATH": str(self.bin), "BUILD": str(self.folder / "build"),
                                   "NODE_HEADERS": str(self.folder / "node")})


def test_with_everything_there_it_says_nothing(machine):
    done = machine.has_packages_but().is_root().has_swift().has_apt().setup()
    assert (done.returncode, done.stdout, done.stderr, machine.apt()) == (0, "", "", "")


def test_root_gets_what_is_missing_installed_and_is_told(machine):
    done = machine.has_packages_but("libuv1-dev", "zlib1g-dev").is_root().has_swift().has_apt().setup()
    assert done.returncode == 0
    assert "libuv1-dev zlib1g-dev" in done.stdout
    assert machine.apt().splitlines()[-1].endswith("libuv1-dev zlib1g-dev")


@pytest.mark.parametrize("lists, after_update, expected", [
    (["libllhttp-dev", "node-llhttp"], [], "libllhttp-dev"),
    (["node-llhttp"], [], "node-llhttp"),
    ([], ["node-llhttp"], "node-llhttp"),
    ([], ["node-llhttp", "libllhttp-dev"], "libllhttp-dev"),
], ids=["Debian 13", "Debian 12", "Debian 12 without lists", "Debian 13 without lists"])
def test_llhttp_comes_from_what_the_system_has(machine, lists, after_update, expected):
    machine.has_packages_but("libllhttp-dev", "node-llhttp").is_root().has_swift().has_apt()
    done = machine.has_in_lists(*lists, after_update=after_update).setup()
    assert done.returncode == 0
    assert machine.apt().splitlines()[-1].split()[-1] == expected
    assert done.stdout.strip() == f"Installing Debian packages: {expected}"


def test_sources_of_llhttp_that_are_there_are_enough(machine):
    machine.has_packages_but("libllhttp-dev").has_in_lists("node-llhttp")
    assert machine.is_root(1000).has_swift().setup().returncode == 0


@pytest.mark.parametrize("node, headers, missing, expected", [
    (False, False, ("nodejs", "libnode-dev"), "nodejs libnode-dev"),
    (True, False, ("libnode-dev",), "libnode-dev"),
    (True, True, ("libnode-dev",), None),
    (True, False, ("libnode-dev", "nodejs"), None),
], ids=["no Node", "Debian's Node alone", "a package of Node with headers", "a Node of no package"])
def test_a_node_has_its_headers(machine, node, headers, missing, expected):
    machine.has_packages_but(*missing).is_root().has_swift().has_apt()
    if node:
        machine.has("node", "")
    if headers:
        (machine.folder / "node").mkdir()
        (machine.folder / "node/node_api.h").touch()
    assert machine.setup("test").returncode == 0
    installed = machine.apt().splitlines()
    if expected is None:
        assert installed == []
    else:
        assert installed[-1].endswith(f" {expected}")


def test_without_root_it_names_what_is_missing_and_stops(machine):
    done = machine.has_packages_but("libuv1-dev").is_root(1000).has_swift().has_apt().setup()
    assert done.returncode != 0
    assert "missing: libuv1-dev" in done.stderr
    assert "apt-get install --no-install-recommends libuv1-dev" in done.stderr
    assert machine.apt() == ""


def test_sudo_without_a_password_is_as_good_as_root(machine):
    machine.has("sudo", 'shift; exec "$@"\n')
    done = machine.has_packages_but("libuv1-dev").is_root(1000).has_swift().has_apt().setup()
    assert done.returncode == 0
    assert machine.apt().splitlines()[-1].endswith("libuv1-dev")


def test_without_apt_it_names_what_is_missing_and_stops(machine):
    done = machine.is_root().has_swift().setup()
    assert done.returncode != 0
    assert "libuv1-dev" in done.stderr and "libllhttp-dev" in done.stderr
    assert "Debian 12 and 13" in done.stderr


def test_an_apt_that_fails_is_shown(machine):
    done = machine.has_packages_but("libuv1-dev").is_root().has_swift().has_apt(status=100).setup()
    assert done.returncode != 0
    assert "could not install: libuv1-dev" in done.stderr


@pytest.mark.parametrize("version", [None, "5.10.1", "6.2.4"])
def test_without_the_right_swift_it_says_which_and_where(machine, version):
    if version:
        machine.has_swift(version)
    done = machine.has_packages_but().is_root().setup()
    assert done.returncode != 0
    assert "6.3" in done.stderr and "https://www.swift.org/install/linux/" in done.stderr
    assert version is None or version.rsplit(".", 1)[0] in done.stderr


def test_a_swift_that_cannot_run_is_told_with_its_reason(machine):
    machine.has("swift", "echo 'swift: error while loading shared libraries: libedit.so.2' >&2; exit 127\n")
    done = machine.has_packages_but().is_root().setup()
    assert done.returncode != 0
    assert "Swift cannot run" in done.stderr and "libedit.so.2" in done.stderr
    assert "too old" not in done.stderr


def test_another_program_by_the_name_of_swift_is_shown(machine):
    machine.has("swift", "echo 'OpenStack Swift 4.0'\n")
    done = machine.has_packages_but().is_root().setup()
    assert done.returncode != 0
    assert "is no Swift" in done.stderr and "OpenStack" in done.stderr


@pytest.mark.parametrize("version", ["6.3", "6.3.1", "6.10", "7.0"])
def test_a_later_swift_is_welcome(machine, version):
    assert machine.has_packages_but().is_root().has_swift(version).setup().returncode == 0


def test_packages_and_swift_are_missed_in_one_go(machine):
    done = machine.has_packages_but("gcc").is_root(1000).has_apt().setup()
    assert done.returncode != 0
    assert "gcc" in done.stderr and "Swift is missing" in done.stderr


def test_the_demo_needs_no_browser(machine):
    assert machine.has_packages_but("chromium").is_root(1000).has_swift().setup("build").returncode == 0
    assert machine.setup("test").returncode != 0
