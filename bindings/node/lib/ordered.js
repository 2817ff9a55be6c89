'use strict';
// Handles the events of a socket one after another, for classes with the option `ordered`: an event that comes while a
// handler of the socket is pending waits until that has settled.

class Turns {
  #limits;
  /** What waits, in the order of the events: { run, bytes, next }, from the first to the last. */
  #first;
  #last;
  #count = 0;
  #bytes = 0;
  #handlers;
  /** Whether a handler of the socket is pending. */
  #isBusy = false;

  /** `limits` are { messagesMax, bytesMax } of what may wait; `handlers` counts it. */
  constructor(limits, handlers) {
    this.#limits = limits;
    this.#handlers = handlers;
  }

  /** Whether a message of so many bytes may still be put off. */
  hasRoom(bytes) {
    if (this.#count === 0) return true;
    return this.#count < this.#limits.messagesMax && this.#bytes + bytes <= this.#limits.bytesMax;
  }

  /** Calls `run` now or when its turn comes. It gets a function to call when its handler has settled, and gives true if
   * it will. */
  take(run, bytes = 0) {
    if (!this.#isBusy) return this.#run(run);
    const waiting = { run, bytes, next: undefined };
    if (this.#last === undefined) this.#first = waiting;
    else this.#last.next = waiting;
    this.#last = waiting;
    this.#count++;
    this.#bytes += bytes;
    this.#handlers.queue();
  }

  #run(run) {
    this.#isBusy = run(() => this.#next()) === true;
  }

  #next() {
    this.#isBusy = false;
    while (!this.#isBusy && this.#first !== undefined) {
      const { run, bytes, next } = this.#first;
      this.#first = next;
      if (next === undefined) this.#last = undefined;
      this.#count--;
      this.#bytes -= bytes;
      this.#handlers.unqueue();
      this.#run(run);
    }
  }
}

module.exports = { Turns };
