"""The pages of documentation, their code blocks, and what the comment above each says is to be done with it."""
import re
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
AROUND = Path(__file__).resolve().parent / "around"

# What a block's language is called in a fence, and how its files end.
SUFFIXES = {"c": ".c", "cpp": ".cpp", "c++": ".cpp", "python": ".py", "py": ".py", "js": ".mjs", "mjs": ".mjs",
            "javascript": ".mjs", "cjs": ".cjs", "ts": ".ts", "typescript": ".ts", "lua": ".lua", "sh": ".sh",
            "cmake": ".txt", "swift": ".swift", "html": ".html", "nginx": ".conf", "haproxy": ".cfg", "ini": ".service"}
# Pages that are no language's: they have files for tests of their own (test_deployment.py, Tests/browser).
TOPICS = {"browser", "deployment"}
KINDS = {"serve", "run", "file", "none"}
# The number of words that each check takes; a last None: one more may follow.
CHECKS = {"broadcast": (2, 2), "echo": (1, 1), "say": (3, None), "get": (2, None), "post": (3, None), "stop": (1, 1)}
PORT = "8787"


class PageError(Exception):
    """A page says something about a block that is not understood."""


@dataclass
class Block:
    page: Path
    line: int
    language: str
    text: str
    kind: str = ""
    checks: list = field(default_factory=list)
    name: str = ""
    around: str = ""
    output: str = None
    is_told: bool = False

    @property
    def place(self):
        return f"{self.page.name}:{self.line}"

    @property
    def suffix(self):
        return SUFFIXES[self.language]

    @property
    def file_name(self):
        return self.name or f"block{self.line}{self.suffix}"

    def whole(self):
        """The program that the block is, or is a piece of."""
        if not self.around:
            return self.text
        frame = (AROUND / self.around).read_text()
        hole = re.search(r"^([ \t]*)(?:// )?@@$", frame, re.MULTILINE)
        if not hole:
            raise PageError(f"{self.place}: {self.around} has no line @@")
        piece = "".join(hole.group(1) + line if line.strip() else line for line in self.text.splitlines(keepends=True))
        return frame[:hole.start()] + piece.rstrip("\n") + frame[hole.end():]


def fail(block, why):
    raise PageError(f"{block.place}: {why}")


def parse_check(block, part):
    name, *words = part.split()
    least, most = CHECKS[name]
    if len(words) < least or most is not None and len(words) > most:
        fail(block, f"{part!r} has {len(words)} words after {name}")
    if name == "say" and "=>" not in words[1:]:
        fail(block, f"{part!r} has no =>")
    if name == "stop" and words[0] not in ("SIGINT", "SIGTERM"):
        fail(block, f"{part!r} is no signal to stop by")
    return name, part[len(name):].strip()


def parse_comment(block, comment):
    """What `<!-- test: ... -->` says about the block below it."""
    block.is_told = True
    first, *parts = [" ".join(part.split()) for part in comment.split(";")]
    block.kind, _, rest = first.partition(" ")
    if block.kind not in KINDS:
        fail(block, f"{block.kind!r} is none of {sorted(KINDS)}")
    if (block.kind in ("file", "none")) != bool(rest):
        fail(block, f"{first!r}: file has a name after it and none a reason; the others have nothing")
    if block.kind == "file":
        block.name = rest
    for part in parts:
        word, _, rest = part.partition(" ")
        if word == "as" and rest and not block.name:
            block.name = rest
        elif word == "in" and rest:
            block.around = rest
            if not (AROUND / rest).is_file() or Path(rest).suffix != block.suffix:
                fail(block, f"there is no {rest} in Tests/docs/around, or it is of another language")
        elif word in CHECKS and block.kind == "serve":
            block.checks.append(parse_check(block, part))
        else:
            fail(block, f"{part!r} is not understood behind {block.kind}")
    if block.kind == "serve" and not block.checks:
        fail(block, "serve has no check")


FENCE = re.compile(r"(?:^<!-- test:\s(?P<comment>(?:(?!-->).)*)-->\n+)?"
                   r"^```(?P<language>[\w+]*)[^\n]*\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"^<!-- test:", re.MULTILINE)


def blocks_of(page):
    """The blocks of known languages, in order. A `text` block behind a `run` one is its output."""
    text = page.read_text()
    found, used, before = [], 0, None
    for match in FENCE.finditer(text):
        language = match["language"]
        line = text.count("\n", 0, match.start("language")) + 1
        comment = match["comment"]
        if language not in SUFFIXES:
            if comment is not None:
                raise PageError(f"{page.name}:{line}: a block of {language or 'no language'} is not tested")
            is_next = before and not text[before[1]:match.start()].strip()
            if language == "text" and is_next and before[0].kind == "run":
                before[0].output = match["text"]
            before = None
            continue
        block = Block(page, line, language, match["text"])
        if comment is not None:
            used += 1
            parse_comment(block, comment)
        found.append(block)
        before = (block, match.end())
    if used != len(COMMENT.findall(text)):
        raise PageError(f"{page.name}: a comment <!-- test: ... --> is not right above a block")
    return found


def docs_pages():
    return sorted((ROOT / "docs").glob("*.md"))


def language_pages():
    return [page for page in docs_pages() if page.stem not in TOPICS]


def file_on(page, name):
    """The text of the block that a page in docs/ calls `file NAME`."""
    block, = [block for block in blocks_of(ROOT / "docs" / page) if block.kind == "file" and block.name == name]
    return block.text


def all_pages():
    return [ROOT / "README.md", *docs_pages()]


def other_pages():
    """Pages whose blocks are not tested here, so that none may be C: what is C compiles, wherever it stands."""
    ignored = {"build", "node_modules", ".build", ".git"}
    found = {page for page in ROOT.rglob("*.md") if not ignored & set(page.relative_to(ROOT).parts)}
    return sorted(found - set(all_pages()))
