'use strict';
// The promises of handlers that are under way, and what happens when there are too many.
//
// From `max` on the engine is polled no more until a half of them have settled: its queue fills, its workers stop
// reading, TCP slows the clients down. But a handler may itself wait for something that the engine says in an event
// (a whisper's outcome, gossip, room in a stream): as long as one does (`waits`), polling goes on, or it would wait for
// ever. What comes meanwhile is bounded too: MORE_MAX handlers later new work is refused.

const addon = require('./addon.js');

const MORE_MAX = 65536;

class Handlers {
  #max;
  #fields;
  #pause;
  #report;
  #isPaused = false;
  #pending = 0;
  #waits = 0;
  #isEnding = false;

  /** `pause(isPaused)` is called when polling is to end, and when it is to go on; `report` with what is this module's
   * own failure. `fields` are the addon's. */
  constructor(max, fields, pause, report) {
    this.#max = max;
    this.#fields = fields;
    this.#pause = pause;
    this.#report = report;
    this.#makeRoom();
  }

  /** True: nothing more is begun until some of what is under way has settled. */
  get isFull() {
    return this.#pending >= this.#max + MORE_MAX;
  }

  /** Calls one of both when the promise has settled. */
  track(promise, fulfilled, rejected) {
    this.#pending++;
    this.#balance();
    const settle = (outcome) => (value) => {
      this.#pending--;
      this.#balance();
      try {
        outcome(value);
      } catch (error) {
        this.#report(error, { handler: 'dispatch' });
      }
    };
    // Promise.resolve: a thenable of somebody else's may call both, or at once.
    Promise.resolve(promise).then(settle(fulfilled), settle(rejected));
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

  /** How many events the next batch may have, where each may begin a handler. */
  #makeRoom() {
    const room = this.#max - this.#pending;
    this.#fields[addon.ROOM] = this.#mustGoOn || room > addon.EVENTS_MAX ? addon.EVENTS_MAX : Math.max(1, room);
  }
}

module.exports = { Handlers };
