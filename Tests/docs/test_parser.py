"""The comments above blocks: what they say is done, and what is not understood is an error and not a pass."""
import pytest

from pages import PageError, blocks_of


@pytest.fixture
def read(tmp_path):
    def read(text):
        page = tmp_path / "page.md"
        page.write_text(text)
        return blocks_of(page)
    return read


def commented(comment, language="lua", text="print(1)\n"):
    return f"# Page\n\n<!-- test: {comment} -->\n```{language}\n{text}```\n"


def test_a_program_with_its_checks(read):
    block, = read(commented("serve; broadcast /a?u=x /b; get / 404 no such; stop SIGTERM; as chat.lua"))
    assert (block.kind, block.name, block.text, block.line) == ("serve", "chat.lua", "print(1)\n", 4)
    assert block.checks == [("broadcast", "/a?u=x /b"), ("get", "/ 404 no such"), ("stop", "SIGTERM")]


def test_a_comment_of_several_lines(read):
    block, = read(commented("serve; get /a 200;\n     get /b\n     404"))
    assert block.checks == [("get", "/a 200"), ("get", "/b 404")]


def test_a_text_block_behind_a_program_is_what_it_prints(read):
    first, second = read(commented("run") + "\n```text\n1\n```\n\n" + commented("run") + "\nSee:\n\n```text\n2\n```\n")
    assert first.output == "1\n" and second.output is None


def test_blocks_of_other_languages_and_blocks_without_a_comment(read):
    block, = read("```json\n{}\n```\n\n```\nplain\n```\n\n```python\nprint(1)\n```\n")
    assert block.language == "python" and not block.is_told


def test_the_reason_why_a_block_is_not_run(read):
    block, = read(commented("none installs as root", "sh"))
    assert block.kind == "none"


@pytest.mark.parametrize("comment", [
    "server", "serve", "serve; shout /a", "serve; broadcast /a", "serve; broadcast /a /b /c", "serve; say /a hello",
    "serve; get /", "serve; stop SIGKILL", "run; get / 200", "run now", "file", "none", "run; as", "run; in none.lua",
    "run; in", "file a.lua; as b.lua", "run; "])
def test_what_is_not_understood(read, comment):
    with pytest.raises(PageError):
        read(commented(comment))


@pytest.mark.parametrize("text", [
    "<!-- test: run -->\n\nText.\n\n```lua\nprint(1)\n```\n", "<!-- test: run -->\n```json\n{}\n```\n",
    "<!-- test: run -->\n<!-- test: run -->\n```lua\nprint(1)\n```\n"])
def test_a_comment_that_belongs_to_no_block(read, text):
    with pytest.raises(PageError):
        read(text)


def test_a_piece_of_a_program_takes_the_place_and_the_indentation_of_its_hole(read, tmp_path, monkeypatch):
    (tmp_path / "frame.lua").write_text("before\n  @@\nafter\n")
    monkeypatch.setattr("pages.AROUND", tmp_path)
    block, = read(commented("run; in frame.lua", text="one\n\n  two\n"))
    assert block.whole() == "before\n  one\n\n    two\nafter\n"


def test_a_frame_without_a_hole(read, tmp_path, monkeypatch):
    (tmp_path / "frame.lua").write_text("before\n")
    monkeypatch.setattr("pages.AROUND", tmp_path)
    block, = read(commented("run; in frame.lua"))
    with pytest.raises(PageError):
        block.whole()
