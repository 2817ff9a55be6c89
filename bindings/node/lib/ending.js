'use strict';
// The end of a stop: the engine has ended, and handlers that are still pending get the stop's grace once more.

const addon = require('./addon.js');
const { DogError } = require('./error.js');

/** How many handlers that are cut off are reported one by one. */
const TOLD_MAX = 10;

class Ending {
  #handlers;
  #report;
  #graceMs = Infinity;
  #timer;
  #deadline;
  #isReferenced = true;
  #resolve;
  /** Resolves when no handler is pending any more, or none is waited for. */
  finished = new Promise((resolve) => {
    this.#resolve = resolve;
  });

  constructor(handlers, report) {
    this.#handlers = handlers;
    this.#report = report;
  }

  /** A stop: the shortest grace wins. */
  allow(graceMs) {
    this.#graceMs = Math.min(this.#graceMs, graceMs);
    if (this.#deadline === undefined) return;
    this.#deadline = Math.min(this.#deadline, performance.now() + graceMs);
    this.#wait();
  }

  /** Whether the wait keeps Node alive. */
  refer(isReferenced) {
    this.#isReferenced = isReferenced;
    if (isReferenced) this.#timer?.ref();
    else this.#timer?.unref();
  }

  /** The engine has ended. */
  begin() {
    this.#deadline = performance.now() + (this.#graceMs === Infinity ? 0 : this.#graceMs);
    this.#handlers.onsettled = () => this.#look();
    this.#wait();
  }

  #wait() {
    clearTimeout(this.#timer);
    const left = this.#deadline - performance.now();
    this.#look();
    if (this.#handlers.onsettled === undefined) return;
    if (left <= 0) return this.#cutOff();
    this.#timer = setTimeout(() => this.#cutOff(), left);
    this.refer(this.#isReferenced);
  }

  #look() {
    if (this.#handlers.unfinished === 0) this.#end();
  }

  #cutOff() {
    const cut = this.#handlers.places();
    for (const place of cut.slice(0, TOLD_MAX)) {
      const detail = 'the stop has cut it off';
      const where = place.where();
      this.#report(new DogError(addon.ETIMEDOUT, where.handler, { detail }), where);
    }
    if (cut.length > TOLD_MAX) {
      const error = new DogError(addon.ETIMEDOUT, 'stop', { detail: `${cut.length - TOLD_MAX} more were cut off` });
      this.#report(error, { handler: 'stop' });
    }
    this.#end();
  }

  #end() {
    clearTimeout(this.#timer);
    this.#handlers.onsettled = undefined;
    this.#resolve();
  }
}

module.exports = { Ending };
