'use strict';
// The promises of handlers that are under way, and what happens when there are too many.
//
// From `max` on the engine is polled no more until a half of them have settled: its queue fills, its workers stop
// reading, TCP slows the clients down. But a handler may itself wait for something that the engine says in an event
// (a whisper's outcome, gossip, room in a stream): as long as one does (`waits`), polling goes on, or it would wait for
// ever. What comes meanwhile is bounded by `refuseAt`: from there on new work is refused.

const REFUSE_FACTOR = 4;

class Handlers {
  #max;
  #pause;
  #isPaused = false;
  #pending = 0;
  #waits = 0;
  #isEnding = false;

  /** `pause(isPaused)` is called when polling is to end, and when it is to go on. */
  constructor(max, pause) {
    this.#max = max;
    this.#pause = pause;
  }

  /** True: nothing more is begun until some of what is under way has settled. */
  get isFull() {
    return this.#pending >= this.#max * REFUSE_FACTOR;
  }

  /** Calls one of both when the promise has settled. */
  track(promise, fulfilled, rejected) {
    this.#pending++;
    if (this.#pending >= this.#max) this.#balance();
    const settle = (outcome) => (value) => {
      this.#pending--;
      if (this.#isPaused) this.#balance();
      outcome(value);
    };
    // Promise.resolve: a thenable of somebody else's may call both, or at once.
    Promise.resolve(promise).then(settle(fulfilled), settle(rejected));
  }

  /** A promise that an event will settle. */
  waiting() {
    this.#waits++;
    if (this.#isPaused) this.#balance();
  }

  waited() {
    this.#waits--;
    if (this.#waits === 0 && this.#pending >= this.#max) this.#balance();
  }

  /** The engine stops, and its last event must be heard. */
  end() {
    this.#isEnding = true;
    this.#balance();
  }

  #balance() {
    const enough = this.#isPaused ? this.#pending > this.#max / 2 : this.#pending >= this.#max;
    const wanted = enough && this.#waits === 0 && !this.#isEnding;
    if (wanted === this.#isPaused) return;
    this.#isPaused = wanted;
    this.#pause(wanted);
  }
}

module.exports = { Handlers };
