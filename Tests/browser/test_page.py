"""The page itself: its policy, its keyboard, its width, its colours."""
import re

import pytest
from selenium.webdriver.common.keys import Keys

import policy
from conftest import PAGE, until

LONG = "Wolfeschlegelsteinhausenbergerdorff-Senio"[:40]
# Every text on the screen that has less contrast to what is painted behind it than WCAG AA asks for.
PALE = """
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  const bytes = (...layers) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const layer of layers) { canvas.fillStyle = layer; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const linear = part => part <= .04045 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4;
  const light = rgb => rgb.reduce((sum, each, index) => sum + linear(each / 255) * [.2126, .7152, .0722][index], 0);
  const pale = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !node.checkVisibility() || node.closest('.unseen, svg, noscript')) continue;
    const grounds = [];
    for (let up = node; up; up = up.parentElement) grounds.unshift(getComputedStyle(up).backgroundColor);
    const style = getComputedStyle(node), size = parseFloat(style.fontSize);
    const [a, b] = [light(bytes(...grounds, style.color)), light(bytes(...grounds))].sort((x, y) => y - x);
    const ratio = (a + .05) / (b + .05), enough = size >= 24 || (size >= 18.6 && style.fontWeight >= 700) ? 3 : 4.5;
    if (ratio < enough) pale.push(`${walker.currentNode.data.trim()}: ${ratio.toFixed(2)}`);
  }
  return pale;
"""
# Everything one can reach and operate, with the name that a screen reader says.
CONTROLS = """
  const labels = node => [...(node.labels ?? [])].map(label => label.textContent).join(' ');
  return [...document.querySelectorAll('button, input, a[href], [tabindex]')].filter(each => each.checkVisibility())
    .map(each => [each.id || each.className,
      (each.getAttribute('aria-label') || labels(each) || each.textContent).trim(), each.tabIndex]);
"""


@pytest.fixture
def room(person):
    """Three people who have said something each way, the first of them returned."""
    def furnish(**features):
        ann = person(**features).join("ann")
        for name in ("bob", LONG):
            person().join(name)
        ann.sees("ann", "bob", LONG)
        for text in ("to all", "/g to my Shard", f"/w {LONG} to one", "/a " + "unbroken" * 40):
            ann.say(text)
        ann.hears("unbroken" * 40)
        return ann
    return furnish


def test_the_policy_names_the_style_and_the_script_of_the_page():
    text = PAGE.read_text()
    assert policy.renewed(text) == text, "run Tests/browser/policy.py after a change of the page"


def test_the_page_has_nothing_inline_but_its_style_and_its_script_and_loads_nothing():
    text = PAGE.read_text()
    for banned in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function",
                   "javascript:", " onclick=", " onerror=", " onload=", " style=", "@import", "url(", "stylesheet",
                   "<iframe"):
        assert banned not in text, banned
    assert text.count("<script") == 1 and text.count("<style") == 1 and " src=" not in text
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "") and "https://" not in text


def test_the_server_serves_the_page_as_it_is_in_the_sources(demo):
    assert demo.get("/") == PAGE.read_bytes()


def test_the_browser_itself_refuses_to_make_markup_of_strings(person):
    ann = person().visit()
    assert ann.js("try { document.body.innerHTML = '<b>x</b>' } catch (error) { return error.name }") == "TypeError"
    assert len(ann.driver.get_log("browser")) == 1, "the refusal, which is not the page's doing"


def test_everything_can_be_done_by_keyboard_alone(person):
    bob = person().join("bob")
    ann = person().visit()
    assert ann.active() == "name"
    ann.press("ann", Keys.ENTER)
    ann.arrived("ann").sees("ann", "bob")
    assert ann.active() == "say"
    ann.press("hello", Keys.ENTER)
    bob.hears("hello")
    ann.press("/")
    assert ann.at("say").get_attribute("aria-expanded") == "true"
    assert ann.at("say").get_attribute("aria-activedescendant") == "option-0"
    ann.press(Keys.ARROW_DOWN)
    assert ann.at("option-1").get_attribute("aria-selected") == "true"
    ann.press(Keys.ARROW_UP, Keys.ARROW_UP, Keys.ARROW_UP)
    assert ann.at("say").get_attribute("aria-activedescendant") == f"option-{len(ann.all('#palette li')) - 2}"
    ann.press(Keys.ESCAPE)
    assert ann.at("say").get_attribute("aria-expanded") == "false"
    ann.press(Keys.BACKSPACE, "/w", Keys.ENTER)
    until(lambda: ann.texts("#palette code") == ["bob"], "the names")
    ann.press(Keys.TAB, "by keyboard", Keys.ENTER)
    bob.hears("by keyboard")
    ann.press(Keys.HOME, Keys.SHIFT + Keys.END + Keys.NULL, Keys.DELETE)
    ann.press("/help", Keys.ENTER)
    until(lambda: ann.at("help").is_displayed(), "the help")
    ann.press(Keys.ESCAPE)
    until(lambda: not ann.at("help").is_displayed() and ann.active() == "say", "the message box again")


def test_every_control_has_a_name_and_focus_is_seen_on_each(room):
    ann = room()
    controls = ann.js(CONTROLS)
    assert len(controls) > 12
    assert [each for each in controls if not re.search("[A-Za-z]{2}", each[1]) or each[2] > 0] == []
    ann.before_everything()
    seen = []
    for _ in range(len(controls) + 2):
        ann.press(Keys.TAB)
        where, outline = ann.js("""const node = document.activeElement, style = getComputedStyle(node);
          return [node === document.body ? '' : (node.id || node.className),
            style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2]""")
        if where:
            seen.append(where)
            assert outline, f"no visible focus on {where}"
    assert seen[0] == "skip"
    assert {each[0] for each in controls} <= set(seen)


def test_the_page_says_what_a_screen_reader_needs(person):
    ann = person().join("ann")
    assert ann.at("log").get_attribute("role") == "log" and ann.at("log").get_attribute("aria-live") == "polite"
    assert ann.at("phase").get_attribute("role") == "status"
    until(lambda: ann.at("phase").get_attribute("textContent") == "Connected", "the state")
    assert ann.at("map").get_attribute("role") == "img" and "ann" in ann.at("map").get_attribute("aria-label")
    assert ann.js("return document.documentElement.lang") == "en"
    ids = ann.js("return [...document.querySelectorAll('[id]')].map(each => each.id)")
    assert len(ids) == len(set(ids))
    for attribute in ("for", "aria-controls", "aria-describedby", "aria-labelledby"):
        meant = ann.js("return [...document.querySelectorAll(`[${arguments[0]}]`)].map("
                       "each => each.getAttribute(arguments[0]))", attribute)
        assert set(meant) <= set(ids), attribute
    ann.before_everything()
    ann.press(Keys.TAB, Keys.ENTER)
    assert ann.active() == "say", "the skip link"


def test_the_help_explains_every_word_in_three_sentences(person):
    ann = person().visit()
    ann.at("help-open").click()
    said = " ".join(ann.texts("#help p"))
    assert all(word in said for word in ("Gateway", "Shard", "emit", "broadcast", "whisper", "gossip"))
    assert said.count(".") == 3
    ann.at("help-close").click()
    assert not ann.at("help").is_displayed()


def test_a_phone_never_scrolls_sideways(room):
    ann = room(width=360, height=740)
    wide = "return [document.documentElement, log, side].map(each => each.scrollWidth)"
    assert max(ann.js(wide)) <= 360
    assert not ann.at("side").is_displayed()
    ann.at("view-map").click()
    assert ann.at("map").is_displayed() and not ann.at("log").is_displayed()
    until(lambda: len(ann.boxes()) == 2, "the map")
    assert max(ann.js(wide)) <= 360
    assert ann.right_edge("#map *, #side li, #side button") <= 360
    ann.js("document.querySelector('#people button').click()")
    assert ann.at("say").is_displayed() and ann.active() == "say"
    ann.at("leave").click()
    assert max(ann.js(wide)) <= 360


def test_a_phone_has_room_for_the_state_of_the_connection(person, demo):
    ann = person(width=360, height=740).join("ann", "a-room-with-a-rather-long-name")
    ann.server_goes_away = True
    assert ann.right_edge("header *") <= 360
    demo.stop()
    until(lambda: ann.at("retry").is_displayed(), "the button")
    assert ann.right_edge("header *") <= 360
    # What `system-ui` is depends on the fonts that there are; the widest is as wide as this.
    for font in ("", "monospace"):
        for longest in ("reconnecting in 15 s", "offline, retry in 15 s"):
            fits = ann.js("""const text = document.getElementById('pill-text');
              document.body.style.fontFamily = arguments[1];
              text.textContent = arguments[0];
              return text.scrollWidth <= text.clientWidth""", longest, font)
            assert fits and ann.right_edge("header *") <= 360, (longest, font)


def test_a_phone_has_room_for_fingers(person):
    ann = person(width=360, height=740).join("ann")
    low = """return [...document.querySelectorAll('button')].filter(each => each.checkVisibility())
      .map(each => [each.id || each.className, each.offsetHeight]).filter(([, height]) => height < 40)"""
    assert ann.js(low) == []
    ann.at("view-map").click()
    assert ann.js(low) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_contrast_in_light_and_dark(room, scheme):
    ann = room(prefers_color_scheme=scheme)
    ground = ann.js("return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert (sum(ground) < 200) == (scheme == "dark")
    assert ann.js(PALE) == []
    ann.type("say", "/")
    assert ann.js(PALE) == []
    ann.press(Keys.ESCAPE)
    ann.type("say", "/nonsense", Keys.ENTER)
    assert "no command" in ann.at("hint").text
    ann.at("help-open").click()
    assert ann.js(PALE) == []
    ann.at("help-close").click()
    ann.at("leave").click()
    assert ann.js(PALE) == []


def test_a_browser_that_forbids_storage_can_still_chat(person):
    forbid = """for (const name of ['localStorage', 'sessionStorage'])
      Object.defineProperty(window, name, { get() { throw new DOMException('no', 'SecurityError'); } });"""
    ann = person().preload(forbid).join("ann")
    ann.say("hello")
    ann.hears("hello")
