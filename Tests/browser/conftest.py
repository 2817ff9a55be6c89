"""People in real browsers around one running demo.

The demo is `bin/dog-host` of the build in BUILD (default `build`); DOG_DEMO may name another command that serves
it. Browsers are Debian's chromium, one process and one profile a person, kept between tests and wiped. At the end of
every test each of them must have a clean console and must have talked to nobody but the demo.
"""
import json
import os
import pathlib
import re
import select
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "Sources/dog-host/Demo/page.html"
PATIENCE_SECONDS = 20
# What a browser itself writes to the console when a server is away.
SERVER_AWAY = re.compile(r"WebSocket connection to .* failed|net::ERR_|Failed to load resource")


def until(condition, what):
    """The first true value of condition(), or a failure that says what was waited for."""
    return WebDriverWait(None, PATIENCE_SECONDS, poll_frequency=0.04).until(lambda _: condition(), f"waited for {what}")


class Demo:
    """One demo server; `port` stays the same over a restart."""

    def __init__(self, *options):
        self.options, self.port = options, 0
        self.start()

    def start(self):
        build = ROOT / os.environ.get("BUILD", "build")
        command = shlex.split(os.environ.get("DOG_DEMO", f"{shlex.quote(str(build / 'bin/dog-host'))} demo"))
        assert shutil.which(command[0]), f"{command[0]} is missing: build it first"
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [*command, "--port", str(self.port), *self.options], stdout=subprocess.PIPE, stderr=self.errors)
        deadline, text = time.monotonic() + PATIENCE_SECONDS, b""
        while not (found := re.search(rb"listening on http://127\.0\.0\.1:(\d+)", text)):
            ready = select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))[0]
            piece = os.read(self.process.stdout.fileno(), 4096) if ready else b""
            if not piece:
                self.process.kill()
                self.errors.seek(0)
                pytest.fail(f"the demo did not say where it listens; it said {text!r} and {self.errors.read()!r}")
            text += piece
        self.port = int(found[1])

    def stop(self):
        """Ctrl-C; the demo says goodbye to every socket and ends with 0."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE_SECONDS)

    def url(self, path="/"):
        return f"http://127.0.0.1:{self.port}{path}"

    def get(self, path):
        with urllib.request.urlopen(self.url(path), timeout=PATIENCE_SECONDS) as answer:
            return answer.read()

    def shards(self, room="lobby"):
        rooms = json.loads(self.get("/cluster"))["rooms"]
        return next((each["shards"] for each in rooms if each["room"] == room), [])


class Person:
    """One browser with one person at it: what they do, and what they see."""

    def __init__(self, driver, demo):
        self.driver, self.demo, self.server_goes_away, self.preloads = driver, demo, False, []

    def emulate(self, width=1280, height=800, **features):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]})
        return self

    def preload(self, script):
        """To run before anything of the page does."""
        answer = self.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": script})
        self.preloads.append(answer["identifier"])
        return self

    def visit(self, query=""):
        self.driver.get(self.demo.url(f"/{query}"))
        return self

    def join(self, name, room="lobby"):
        """Through the form, and until the map knows them."""
        self.visit("" if room == "lobby" else f"?room={room}")
        self.type("name", name, Keys.ENTER)
        return self.arrived(name)

    def arrived(self, name):
        self.name = name
        until(lambda: self.phase() == "live", f"{name} to be live")
        until(lambda: any(fact.startswith("you · ") for fact in self.texts("#people small")), f"{name} on their map")
        return self

    def at(self, element_id):
        return self.driver.find_element(By.ID, element_id)

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def js(self, script, *values):
        return self.driver.execute_script(script, *values)

    def type(self, element_id, *keys):
        field = self.at(element_id)
        field.clear()
        field.send_keys(*keys)

    def press(self, *keys):
        webdriver.ActionChains(self.driver).send_keys(*keys).perform()

    def say(self, text):
        self.type("say", text, Keys.ENTER)

    def phase(self):
        return self.at("pill").get_dom_attribute("data-phase")

    def texts(self, selector):
        """The texts of all that match, in one step: the page may redraw between two."""
        return self.js("return [...document.querySelectorAll(arguments[0])].map(each => each.textContent)", selector)

    def people(self):
        return self.texts("#people .name")

    def words(self):
        return self.texts("#log .words")

    def notes(self):
        return self.texts("#log .note")

    def hears(self, words):
        until(lambda: words in self.words(), f"{self.name} to hear {words!r}")
        return self.js("return [...document.querySelectorAll('#log .entry')].find("
                       "each => each.querySelector('.words').textContent === arguments[0])", words)

    def sees(self, *names):
        until(lambda: sorted(self.people()) == sorted(names), f"{self.name} to see {names}")

    def boxes(self):
        """The Shards on the map, each the list of the names in it."""
        return self.js("return [...document.querySelectorAll('#map .shard')].map("
                       "each => [...each.querySelectorAll('.who')].map(who => who.textContent))")

    def right_edge(self, selector):
        return self.js("return Math.max(...[...document.querySelectorAll(arguments[0])].map("
                       "each => each.getBoundingClientRect().right))", selector)

    def before_everything(self):
        """As if the page had just been opened: the next Tab goes to the first control."""
        self.js("document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute('tabindex')")

    def active(self):
        return self.js("return document.activeElement.id")


def new_driver():
    chromium, chromedriver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not chromedriver:
        pytest.fail("these tests need Debian's packages: apt install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in ("--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1280,800"):
        options.add_argument(argument)
    if os.geteuid() == 0:
        options.add_argument("--no-sandbox")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(service=Service(chromedriver), options=options)


@pytest.fixture(scope="session")
def drivers():
    idle = []
    yield idle
    for driver in idle:
        driver.quit()


@pytest.fixture
def demo():
    server = Demo("--limit", "2")
    yield server
    if server.process.poll() is None:
        server.stop()


@pytest.fixture
def person(demo, drivers):
    """A factory of people."""
    present = []

    def come(**features):
        driver = drivers.pop() if drivers else new_driver()
        present.append(Person(driver, demo).emulate(**features))
        return present[-1]

    yield come
    complaints = [complaint for each in present for complaint in strayed(each)]
    for each in present:
        for identifier in each.preloads:
            each.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", {"identifier": identifier})
        each.driver.get("about:blank")
        each.driver.execute_cdp_cmd("Storage.clearDataForOrigin", {
            "origin": f"http://127.0.0.1:{demo.port}", "storageTypes": "all"})
        each.driver.get_log("browser")
        each.driver.get_log("performance")
        drivers.append(each.driver)
    assert not complaints


def strayed(someone):
    """Console lines, and requests to anywhere but the demo."""
    for line in someone.driver.get_log("browser"):
        if not (someone.server_goes_away and SERVER_AWAY.search(line["message"])):
            yield line["message"]
    for line in someone.driver.get_log("performance"):
        event = json.loads(line["message"])["message"]
        url = event["params"].get("request", {}).get("url") or event["params"].get("url", "")
        if event["method"] in ("Network.requestWillBeSent", "Network.webSocketCreated"):
            if not re.match(rf"(https?|ws)://127\.0\.0\.1:{someone.demo.port}/|data:", url):
                yield f"asked for {url}"
