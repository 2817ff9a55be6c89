#!/usr/bin/env python3
"""The ABI of dog.h: what a program that was compiled yesterday relies on, kept in dog.abi and compared with today's.

dog.abi is what abidw (Debian's abigail-tools) reads out of a shared object that defines every function of the header.
abidiff tells any difference; whether old programs live with it is decided here, because the rule is the header's own:
functions, values and types may be added, and a struct that begins with its `size` may grow at its end.

  abi.py             says what is different, and exits with 1 if anything is
  abi.py --update    takes what was added into dog.abi; refuses what breaks programs
  abi.py --update --break    takes that too: before a first release, or with a new DOG_VERSION_MAJOR
"""
import argparse
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
HEADER = ROOT / "include" / "dog.h"
BASELINE = Path(__file__).resolve().parent / "dog.abi"
CC = "gcc"  # that of the baseline: another one may describe the same in other words

# No path, no machine and no counter in the file: it changes where the header does.
ABIDW = ["abidw", "--load-all-types", "--type-id-style", "hash", "--no-corpus-path", "--no-comp-dir-path",
         "--no-show-locs", "--no-architecture", "--no-elf-needed"]
ABIDIFF = ["abidiff", "--harmless", "--non-reachable-types", "--no-architecture", "--no-corpus-path"]


# ---- from a header to its ABI


def definitions(header):
    """C that defines each function of the header, and has a use for each constant that belongs to no named enum."""
    text = subprocess.run([CC, "-E", "-P", header], stdout=subprocess.PIPE, text=True, check=True).stdout
    plain = re.sub(r"typedef\b[^;{]*(\{[^}]*\})?[^;]*;", "", text)
    functions = re.findall(r"\b((?:const )?\w+ \**dog_\w+\s*\([^;{}]*\))\s*;", plain)
    nameless = re.findall(r"\benum\s*\{([^}]*)\}", text)
    constants = re.findall(r"\bDOG_\w+", " ".join(nameless))
    bodies = [f"{' '.join(each.split())} {{ return 0; }}" for each in functions]
    use = f'__attribute__((visibility("hidden"))) int abi_constants(void) {{ return {" + ".join(constants) or 0}; }}'
    return "\n".join([f'#include "{header}"', *bodies, use, ""])


def describe(header, folder):
    """The ABI of a header, as a file in `folder`."""
    source, library, out = folder / "dog.c", folder / "libdog.so", folder / "dog.abi"
    source.write_text(definitions(header))
    subprocess.run([CC, "-std=c11", "-g", "-shared", "-fPIC", "-w", "-o", library.name, source.name], cwd=folder,
                   check=True)
    subprocess.run([*ABIDW, "--out-file", out.name, library.name], cwd=folder, check=True)
    return out


# ---- reading it


@dataclass
class Struct:
    bits: int
    # (offset in bits, name, type), in order.
    members: list = field(default_factory=list)

    def may_grow(self):
        return bool(self.members) and self.members[0] == (0, "size", "size_t")


@dataclass
class ABI:
    functions: dict = field(default_factory=dict)  # name to signature
    types: dict = field(default_factory=dict)  # name of a typedef to what it stands for
    structs: dict = field(default_factory=dict)
    constants: dict = field(default_factory=dict)  # name to value, over all enums


def read(path):
    root = xml.parse(path).getroot()
    nodes = {node.get("id"): node for node in root.iter() if node.get("id")}

    def signature(node, spell):
        returned = spell(node.find("return").get("type-id"))
        return f"{returned} ({', '.join(spell(each.get('type-id')) for each in node.findall('parameter'))})"

    def stands_for(identity):
        node = nodes[identity]
        return stands_for(node.get("type-id")) if node.tag == "typedef-decl" else node.get("name")

    def spell_callback(identity):
        """Handles and sizes are one integer by several names. Which name a callback has is not known: abidw merges
        callbacks that differ in those alone, each of its versions in another way."""
        return "word" if (stands_for(identity) or "").startswith("unsigned long") else spell(identity)

    def spell(identity):
        node = nodes[identity]
        if node.tag == "pointer-type-def":
            return spell(node.get("type-id")) + " *"
        if node.tag == "qualified-type-def":
            return spell(node.get("type-id")) + "".join(f" {word}" for word in ("const", "volatile") if node.get(word))
        if node.tag == "function-type":
            return signature(node, spell_callback)
        if node.tag == "array-type-def":
            return spell(node.get("type-id")) + f"[{node.find('subrange').get('length')}]"
        return node.get("name")

    abi = ABI()
    for node in root.iter("function-decl"):
        abi.functions[node.get("name")] = signature(node, spell)
    for node in root.iter("typedef-decl"):
        abi.types[node.get("name")] = spell(node.get("type-id"))
    for node in root.iter("class-decl"):
        struct = Struct(int(node.get("size-in-bits") or 0))
        for member in node.findall("data-member"):
            variable = member.find("var-decl")
            struct.members.append((int(member.get("layout-offset-in-bits")), variable.get("name"),
                                   spell(variable.get("type-id"))))
        abi.structs[node.get("name")] = struct
    for node in root.iter("enumerator"):
        abi.constants[node.get("name")] = int(node.get("value"))
    return abi


def exported(path):
    """The symbols that a library of this ABI has."""
    return {node.get("name") for node in xml.parse(path).getroot().iter("elf-symbol")}


# ---- comparing


def compare(old, new):
    """Two lists of sentences: what breaks programs that were compiled for `old`, and what was added to it."""
    breaks, additions = [], []
    for kind in ("functions", "types", "constants"):
        before, after = getattr(old, kind), getattr(new, kind)
        for name, what in before.items():
            if name not in after:
                breaks.append(f"{name} is gone")
            elif after[name] != what:
                breaks.append(f"{name} was {what} and is {after[name]}")
        additions += [f"{name} is new: {what}" for name, what in after.items() if name not in before]
    for name, before in old.structs.items():
        if name in new.structs:
            compare_structs(name, before, new.structs[name], breaks, additions)
        else:
            breaks.append(f"struct {name} is gone")
    additions += [f"struct {name} is new" for name in new.structs if name not in old.structs]
    return breaks, additions


def compare_structs(name, old, new, breaks, additions):
    kept = new.members[:len(old.members)]
    added = new.members[len(old.members):]
    for before, after in zip(old.members, kept):
        if before != after:
            breaks.append(f"struct {name}: {before[1]} was {told(before)}, and there is now {after[1]}, {told(after)}")
    breaks += [f"struct {name}: {each[1]} is gone" for each in old.members[len(kept):]]
    for each in added:
        if not old.may_grow():
            breaks.append(f"struct {name} does not begin with its size, so {each[1]} cannot be added")
        elif each[0] < old.bits:
            # A program that copies the struct member by member leaves there whatever there was.
            breaks.append(f"struct {name}: {each[1]} is where there was padding, which nobody has set")
        else:
            additions.append(f"struct {name}: {each[1]} is new: {told(each)}")
    if new.bits < old.bits or (new.bits > old.bits and not added):
        breaks.append(f"struct {name} had {old.bits // 8} bytes and has {new.bits // 8}")


def told(member):
    return f"{member[2]} at byte {member[0] // 8}"


def are_comparable(old, new):
    """abidiff compares what one version of abidw has written: another one describes the same in other words."""
    return xml.parse(old).getroot().get("version") == xml.parse(new).getroot().get("version")


def report(old, new):
    """What abidiff has to say; empty if it finds no difference."""
    done = subprocess.run([*ABIDIFF, old, new], stdout=subprocess.PIPE, text=True)
    if done.returncode & 3:
        raise RuntimeError(f"abidiff failed: {done.stdout}")
    return done.stdout if done.returncode else ""


# ---- the command


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--break", action="store_true", dest="may_break")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        new = describe(HEADER, Path(folder))
        breaks, additions = compare(read(BASELINE), read(new)) if BASELINE.exists() else ([], ["dog.abi is new"])
        for each in breaks:
            print(f"break: {each}")
        for each in additions:
            print(f"added: {each}")
        if not arguments.update:
            if BASELINE.exists() and are_comparable(BASELINE, new):
                print(report(BASELINE, new), end="")
            return 1 if breaks or additions else 0
        if breaks and not arguments.may_break:
            print("Nothing was written: programs that were compiled before would break.", file=sys.stderr)
            return 1
        BASELINE.write_text(new.read_text())
        return 0


if __name__ == "__main__":
    sys.exit(main())
