"""The pages of documentation: each block is used as its reader would use it. README.md here says how."""
import re
from dataclasses import replace

import pytest

from checks import check
from pages import PORT, ROOT, all_pages, blocks_of, docs_pages, language_pages, other_pages
from programs import COMPILERS, Folder

FIRST_PROGRAM_LINES_MAX = 19
README = ROOT / "README.md"
BLOCKS = {page: blocks_of(page) for page in all_pages()}
TESTED = [block for blocks in BLOCKS.values() for block in blocks if block.is_told and block.kind in ("serve", "run")]


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    return {page: Folder(tmp_path_factory.mktemp(page.stem.lower()), [block for block in blocks if block.is_told])
            for page, blocks in BLOCKS.items()}


@pytest.mark.parametrize("block", TESTED, ids=lambda block: f"{block.place}-{block.language}")
def test_block(folders, block):
    folder = folders[block.page]
    if block.kind == "serve":
        with folder.serve(block) as server:
            check(server, block)
    else:
        output, port = folder.run(block)
        if block.output is not None:
            assert output == block.output.replace(PORT, str(port)), f"what {block.place} prints"


def test_the_program_in_the_readme_is_a_chat(folders):
    """It need not say so: what README promises is a chat with a room for each name in the path."""
    block = next(block for block in BLOCKS[README] if block.language != "sh")
    if not block.is_told:
        block = replace(block, kind="serve", checks=[("broadcast", "/rooms/den?u=ann /rooms/den?u=bob")])
        with Folder(folders[README].path, [block]).serve(block) as server:
            check(server, block)


@pytest.mark.parametrize("page", docs_pages(), ids=lambda page: page.name)
def test_every_block_says_what_is_to_be_done_with_it(page):
    untold = [block.place for block in BLOCKS[page] if not block.is_told]
    assert not untold, f"no <!-- test: ... --> above {untold}"


@pytest.mark.parametrize("page", language_pages(), ids=lambda page: page.name)
def test_the_first_program_of_a_page_is_whole_and_has_fewer_than_twenty_lines(page):
    first = BLOCKS[page][0]
    assert first.kind == "serve" and not first.around, f"{first.place} is the first block"
    lines = first.text.splitlines()
    assert len(lines) <= FIRST_PROGRAM_LINES_MAX, f"{first.place} has {len(lines)} lines"
    assert PORT in first.text, f"{first.place} does not serve on {PORT}"


def test_every_c_and_cpp_program_of_any_page_is_compiled():
    told = [block for blocks in BLOCKS.values() for block in blocks if block.suffix in COMPILERS]
    assert len(told) > 5
    assert not [block.place for block in told if block.kind not in ("serve", "run")]
    elsewhere = [f"{page.relative_to(ROOT)}:{number}" for page in other_pages()
                 for number, line in enumerate(page.read_text().splitlines(), 1)
                 if re.match(r"\s*```(c|h|cpp|c\+\+|cc|cxx)\b", line, re.IGNORECASE)]
    assert not elsewhere, f"C that nothing compiles: {elsewhere}"


def test_every_language_has_a_page():
    languages = {"c", "swift"} | {path.name for path in (ROOT / "bindings").iterdir() if path.is_dir()}
    assert languages <= {page.stem for page in language_pages()}


@pytest.mark.parametrize("page", docs_pages(), ids=lambda page: page.name)
def test_a_page_names_only_files_that_exist(page):
    prose = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    named = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", prose)
    missing = [name for name in named if not (page.parent / name).exists()]
    assert not missing, missing


@pytest.mark.parametrize("page", docs_pages(), ids=lambda page: page.name)
def test_a_page_is_fit_to_read(page):
    text = page.read_text()
    lines = text.splitlines()
    assert text.endswith("\n") and not text.endswith("\n\n")
    assert not [number for number, line in enumerate(lines, 1) if len(line) > 120], "wider than 120 columns"
    assert not [number for number, line in enumerate(lines, 1) if re.search(r"[ \t]$|\t", line)], "tabs, or a loose end"
