"""Installing: from the checkout, from a wheel that carries libdog, against a libdog that is installed. All offline."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROUND_TRIP = """
import asyncio, dog

class Room(dog.Gateway):
    limit = 1
    child = "Seats"
    def identify(self, request):
        return "ann"

class Seats(dog.Shard):
    def receive(self, request):
        return dog.Response(f"hello {request.uid}")

async def main():
    engine = dog.Engine(workers=1).define(Room, Seats).route("/:name", Room).listen()
    serving = asyncio.ensure_future(engine.serve())
    reader, writer = await asyncio.open_connection("127.0.0.1", engine.port)
    writer.write(b"GET /den HTTP/1.0\\r\\n\\r\\n")
    print((await reader.read()).decode().splitlines()[-1])
    engine.stop()
    await serving

asyncio.run(main())
print(dog.__file__)
"""
OFFLINE = ["--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check", "-q"]


@pytest.fixture(scope="module")
def clean():
    """An environment that says nothing of DOG."""
    hidden = ("DOG_LIBRARY", "DOG_INCLUDE", "DOG_BUNDLE", "PYTHONPATH", "LD_LIBRARY_PATH", "PKG_CONFIG_PATH")
    return {name: value for name, value in os.environ.items() if name not in hidden}


@pytest.fixture
def venv(tmp_path, run):
    """Makes a virtual environment, with or without the system's setuptools, and gives its python."""

    def make(name, *options):
        run(sys.executable, "-m", "venv", *options, tmp_path / name)
        return tmp_path / name / "bin" / "python"

    return make


def files_of(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if "__pycache__" not in path.parts}


def check(python, run, clean):
    """What is installed there serves, and gives the folder of the package."""
    greeting, place = run(python, "-c", ROUND_TRIP, env=clean, cwd="/").stdout.splitlines()
    assert greeting == "hello ann"
    return Path(place).parent


def libraries(package, run):
    """Name to place of what the extension is linked to."""
    output = run("ldd", package / "_native.abi3.so").stdout
    return dict(re.findall(r"^\s+(\S+) => (\S+)", output, re.MULTILINE))


def test_pip_installs_from_the_checkout_and_leaves_it_as_it_was(venv, run, clean, sources):
    before = files_of(sources)
    python = venv("checkout", "--system-site-packages")
    run(python, "-m", "pip", "install", *OFFLINE, sources, env=clean)
    package = check(python, run, clean)
    assert package.is_relative_to(python.parent.parent)
    assert Path(libraries(package, run)["libdog.so.0"]).resolve() == (package / "libdog.so.0").resolve()
    assert files_of(sources) == before


@pytest.fixture(scope="module")
def wheel(tmp_path_factory, sources, clean):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", *OFFLINE, "-w", str(folder), str(sources)]
    done = subprocess.run(command, env=clean, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    [wheel] = folder.glob("*.whl")
    return wheel


def test_a_wheel_carries_libdog_and_serves_any_python_from_3_9(wheel, venv, run, clean):
    assert re.fullmatch(r"libdog-0\.1\.0-cp39-abi3-linux_\w+\.whl", wheel.name)
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"dog/_native.abi3.so", "dog/libdog.so.0", "dog/py.typed", "dog/_native.pyi", "dog/demo.html"} <= names
    assert not [name for name in names if name.endswith((".c", ".h", ".pyc"))]
    python = venv("plain")
    run(python, "-m", "pip", "install", "--no-index", "--disable-pip-version-check", "-q", wheel, env=clean)
    package = check(python, run, clean)
    assert Path(libraries(package, run)["libdog.so.0"]).resolve() == (package / "libdog.so.0").resolve()


def test_a_wheel_does_without_the_checkout(wheel, tmp_path, run):
    """Nothing in it remembers where it was built."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    dynamic = run("readelf", "-d", tmp_path / "dog" / "_native.abi3.so").stdout
    assert re.findall(r"(?:RUNPATH|RPATH).*\[(.*)\]", dynamic) == ["$ORIGIN"]


@pytest.fixture
def outside(tmp_path, sources):
    """The sources alone, in no checkout."""
    folder = tmp_path / "outside"
    shutil.copytree(sources, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def test_one_that_is_installed_is_found_by_pkg_config_and_linked_to(venv, run, clean, outside, build):
    python = venv("installed", "--system-site-packages")
    environment = {**clean, "PKG_CONFIG_PATH": str(build / "lib" / "pkgconfig")}
    run(python, "-m", "pip", "install", *OFFLINE, outside, env=environment)
    package = check(python, run, clean)
    assert not list(package.glob("libdog*"))
    assert Path(libraries(package, run)["libdog.so.0"]).resolve() == (build / "lib" / "libdog.so.0").resolve()


def test_without_a_libdog_it_says_how_to_come_by_one(clean, outside):
    environment = {**clean, "PKG_CONFIG_PATH": "", "PKG_CONFIG_LIBDIR": str(outside)}
    done = subprocess.run([sys.executable, "setup.py", "--version"], cwd=outside, env=environment, capture_output=True,
                          text=True)
    assert done.returncode != 0 and "libdog was not found" in done.stderr and "DOG_LIBRARY" in done.stderr


def test_what_it_exports_is_its_module_alone(package, run):
    symbols = run("nm", "-D", "--defined-only", package / "dog" / "_native.abi3.so").stdout
    assert re.findall(r" [TDBR] (\w+)", symbols) == ["PyInit__native"]


@pytest.fixture(scope="module")
def mypy():
    """The version of mypy."""
    version = subprocess.run([sys.executable, "-m", "mypy", "--version"], capture_output=True, text=True, check=True)
    return tuple(map(int, re.search(r"(\d+)\.(\d+)", version.stdout).groups()))


# From here on mypy knows that a type variable may have a default.
DEFAULTS = (1, 9)


@pytest.fixture
def checked(sources, mypy, tmp_path):
    """The folder of the package as this mypy can check it: for an older one Shard is not generic."""
    if mypy >= DEFAULTS:
        return sources / "src"
    shutil.copytree(sources / "src", tmp_path / "src")
    shard = tmp_path / "src" / "dog" / "shard.py"
    text = shard.read_text()
    generic = {", default=Gateway": "", ", Generic[AnyGateway]": "", "gateway: AnyGateway": "gateway: Gateway"}
    for old, new in generic.items():
        assert old in text
        text = text.replace(old, new)
    shard.write_text(text)
    return tmp_path / "src"


@pytest.fixture
def check_types(run, mypy, tmp_path, checked):
    def check(*files):
        version = "3.9" if mypy < (2, 0) else "3.10"
        command = [sys.executable, "-m", "mypy", "--strict", "--python-version", version, "--cache-dir", tmp_path]
        run(*command, *files, cwd=tmp_path, env={**os.environ, "MYPYPATH": str(checked)})

    return check


def test_the_package_and_the_examples_are_typed(check_types, checked, sources):
    """mypy --strict finds nothing in the package, nor in a program that uses all of it with types."""
    check_types(checked / "dog")
    check_types(*sorted((sources / "examples").glob("*.py")), sources / "tests" / "typed.py")


def test_a_shard_may_name_its_gateway_to_mypy(check_types, mypy, sources):
    if mypy < DEFAULTS:
        pytest.skip(f"this mypy ({mypy[0]}.{mypy[1]}) knows no defaults of type variables: 1.9 does")
    check_types(sources / "tests" / "typed_generic.py")


@pytest.mark.skipif(shutil.which("pyright") is None, reason="pyright is not installed")
def test_pyright_finds_nothing_either(run, sources):
    run("pyright", "src/dog", *sorted((sources / "examples").glob("*.py")), "tests/typed.py", "tests/typed_generic.py",
        cwd=sources)


def test_build_leaves_what_is_up_to_date_and_replaces_what_is_not(run, outside, build, tmp_path):
    environment = {**os.environ, "DOG_LIBRARY": str(build / "lib/libdog.so"), "DOG_INCLUDE": str(build / "include")}
    command = [sys.executable, outside / "build.py", "--out", tmp_path / "out"]
    module = tmp_path / "out" / "dog" / "_native.abi3.so"
    run(*command, env=environment)
    first = module.stat()
    run(*command, env=environment)
    assert (module.stat().st_ino, module.stat().st_mtime_ns) == (first.st_ino, first.st_mtime_ns)
    with open(outside / "src" / "dog" / "message.py", "a") as source:
        source.write("NEW = 1\n")
    run(*command, env=environment)
    assert module.stat().st_ino != first.st_ino
    assert "NEW = 1" in (tmp_path / "out" / "dog" / "message.py").read_text()
    (outside / "native" / "module.c").write_text("#error none\n")
    assert subprocess.run([str(part) for part in command], env=environment, capture_output=True).returncode != 0
    assert module.exists() and os.listdir(tmp_path / "out") == ["dog"]
