"""What a reader may rely on in every file: its width, what it never says, and that words and files belong together."""
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
COLUMNS = 120
RULES = [f"G{n}" for n in range(1, 10)] + [f"S{n}" for n in range(1, 9)] + [f"E{n}" for n in range(1, 4)]

# Binary files and those that others format. The page is markup with whole sentences in it.
SUFFIXES = {".swift", ".c", ".cpp", ".h", ".py", ".pyi", ".sh", ".md", ".html", ".modulemap", ".lua", ".js", ".mjs",
            ".ts", ".mts", ".cmake", ".toml", ".rockspec"}
FOLDERS = ["Sources", "Tests", "include", "examples", "scripts", "bindings", "bench", "docs", "cmake"]
SINGLES = ["Makefile", "Package.swift", "CMakeLists.txt", ".ci/run", "dog.pc.in", "SECURITY.md"]


def files(*folders, suffixes=SUFFIXES):
    found = [path for folder in folders for path in sorted((ROOT / folder).rglob("*"))
             if path.is_file() and path.suffix in suffixes and "__pycache__" not in path.parts]
    assert found, folders
    return found


def everything():
    return files(*FOLDERS) + [ROOT / name for name in SINGLES]


def lines_with(pattern, paths):
    """file:line: text, for every line that the pattern is found in."""
    return [f"{path.relative_to(ROOT)}:{number}: {line.strip()}" for path in paths
            for number, line in enumerate(path.read_text().splitlines(), 1) if re.search(pattern, line)]


def none_in(pattern, paths):
    found = lines_with(pattern, paths)
    assert not found, "\n".join(found)


def without_comments(swift):
    """The code of a Swift file, its comments and the text in its strings blanked out."""
    swift = re.sub(r'"""(?:.|\n)*?"""', '""', swift)
    swift = re.sub(r'"(?:\\.|[^"\\\n])*"', '""', swift)
    return re.sub(r"//[^\n]*|/\*(?:.|\n)*?\*/", "", swift)


# ---- every file


def test_no_line_is_wider_than_120_columns():
    wide = [f"{path.relative_to(ROOT)}:{number}: {len(line)} columns" for path in everything() if path.suffix != ".html"
            for number, line in enumerate(path.read_text().splitlines(), 1) if len(line) > COLUMNS]
    assert not wide, "\n".join(wide)


def test_nothing_is_left_over():
    # Written so that this file does not find itself.
    none_in(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b", everything())


def test_no_tabs_and_no_spaces_at_the_end_of_a_line():
    none_in(r"[ \t]+$", everything())
    none_in(r"\t", [path for path in everything() if path.name != "Makefile"])


def test_every_file_ends_with_one_newline():
    wrong = [str(path.relative_to(ROOT)) for path in everything()
             if not path.read_text().endswith("\n") or path.read_text().endswith("\n\n")]
    assert not wrong, wrong


def test_no_path_of_one_machine_is_in_any_file():
    none_in(r"/wo" r"rk/|/ro" r"ot/|/ho" r"me/\w", everything())


# ---- the engine's sources


def engine_sources():
    return files("Sources/DOGEngine", suffixes={".swift"})


def test_the_engine_does_not_import_foundation():
    none_in(r"^\s*(@\w+ )?import .*Foundation", engine_sources())


@pytest.mark.parametrize("banned", [r"\btry!", r"\bfatalError\(", r"\bas!\s", r"\bprint\(", r"\bdebugPrint\("])
def test_the_engine_does_not_say(banned):
    """What traps on somebody else's data, and what writes to a stream."""
    found = [path.name for path in engine_sources() if re.search(banned, without_comments(path.read_text()))]
    assert not found, found


def test_what_is_unchecked_has_its_reason_beside_it():
    found = []
    for path in engine_sources():
        lines = path.read_text().splitlines()
        for number, line in enumerate(lines):
            if "@unchecked Sendable" in line and not any("//" in near for near in lines[max(0, number - 8):number + 1]):
                found.append(f"{path.relative_to(ROOT)}:{number + 1}")
    assert not found, found


def test_the_public_c_functions_are_in_capi_alone():
    outside = [path for path in engine_sources() if "CAPI" not in path.parts]
    none_in(r"@_cdecl|@implementation", outside)


# ---- what belongs together


def test_every_rule_is_named_by_a_test():
    names = "\n".join(
        line for path in files("Tests", suffixes={".swift", ".py", ".c"}) for line in path.read_text().splitlines()
        if re.search(r"@Test|@Suite|func |def test_|static .*test_|TEST\(", line))
    missing = [rule for rule in RULES if not re.search(rf"(?<![A-Za-z0-9]){rule}(?![0-9])", names)]
    assert not missing, missing


def test_every_rule_has_its_text():
    assert re.findall(r"^- \*\*([GSE]\d+)\*\* ", (ROOT / "ARCHITECTURE.md").read_text(), re.MULTILINE) == RULES


def test_every_example_is_built_and_installed_by_the_makefile(build):
    for path in files("examples/c", suffixes={".c"}):
        assert (build / "bin" / path.stem).is_file(), path
    assert "$(wildcard examples/c/*.c)" in (ROOT / "Makefile").read_text()


@pytest.mark.parametrize(
    "document", ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "SECURITY.md", "examples/c/README.md",
                 *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("*.md"))])
def test_a_document_names_only_files_that_exist(document):
    path = ROOT / document
    text = path.read_text()
    named = set(re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", re.sub(r"```(?:.|\n)*?```", "", text)))
    folders = "Sources|Tests|include|examples|scripts|bench|bindings"
    named |= {name.rstrip("/.,") for name in re.findall(rf"(?<![\w/.])(?:{folders})/[\w./+-]*", text)}
    missing = sorted(name for name in named if not (ROOT / name).exists() and not (path.parent / name).exists())
    assert not missing, missing


def test_the_program_in_the_readme_fits_on_a_screen():
    programs = re.findall(r"^```c\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    assert [len(program.splitlines()) <= 45 for program in programs] == [True]


@pytest.mark.parametrize("name", ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "SECURITY.md", "LICENSE", ".ci/run"])
def test_a_file_that_newcomers_look_for_is_there(name):
    assert (ROOT / name).is_file()


def test_every_make_target_that_a_document_names_exists():
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for document in ("README.md", "ARCHITECTURE.md"):
        for target in re.findall(r"(?:`|^\s*\$? *)make ([a-z][\w-]*)", (ROOT / document).read_text(), re.MULTILINE):
            assert target in targets, f"{document}: make {target}"


# ---- the formatter


def test_swift_format_finds_nothing(run):
    what = ["Package.swift", "Sources", "Tests", "examples"]
    run("swift", "format", "lint", "--strict", "--recursive", "--parallel", *what, cwd=ROOT)
