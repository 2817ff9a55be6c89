"""dog.h can be read as it is by what other languages call C with: cffi and LuaJIT. Less the preprocessor's lines and
the two for C++ it is plain declarations; what they make of it has the compiler's layout; a server runs on them alone.

Run from anywhere, after `make`: python3 -m pytest Tests/packages. BUILD names another folder than `build`.
"""
import asyncio
import re
import subprocess
import urllib.request

import cffi
import pytest
from websockets.legacy import client as legacy  # the interface that Debian 12 and Debian 13 both have

from conftest import DEADLINE, HERE, ROOT, run

HEADER = ROOT / "include/dog.h"


def declarations():
    text = re.sub(r"^#ifdef __cplusplus\n.*?^#endif\n", "", HEADER.read_text(), flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"^#(.*\\\n)*.*\n", "", text, flags=re.MULTILINE)


@pytest.fixture(scope="module")
def ffi():
    ffi = cffi.FFI()
    ffi.cdef(declarations())
    return ffi


@pytest.fixture(scope="module")
def dog(ffi, build):
    return ffi.dlopen(str(build / "lib/libdog.so"))


def test_only_plain_declarations_are_left():
    text = declarations()
    assert "#" not in re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    assert "__cplusplus" not in text and "extern" not in text
    assert 'extern "C"' in HEADER.read_text()


def test_no_function_is_a_macro():
    """Else it could not be called by who has no preprocessor. What is defined is the version and the status list."""
    defined = re.findall(r"^#define (\w+)", HEADER.read_text(), re.MULTILINE)
    assert defined == ["DOG_H", "DOG_VERSION_MAJOR", "DOG_VERSION_MINOR", "DOG_VERSION_PATCH", "DOG_STATUS_MAP"]


# ---- layout


@pytest.fixture(scope="module")
def members(ffi):
    """Each struct that is not opaque, with the names of its members."""
    named = {name: ffi.typeof(name) for name in ffi.list_types()[0]}
    return {name: [member for member, _ in kind.fields] for name, kind in named.items()
            if kind.kind == "struct" and kind.fields}


@pytest.fixture(scope="module")
def constants():
    plain = re.sub(r"/\*.*?\*/", "", declarations(), flags=re.DOTALL)
    return re.findall(r"\b(DOG_\w+) = ", plain)


@pytest.fixture(scope="module")
def compiled(members, constants, tmp_path_factory):
    """What the C compiler says: one line for each struct, member and constant."""
    lines = []
    for struct, names in members.items():
        lines.append(f'printf("sizeof {struct} %zu\\n", sizeof({struct}));')
        lines += [f'printf("offsetof {struct} {name} %zu\\n", offsetof({struct}, {name}));' for name in names]
    lines += [f'printf("{name} %lld\\n", (long long){name});' for name in constants]
    folder = tmp_path_factory.mktemp("layout")
    (folder / "layout.c").write_text("#include <dog.h>\n#include <stdio.h>\nint main(void) {\n" + "\n".join(lines)
                                     + "\nreturn 0;\n}\n")
    run("cc", f"-I{ROOT}/include", "-o", folder / "layout", folder / "layout.c")
    return run(folder / "layout").splitlines()


def test_cffi_has_the_layout_of_the_compiler(ffi, dog, members, constants, compiled):
    found = []
    for struct, names in members.items():
        found.append(f"sizeof {struct} {ffi.sizeof(struct)}")
        found += [f"offsetof {struct} {name} {ffi.offsetof(struct, name)}" for name in names]
    found += [f"{name} {getattr(dog, name)}" for name in constants]
    assert len(members) > 10 and len(constants) > 60
    assert found == compiled


def luajit(script, folder, *arguments):
    (folder / "declarations.h").write_text(declarations())
    (folder / "script.lua").write_text(
        f'local ffi = require("ffi")\nffi.cdef(io.open("{folder}/declarations.h"):read("*a"))\n{script}')
    return run("luajit", folder / "script.lua", *arguments).splitlines()


def test_luajit_has_the_layout_of_the_compiler(members, constants, compiled, tmp_path, build):
    lines = [f'local dog = ffi.load("{build}/lib/libdog.so")']
    for struct, names in members.items():
        lines.append(f'print("sizeof {struct} " .. ffi.sizeof("{struct}"))')
        lines += [f'print("offsetof {struct} {name} " .. ffi.offsetof("{struct}", "{name}"))' for name in names]
    lines += [f'print("{name} " .. tonumber(dog.{name}))' for name in constants]
    assert luajit("\n".join(lines), tmp_path) == compiled


# ---- calling


def test_cffi_calls(ffi, dog, version):
    number = dog.dog_version()
    assert f"{number >> 16}.{number >> 8 & 255}.{number & 255}" == version
    assert ffi.string(dog.dog_status_name(dog.DOG_ESTALE)) == b"DOG_ESTALE"
    assert dog.dog_engine_create(ffi.NULL, ffi.NULL) == dog.DOG_EINVAL
    assert dog.dog_socket_close(2**64 - 1, 1000, ffi.NULL, 0) in (dog.DOG_ESTALE, dog.DOG_EKIND)


def test_luajit_calls(tmp_path, build, version):
    script = f"""
local dog = ffi.load("{build}/lib/libdog.so")
local number = dog.dog_version()
print(bit.rshift(number, 16) .. "." .. bit.band(bit.rshift(number, 8), 255) .. "." .. bit.band(number, 255))
print(ffi.string(dog.dog_status_name(dog.DOG_ESTALE)))
print(dog.dog_engine_create(nil, nil) == dog.DOG_EINVAL)
print(dog.dog_socket_close(0xffffffffffffffffULL, 1000, nil, 0) ~= dog.DOG_OK)
"""
    assert luajit(script, tmp_path) == [version, "DOG_ESTALE", "true", "true"]


# ---- servers


class Server:
    """An echo server over cffi, in asyncio's loop: what waits in the engine's queue is handled when its descriptor says
    so. What is said goes to the room; "die" closes with 4001."""

    def __init__(self, ffi, dog):
        self.ffi, self.dog = ffi, dog
        self.events, self.count = ffi.new("dog_event_t[8]"), ffi.new("size_t *")
        self.seen = []
        options = ffi.new("dog_options_t *")
        self.must(dog.dog_options_init(options, ffi.sizeof("dog_options_t")))
        options.delivery, options.workers = dog.DOG_DELIVERY_EVENTS, 2
        engine = ffi.new("dog_engine_t **")
        self.must(dog.dog_engine_create(options, engine))
        self.engine = engine[0]
        names = [ffi.new("char[]", name) for name in (b"ROOM", b"SEATS", b"/:room")]
        gateway, shard = ffi.new("dog_gateway_class_t *"), ffi.new("dog_shard_class_t *")
        self.must(dog.dog_gateway_class_init(gateway, ffi.sizeof("dog_gateway_class_t")))
        self.must(dog.dog_shard_class_init(shard, ffi.sizeof("dog_shard_class_t")))
        gateway.name, gateway.child, gateway.limit = names[0], names[1], 2
        shard.name, shard.parent = names[1], names[0]
        self.must(dog.dog_engine_define_gateway(self.engine, gateway))
        self.must(dog.dog_engine_define_shard(self.engine, shard))
        self.must(dog.dog_engine_route(self.engine, names[2], names[0], ffi.NULL))
        port, fd = ffi.new("uint16_t *"), ffi.new("int *")
        self.must(dog.dog_engine_listen(self.engine, ffi.NULL, 0, port))
        self.must(dog.dog_engine_wait_fd(self.engine, fd))
        self.port, self.fd = port[0], fd[0]

    def must(self, status):
        assert status == self.dog.DOG_OK, self.ffi.string(self.dog.dog_status_name(status))

    async def __aenter__(self):
        self.stopped = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().add_reader(self.fd, self.drain)
        self.must(self.dog.dog_engine_start(self.engine))
        return self

    async def __aexit__(self, *error):
        self.must(self.dog.dog_engine_stop(self.engine, 1000))
        await self.stopped
        asyncio.get_running_loop().remove_reader(self.fd)
        self.must(self.dog.dog_engine_destroy(self.engine))

    def drain(self):
        self.must(self.dog.dog_engine_poll(self.engine, self.events, 8, 0, self.count))
        for event in self.events[0:self.count[0]]:
            self.handle(event)

    def text(self, getter, handle, *arguments):
        pointer, length = self.ffi.new("const char **"), self.ffi.new("size_t *")
        self.must(getter(handle, *arguments, pointer, length))
        return self.ffi.unpack(pointer[0], length[0])

    def handle(self, event):
        dog = self.dog
        data = bytes(self.ffi.buffer(event.data, event.length))
        self.seen.append((event.type, data))
        if event.type == dog.DOG_EVENT_IDENTIFY:
            uid = self.text(dog.dog_request_query, event.request, b"u", 1)
            self.must(dog.dog_request_identify(event.request, uid, len(uid)))
        elif event.type == dog.DOG_EVENT_RECEIVE:
            self.must(dog.dog_request_connect(event.request, self.ffi.NULL))
        elif event.type == dog.DOG_EVENT_MESSAGE and data == b"die":
            self.must(dog.dog_socket_close(event.socket, 4001, b"as you wish", 11))
        elif event.type == dog.DOG_EVENT_MESSAGE:
            message = self.text(dog.dog_socket_uid, event.socket) + b": " + data
            self.must(dog.dog_shard_broadcast(event.shard, event.kind, message, len(message)))
        elif event.type == dog.DOG_EVENT_STOPPED:
            self.stopped.set_result(True)


def test_a_server_runs_over_cffi(ffi, dog):
    async def scenario():
        async with Server(ffi, dog) as server:
            url = f"ws://127.0.0.1:{server.port}/room?u="
            clients = [await legacy.connect(url + f"p{index}") for index in range(5)]
            for index, client in enumerate(clients):
                await client.send(f"h\u00e9llo {index}")
                await client.send(b"\x00\xff")
                for other in clients:
                    assert await other.recv() == f"p{index}: h\u00e9llo {index}"
                    assert await other.recv() == b"p%d: \x00\xff" % index
            await clients[0].send("die")
            await clients[0].wait_closed()
            assert (clients[0].close_code, clients[0].close_reason) == (4001, "as you wish")
        for client in clients[1:]:
            await client.wait_closed()
            assert client.close_code == 1001
        kinds = [kind for kind, _ in server.seen]
        for kind, count in [(dog.DOG_EVENT_IDENTIFY, 5), (dog.DOG_EVENT_RECEIVE, 5), (dog.DOG_EVENT_START, 3),
                            (dog.DOG_EVENT_OPEN, 5), (dog.DOG_EVENT_MESSAGE, 11), (dog.DOG_EVENT_CLOSE, 5),
                            (dog.DOG_EVENT_STOP, 3), (dog.DOG_EVENT_STOPPED, 1)]:
            assert kinds.count(kind) == count, kind
        assert kinds[-1] == dog.DOG_EVENT_STOPPED
        assert (dog.DOG_EVENT_RECEIVE, b"p4") in server.seen and (dog.DOG_EVENT_OPEN, b"p4") in server.seen

    asyncio.run(asyncio.wait_for(scenario(), DEADLINE))


def test_a_server_runs_in_plain_luajit(tmp_path, build):
    (tmp_path / "declarations.h").write_text(declarations())
    command = ["luajit", HERE / "echo.lua", tmp_path / "declarations.h", build / "lib/libdog.so"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        port = int(server.stdout.readline() or server.stderr.read())

        async def talk():
            async with legacy.connect(f"ws://127.0.0.1:{port}/room") as client:
                for message in ["hello", b"\x00\xff", "", "x" * 100000]:
                    await client.send(message)
                    assert await client.recv() == message

        asyncio.run(asyncio.wait_for(talk(), DEADLINE))
        for path, body in [("", b"hello from Lua"), ("stop", b"stopping")]:
            assert urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=DEADLINE).read() == body
        _, errors = server.communicate(timeout=DEADLINE)
        assert (server.returncode, errors) == (0, "")
    finally:
        server.kill()
        server.wait()
