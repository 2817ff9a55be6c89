"""Options and members of classes go by dog.h's names. What is none, or out of its range, is an error that names it."""
import re

import pytest

from program import BUILD, run_lua

ROOM = """
local dog = require "dog"
local Room = dog.gateway("Room", { child = "Seats", limit = 2 })
function Room:identify() return "ann" end
local Seats = dog.shard("Seats", { parent = "Room" })
function Seats:receive() return 200 end
"""


def members(struct):
    text = re.search(rf"typedef struct {struct} {{(.*?)\n}}", (BUILD / "include/dog.h").read_text(), re.DOTALL).group(1)
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    return re.findall(r"(\w+);", text)


def error_of(text, prelude=ROOM):
    """The error that this Lua ends with, which is at its own line."""
    said = run_lua(prelude + text, status=1).splitlines()[0]
    match = re.match(r"luajit: .*?\.lua:(\d+): (.*)", said)
    assert match and int(match.group(1)) > prelude.count("\n"), said
    return match.group(2)


def test_every_option_of_the_engine_is_settable_by_its_name():
    """To what it is by default, as far as that is a number: then the engine is made of all of them together."""
    own = {"size", "log", "log_user", "delivery", "trusted_proxies"}
    names = [name for name in members("dog_options") if name not in own]
    assert len(names) > 30
    said = run_lua(f"""
local dog = require "dog"
local ffi = require "ffi"
local lib = ffi.load(os.getenv "DOG_LIBRARY")
local defaults = ffi.new "dog_options_t"
lib.dog_options_init(defaults, ffi.sizeof(defaults))
local options = {{ trusted_proxies = "127.0.0.1, 10.0.0.0/8" }}
for name in ("{' '.join(names)}"):gmatch "%S+" do options[name] = tonumber(defaults[name]) end
dog.engine(options):destroy()
print "made"
""")
    assert said == "made\n"


@pytest.mark.parametrize("name", ["size", "delivery", "log_user", "workers_max", "Workers", "origin_count"])
def test_what_is_no_option_is_an_error(name):
    assert error_of(f"dog.engine {{ {name} = 1 }}") == f"dog.engine: there is no option {name}"


@pytest.mark.parametrize("value, why", [
    ("-1", "-1 is no whole number in its range"), ("1.5", "1.5 is no whole number in its range"),
    ("2 ^ 32", "4294967296 is no whole number in its range"), ("0 / 0", "n?a?n is no whole number"),
    ('"2"', "cannot convert 'string' to 'unsigned int'"), ("true", "true and false are for other options"),
    ("{}", "cannot convert 'table' to 'unsigned int'")])
def test_what_is_no_value_of_an_option_is_an_error(value, why):
    assert re.match(rf"dog\.engine: workers: -?{why}", error_of(f"dog.engine {{ workers = {value} }}"))


def test_what_the_engine_does_not_take_is_an_error_with_what_its_log_says():
    assert re.match(r"dog\.engine: DOG_EINVAL: an argument is not valid: .*workers", error_of(
        "dog.engine { workers = 65 }"))
    assert re.match(r"dog\.engine: DOG_EINVAL: .*10\.0\.0\.300", error_of(
        'dog.engine { trusted_proxies = "127.0.0.1, 10.0.0.300" }'))


@pytest.mark.parametrize("option", ['outbox_policy = "drop_oldest"', 'rate_policy = "drop"', 'log_level = "debug"',
                                    "log_level = 3"])
def test_constants_go_by_the_end_of_their_names(option):
    assert run_lua(ROOM + f"dog.engine {{ {option} }}:destroy() print 'made'") == "made\n"


def test_what_is_no_constant_is_an_error():
    assert error_of('dog.engine { outbox_policy = "keep" }') == "dog.engine: outbox_policy: there is no keep"


@pytest.mark.parametrize("kind", ["gateway", "shard"])
def test_every_member_of_a_class_that_is_no_handler_is_settable(kind):
    names = [name for name in members(f"dog_{kind}_class")
             if not name.startswith("on") and not name.endswith("_events")
             and name not in {"size", "start_later", "name", "user", "identify", "clusterize", "receive", "origins",
                              "origin_count"}]
    assert len(names) > 4
    origins = 'options.origins = { "https://example.com", "null" }' if kind == "shard" else ""
    said = run_lua(f"""
local dog = require "dog"
local ffi = require "ffi"
local lib = ffi.load(os.getenv "DOG_LIBRARY")
local defaults = ffi.new "dog_{kind}_class_t"
lib.dog_{kind}_class_init(defaults, ffi.sizeof(defaults))
local options = {{}}
for name in ("{' '.join(names)}"):gmatch "%S+" do
  options[name] = (name == "child" or name == "parent") and "Other" or tonumber(defaults[name])
end
options.limit = options.limit and 1
{origins}
local class = dog.{kind}("Class", options)
function class:identify() end
function class:receive() end
dog.engine():define(class):destroy()
print "made"
""")
    assert said == "made\n"


def test_placement_goes_by_its_name():
    options = '{ child = "S", limit = 2, placement = "fullest" }'
    assert run_lua(ROOM + f'dog.gateway("G", {options}) print "made"') == "made\n"


def test_a_flag_is_true_or_false():
    assert run_lua(ROOM + 'dog.shard("S", { parent = "Room", deflate = true, deflate_client_context = false })'
                   " print 'made'") == "made\n"


@pytest.mark.parametrize("text, why", [
    ('dog.gateway("Pool", { limits = 2 })', "dog.gateway Pool: there is no option limits"),
    ('dog.gateway("Pool", { placement = "emptiest" })', "dog.gateway Pool: placement: there is no emptiest"),
    ('dog.gateway("Pool", { clusterize_events = 1 })', "dog.gateway Pool: there is no option clusterize_events"),
    ('dog.gateway("Pool", { child = 5 })', "dog.gateway Pool: child: cannot convert 'number' to 'const char *'"),
    ('dog.gateway("Pool", { child = "a\\0b" })', "dog.gateway Pool: child: there is a NUL in it"),
    ('dog.gateway { limit = 2 }', "dog.gateway: its name: a string is wanted, not a table"),
    ('dog.shard("S", { onopen = print })', "dog.shard S: there is no option onopen"),
    ('dog.shard("S", { origins = "https://example.com" })', "dog.shard S: origins: a list is wanted"),
    ('dog.shard("S", { origins = { 5 } })', "dog.shard S: origins: a string is wanted, not a number"),
    ('dog.engine { log = 1 }', "dog.engine: log: this is no value for it"),
    ('dog.engine { report = false }', "dog.engine: report: this is no value for it"),
    ('dog.engine { handlers_max = 0 }', "dog.engine: handlers_max: this is no value for it"),
])
def test_what_a_class_or_engine_does_not_take(text, why):
    assert error_of(text) == why


@pytest.mark.parametrize("text, why", [
    ('engine:define(Room, {})', "define: argument 2 is not a class"),
    ('function Seats:onMessage() end engine:define(Seats)', "Seats.onMessage: this handler is called onmessage"),
    ('function Seats:on_open() end engine:define(Seats)', "Seats.on_open: this handler is called onopen"),
    ('Seats.onopen = 5 engine:define(Seats)', "Seats.onopen is to be a function"),
    ('Seats.receive = nil engine:define(Seats)', "Seats needs receive"),
    ('Room.identify = nil engine:define(Room)', "Room needs identify"),
    ('engine:define(Room, Room)', "define Room: DOG_EEXIST: there is one by that name already"),
    ('engine:define(Room):start()', "start: DOG_ENOENT: there is none by that name"),
    ('engine:route("rooms", Room)', "route rooms: DOG_EINVAL: an argument is not valid"),
    ('engine:route("/rooms/:name", 5)', "a class is wanted, or the name of one"),
    ('engine:route("/r\\0", Room, "x")', "route: there is a NUL in it"),
    ('engine:on_fetch()', "on_fetch: a function is wanted"),
    ('engine:listen { host = "nowhere" }', "listen nowhere:0: DOG_EADDR: the address cannot be listened on"),
    ('engine:listen { ports = 1 }', "listen: there is no option ports"),
    ('engine:listen(65536)', "listen: port: 65536 is no whole number in its range"),
    ('engine:step(0) engine:spawn(5)', "spawn: a function is wanted"),
    ('dog.sleep(1)', "this waits, which only a handler can, or a function given to engine:spawn"),
    ('dog.sleep(-1)', "a number of milliseconds is wanted"),
    ('engine:start() engine:stop_on_signals()', "stop_on_signals: before start"),
])
def test_what_cannot_be_set_up_is_an_error_at_the_line_that_tried(text, why):
    said = error_of("local engine = dog.engine { log = false }\n" + text)
    assert said.startswith(why), said


def test_what_is_wrong_with_a_certificate_is_in_the_error(tmp_path):
    said = error_of('dog.engine { log = false }:listen { certificates = { { certificate_file = "/none/a.pem",'
                    ' key_file = "/none/b.pem" } } }')
    assert said.startswith("listen 127.0.0.1:0: DOG_ETLS: ") and "/none/a.pem" in said
