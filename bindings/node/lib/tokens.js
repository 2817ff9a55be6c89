'use strict';
// Questions to the engine that are not answered yet. The engine gives back a token with its answer; this finds the
// waiter by the token.

const addon = require('./addon.js');
const { DogError } = require('./error.js');

/** Questions of one engine that wait for answers at once; one more is DOG_EFULL. */
const WAITING_MAX = 1 << 20;
const TOKEN_MAX = 0x7fffffff;

class Tokens {
  #waiting = new Map();
  #last = 0;
  /** Token sets of the objects that asked. */
  #owners = new Map();

  /** A token for a waiter. If `owner` ends, so does the wait. */
  take(waiting, owner) {
    if (this.#waiting.size >= WAITING_MAX) throw new DogError(addon.EFULL, 'waiting for answers');
    do {
      this.#last = this.#last === TOKEN_MAX ? 1 : this.#last + 1;
    } while (this.#waiting.has(this.#last));
    const token = this.#last;
    waiting.owner = owner;
    this.#waiting.set(token, waiting);
    if (owner !== undefined) {
      const tokens = this.#owners.get(owner);
      if (tokens === undefined) this.#owners.set(owner, new Set([token]));
      else tokens.add(token);
    }
    return token;
  }

  find(token) {
    return this.#waiting.get(token);
  }

  /** What waited for this token, which is free again. */
  drop(token) {
    const waiting = this.#waiting.get(token);
    if (waiting === undefined) return undefined;
    this.#waiting.delete(token);
    if (waiting.owner !== undefined) {
      const tokens = this.#owners.get(waiting.owner);
      tokens?.delete(token);
      if (tokens?.size === 0) this.#owners.delete(waiting.owner);
    }
    return waiting;
  }

  /** Everything that an object waited for: no answer comes, now that it has gone. */
  dropOwner(owner) {
    const tokens = this.#owners.get(owner);
    if (tokens === undefined) return;
    for (const token of [...tokens]) this.drop(token).gone();
  }

  dropAll() {
    for (const token of [...this.#waiting.keys()]) this.drop(token)?.gone();
  }
}

module.exports = { Tokens };
