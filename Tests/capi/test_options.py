"""Every option is what dog.h says of it: its default, the least and the most that it may be, and what an error says.
And each struct that a function of dog.h fills in has the defaults of its members.

What dog.h says is read from its text, so that a new option needs no line here.
"""
import ctypes
import re
from typing import NamedTuple

import pytest

from server import BUILD, SANITIZED

pytestmark = pytest.mark.skipif(SANITIZED != "", reason="Python has no sanitizer to load before the library")

HEADER = (BUILD / "include/dog.h").read_text()
DAY_MS = 86_400_000
NUMBERS = {"uint16_t": ctypes.c_uint16, "uint32_t": ctypes.c_uint32, "uint64_t": ctypes.c_uint64,
           "size_t": ctypes.c_size_t}
ENUMS = {name: body for body, name in re.findall(r"typedef enum \w+ \{(.*?)\} (\w+);", HEADER, re.DOTALL)}
# A member, and the comment that begins behind it.
MEMBER = re.compile(r"^  (?![ /])(.+?)(\w+);(?: +/\*(.*?)\*/)?", re.DOTALL | re.MULTILINE)
# The default, then the limits, and then what it is about.
NUMBER = re.compile(r"([\d,]*\d)((?:, at (?:least|most) [\w,]*\w)*)(?=[:;.]|$)")
CONSTANTS = {name: int(value, 0) for name, value in re.findall(r"\b(DOG_\w+) = (\d+|0x\w+)\b", HEADER)}
STATUSES = {name: int(value) for name, value in re.findall(r"\b(DOG_E\w+) = (-\d+)", HEADER)}


class Member(NamedTuple):
    name: str
    type: str
    comment: str

    @property
    def is_choice(self):
        return self.type in ENUMS

    @property
    def is_number(self):
        return self.type in NUMBERS and self.name != "size"

    @property
    def c_type(self):
        return ctypes.c_uint32 if self.is_choice else NUMBERS.get(self.type, ctypes.c_void_p)

    def default(self):
        """What its comment begins with; 0 or NULL where that is no number and no value of its enum."""
        found = NUMBER.match(self.comment) or re.match(r"(DOG_\w+)", self.comment)
        return number(found[1]) if found else 0

    def says(self):
        """Of an option that is a number: its default, the least and the most."""
        found = NUMBER.match(self.comment)
        assert found, f"dog.h does not begin with a default where it tells of {self.name}: {self.comment}"
        default, limits = number(found[1]), dict(re.findall(r"at (least|most) ([\w,]*\w)", found[2]))
        may_be_zero = default == 0 or re.search(r"\b0: ", self.comment)
        least = number(limits.get("least", "0" if may_be_zero else "1"))
        most = number(limits["most"]) if "most" in limits else self.usual_most()
        return default, least, most

    def usual_most(self):
        if self.type == "uint64_t":
            return 2**64 - 1
        if self.name.endswith("_ms"):
            return DAY_MS
        return 2**30 if re.search(r"bytes|rate|burst", self.name) else 2**32 - 1


def number(text):
    return CONSTANTS[text] if text in CONSTANTS else int(text.replace(",", ""))


def members(struct):
    body = re.search(rf"typedef struct {struct} \{{(.*?)\n\}} {struct}_t;", HEADER, re.DOTALL)[1]
    return [Member(name, kind.strip(), re.sub(r"\s+(\* )?", " ", comment).strip())
            for kind, name, comment in MEMBER.findall(body)]


def c_struct(struct):
    fields = [(each.name, each.c_type) for each in members(struct)]
    return type(struct, (ctypes.Structure,), {"_fields_": fields})


OPTIONS = members("dog_options")
FILLED_IN = re.findall(r"^dog_status_t (dog_\w+)_init\(", HEADER, re.MULTILINE)


@pytest.fixture(scope="module")
def library():
    return ctypes.CDLL(str(BUILD / "lib/libdog.so"))


@pytest.fixture
def defaults(library):
    filled = c_struct("dog_options")()
    assert library.dog_options_init(ctypes.byref(filled), ctypes.c_size_t(ctypes.sizeof(filled))) == 0
    return filled


@pytest.fixture
def refusal(library, defaults):
    """Makes an engine with one option set. Gives back why it could not be made; empty where it could."""

    def refusal(name, value):
        setattr(defaults, name, value)
        engine, text, length = ctypes.c_void_p(), ctypes.c_char_p(), ctypes.c_size_t()
        status = library.dog_engine_create(ctypes.byref(defaults), ctypes.byref(engine))
        assert library.dog_last_reason(ctypes.byref(text), ctypes.byref(length)) == 0
        if status == 0:
            assert library.dog_engine_destroy(engine) == 0
        else:
            assert status == STATUSES["DOG_EINVAL"]
        return text.value.decode()

    return refusal


def test_the_header_is_read():
    assert {"dog_options", "dog_listen_options", "dog_gateway_class", "dog_shard_class"} <= set(FILLED_IN)
    names = {each.name for each in OPTIONS}
    assert len(names) > 50 and {"size", "log", "trusted_proxies", "event_bytes_max"} <= names
    assert {each.type for each in OPTIONS if each.is_choice} == {
        "dog_log_level_t", "dog_outbox_policy_t", "dog_rate_policy_t", "dog_delivery_t"}


@pytest.mark.parametrize("struct", FILLED_IN)
def test_a_struct_is_filled_in_with_what_the_header_says(library, struct):
    wanted = c_struct(struct)()
    for member in members(struct):
        setattr(wanted, member.name, ctypes.sizeof(wanted) if member.name == "size" else member.default())
    # The bytes between members, too.
    filled = ctypes.create_string_buffer(b"\xff" * ctypes.sizeof(wanted), ctypes.sizeof(wanted))
    assert getattr(library, f"{struct}_init")(filled, ctypes.c_size_t(ctypes.sizeof(wanted))) == 0
    found = type(wanted).from_buffer_copy(filled)
    assert [(each.name, getattr(found, each.name)) for each in members(struct)] == \
        [(each.name, getattr(wanted, each.name)) for each in members(struct)]
    assert bytes(filled) == bytes(wanted)


@pytest.mark.parametrize("option", [each for each in OPTIONS if each.is_number], ids=lambda option: option.name)
def test_a_number_is_taken_up_to_its_limits_and_named_past_them(refusal, option):
    _, least, most = option.says()
    for value in (least, most):
        assert refusal(option.name, value) == ""
    beyond = [value for value in (least - 1, most + 1)
              if 0 <= value < 2**(8 * ctypes.sizeof(NUMBERS[option.type]))]
    for value in beyond:
        assert refusal(option.name, value) == \
            f"option {option.name} is out of its range: {value} is not {least} to {most}"


@pytest.mark.parametrize("option", [each for each in OPTIONS if each.is_choice], ids=lambda option: option.name)
def test_a_choice_is_one_of_its_enum(refusal, option):
    values = [int(value) for value in re.findall(r"DOG_\w+ = (\d+),", ENUMS[option.type])]
    assert len(values) > 1
    for value in values:
        assert refusal(option.name, value) == ""
    for value in {min(values) - 1, max(values) + 1, 2**31, 2**32 - 1}:
        assert refusal(option.name, value) == f"option {option.name} is out of its range: {value}"
