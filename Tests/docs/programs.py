"""What becomes of a block: files in a folder, built and started as a reader would."""
import atexit
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
from functools import lru_cache
from pathlib import Path

from pages import PORT, ROOT, PageError
from ports import free_port

BUILD = Path(os.environ.get("BUILD", ROOT / "build")).resolve()
BUILT = BUILD / "bindings"
SCRATCH = Path(os.environ.get("SCRATCH", ROOT / ".build")).resolve()
SWIFT = os.environ.get("SWIFT", "swift")
# Ends a test that would hang; says nothing about speed.
DEADLINE = 60.0

# What a page shows must please a reader whose compiler is told to be strict.
WARNINGS = ["-Wall", "-Wextra", "-pedantic", "-Werror"]
COMPILERS = {".c": [os.environ.get("CC", "cc"), "-std=c11"], ".cpp": [os.environ.get("CXX", "c++"), "-std=c++17"]}
# By the end of the file's name, where it is not a program by itself.
INTERPRETERS = {".py": ["/usr/bin/python3"], ".mjs": ["node"], ".cjs": ["node"], ".lua": ["luajit"],
                ".sh": ["sh", "-eu"]}


def environment(**more):
    """Where programs find DOG: the library of the build folder, and the bindings as they are built there."""
    changes = {
        **more,
        "BUILD": str(BUILD),
        "DOG_LIBRARY": str(BUILD / "lib/libdog.so"),
        "LD_LIBRARY_PATH": str(BUILD / "lib"),
        "PKG_CONFIG_PATH": str(BUILD / "lib/pkgconfig"),
        "PYTHONPATH": str(BUILT / "python"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LUA_PATH": f"{ROOT}/bindings/lua/?.lua;;",
        "PATH": f"{BUILD}/bin:{os.environ['PATH']}",
    }
    return {**os.environ, **changes}


def finish(command, folder, what, **more):
    """Runs a command to its end, which must be 0, and gives its standard output."""
    with subprocess.Popen([str(part) for part in command], cwd=folder, env=environment(**more),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          start_new_session=True) as process:
        try:
            output, errors = process.communicate(timeout=10 * DEADLINE)
        finally:
            end_session(process)
    assert process.returncode == 0, f"{what}: {command} ended with {process.returncode}\n{output}\n{errors}"
    return output


def end_session(process):
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def prepare_binding(language, what):
    """The binding as it is built, made first where it is not there."""
    script = {"python": ["/usr/bin/python3", ROOT / "bindings/python/build.py"],
              "node": ["node", ROOT / "bindings/node/build.js"]}[language]
    is_built = {"python": BUILT / "python/dog", "node": BUILT / "node/node_modules/libdog"}[language]
    if not is_built.exists():
        finish(script, ROOT, what)
    return is_built


@lru_cache(maxsize=None)
def installed():
    """A prefix that CMake has installed DOG into, as it is in the build folder. It goes when the tests end."""
    folder = tempfile.TemporaryDirectory(prefix="dog-docs-")
    atexit.register(folder.cleanup)
    binary, prefix = Path(folder.name) / "binary", Path(folder.name) / "prefix"
    finish(["cmake", "-S", ROOT, "-B", binary, f"-DDOG_BUILD_DIR={BUILD}", "-DDOG_BUILD_EXAMPLES=OFF",
            "-DDOG_BUILD_TESTING=OFF"], ROOT, "DOG itself")
    finish(["cmake", "--install", binary, "--prefix", prefix], ROOT, "DOG itself")
    return prefix


@lru_cache(maxsize=None)
def swift_flags():
    """What a Swift program is compiled and linked with: the engine as SwiftPM has compiled it for conformance-host. So
    it is not compiled again, and no lock of SwiftPM is waited for."""
    release = SCRATCH / "release"
    linked = release / "conformance-host.product/Objects.LinkFileList"
    if not linked.exists():
        finish(["make", "conformance-host"], ROOT, "the engine in Swift")
    objects = [line for line in linked.read_text().split() if "/conformance_host.build/" not in line]
    maps = [release / "CLLHTTP.build/module.modulemap", ROOT / "Sources/CDOG/include/module.modulemap",
            *(ROOT / f"Sources/{name}/module.modulemap" for name in ("CUV", "CZlib", "COpenSSL"))]
    modules = [part for path in maps for part in ("-Xcc", f"-fmodule-map-file={path}")]
    libraries = ["-lllhttp"] if Path("/usr/include/llhttp.h").exists() else []
    return ["-swift-version", "6", "-warnings-as-errors", "-I", release / "Modules", *modules, *objects,
            "-luv", "-lssl", "-lcrypto", "-lz", *libraries]


class Folder:
    """The folder of one page, as it fills from block to block."""

    def __init__(self, path, blocks):
        self.path = path
        self.blocks = blocks
        self.done = set()

    def write(self, block, port):
        path = self.path / block.file_name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.whole().replace(PORT, str(port)))
        return path

    def command(self, path, block):
        """What starts the file, once it is built."""
        what = block.place
        if path.suffix in COMPILERS:
            program = path.with_suffix("")
            flags = finish(["pkg-config", "--cflags", "--libs", "dog"], self.path, what).split()
            finish([*COMPILERS[path.suffix], *WARNINGS, path, "-o", program, *flags], self.path, what)
            return [program]
        if path.suffix == ".swift":
            # Statements may stand outside of functions in a file of this name alone.
            sources = self.path / f"{path.stem}.sources"
            sources.mkdir(exist_ok=True)
            (sources / "main.swift").write_text(path.read_text())
            program = path.with_suffix("")
            finish(["env", "-u", "CC", SWIFT + "c", sources / "main.swift", "-module-name", "page", "-o", program,
                    *swift_flags()], self.path, what)
            return [program]
        if path.suffix == ".py":
            prepare_binding("python", what)
        if path.suffix in (".mjs", ".cjs", ".ts"):
            modules = self.path / "node_modules"
            if not modules.exists():
                modules.symlink_to(prepare_binding("node", what).parent)
        if path.suffix == ".ts":
            return ["node", self.compile_typescript(path, what)]
        if path.suffix not in INTERPRETERS:
            raise PageError(f"{what}: {path.name} is no program")
        return [*INTERPRETERS[path.suffix], path]

    def compile_typescript(self, path, what):
        """The page's own types are what is checked, so that no others are needed: none of Node itself either."""
        (self.path / "package.json").write_text(json.dumps({"type": "module"}) + "\n")
        options = {"strict": True, "target": "es2022", "module": "nodenext", "moduleResolution": "nodenext",
                   "types": []}
        # What only takes the types out, as Node itself does, must be told what is a type.
        major = int(finish(["tsc", "--version"], self.path, what).split()[-1].partition(".")[0])
        options.update({"verbatimModuleSyntax": True} if major >= 5 else
                       {"isolatedModules": True, "preserveValueImports": True})
        (self.path / "tsconfig.json").write_text(json.dumps({"compilerOptions": options, "files": [path.name]}) + "\n")
        finish(["tsc", "-p", self.path], self.path, what)
        return path.with_suffix(".js")

    def prepare(self, block, port):
        """Everything above the block that it may rely on: files, and what shell blocks have made of them."""
        for above in self.blocks[:self.blocks.index(block)]:
            if above.name and above.kind != "none":
                self.write(above, port)
            if above.kind == "run" and above.language == "sh" and above.line not in self.done:
                self.run(above)

    def run(self, block):
        """Runs the block to its end and gives what it printed."""
        port = free_port()
        self.prepare(block, port)
        path = self.write(block, port)
        self.done.add(block.line)
        more = {}
        if path.suffix == ".sh" and any(above.language == "cmake" for above in self.blocks):
            more["CMAKE_PREFIX_PATH"] = str(installed())
        return finish(self.command(path, block), self.path, block.place, **more), port

    def serve(self, block):
        port = free_port()
        self.prepare(block, port)
        path = self.write(block, port)
        return Server(self.command(path, block), self.path, port, block.place)


class Server:
    """A program that serves on its port from `with` on, and must be there until it is asked to end."""

    def __init__(self, command, folder, port, place):
        self.command = [str(part) for part in command]
        self.folder = folder
        self.port = port
        self.place = place
        self.errors = folder / "errors.txt"

    def __enter__(self):
        with open(self.errors, "wb") as errors:
            self.process = subprocess.Popen(self.command, cwd=self.folder, env=environment(), stdin=subprocess.DEVNULL,
                                            stdout=errors, stderr=errors, start_new_session=True)
        try:
            self.wait_until_it_serves()
        except BaseException:
            self.end()
            raise
        return self

    def wait_until_it_serves(self):
        end = time.monotonic() + DEADLINE
        while True:
            assert self.process.poll() is None, f"{self.place} ended by itself\n{self.said()}"
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE).close()
                return
            except OSError:
                assert time.monotonic() < end, f"{self.place} does not serve on its port\n{self.said()}"
                time.sleep(0.02)

    def stop(self, number=signal.SIGTERM):
        """Its exit status, after this signal. It must have been there till then."""
        assert self.process.poll() is None, f"{self.place} ended by itself\n{self.said()}"
        self.process.send_signal(number)
        try:
            return self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.place} did not end by {number!r}\n{self.said()}") from None

    def said(self):
        return self.errors.read_text(errors="replace")

    def end(self):
        end_session(self.process)
        self.process.wait()

    def __exit__(self, *_):
        self.end()
