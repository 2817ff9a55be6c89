'use strict';
// How handlers are called that are only told of something, and what is reported when too many are pending.

const addon = require('./addon.js');
const { DogError } = require('./error.js');
const { Place } = require('./place.js');

function isPromise(value) {
  return typeof value === 'object' && value !== null && typeof value.then === 'function';
}

function nothing() {}

class Calls {
  #host;
  /** Whether it was reported that work is refused, since there last was room. */
  #isRefusing = false;

  constructor(host) {
    this.#host = host;
  }

  /** Calls a handler that is only told of something. A failure is reported, and changes nothing. `about` is as in
   * place.js. True: `settled` will be called when the handler's promise has settled. */
  tell(owner, name, values, about, settled = nothing) {
    const failed = (error) => this.#host.report(error, new Place(owner, name, about, false).where());
    let value;
    try {
      value = owner[name](...values);
    } catch (error) {
      failed(error);
      return false;
    }
    if (!isPromise(value)) return false;
    this.#host.handlers.track(value, new Place(owner, name, about, false), settled, (error) => {
      failed(error);
      settled();
    });
    return true;
  }

  /** Handlers under way are at their limit: said once, until there is room again. */
  reportRefusal() {
    if (this.#isRefusing) return;
    this.#isRefusing = true;
    this.#host.report(new DogError(addon.EFULL, 'promises of handlers under way'), { handler: 'handlersMax' });
  }

  /** There is room. */
  accept() {
    this.#isRefusing = false;
  }
}

module.exports = { Calls, isPromise, nothing };
