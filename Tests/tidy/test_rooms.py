"""The rooms of the engine, and what each may know: the compiler is asked.

DOGEngine is one module, so that a message's way is inlined across rooms, and Swift has no borders within a module. So
each room is type-checked with the rooms that it may use and no other: what names a type of another one does not
compile there.
"""
import concurrent.futures
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
ENGINE = ROOT / "Sources/DOGEngine"

# What each room may use, and through it what those may use.
ROOMS = {
    "Support": [],
    "Policy": ["Support"],
    "TLS": ["Support"],
    "Loop": ["Policy", "TLS"],
    "Outbox": ["Support"],
    "Fanout": ["Outbox"],
    "HTTP": ["Policy"],
    "WebSocket": ["Policy", "Fanout"],
    "Placement": ["Support"],
    "Events": ["Support"],
    "Hosting": ["HTTP", "WebSocket", "Placement", "Events"],
    # The engine makes the workers, and what lives on a worker asks the engine for the others: one border around both.
    "Live": ["Engine"],
    "Engine": ["Live", "Loop", "Hosting"],
    "Host": ["Live", "Engine"],
    "CAPI": ["Host"],
}


def with_all_it_uses(room):
    """The room, and what it may use directly or through others."""
    rooms, new = set(), {room}
    while new:
        rooms |= new
        new = {used for name in new for used in ROOMS[name]} - rooms
    return rooms


def compiler():
    swift = shutil.which(os.environ.get("SWIFT", "swift"))
    assert swift, "there is no Swift"
    return Path(swift).resolve().parent / "swiftc"


@pytest.fixture(scope="module")
def errors(tmp_path_factory):
    """Type-checks rooms, and more files, and gives back the compiler's errors."""
    # SwiftPM makes this module's map as it builds.
    folder = tmp_path_factory.mktemp("CLLHTTP")
    header = ROOT / "Sources/CLLHTTP/include/CLLHTTP.h"
    (folder / "module.modulemap").write_text(f'module CLLHTTP {{ header "{header}" export * }}\n')
    # As Package.swift has it.
    includes = [ROOT / "Sources/CDOG/include", ROOT / "Sources/CUV", ROOT / "Sources/CZlib",
                ROOT / "Sources/COpenSSL", folder]
    clang = ["-DLLHTTP_STRICT_MODE=1", "-I/usr/share/include/llhttp"]
    command = [compiler(), "-frontend", "-typecheck", "-swift-version", "6", "-module-name", "DOGEngine"]
    command += [part for path in includes for part in ("-I", path)]
    command += [part for flag in clang for part in ("-Xcc", flag)]

    def check(rooms, *more):
        files = [path for room in sorted(rooms) for path in sorted((ENGINE / room).rglob("*.swift"))]
        done = subprocess.run([str(part) for part in [*command, *files, *more]], capture_output=True, text=True,
                              timeout=300)
        found = [line for line in done.stderr.splitlines() if ": error: " in line]
        assert bool(found) == (done.returncode != 0), done.stderr
        return found

    return check


def test_every_folder_of_the_engine_is_a_room():
    assert sorted(path.name for path in ENGINE.iterdir()) == sorted(ROOMS)


def test_no_room_uses_what_it_may_not(errors):
    # The whole engine is what the build checks.
    rooms = [room for room in ROOMS if with_all_it_uses(room) != set(ROOMS)]
    assert "Support" in rooms and "CAPI" not in rooms
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        checks = {frozenset(with_all_it_uses(room)) for room in rooms}
        found = [line for lines in pool.map(errors, checks) for line in lines]
    assert not found, "\n".join(sorted(set(found)))


@pytest.mark.parametrize("room, stranger", [("Support", "HTTPRequest"), ("Fanout", "FrameHeader"),
                                            ("HTTP", "Worker")])
def test_a_room_that_names_what_it_may_not_is_found(errors, tmp_path, room, stranger):
    trespasser = tmp_path / "Trespasser.swift"
    trespasser.write_text(f"func trespass(_ stranger: {stranger}) {{}}\n")
    found = errors(with_all_it_uses(room), trespasser)
    assert found and all("Trespasser.swift" in line and f"'{stranger}'" in line for line in found), found
