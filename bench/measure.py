"""One measurement: a server on one core, the load generator on another, and a number. Both are gone at its end."""
import os
import re
import select
import shlex
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import List, Optional

from servers import BUILD, OUT, ROOT

START_SECONDS = 20
STOP_SECONDS = 5
# What a load may take beyond its time: connecting, and a server that is slow to the last message.
LOAD_SLACK_SECONDS = 20
SAID_BYTES = 200
CPU_TICK = 1 / os.sysconf("SC_CLK_TCK")


class Failure(Exception):
    """A server, or a build, that does not do what it should."""


@dataclass
class Load:
    name: str
    # Which of a server's two programs; the load generator's modes are called the same.
    program: str
    # Of the load generator: connections and bytes; and last the window, or how many send.
    size: List[str]
    last: str


LOADS = [
    Load("echo", "echo", ["50", "20"], "1"),
    Load("echo, 20 at once", "echo", ["50", "20"], "20"),
    Load("fan-out, all send", "fanout", ["100", "20"], "100"),
    Load("fan-out, one sends", "fanout", ["100", "20"], "1"),
]


@dataclass
class Cores:
    """None: there is only one, which server and client share."""

    server: Optional[int] = None
    client: Optional[int] = None

    @classmethod
    def choose(cls):
        mine = sorted(os.sched_getaffinity(0))
        return cls(mine[0], mine[-1]) if len(mine) > 1 else cls()


def pinned(core):
    """For a child before it becomes its program, so that every thread it makes is on that core."""
    return None if core is None else lambda: os.sched_setaffinity(0, {core})


# ---- what is compiled


def build(hosts):
    """The load generator and, if `hosts`, the C hosts of the bench."""
    OUT.mkdir(parents=True, exist_ok=True)
    compile_c("load", [])
    if hosts:
        library = [f"-I{ROOT}/include", f"-L{BUILD}/lib", "-ldog", f"-Wl,-rpath,{BUILD}/lib"]
        for program in ("echo_events", "fanout_events"):
            compile_c(f"c/{program}", library)
        compile_c("c/floor", ["-lcrypto"])


def compile_c(source, library):
    path = ROOT / "bench" / f"{source}.c"
    compiler = shlex.split(os.environ.get("CC", "cc"))
    done = subprocess.run([*compiler, "-std=c11", "-O2", "-Wall", "-Wextra", str(path), "-o", str(OUT / path.stem),
                           *library], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise Failure(f"{path.name} does not compile:\n{done.stdout}")


# ---- what is measured


def measure(server, load, seconds, cores, by_cpu=False):
    """What the load generator counted a second: of the clock, or of the server's processor time. Failure: the server
    did not start, or did not play along."""
    with serving(server, load.program, cores.server) as (process, port):
        used = cpu_seconds(process)
        command = [str(OUT / "load"), load.program, port, *load.size, str(seconds), load.last]
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  text=True, timeout=2 * seconds + LOAD_SLACK_SECONDS,
                                  preexec_fn=pinned(cores.client))
        except subprocess.TimeoutExpired:
            raise Failure("the load did not come to its end") from None
        used = cpu_seconds(process) - used
    if done.returncode != 0:
        raise Failure(done.stderr.strip() or f"load ended with {done.returncode}")
    rate, count = map(float, done.stdout.split())
    return count / max(used, CPU_TICK) if by_cpu else rate


def cpu_seconds(process):
    """Of all its threads, in the program and in the kernel for it; 0 if it has ended."""
    try:
        with open(f"/proc/{process.pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0
    return (int(fields[11]) + int(fields[12])) * CPU_TICK


@contextmanager
def serving(server, program, core):
    """The process of the server, which runs meanwhile, and its port."""
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen([*getattr(server, program), "0"], cwd=ROOT, env=server.full_environment,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
                                   preexec_fn=pinned(core))
        try:
            port = port_of(process)
            if port is None:
                raise Failure(f"did not start: {said(errors)}")
            yield process, port
            if process.poll() is not None:
                raise Failure(f"ended by itself, exit {process.returncode}: {said(errors)}")
        finally:
            stop(process)


def port_of(process):
    """From the line that says it; None if the process ends, or START_SECONDS do, without one."""
    deadline = time.monotonic() + START_SECONDS
    output = b""
    while select.select([process.stdout], [], [], max(0, deadline - time.monotonic()))[0]:
        piece = os.read(process.stdout.fileno(), 4096)
        output += piece
        found = re.search(rb"listening on .*?(\d+)\n", output)
        if found or not piece:
            return found and found[1].decode()
    return None


def stop(process):
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()


def said(errors):
    """The last line that a server wrote to its standard error."""
    errors.seek(0)
    lines = errors.read().decode(errors="replace").split("\n")
    return next((text.strip()[:SAID_BYTES] for text in reversed(lines) if text.strip()), "it said nothing")
