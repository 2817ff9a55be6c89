"""A server program of the build, run as a user runs it: a process, a port, a signal to end it."""
import contextlib
import os
import re
import resource
import select
import signal
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = Path(os.environ.get("BUILD", ROOT / "build")).resolve()
BIN = BUILD / "bin"

# How long anything may take before a test gives up. It says nothing about speed: it only ends a test that would hang.
DEADLINE = 60.0
# Name of the sanitizer that the programs were built with, if any: then memory and limits of descriptors say little.
SANITIZED = os.environ.get("DOG_SANITIZED", "")

LISTENING = re.compile(rb"listening on https?://(?:unix:(\S+)|[^:\s]+:(\d+))")


class Port(int):
    """Where a server is: a port of 127.0.0.1, over TLS if there is a `tls` (whose certificate clients are to trust), or
    a Unix-domain socket if there is a `path`. Plain numbers are plain TCP ports."""
    tls = None
    path = None

    @classmethod
    def at(cls, number, tls=None, path=None):
        port = cls(number)
        port.tls, port.path = tls, path
        return port


def eventually(question, what, deadline=DEADLINE):
    """Asks until the answer is true, and gives it back. `what` says in the failure what was waited for."""
    end = time.monotonic() + deadline
    while True:
        answer = question()
        if answer:
            return answer
        assert time.monotonic() < end, f"waited {deadline:.0f} s for {what}; the last answer was {answer!r}"
        time.sleep(0.01)


class Server:
    """`Server("echo", workers=4)` runs build/bin/echo, `Server("demo")` `dog-host demo`. Keywords become options,
    True a flag; `environment` is added to that of the tests."""

    def __init__(self, program, descriptors=None, wait=True, tls=None, environment=None, **options):
        command = self.command_line(program, options)
        if tls:
            command += ["--tls-cert", str(tls.certificate), "--tls-key", str(tls.key)]
        self.tls = tls
        self.command = command
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.errors,
                                        env=dict(os.environ, **(environment or {})))
        self.pid = self.process.pid
        self.output = b""
        self.port = None
        if descriptors is not None:
            resource.prlimit(self.pid, resource.RLIMIT_NOFILE, (descriptors, descriptors))
        if wait:
            self.port = self.read_port()

    def command_line(self, program, options):
        command = [str(BIN / "dog-host"), "demo"] if program == "demo" else [str(BIN / program)]
        for name, value in {"port": 0, **options}.items():
            flag = "--" + name.replace("_", "-")
            command += [flag] if value is True else [flag, str(value)]
        return command

    def read_port(self):
        """The port, from the line that says the server is ready."""
        end = time.monotonic() + DEADLINE
        stdout = self.process.stdout
        while not (match := LISTENING.search(self.output)):
            ready, _, _ = select.select([stdout], [], [], max(0, end - time.monotonic()))
            piece = os.read(stdout.fileno(), 65536) if ready else b""
            if not piece:
                self.kill()
                raise AssertionError(f"{self.command} did not say that it is listening:\n{self.said()}")
            self.output += piece
        return Port.at(int(match.group(2) or 0), self.tls, match.group(1))

    def said(self):
        # Does not move the offset, which the program shares: it would overwrite what it wrote before.
        errors = os.pread(self.errors.fileno(), 1 << 26, 0)
        return (self.output + b"\n" + errors).decode(errors="replace")

    def wait(self):
        """Its exit status, once it has ended by itself."""
        try:
            output, _ = self.process.communicate(timeout=DEADLINE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.command} did not end:\n{self.said()}") from None
        self.output += output or b""
        return self.process.returncode

    def stop(self, number=signal.SIGTERM):
        """Asks it to end and insists that it ends well: exit 0, whatever its clients are doing."""
        died = self.process.poll()
        assert died is None, f"{self.command} had ended before, with {died}:\n{self.said()}"
        self.process.send_signal(number)
        status = self.wait()
        assert status == 0, f"{self.command} ended with {status}:\n{self.said()}"

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def is_alive(self):
        return self.process.poll() is None

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def connections(self):
        """The kernel's lines about our ends of its TCP connections, by the port of the client."""
        with open("/proc/net/tcp") as table:
            lines = [line.split() for line in table.readlines()[1:]]
        own = f":{int(self.port):04X}"
        return {int(line[2].split(":")[1], 16): line for line in lines if line[1].endswith(own) and line[9] != "0"}

    def unacknowledged(self, port):
        """How many bytes for the client at this port the kernel holds: more than none for long if it does not read."""
        return int(self.connections()[port][4].split(":")[0], 16)

    def polled_by(self):
        """For each client's port, the epoll that has its connection, which is one of one worker."""
        folder, polls = f"/proc/{self.pid}", {}

        def target(descriptor):
            # Another connection may end at any moment, and its descriptor with it.
            with contextlib.suppress(FileNotFoundError):
                return os.readlink(f"{folder}/fd/{descriptor}")

        for poll in os.listdir(f"{folder}/fd"):
            if target(poll) == "anon_inode:[eventpoll]":
                with open(f"{folder}/fdinfo/{poll}") as info:
                    for descriptor in re.findall(r"^tfd:\s+(\d+)", info.read(), re.MULTILINE):
                        polls[target(descriptor)] = poll
        found = {port: polls.get(f"socket:[{line[9]}]") for port, line in self.connections().items()}
        return {port: poll for port, poll in found.items() if poll is not None}

    def threads(self):
        return len(os.listdir(f"/proc/{self.pid}/task"))

    def resident_bytes(self):
        with open(f"/proc/{self.pid}/statm") as statm:
            return int(statm.read().split()[1]) * resource.getpagesize()
