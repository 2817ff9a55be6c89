"""The rows of the bench: which servers of which language, how they are started, and how to tell that one is not there.

A server is two programs, one for each kind of load. Each takes a port as its last argument (0 for a free one), serves
WebSockets on "/" without compression, prints a line `listening on` that ends with the port, and goes when it gets
SIGTERM.
"""
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Optional

ROOT = Path(__file__).resolve().parent.parent
BUILD = Path(os.environ.get("BUILD", ROOT / "build")).resolve()
OUT = BUILD / "bench"
PYTHON = os.environ.get("PYTHON", sys.executable)
PROBE_SECONDS = 30

PYTHON_HOSTS = ROOT / "bindings/python/bench"
# Node looks for packages from the program upwards, so its hosts run where the package was laid out.
NODE_HOSTS = BUILD / "bindings/node/bench"
LUA_HOSTS = ROOT / "bindings/lua/bench"
PEERS = ROOT / "bench/peers"


@dataclass
class Server:
    language: str
    name: str
    echo: List[str]
    fanout: List[str]
    # Prints a version, or nothing where it has none of its own; fails where the server is not installed.
    probe: List[str]
    # What the user does about that.
    remedy: str
    # The other servers of the language are compared with this one.
    is_reference: bool = False
    environment: Dict[str, str] = field(default_factory=dict)
    # After look(): what the probe printed; why the server is left out, None where it can be measured.
    version: str = ""
    missing: Optional[str] = None

    @property
    def label(self):
        return f"{self.language} {self.name}"

    @property
    def full_environment(self):
        return {**os.environ, **self.environment}

    def look(self):
        try:
            done = subprocess.run(self.probe, cwd=ROOT, env=self.full_environment, timeout=PROBE_SECONDS, text=True,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        except FileNotFoundError:
            self.missing = f"there is no {self.probe[0]}; {self.remedy}"
        except subprocess.TimeoutExpired:
            self.missing = f"it did not say its version within {PROBE_SECONDS} s"
        else:
            self.version = done.stdout.strip()
            self.missing = f"not installed; {self.remedy}" if done.returncode != 0 else None


def c(name, echo, fanout, **more):
    built = ["test", "-e", f"{BUILD}/lib/libdog.so", "-a", "-x", f"{BUILD}/bin/fanout"]
    return Server("C", name, echo, fanout, built, "make builds it", **more)


def python(name, package, remedy, folder="", **more):
    """`folder` is looked into before Python's own."""
    version = ("import importlib.metadata, {0}; "
               "print(getattr({0}, '__version__', None) or importlib.metadata.version('{0}'))").format(package)
    environment = {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    return Server("Python", name, [PYTHON, f"{PYTHON_HOSTS}/echo_{package}.py"],
                  [PYTHON, f"{PYTHON_HOSTS}/fanout_{package}.py"], [PYTHON, "-c", version], remedy,
                  environment=environment, **more)


def node(name, package, manifest, remedy, **more):
    version = f"require('fs').accessSync('{NODE_HOSTS}/hosts.mjs'), require('{manifest}').version"
    return Server("Node", name, ["node", f"{NODE_HOSTS}/echo-{package}.mjs"],
                  ["node", f"{NODE_HOSTS}/fanout-{package}.mjs"], ["node", "-p", version], remedy, **more)


def lua(name, echo, fanout, version, remedy, **more):
    return Server("Lua", name, ["luajit", str(echo)], ["luajit", str(fanout)], ["luajit", "-e", version], remedy,
                  environment={"DOG_LIBRARY": f"{BUILD}/lib/libdog.so"}, **more)


SERVERS = [
    c("DOG, callbacks", [f"{BUILD}/bin/echo", "--workers", "1", "--port"],
      [f"{BUILD}/bin/fanout", "--workers", "1", "--port"], is_reference=True),
    c("DOG, events", [f"{OUT}/echo_events"], [f"{OUT}/fanout_events"]),
    c("epoll, recv, send", [f"{OUT}/floor", "echo"], [f"{OUT}/floor", "fanout"]),
    python("websockets", "websockets", "apt-get install python3-websockets", is_reference=True),
    python("picows", "picows", f"{PYTHON} -m pip install --target {OUT}/python picows", OUT / "python"),
    python("DOG", "dog", "make bindings builds it", BUILD / "bindings/python"),
    node("ws", "ws", "/usr/share/nodejs/ws/package.json", "apt-get install node-ws; make bindings",
         is_reference=True),
    node("DOG", "dog", f"{BUILD}/bindings/node/node_modules/libdog/package.json", "make bindings builds it"),
    lua("lua-http", PEERS / "echo_http.lua", PEERS / "fanout_http.lua",
        "require 'http.websocket' print(require 'http.version'.version)", "apt-get install luajit lua-http",
        is_reference=True),
    lua("DOG", LUA_HOSTS / "echo.lua", LUA_HOSTS / "fanout.lua", f"assert(io.open '{BUILD}/lib/libdog.so')",
        "make builds libdog, apt-get install luajit"),
]
