"""What is taken to another machine: npm's package and the wheel carry libdog. Each is installed offline where there is
no compiler, serves an example from there, and uses nothing of the checkout.

Run from anywhere, after `make`: python3 -m pytest Tests/packages. BUILD names another folder than `build`.
"""
import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from websockets.legacy import client as legacy  # the interface that Debian 12 and Debian 13 both have

from conftest import DEADLINE, ROOT, environment, run

NODE = ROOT / "bindings/node"
NPM = {"npm_config_offline": "true", "npm_config_audit": "false", "npm_config_fund": "false",
       "npm_config_update_notifier": "false"}
PIP = ["--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check", "-q"]
OURS = ("DOG_LIBRARY", "DOG_INCLUDE", "DOG_BUNDLE", "DOG_PREFIX", "PYTHONPATH")
needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not there")


@pytest.fixture(autouse=True)
def another_machine(monkeypatch):
    """Nothing says where the checkout has its library."""
    for name in OURS:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def path_without_a_compiler(tmp_path):
    """A PATH of Node, npm and a shell alone."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("node", "npm", "sh"):
        (folder / name).symlink_to(shutil.which(name))
    return folder


def everything_in(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def npm_pack(package, tmp_path, build):
    """The tarball of that folder, which is afterwards as it was."""
    before = everything_in(package)
    run("npm", "pack", "--silent", "--pack-destination", tmp_path, package, BUILD=build,
        npm_config_cache=tmp_path / "cache", **NPM)
    assert everything_in(package) == before
    [tarball] = tmp_path.glob("*.tgz")
    return tarball


def install_by_npm(tarball, tmp_path, path):
    app = tmp_path / "app"
    app.mkdir()
    (app / "package.json").write_text('{ "private": true }')
    run("npm", "install", "--prefix", app, tarball, PATH=path, npm_config_cache=tmp_path / "cache", **NPM)
    return app


def libraries_of(process):
    """The files that a process has mapped and that are DOG's."""
    maps = Path(f"/proc/{process.pid}/maps").read_text()
    return {Path(path) for path in re.findall(r"\s(/.*)$", maps, re.MULTILINE)
            if re.search(r"libdog|dog\.node|/dog/", path)}


def serve_and_ask(command, inside, ask):
    """Runs an example that prints its port last in a line, asks it, and ends it well. All of DOG is from `inside`."""
    server = subprocess.Popen([str(part) for part in command], env=environment(), stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
    try:
        line = server.stdout.readline()
        asyncio.run(asyncio.wait_for(ask(int(re.search(r":(\d+)\s*$", line).group(1))), DEADLINE))
        libraries = libraries_of(server)
        assert [path for path in libraries if path.name.startswith("libdog.so")]
        assert all(path.is_relative_to(inside) for path in libraries), libraries
        server.send_signal(signal.SIGTERM)
        rest, _ = server.communicate(timeout=DEADLINE)
        assert server.returncode == 0, line + rest
    finally:
        server.kill()
        server.wait()


async def chat_of_node(port):
    async with legacy.connect(f"ws://127.0.0.1:{port}/ws?u=ann") as ann:
        await ann.send(json.dumps({"type": "msg", "text": "hello"}))
        said = [json.loads(await ann.recv()) for _ in range(2)]
        assert [(event["type"], event["from"]) for event in said] == [("user:join", "ann"), ("user:msg", "ann")]
        assert said[1]["text"] == "hello"


async def chat_of_python(port):
    async with legacy.connect(f"ws://127.0.0.1:{port}/rooms/den?u=ann") as ann:
        async with legacy.connect(f"ws://127.0.0.1:{port}/rooms/den?u=bob") as bob:
            assert json.loads(await ann.recv()) == {"type": "joined", "who": "bob"}
            await bob.send("hello")
            assert json.loads(await ann.recv()) == {"type": "said", "who": "bob", "text": "hello"}


@needs_npm
@pytest.mark.parametrize("source", ["the build folder", "the sources"])
def test_what_npm_packs_is_deployed_by_installing_it(tmp_path, build, version, path_without_a_compiler, source):
    if source == "the build folder":
        run("node", NODE / "build.js", "--out", tmp_path / "built", BUILD=build)
        package = tmp_path / "built/node_modules/libdog"
    else:  # a copy, for other tests look at the sources meanwhile
        shutil.copytree(ROOT / "include", tmp_path / "checkout/include")
        package = shutil.copytree(NODE, tmp_path / "checkout/bindings/node",
                                  ignore=shutil.ignore_patterns("prebuilt"))
    tarball = npm_pack(package, tmp_path, build)
    assert tarball.name == f"libdog-{version}.tgz"
    if source == "the build folder":
        shutil.rmtree(tmp_path / "built")
    app = install_by_npm(tarball, tmp_path, path_without_a_compiler)
    [addon] = app.glob("node_modules/libdog/prebuilt/*/dog.node")
    assert re.findall(r"(?:RUNPATH|RPATH).*\[(.*)\]", run("readelf", "-d", addon)) == ["$ORIGIN"]
    chat = shutil.copytree(NODE / "examples/chat", app / "chat")
    serve_and_ask([shutil.which("node"), chat / "server.mjs", "0"], app, chat_of_node)


def test_npm_is_told_where_the_package_runs():
    """What it says of itself, npm looks at before it installs: on another system it says so by itself."""
    manifest = json.loads((NODE / "package.json").read_text())
    assert (manifest["name"], manifest["os"], manifest["libc"]) == ("libdog", ["linux"], ["glibc"])
    assert (set(manifest["cpu"]), manifest["engines"]) == ({"x64", "arm64"}, {"node": ">=18"})


def test_a_wheel_is_deployed_by_installing_it(tmp_path, build, version):
    run(sys.executable, "-m", "pip", "wheel", *PIP, "-w", tmp_path, ROOT / "bindings/python",
        DOG_LIBRARY=build / "lib/libdog.so", DOG_INCLUDE=build / "include")
    [wheel] = tmp_path.glob("*.whl")
    assert re.fullmatch(rf"libdog-{re.escape(version)}-cp39-abi3-linux_\w+\.whl", wheel.name)
    run(sys.executable, "-m", "venv", tmp_path / "app")
    python = tmp_path / "app/bin/python"
    run(python, "-m", "pip", "install", *PIP, wheel, PATH=os.path.dirname(python))
    chat = tmp_path / "app/chat.py"
    chat.write_text((ROOT / "bindings/python/examples/chat.py").read_text().replace("8787", "0"))
    serve_and_ask([python, chat], tmp_path / "app", chat_of_python)
