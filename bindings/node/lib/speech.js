'use strict';
// Questions whose answers come in an event: a whisper's outcome, and gossip.

const addon = require('./addon.js');
const { DogError, sent } = require('./error.js');

/** Asks the engine by `call(token)`. A promise that the event with that token settles, to what `read` makes of it; or
 * the status with which the engine refused. */
function ask(host, owner, what, call, read) {
  let settle;
  const promise = new Promise((resolve, reject) => {
    settle = { resolve, reject };
  });
  const token = host.tokens.take({
    answered(value) {
      host.handlers.waited();
      settle.resolve(read(value));
    },
    gone() {
      host.handlers.waited();
      settle.reject(new DogError(addon.EGONE, what));
    },
  }, owner);
  const status = call(token);
  if (status !== 0) {
    host.tokens.drop(token);
    return status;
  }
  host.handlers.waiting();
  // Who does not wait for the outcome is not to be ended by it.
  promise.catch(() => {});
  return promise;
}

/** How many sockets a whisper was queued to: none, where whose cluster it would go through has gone. */
function whisper(host, owner, call) {
  const outcome = ask(host, owner, 'whisper', call, (sockets) => sockets);
  if (typeof outcome !== 'number') return outcome;
  return sent(outcome, 'whisper') || Promise.resolve(0);
}

module.exports = { ask, whisper };
