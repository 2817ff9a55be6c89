"""The chat room, by several people in several browsers."""
import re
import urllib.parse

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from conftest import until

# Keeps every kind of packet and every lit Shard that the map ever shows.
WATCH_MAP = """
  window.flown = new Set(); window.lit = new Set();
  new MutationObserver(records => records.forEach(record => {
    record.addedNodes.forEach(node => node.matches?.('.packet') && window.flown.add(node.dataset.way));
    if (record.attributeName === 'data-way' && record.target.dataset.way) window.lit.add(record.target.dataset.way);
  })).observe(document.getElementById('map'), { subtree: true, childList: true, attributes: true });
"""
# Keeps every socket of the page, so that a test may send on it what the page never would.
KEEP_SOCKETS = """
  window.sockets = [];
  window.WebSocket = class extends WebSocket { constructor(...all) { super(...all); window.sockets.push(this); } };
"""


def test_two_people_see_each_other_and_talk(person):
    ann, bob = person().join("ann"), person().join("bob")
    ann.sees("ann", "bob")
    bob.sees("ann", "bob")
    ann.say("hello bob")
    entry = bob.hears("hello bob")
    assert entry.find_element(By.CSS_SELECTOR, ".byline b").text == "ann"
    assert "own" in ann.hears("hello bob").get_attribute("class")
    bob.say("hello ann")
    bob.say("and how are you?")
    first, second = ann.hears("hello ann"), ann.hears("and how are you?")
    assert not second.find_element(By.CSS_SELECTOR, ".byline").is_displayed(), "the same person goes on"
    left = [each.find_element(By.CSS_SELECTOR, ".words").rect["x"] for each in (first, second)]
    assert left[0] == left[1]


def test_somebody_who_leaves_is_told_and_gone(person):
    ann, bob = person().join("ann"), person().join("bob")
    ann.sees("ann", "bob")
    bob.at("leave").click()
    ann.sees("ann")
    assert any(note.startswith("bob left.") for note in ann.notes())
    assert bob.active() == "name"


def test_a_whisper_reaches_its_target_and_its_sender_only(person):
    ann, bob, cleo = person().join("ann"), person().join("bob"), person().join("cleo")
    ann.sees("ann", "bob", "cleo")
    ann.say("/w cleo a secret")
    assert "whispers to you" in cleo.hears("a secret").text
    assert "whispered to cleo" in ann.hears("a secret").text
    assert ann.at("say").get_attribute("value") == "/w cleo ", "what follows a whisper goes the same way"
    ann.say("/a no secret")
    bob.hears("no secret")
    assert "a secret" not in bob.words()


def test_a_click_on_a_person_composes_a_whisper(person):
    ann = person().join("ann")
    person().join("bob")
    ann.sees("ann", "bob")
    ann.all("#people button")[0].click()
    assert ann.at("say").get_attribute("value") == "/w bob "
    assert ann.active() == "say"
    assert ann.all(".scope[data-way=whisper]")[0].get_attribute("aria-pressed") == "true"


def test_an_emit_stays_on_its_shard(person):
    ann, bob, cleo = person().join("ann"), person().join("bob"), person().join("cleo")
    ann.sees("ann", "bob", "cleo")
    ann.all(".scope[data-way=group]")[0].click()
    ann.at("say").send_keys("only us", Keys.ENTER)
    assert "to this Shard" in bob.hears("only us").text
    ann.hears("only us")
    ann.all(".scope[data-way=broadcast]")[0].click()
    ann.at("say").send_keys("all of us", Keys.ENTER)
    cleo.hears("all of us")
    assert "only us" not in cleo.words()


def test_the_map_says_beforehand_what_joining_will_do(person):
    cleo = person().visit()
    for name, offer in (("ann", "Nobody is here yet"), ("bob", "gives you a place"), ("", "makes one for you")):
        until(lambda: offer in cleo.at("story").text, repr(offer))
        if name:
            person().join(name)


def test_the_third_person_makes_a_second_shard_on_everybodys_map(person, demo):
    ann, bob = person().join("ann"), person().join("bob")
    assert len(demo.shards()) == 1
    cleo = person().join("cleo")
    both = [["ann", "bob"], ["cleo"]]
    for someone in (ann, bob, cleo):
        until(lambda: sorted(map(sorted, someone.boxes())) == both, f"two Shards before {someone.name}")
        assert someone.texts("#map .mine .me .who") == [someone.name]
    new = next(shard["id"] for shard in demo.shards() if "cleo" in shard["uids"])
    told = f"cleo found every Shard full, so the Gateway made Shard {new[:4]}."
    until(lambda: any(told in note for note in ann.notes()), "the new Shard to be told")
    assert "3 connections on 2 Shards" in ann.at("sum").text
    assert f"Shard {new[:4]}, yours, holds 1 of 2: cleo." in cleo.at("map").get_attribute("aria-label")


def test_one_person_alone_can_bring_guests_and_see_the_cluster_grow(person):
    ann = person().join("ann")
    ann.at("guest").click()
    until(lambda: len(ann.people()) == 2, "a guest")
    ann.at("guest").click()
    until(lambda: len(ann.boxes()) == 2, "a second Shard")
    ann.say("/w Ada hello")
    ann.hears("I heard you, and nobody else did.")
    ann.at("guests-home").click()
    ann.sees("ann")


def test_each_way_a_message_travels_is_seen_and_looks_its_own(person):
    ann = person().join("ann")
    person().join("bob")
    cleo = person().join("cleo")
    for someone in (ann, cleo):
        until(lambda: len(someone.boxes()) == 2, "two Shards")
        someone.js(WATCH_MAP)
    ways = {"broadcast": "to all", "group": "/g to my Shard", "whisper": "/w cleo to one", "gossip": "/who"}
    for way, text in ways.items():
        ann.say(text)
        until(lambda: way in ann.js("return [...window.flown]"), f"a {way} on the map of its sender")
    cleo.hears("to one")
    until(lambda: {"broadcast", "whisper"} <= set(cleo.js("return [...window.flown]")), "both on the map of cleo")
    assert "group" not in cleo.js("return [...window.flown]")


def test_who_asks_not_to_see_movement_sees_shards_light_up_instead(person):
    ann = person(prefers_reduced_motion="reduce").join("ann")
    person().join("bob")
    ann.sees("ann", "bob")
    ann.js(WATCH_MAP)
    ann.say("to all")
    until(lambda: ann.js("return [...window.lit]") == ["broadcast"], "the Shard to light up")
    assert ann.js("return [...window.flown]") == []
    assert ann.js("return document.getAnimations().length") == 0


def test_names_and_texts_are_never_markup(person):
    name = "<img/src=x/onerror=window.hit=1>"
    text = "<img src=x onerror=window.hit=1><script>window.hit=1</script>&amp;"
    room = urllib.parse.quote("<b>r&amp;", safe="")
    ann, eve = person().join("ann", room), person().join(name, room)
    ann.sees("ann", name)
    eve.say(text)
    entry = ann.hears(text)
    assert entry.find_element(By.CSS_SELECTOR, ".byline b").text == name
    eve.say(f"/w ann {text}")
    until(lambda: ann.words().count(text) == 2, "the whisper")
    ann.type("say", "/w ")
    until(lambda: ann.texts("#palette code") == [name], "the name in the palette")
    assert any(who.startswith("<img") for who in ann.texts("#map .who"))
    assert ann.at("room-name").text == "<b>r&amp;"
    for someone in (ann, eve):
        assert someone.all("img, b > b, main script, bdi > *") == []
        assert someone.js("return window.hit") is None


def test_what_the_page_does_not_know_is_a_quiet_line_and_an_error_is_told(person):
    ann = person().preload(KEEP_SOCKETS).join("ann")
    ann.js("window.sockets[0].send(JSON.stringify({ type: 'dance', steps: ['<b>1</b>', null] }))")
    steps = '"steps":["<b>1</b>",null]'
    until(lambda: any(steps in each for each in ann.texts("#log .note.other")), "the unknown message")
    ann.js("window.sockets[0].send('not JSON')")
    until(lambda: ann.texts("#log .note.bad"), "the error")
    ann.say("still here")
    ann.hears("still here")


def test_messages_over_http_come_from_http(person, demo):
    ann = person().join("ann")
    assert demo.get("/broadcast") == b"DONE"
    until(lambda: ann.texts("#log .byline b") == ["HTTP"], "a broadcast from HTTP")
    assert demo.get("/whisper?target=ann") == b"DONE"
    until(lambda: any("whispers to you" in each.text for each in ann.all("#log .entry")), "a whisper from HTTP")


def test_two_connections_of_one_name_are_counted(person):
    ann, again = person().join("ann"), person().join("ann")
    for someone in (ann, again):
        until(lambda: "×2" in someone.texts("#people small")[0], "the count of ann")
    again.at("leave").click()
    until(lambda: "×2" not in ann.texts("#people small")[0], "one of them to be gone")
    assert any("closed one of 2 connections" in note for note in ann.notes())


def test_rooms_are_apart_and_a_link_leads_into_one(person):
    ann = person().join("ann")
    zoe = person().visit("?room=dev&u=zoe")
    assert (zoe.at("name").get_attribute("value"), zoe.at("room").get_attribute("value")) == ("zoe", "dev")
    zoe.press(Keys.ENTER)
    zoe.arrived("zoe")
    zoe.sees("zoe")
    until(lambda: ann.texts("#rooms button") == ["#dev (1)"], "the other room")
    ann.sees("ann")
    ann.all("#rooms button")[0].click()
    ann.sees("ann", "zoe")
    assert ann.driver.current_url.endswith("?room=dev")


def test_a_name_is_remembered_and_a_reload_goes_back_in(person):
    ann = person().join("ann", "dev")
    ann.driver.refresh()
    ann.arrived("ann")
    assert ann.at("room-name").text == "dev"
    ann.at("leave").click()
    ann.visit()
    assert (ann.at("name").get_attribute("value"), ann.at("room").get_attribute("value")) == ("ann", "dev")
    assert ann.at("join").is_displayed()


def test_after_the_server_restarts_everybody_is_back_and_nothing_is_lost(person, demo):
    ann, bob = person().join("ann"), person().join("bob")
    for someone in (ann, bob):
        someone.server_goes_away = True
        someone.js("""window.phases = []; new MutationObserver(() => window.phases.push(pill.dataset.phase))
          .observe(pill, { attributes: true, attributeFilter: ['data-phase'] })""")
    ann.say("before")
    bob.hears("before")
    assert demo.stop() == 0
    until(lambda: ann.phase() in ("waiting", "connecting"), "ann to notice")
    assert any("(1001)" in note for note in ann.notes())
    ann.say("kept")
    assert ann.at("say").get_attribute("value") == "kept"
    assert "stays here" in ann.at("hint").text
    demo.start()
    for someone in (ann, bob):
        until(lambda: someone.phase() == "live", f"{someone.name} to be back")
        assert {"waiting", "connecting", "live"} <= set(someone.js("return window.phases"))
    ann.sees("ann", "bob")
    assert "before" in ann.words() and "kept" not in ann.words()
    assert ann.at("say").get_attribute("value") == "kept"
    ann.at("say").send_keys(Keys.ENTER)
    bob.hears("kept")


def test_a_button_retries_at_once(person, demo):
    ann = person().join("ann")
    ann.server_goes_away = True
    ann.js("Math.random = () => 0.999")
    demo.stop()
    until(lambda: ann.at("retry").is_displayed(), "the button")
    # Far enough into the backoff that only the button can explain a connection.
    for _ in range(6):
        until(lambda: ann.phase() == "waiting", "the next wait")
        ann.js("document.getElementById('retry').click()")
    until(lambda: re.search(r"reconnecting in 1\d s", ann.at("pill").text), "a long wait")
    demo.start()
    ann.at("retry").click()
    assert ann.phase() in ("connecting", "live")
    until(lambda: ann.phase() == "live", "ann to be back")


def test_the_log_is_bounded_and_follows_only_who_reads_its_end(person):
    ann = person().preload(KEEP_SOCKETS).join("ann")
    flood = """for (let i = 0; i < arguments[1]; i++)
      window.sockets[0].send(JSON.stringify({ type: 'msg', text: arguments[0] + i }))"""
    at_end = "return Math.abs(log.scrollHeight - log.scrollTop - log.clientHeight) < 2"
    ann.js(flood, "line ", 300)
    ann.hears("line 299")
    ann.js(flood, "more ", 300)
    ann.hears("more 299")
    assert ann.js("return log.childElementCount") == 500
    assert "line 0" not in ann.words() and ann.js(at_end)
    ann.js("log.scrollTop = 0")
    ann.js(flood, "late ", 2)
    ann.hears("late 1")
    until(lambda: ann.at("newer").is_displayed(), "the button")
    assert "2 new messages" in ann.at("newer").text and ann.js("return log.scrollTop") < 200
    ann.at("newer").click()
    until(lambda: ann.js(at_end) and not ann.at("newer").is_displayed(), "the end of the log")
