"""What goes wrong in a run: the plans for faults.c, and the file through which a test sees and ends it."""
import mmap
import os
import struct
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent

# What TCP, libuv and the engine have to make good by themselves: no client may notice.
HARMLESS = {
    "short": "read:short=300 write:short=300",
    "one-byte-at-a-time": "read:short=1000 write:short=900",
    "again": "read:EAGAIN=200 write:EAGAIN=200 read:EINTR=100 write:EINTR=100",
    "accept": "accept:EMFILE=30 accept:ENFILE=10 accept:ENOMEM=10 accept:ECONNABORTED=200 accept:EINTR=100",
}
# What costs a client its connection, and nobody else anything.
LETHAL = {
    "reset": "read:ECONNRESET=20 read:ETIMEDOUT=10 write:ECONNRESET=20 write:EPIPE=10",
    "resets": "read:ECONNRESET=100 write:EPIPE=100 read:short=300 write:short=300",
    "move": "dup:EMFILE=200 nonblock:EINVAL=50 peer:ENOTCONN=100 option:EINVAL=100 shutdown:ENOTCONN=300",
    "all": "read:short=200 write:short=200 write:EAGAIN=100 read:ECONNRESET=5 write:EPIPE=5 accept:EMFILE=20 "
           "dup:EMFILE=50 nonblock:EINVAL=20 option:EINVAL=50 shutdown:ENOTCONN=100",
}
# Only where malloc is the C library's own: a sanitizer brings another.
MEMORY = {"memory": "malloc.uv:ENOMEM=100 malloc.z:ENOMEM=100 malloc.ssl:ENOMEM=20 write:short=300 write:EAGAIN=300"}
# Calls of a start of which the first or second fails.
START = [f"{call}@{number}:{fault}" for number in (1, 2) for call, fault in [
    ("socket", "EMFILE"), ("bind", "EADDRINUSE"), ("listen", "ENOMEM"), ("epoll_create", "EMFILE"),
    ("eventfd", "EMFILE"), ("thread", "EAGAIN"), ("option", "EINVAL"), ("nonblock", "EINVAL"), ("malloc.uv", "ENOMEM"),
] if (call, number) != ("nonblock", 2)] + ["epoll_ctl@1:ENOMEM"]
# struct control of faults.c.
CONTROL = struct.Struct("33I")


def compile_library(folder):
    library = folder / "faults.so"
    command = [os.environ.get("CC", "cc"), "-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC",
               HERE / "faults.c", "-o", library, "-ldl", "-pthread"]
    subprocess.run(command, check=True)
    return library


class Faults:
    """A plan under way; its `environment` is the program's."""

    def __init__(self, library, folder, plan, seed, is_on):
        self.plan = plan
        path = folder / "control"
        path.write_bytes(CONTROL.pack(1 if is_on else 0, *[0] * 32))
        with open(path, "r+b") as file:
            self.control = mmap.mmap(file.fileno(), CONTROL.size)
        self.environment = {"LD_PRELOAD": str(library), "DOG_FAULTS": f"seed={seed} {plan}",
                            "DOG_FAULTS_FILE": str(path)}

    def turn(self, is_on):
        struct.pack_into("I", self.control, 0, 1 if is_on else 0)

    def hits(self):
        """How often each rule of the plan struck."""
        counts = CONTROL.unpack(self.control)[1:]
        return dict(zip(self.plan.split(), counts))
