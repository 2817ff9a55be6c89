"""The hosts, and one of them as a process: built, started, asked to end, with the account that it gives then."""
import os
import re
import select
import signal
import subprocess
import tempfile
import time
from functools import lru_cache
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BUILD = Path(os.environ.get("BUILD", ROOT / "build")).resolve()
BINDINGS = ROOT / "bindings"
ENVIRONMENT = {"BUILD": str(BUILD), "DOG_LIBRARY": str(BUILD / "lib" / "libdog.so"),
               "DOG_INCLUDE": str(BUILD / "include")}

# How long anything may take before a test gives up. It says nothing about speed: it only ends a test that would hang.
DEADLINE = 60.0
BUILD_SECONDS = 300

LISTENING = re.compile(rb"listening on (\d+)\n")
STOPPED = re.compile(r"stopped opened=(\d+) closed=(\d+) started=(\d+) ended=(\d+)\n")


class HostFailure(AssertionError):
    """A host that cannot be built or started, or that ends as it should not."""


def insist(truth, what):
    if not truth:
        raise HostFailure(what)


def built(command):
    """Runs what builds a host; what it says is shown where it fails."""
    environment = dict(os.environ, **ENVIRONMENT)
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=BUILD_SECONDS, check=False)
    insist(done.returncode == 0, f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout.decode()}")


def c_host(name):
    def prepare():
        program = BUILD / "conformance" / name
        program.parent.mkdir(parents=True, exist_ok=True)
        built([os.environ.get("CC", "cc"), "-std=c11", "-O2", "-Wall", "-Wextra", "-pedantic", "-Werror", "-pthread",
               f"-I{ENVIRONMENT['DOG_INCLUDE']}", HERE / f"{name}.c", "-o", program, f"-L{BUILD / 'lib'}", "-ldog",
               f"-Wl,-rpath,{BUILD / 'lib'}"])
        return [program]
    return prepare


def swift_host():
    return [BUILD / "bin" / "conformance-host"]


def binding_host(language, interpreter, program):
    def prepare():
        folder = BINDINGS / language / "conformance"
        if (folder / "build.sh").exists():
            built([folder / "build.sh"])
        insist((folder / program).exists(), f"{folder / program} is not there")
        return [interpreter, folder / program]
    return prepare


# Name to what builds the host, if anything has to be, and gives its command.
HOSTS = {
    "c-callbacks": c_host("host_callbacks"),
    "c-events": c_host("host_events"),
    "swift": swift_host,
    "python": binding_host("python", "/usr/bin/python3", "host.py"),
    "node": binding_host("node", "node", "host.mjs"),
    "lua": binding_host("lua", "luajit", "host.lua"),
}


@lru_cache(maxsize=None)
def prepared(name):
    """The command of a host, or the error that it cannot be had for: each is built once."""
    try:
        return HOSTS[name](), None
    except (HostFailure, OSError, subprocess.SubprocessError) as error:
        return None, error


class Process:
    def __init__(self, name, workers, deadline=None):
        command, error = prepared(name)
        insist(command, f"the host {name} cannot be built: {error}")
        command = [*map(str, command), "--workers", str(workers)]
        if deadline is not None:
            command += ["--deadline", str(deadline)]
        self.errors = tempfile.TemporaryFile()
        self.output = b""
        try:
            self.process = subprocess.Popen(command, env=dict(os.environ, **ENVIRONMENT), stdin=subprocess.DEVNULL,
                                            stdout=subprocess.PIPE, stderr=self.errors)
        except OSError as error:
            raise HostFailure(f"the host {name} cannot be started: {error}") from None
        self.port = self.read_port()

    def read_port(self):
        end = time.monotonic() + DEADLINE
        stdout = self.process.stdout
        while not (match := LISTENING.search(self.output)):
            ready, _, _ = select.select([stdout], [], [], max(0, end - time.monotonic()))
            piece = os.read(stdout.fileno(), 65536) if ready else b""
            if not piece:
                self.kill()
                raise HostFailure(f"the host did not say that it is listening\n{self.said()}")
            self.output += piece
        return int(match.group(1))

    def said(self):
        """What it wrote, and how it ended if it has."""
        self.errors.seek(0)
        errors = self.errors.read().decode(errors="replace").splitlines()[-40:]
        ended = self.process.poll()
        return "\n".join([f"stdout: {self.output!r}", f"exit: {'it runs' if ended is None else ended}", "stderr:",
                          *errors])

    def is_alive(self):
        return self.process.poll() is None

    def ask_to_stop(self):
        self.process.send_signal(signal.SIGTERM)

    def stopped(self):
        """Waits until it has ended, well, and gives back what it counted."""
        try:
            self.output += self.process.communicate(timeout=DEADLINE)[0] or b""
        except subprocess.TimeoutExpired:
            self.kill()
            raise HostFailure("the host did not end when it was asked to") from None
        insist(self.process.returncode == 0, f"the host ended with {self.process.returncode}")
        first, _, rest = self.output.decode(errors="replace").partition("\n")
        account = STOPPED.fullmatch(rest)
        insist(first == f"listening on {self.port}" and account, f"the host wrote {self.output!r}")
        return dict(zip(("opened", "closed", "started", "ended"), map(int, account.groups())))

    def kill(self):
        if self.is_alive():
            self.process.kill()
        self.process.communicate()
        self.errors.flush()
