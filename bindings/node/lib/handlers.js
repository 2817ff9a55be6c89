'use strict';
// The pending promises of handlers, and what happens when there are too many.
//
// If there are `max`, the engine is not polled until half of them have settled: its queue fills, its workers stop
// reading, and TCP slows the clients down. But a handler may itself wait for an event (a whisper's outcome, gossip,
// room in a stream). As long as one does (`waits`), polling goes on, or it would wait for ever. That is bounded too:
// MORE_MAX handlers later, new work is refused.

const addon = require('./addon.js');

const MORE_MAX = 65536;

class Handlers {
  #max;
  #fields;
  #pause;
  #report;
  /** Called whenever a handler has settled. */
  onsettled = undefined;
  #isPaused = false;
  /** The last of a list of places (place.js), one for each pending promise. */
  #last;
  /** How many there are, with the events that wait for their turn (ordered.js). */
  #pending = 0;
  /** How many of them a stop waits for: those that answer nothing, but may have something to save. */
  unfinished = 0;
  #waits = 0;
  #isEnding = false;

  /** `pause(isPaused)` is called when polling is to end, and when it is to go on; `report` with a failure of this
   * module itself. `fields` are the addon's. */
  constructor(max, fields, pause, report) {
    this.#max = max;
    this.#fields = fields;
    this.#pause = pause;
    this.#report = report;
    this.#makeRoom();
  }

  /** True: nothing more is begun until some of the promises have settled. */
  get isFull() {
    return this.#pending >= this.#max + MORE_MAX;
  }

  /** Calls one of both when the promise has settled. `place` is an object of its own that says where it came from. */
  track(promise, place, fulfilled, rejected) {
    this.#link(place);
    this.#balance();
    const settle = (outcome) => (value) => {
      this.#unlink(place);
      this.#balance();
      try {
        outcome(value);
      } catch (error) {
        this.#report(error, { handler: 'dispatch' });
      }
      this.onsettled?.();
    };
    // Promise.resolve, because a foreign thenable may call both, or call at once.
    Promise.resolve(promise).then(settle(fulfilled), settle(rejected));
  }

  #link(place) {
    place.before = this.#last;
    if (this.#last !== undefined) this.#last.behind = place;
    this.#last = place;
    this.#pending++;
    if (!place.isAnswer) this.unfinished++;
  }

  #unlink(place) {
    const { before, behind } = place;
    if (before !== undefined) before.behind = behind;
    if (behind !== undefined) behind.before = before;
    else this.#last = before;
    this.#pending--;
    if (!place.isAnswer) this.unfinished--;
  }

  /** An event begins, or ends, to wait for its turn. */
  queue() {
    this.#pending++;
    this.#balance();
  }

  unqueue() {
    this.#pending--;
    this.#balance();
  }

  /** Where the `unfinished` ones came from, in the order in which they began. */
  places() {
    const list = [];
    for (let place = this.#last; place !== undefined; place = place.before) if (!place.isAnswer) list.push(place);
    return list.reverse();
  }

  /** A promise that an event will settle. */
  waiting() {
    this.#waits++;
    this.#balance();
  }

  waited() {
    this.#waits--;
    this.#balance();
  }

  /** The engine stops, and its last event must be heard. */
  end() {
    this.#isEnding = true;
    this.#balance();
  }

  #balance() {
    this.#makeRoom();
    const enough = this.#isPaused ? this.#pending > this.#max / 2 : this.#pending >= this.#max;
    const wanted = enough && !this.#mustGoOn;
    if (wanted === this.#isPaused) return;
    this.#isPaused = wanted;
    this.#pause(wanted);
  }

  get #mustGoOn() {
    return this.#waits > 0 || this.#isEnding;
  }

  /** Sets how many events the next batch may have: each may begin a handler. */
  #makeRoom() {
    const room = this.#max - this.#pending;
    this.#fields[addon.ROOM] = this.#mustGoOn || room > addon.EVENTS_MAX ? addon.EVENTS_MAX : Math.max(1, room);
  }
}

module.exports = { Handlers };
