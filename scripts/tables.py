#!/usr/bin/env python3
"""What the bindings say of dog.h, from dog.h: tables.py writes it, tables.py --check says what is not as it would be.

    bindings/python/native/tables.c     the members of its structs, for keyword arguments
    bindings/python/src/dog/header.py   statuses, events, enums, statistics, and the options with their types
    bindings/node/src/addon/tables.c    the members of its structs, for objects; statuses, events and statistics
    bindings/node/header.d.ts           the types of those, with dog.h's own words

`make bindings` runs it. The files are kept, since the packages are built elsewhere too, by what has no checkout.
"""

import argparse
import re
import sys
import textwrap
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional

ROOT = Path(__file__).resolve().parent.parent
HEADER = ROOT / "include/dog.h"

# Members that are 0 or 1, and mean no or yes: C has no word for that in a struct of which the size is to be known.
FLAGS = {"proxy_protocol", "ipv6_only", "deflate", "deflate_client_context", "clusterize_events", "gossip_events",
         "start_later"}
# What a binding says by itself, or gets by other ways: no option of a program's.
HIDDEN = {"size", "user", "log", "log_user", "delivery"}
OF_THE_CLASS = {"name", "child", "parent", "limit", "clusterize_events", "gossip_events", "start_later"}
NUMBERS = {"uint16_t": "U16", "uint32_t": "U32", "uint64_t": "U64"}
ARRAYS = {"const char *const *": "TEXTS", "const dog_certificate_t *": "CERTIFICATES"}


class Member(NamedTuple):
    name: str
    kind: str  # U16, U32, U64, FLAG, CHOICE, TEXT, TEXTS, CERTIFICATES
    text: str  # what dog.h says of it
    enum: str = ""  # of a CHOICE
    count: str = ""  # of an array: the member that has its length


class Constant(NamedTuple):
    name: str  # without the prefix
    full: str
    value: int


class Header(NamedTuple):
    structs: Dict[str, List[Member]]
    enums: Dict[str, List[Constant]]


# ---- reading


def plain(comment: str) -> str:
    """The words of a comment, in one line."""
    return re.sub(r"\s+", " ", re.sub(r"^\s*/?\*+/?|\*/", " ", comment, flags=re.MULTILINE)).strip()


def kind_of(kind: str, name: str, enums: Dict[str, List[Constant]]) -> Optional[str]:
    if name in HIDDEN or kind.endswith("_fn"):
        return None
    if kind in NUMBERS:
        return "FLAG" if name in FLAGS else NUMBERS[kind]
    if kind == "const char *":
        return "TEXT"
    if kind in ARRAYS:
        return ARRAYS[kind]
    if kind.endswith("_t") and kind[:-2] in enums:
        return "CHOICE"
    raise SystemExit(f"tables.py: no binding can take `{kind} {name}` of dog.h")


def members_of(body: str, enums: Dict[str, List[Constant]]) -> List[Member]:
    parts = re.findall(r"/\*.*?\*/|[^;/]+;", body, re.DOTALL)
    members: List[Member] = []
    before = ""
    position = 0
    for part in parts:
        position = body.index(part, position)
        is_behind = "\n" not in body[:position].rpartition(";")[2] and members
        if part.startswith("/*"):
            if is_behind:
                members[-1] = members[-1]._replace(text=f"{members[-1].text} {plain(part)}".strip())
            else:
                before = plain(part)
            position += len(part)
            continue
        position += len(part)
        kind, name = re.match(r"(.*?)(\w+);$", " ".join(part.split())).groups()
        kind, taken = kind.strip(), None
        if kind == "size_t" and name.endswith("_count") and members[-1].kind in ("TEXTS", "CERTIFICATES"):
            members[-1] = members[-1]._replace(count=name)
        else:
            taken = kind_of(kind, name, enums)
        enum = kind[:-2] if taken == "CHOICE" else ""
        members.append(Member(name, taken or "", before, enum))
        before = ""
    return [member for member in members if member.kind]


def constants_of(body: str) -> List[Constant]:
    body = re.sub(r"/\*.*?\*/", "", body, flags=re.DOTALL)
    pairs = [(name, int(value, 0)) for name, value in re.findall(r"(DOG_\w+) = (-?\w+)", body)]
    pairs = [(name, value) for name, value in pairs if value != 0x7FFFFFFF]
    words = [name.split("_") for name, _ in pairs]
    shared = 0
    while len({tuple(name[: shared + 1]) for name in words}) == 1 and shared < min(map(len, words)) - 1:
        shared += 1
    return [Constant("_".join(name.split("_")[shared:]), name, value) for name, value in pairs]


def stats_of(body: str) -> List[Member]:
    body = re.sub(r"/\*.*?\*/", "", body, flags=re.DOTALL)
    return [Member(name, "U64", "") for name in re.findall(r"uint64_t (\w+);", body)]


def read(text: str) -> Header:
    enums = {name: constants_of(body)
             for name, body in re.findall(r"typedef enum (\w+) \{(.*?)\} \w+;", text, re.DOTALL)}
    bodies = dict(re.findall(r"typedef struct (\w+) \{(.*?)\n\} \w+;", text, re.DOTALL))
    wanted = ("dog_options", "dog_listen_options", "dog_gateway_class", "dog_shard_class", "dog_certificate")
    structs = {name: members_of(bodies[name], enums) for name in wanted}
    structs.update({name: stats_of(bodies[name]) for name in ("dog_stats", "dog_gateway_stats")})
    return Header(structs, enums)


# ---- C

MADE = "made by scripts/tables.py from include/dog.h, and not to be changed by hand."


def python_tables(header: Header) -> str:
    lines = [f"/* tables.c - {MADE} */", '#include "native.h"', "", "#include <stddef.h>", ""]
    kinds = {"U16": "U16", "U32": "U32", "U64": "U64", "FLAG": "U32", "CHOICE": "U32", "TEXT": "STRING"}
    for table, struct in (("option_members", "dog_options"), ("gateway_class_members", "dog_gateway_class"),
                          ("shard_class_members", "dog_shard_class"), ("listen_members", "dog_listen_options"),
                          ("stats_members", "dog_stats"), ("gateway_stats_members", "dog_gateway_stats")):
        lines.append(f"const member_t {table}[] = {{")
        lines += [f'    {{"{member.name}", MEMBER_{kinds[member.kind]}, offsetof({struct}_t, {member.name})}},'
                  for member in header.structs[struct] if member.kind in kinds]
        lines += ["    {NULL, MEMBER_U32, 0},", "};", ""]
    return "\n".join(lines)


def camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda found: found.group(1).upper(), name)


def word(constant: Constant) -> str:
    return constant.name.lower().replace("_", "-")


def enums_in(header: Header) -> List[str]:
    """Those that a member is of."""
    return sorted({member.enum for members in header.structs.values() for member in members if member.enum})


def node_tables(header: Header) -> str:
    lines = [f"/* tables.c - {MADE} */", '#include "members.h"', "", "#include <stddef.h>", ""]
    for enum in enums_in(header):
        lines.append(f"const choice_t {enum}_choices[] = {{")
        lines += [f'  {{"{word(each)}", {each.full}}},' for each in header.enums[enum]] + ["  {NULL, 0},", "};", ""]
    for table, struct in (("options_members", "dog_options"), ("gateway_members", "dog_gateway_class"),
                          ("shard_members", "dog_shard_class"), ("listen_members", "dog_listen_options"),
                          ("certificate_members", "dog_certificate"), ("stats_members", "dog_stats"),
                          ("gateway_stats_members", "dog_gateway_stats")):
        lines.append(f"const member_t {table}[] = {{")
        for member in header.structs[struct]:
            count = f"offsetof({struct}_t, {member.count})" if member.count else "0"
            choices = f"{member.enum}_choices" if member.enum else "NULL"
            place = f"offsetof({struct}_t, {member.name})"
            head, tail = f'  {{"{camel(member.name)}", MEMBER_{member.kind}, {place},', f"{count}, {choices}}},"
            lines += [f"{head} {tail}"] if len(head) + len(tail) < 120 else [head, f"   {tail}"]
        lines += ["  {NULL, MEMBER_U32, 0, 0, NULL},", "};", ""]
    lines.append("const choice_t header_constants[] = {")
    for enum in ("dog_event_type", "dog_status"):
        lines += [f'  {{"{each.name}", {each.full}}},' for each in header.enums[enum]]
    return "\n".join([*lines, "  {NULL, 0},", "};", ""])


# ---- Python

PYTHON_ENUMS = {
    "dog_status": ("Status", "The statuses of dog.h, there with the prefix DOG_."),
    "dog_event_type": ("Event", "The types of dog_event_t."),
    "dog_log_level": ("LogLevel", 'How much the engine says to the logger "dog.engine".'),
    "dog_outbox_policy": ("OutboxPolicy", "What happens to a message for a socket whose outbox is full."),
    "dog_rate_policy": ("RatePolicy", "What happens to a message of a socket that went over its rate."),
    "dog_placement": ("Placement", "On which of the Shards with room a new client is placed."),
    "dog_client_certificate": ("ClientCertificate", "Whether a TLS client is asked for a certificate of its own."),
}
# Of these a program may give several.
PYTHON_TYPES = {"trusted_proxies": "Union[str, Sequence[str]]"}

PYTHON_HEAD = f'''"""What dog.h has: {MADE}"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any, Dict, NamedTuple, Optional, Sequence, Union

if TYPE_CHECKING:
    from .jsontext import JSONCodec
'''


def python_name(enum: str) -> str:
    """An enum that is new is called as it is in dog.h."""
    return PYTHON_ENUMS[enum][0] if enum in PYTHON_ENUMS else camel(enum[3:])


def python_type(member: Member) -> str:
    usual = {"TEXT": "str", "CHOICE": python_name(member.enum) if member.enum else "", "FLAG": "bool"}
    return PYTHON_TYPES.get(member.name, usual.get(member.kind, "int"))


def python_enum(enum: str, header: Header) -> str:
    text = PYTHON_ENUMS[enum][1] if enum in PYTHON_ENUMS else f"{enum}_t of dog.h."
    values = "".join(f"    {each.name} = {each.value}\n" for each in header.enums[enum])
    return f'class {python_name(enum)}(IntEnum):\n    """{text}"""\n\n{values}'


def python_stats(name: str, text: str, members: List[Member]) -> str:
    return f'class {name}(NamedTuple):\n    """{text}"""\n\n' + "".join(f"    {each.name}: int\n" for each in members)


def python_names(name: str, members: List[Member]) -> str:
    taken = [f'    "{member.name}",\n' for member in members
             if member.name not in OF_THE_CLASS - {"limit"} and member.kind not in ("TEXTS", "CERTIFICATES")]
    return f"{name} = (\n{''.join(taken)})\n"


def python_options(members: List[Member]) -> str:
    arguments = "".join(f"        {each.name}: Optional[{python_type(each)}] = None,\n" for each in members)
    pairs = "".join(f'            "{each.name}": {each.name},\n' for each in members)
    return f'''class EngineOptions:
    """The members of dog_options_t, as arguments. dog.h says what each is; None is its default there."""

    def __init__(
        self,
        *,
{arguments}        tasks_max: int = 10_000,
        json: Optional[JSONCodec] = None,
    ) -> None:
        options: Dict[str, Any] = {{
{pairs}        }}
        self._make(options, tasks_max, json)

    def _make(self, options: Dict[str, Any], tasks_max: int, json: Optional[JSONCodec]) -> None:
        raise NotImplementedError
'''


def python_header(header: Header) -> str:
    structs = header.structs
    enums = [*PYTHON_ENUMS, *(enum for enum in enums_in(header) if enum not in PYTHON_ENUMS)]
    parts = [PYTHON_HEAD, *(python_enum(enum, header) for enum in enums),
             python_stats("Stats", "What an engine counts; dog_stats_t in dog.h says what each is.",
                          structs["dog_stats"]),
             python_stats("GatewayStats", "What one cluster has now: Shards, and places taken on them by requests in "
                          "flight and open sockets.", structs["dog_gateway_stats"]),
             python_names("GATEWAY_OPTIONS", structs["dog_gateway_class"])
             + python_names("SHARD_OPTIONS", structs["dog_shard_class"]),
             python_options(structs["dog_options"])]
    return "\n\n".join(parts)


# ---- TypeScript

TYPES = {"TEXT": "string", "FLAG": "boolean", "TEXTS": "readonly string[]",
         "CERTIFICATES": "readonly Certificate[]"}
INTERFACES = [
    ("EngineMembers", "dog_options", "The members of dog_options_t.", True),
    ("ListenMembers", "dog_listen_options", "The members of dog_listen_options_t.", True),
    ("GatewayMembers", "dog_gateway_class", "The members of dog_gateway_class_t that are options.", True),
    ("ShardMembers", "dog_shard_class", "The members of dog_shard_class_t that are options.", True),
    ("Certificate", "dog_certificate", "Two files in PEM, as in dog_certificate_t.", False),
    ("EngineStats", "dog_stats", "The counts of dog_stats_t.", False),
    ("GatewayStats", "dog_gateway_stats", "The counts of dog_gateway_stats_t.", False),
]


def typescript_type(member: Member, header: Header) -> str:
    if member.enum:
        return " | ".join(f"'{word(each)}'" for each in header.enums[member.enum])
    return TYPES.get(member.kind, "number")


def typescript_words(text: str, header: Header) -> str:
    """dog.h's words, with the names that its members have here."""
    names = {member.name: camel(member.name) for members in header.structs.values() for member in members}
    names.update({each.full: f"'{word(each)}'" for enum in enums_in(header) for each in header.enums[enum]})
    return re.sub(r"\b\w+_\w+\b", lambda found: names.get(found[0], found[0]), text)


def typescript_comment(text: str) -> str:
    lines = textwrap.wrap(text, 112)
    if len(lines) < 2:
        return "".join(f"  /** {line} */\n" for line in lines)
    return "  /**\n" + "".join(f"   * {line}\n" for line in lines) + "   */\n"


def node_types(header: Header) -> str:
    parts = [f"// What dog.h has: {MADE}\n"]
    for name, struct, text, is_optional in INTERFACES:
        members = [member for member in header.structs[struct]
                   if not (struct.endswith("_class") and member.name in OF_THE_CLASS)]
        lines = "".join(typescript_comment(typescript_words(member.text, header))
                        + f"  {camel(member.name)}{'?' if is_optional else ''}: {typescript_type(member, header)};\n"
                        for member in members)
        parts.append(f"/** {text} */\nexport interface {name} {{\n{lines}}}\n")
    return "\n".join(parts)


FILES = {
    "bindings/python/native/tables.c": python_tables,
    "bindings/python/src/dog/header.py": python_header,
    "bindings/node/src/addon/tables.c": node_tables,
    "bindings/node/header.d.ts": node_types,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing")
    parser.add_argument("--header", type=Path, default=HEADER, help="another dog.h")
    parser.add_argument("--root", type=Path, default=ROOT, help="another checkout, to write to")
    given = parser.parse_args()
    header = read(given.header.read_text())
    old = []
    for name, make in FILES.items():
        path, text = given.root / name, make(header)
        if path.exists() and path.read_text() == text:
            continue
        old.append(name)
        if not given.check:
            path.write_text(text)
    if old and given.check:
        print("not as dog.h has it (scripts/tables.py makes it so): " + ", ".join(old))
    return int(bool(old) and given.check)


if __name__ == "__main__":
    sys.exit(main())
