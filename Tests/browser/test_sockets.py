"""What docs/browser.md tells of `new WebSocket`, and the code that it shows, in a browser."""
import os
import pathlib
import re
import select
import signal
import subprocess
import sys

import pytest

from conftest import PATIENCE_SECONDS, ROOT, until

sys.path.append(str(ROOT / "Tests/docs"))
from pages import file_on  # noqa: E402

PAGE = "browser.md"
FILES = ["index.html", "connect.js", "why.js", "paced.js"]
BUILD = ROOT / os.environ.get("DOG_BUILD", os.environ.get("BUILD", "build"))


class Host:
    """sockets.py with the files of the page; `port` stays the same over a restart."""

    def __init__(self, folder, name):
        self.folder, self.port = folder / name, 0
        self.folder.mkdir()
        for file in FILES:
            (self.folder / file).write_text(file_on(PAGE, file))
        self.start()

    def start(self):
        environment = dict(os.environ, PYTHONPATH=str(BUILD / "bindings/python"),
                           DOG_LIBRARY=str(BUILD / "lib/libdog.so"))
        command = ["/usr/bin/python3", pathlib.Path(__file__).with_name("sockets.py"), str(self.port), self.folder]
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        ready = select.select([self.process.stdout], [], [], PATIENCE_SECONDS)[0]
        found = re.match(r"listening on http://127\.0\.0\.1:(\d+)", self.process.stdout.readline() if ready else "")
        assert found, "the host did not say where it listens"
        self.port = int(found[1])

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE_SECONDS)

    def kill(self):
        self.process.kill()
        self.process.wait(PATIENCE_SECONDS)

    def url(self, path="/"):
        return f"http://127.0.0.1:{self.port}{path}"


@pytest.fixture
def name():
    """Of the host's folder; "idle" is a host that is quick to find a socket idle."""
    return "files"


@pytest.fixture
def demo(tmp_path, name):
    """What the people of conftest.py visit."""
    host = Host(tmp_path, name)
    yield host
    if host.process.poll() is None:
        host.stop()


@pytest.fixture
def page(person):
    """A browser on the host's page, whose console may tell of handshakes that failed."""
    someone = person()
    someone.server_goes_away = True
    return someone.visit()


OPEN = """
  const [path, protocols, act, done] = arguments, told = [];
  const socket = window.socket = new WebSocket(`ws://${location.host}${path}`, protocols);
  socket.binaryType = 'arraybuffer';
  for (const type of ['open', 'error']) socket.addEventListener(type, () => told.push(type));
  socket.addEventListener('open', () => { if (act) eval(act); });
  socket.addEventListener('close', ({ code, reason, wasClean }) =>
    done({ told, code, reason, wasClean, protocol: socket.protocol }));
"""


def end_of(page, path="/rooms/den?u=ann", act="", protocols=()):
    """What a page is told of a socket from its start to its end."""
    page.driver.set_script_timeout(PATIENCE_SECONDS)
    return page.driver.execute_async_script(OPEN, path, list(protocols), act)


# ---- the codes


def table():
    """The codes of the page, each with what it says of wasClean."""
    text = (ROOT / "docs" / PAGE).read_text()
    rows = re.findall(r"^\| (\d{4}(?: to \d{4})?) \| (true|false) \|", text, re.MULTILINE)
    return {code: clean == "true" for code, clean in rows}


ENDS = {
    "1000": "socket.send('close 1000')",
    "1005": "socket.close()",
    "1008": "for (let count = 0; count < 60; count++) socket.send('x')",
    "1009": "socket.send('x'.repeat(1_000_001))",
    "1011": "socket.send('fail')",
    "1012": "socket.send('close 1012 back soon')",
    "1013": "socket.send('flood')",
    "3000 to 4999": "socket.send('close 4001 of our own')",
}
# Tested by themselves below, or not to be brought about by a browser.
ELSEWHERE = {"1001", "1006", "1007"}


def test_every_code_of_the_table_is_tested():
    assert set(table()) == set(ENDS) | ELSEWHERE


def test_a_page_is_told_the_code(page):
    for code, act in ENDS.items():
        end = end_of(page, act=act)
        first, _, last = code.partition(" to ")
        assert int(first) <= end["code"] <= int(last or first), (code, end)
        assert end["wasClean"] == table()[code], (code, end)
        assert end["told"] == ["open"], (code, "and of no error")
        if "send('close" in act:
            assert end["reason"] == act.split("'")[1].partition(" ")[2].partition(" ")[2]


def test_a_stop_is_1001(page, demo):
    page.js("window.end = new Promise(done => { const socket = window.socket = new WebSocket("
            "`ws://${location.host}/rooms/den`); socket.onclose = ({ code, wasClean }) => done({ code, wasClean }) })")
    until(lambda: page.js("return socket.readyState") == 1, "the socket to be open")
    assert demo.stop() == 0
    assert page.js("return window.end") == {"code": 1001, "wasClean": table()["1001"]}


@pytest.mark.parametrize("name", ["idle"])
def test_an_idle_socket_is_1001(page):
    end = end_of(page)
    assert (end["code"], end["wasClean"]) == (1001, table()["1001"])


def test_a_crash_is_1006(page, demo):
    page.js("window.end = new Promise(done => { const socket = window.socket = new WebSocket("
            "`ws://${location.host}/rooms/den`); socket.onclose = ({ code, wasClean }) => done({ code, wasClean }) })")
    until(lambda: page.js("return socket.readyState") == 1, "the socket to be open")
    demo.kill()
    assert page.js("return window.end") == {"code": 1006, "wasClean": table()["1006"]}


def test_a_page_may_close_with_its_own_codes_alone(page):
    assert end_of(page, act="socket.close(4000, 'r'.repeat(123))")["code"] == 4000
    for wrong in ("1001", "1011", "2999", "1000, 'r'.repeat(124)"):
        end = end_of(page, act=f"try {{ socket.close({wrong}) }} catch {{ socket.close(4999) }}")
        assert end["code"] == 4999, wrong


# ---- the handshake


def test_a_refused_handshake_looks_like_any_other_and_fetch_tells_more(page):
    page.js("window.first = new WebSocket(`ws://${location.host}/small/den`)")
    until(lambda: page.js("return first.readyState") == 1, "the only place to be taken")
    for path, why in {
        "/rooms/refused": {"why": "refused", "status": 401},
        "/none": {"why": "refused", "status": 404},
        "/small/den": {"why": "busy", "seconds": 7},
        "/foreign/den": {"why": ""},
    }.items():
        end = end_of(page, path)
        assert end == {"told": ["error"], "code": 1006, "reason": "", "wasClean": False, "protocol": ""}, path
        assert reason(page, path) == why


def test_a_server_that_is_away_looks_the_same(page, demo):
    demo.stop()
    assert end_of(page) == {"told": ["error"], "code": 1006, "reason": "", "wasClean": False, "protocol": ""}


def reason(page, path):
    # The module was loaded by its address, so it is there even if the server is not any more.
    return page.js("return import('/why.js').then(({ why }) => why(`ws://${location.host}${arguments[0]}`))", path)


def test_fetch_tells_a_server_that_is_away(page, demo):
    assert reason(page, "/rooms/den") == {"why": ""}
    demo.stop()
    assert reason(page, "/rooms/den") == {"why": "away"}


def test_subprotocols(page):
    assert end_of(page, act="socket.close()", protocols=["chat.v2", "chat.v1"])["protocol"] == "chat.v1"
    end = end_of(page, act="socket.close()", protocols=["chat.v2"])
    assert (end["code"], end["told"]) == (1006, ["error"])


# ---- data


def test_text_and_binary(page):
    received = page.js("""
      return new Promise(done => {
        const socket = new WebSocket(`ws://${location.host}/rooms/den`), got = [];
        socket.onopen = () => { socket.send(new Uint8Array([1, 2])); socket.send('half \\ud800'); };
        socket.onmessage = ({ data }) => {
          got.push(typeof data === 'string' ? data : data.constructor.name);
          if (got.length === 1) { socket.binaryType = 'arraybuffer'; socket.send(new Uint8Array([3])); }
          if (got.length === 3) { socket.close(); done(got); }
        };
      });""")
    assert sorted(received) == ["ArrayBuffer", "Blob", "half \ufffd"]


def test_much_is_sent_in_pieces_that_wait_for_one_another(page):
    sent, most = page.js("""
      const { paced } = await import('/paced.js');
      const socket = new WebSocket(`ws://${location.host}/rooms/den`);
      await new Promise(done => { socket.onopen = done; });
      let most = 0;
      function* pieces() {
        for (let count = 0; count < 40; count++) {
          yield new Uint8Array(50_000);
          most = Math.max(most, socket.bufferedAmount);
        }
      }
      const sent = await paced(socket, pieces(), 100_000);
      socket.close();
      return [sent, most];""")
    assert sent and most <= 100_000 + 50_000 + 1000


def test_a_page_that_sends_without_looking_has_it_all_in_memory(page):
    waiting = page.js("""
      const socket = new WebSocket(`ws://${location.host}/rooms/den`);
      await new Promise(done => { socket.onopen = done; });
      for (let count = 0; count < 40; count++) socket.send(new Uint8Array(50_000));
      const waiting = socket.bufferedAmount;
      socket.close();
      return waiting;""")
    assert waiting >= 40 * 50_000


# ---- the page and its module


def lines(someone):
    return someone.texts("ul li")


def say(someone, text):
    until(lambda: state(someone) == "open", "to be connected")
    field = someone.driver.find_element("name", "text")
    field.clear()
    field.send_keys(text + "\n")


def state(someone):
    return someone.js("return document.forms[0].elements.state.value")


def test_two_people_talk_and_come_back_when_the_server_does(person, demo):
    people = [person().preload("Math.random = () => 0;") for _ in range(2)]
    for someone in people:
        someone.server_goes_away = True
        someone.visit()
    say(people[0], "before")
    for someone in people:
        until(lambda: lines(someone) == ["before"], "to hear it")
    demo.stop()
    for someone in people:
        until(lambda: state(someone) == "waiting", "the stop to be noticed")
    demo.start()
    for someone in people:
        until(lambda: state(someone) == "open", "to be back")
    say(people[1], "after")
    for someone in people:
        until(lambda: lines(someone) == ["before", "after"], "to hear it")


def states(page, act):
    """What `onstate` is told, until the connection is closed for good."""
    return page.js("""
      const { connect } = await import('/connect.js');
      return new Promise(done => {
        const told = [];
        const connection = connect(`ws://${location.host}/rooms/den`, {
          onstate(state, code) {
            told.push(code ? `${state} ${code}` : state);
            if (state === 'open') eval(act);
            if (state === 'closed') done(told);
          },
        });
        const act = `%s`;
      });""" % act)


def test_it_comes_back_where_that_helps(person):
    page = person().preload("Math.random = () => 0;").visit()
    for act, told in {
        "connection.send('close 1008')": ["open", "closed 1008"],
        "connection.send('close 4000')": ["open", "closed 4000"],
        "connection.close()": ["open", "closed 1000"],
        "connection.send(told.length < 2 ? 'close 1012' : 'close 1000')": [
            "open", "waiting 1012", "open", "closed 1000"],
        "connection.send(told.length < 2 ? 'fail' : 'close 1000')": ["open", "waiting 1011", "open", "closed 1000"],
    }.items():
        assert states(page, act) == told, act


def test_it_is_closed_while_it_waits(page, demo):
    demo.stop()
    assert page.js("""
      const { connect } = await import('/connect.js').catch(() => ({}));
      return connect ? new Promise(done => {
        const told = [];
        const connection = connect(`ws://${location.host}/rooms/den`, {
          onstate(state) {
            told.push(state);
            if (state === 'waiting') setTimeout(() => connection.close());
            if (state === 'closed') done(told);
          },
        });
      }) : 'no module';""") == ["waiting", "closed"]


def test_the_delays(page):
    bounds = page.js("""
      Math.random = () => 1;
      const { delayAfter } = await import('/connect.js');
      return [1006, 1012].map(code => [0, 1, 2, 3, 4, 5, 6, 2000].map(count => delayAfter(code, count)));""")
    assert bounds == [[1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000],
                      [5000, 10000, 20000, 30000, 30000, 30000, 30000, 30000]]
