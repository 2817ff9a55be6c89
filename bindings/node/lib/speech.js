'use strict';
// Questions whose answers come in an event: a whisper's outcome, and gossip.

const addon = require('./addon.js');
const { DogError, sent } = require('./error.js');

/** Asks the engine by `call(token)`. Returns a promise that the event with that token settles, to what `read` makes of
 * it; or the status, if the engine refused. */
function ask(host, owner, what, call, read) {
  let settle;
  const promise = new Promise((resolve, reject) => {
    settle = { resolve, reject };
  });
  const token = host.tokens.take({
    answered(value) {
      host.handlers.waited();
      try {
        settle.resolve(read(value));
      } catch (error) {
        settle.reject(error); // a decoder of the host's
      }
    },
    gone(status = addon.EGONE) {
      host.handlers.waited();
      settle.reject(new DogError(status, what));
    },
  }, owner);
  const status = call(token);
  if (status !== 0) {
    host.tokens.drop(token);
    return status;
  }
  host.handlers.waiting();
  // A program that does not await the outcome must not be ended by its rejection.
  promise.catch(() => {});
  return promise;
}

/** How many sockets a whisper was queued to: 0 if its sender and cluster have gone. */
function whisper(host, owner, call) {
  const outcome = ask(host, owner, 'whisper', call, (sockets) => sockets);
  if (typeof outcome !== 'number') return outcome;
  return sent(outcome, 'whisper') || Promise.resolve(0);
}

module.exports = { ask, whisper };
