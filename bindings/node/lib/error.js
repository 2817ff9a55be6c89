'use strict';
// Errors of the engine, by the names of dog.h.

const addon = require('./addon.js');

/** What libdog refused: `code` is the status's name ('DOG_ESTALE'), `status` its number. */
class DogError extends Error {
  constructor(status, what, options) {
    const [code, sentence] = addon.statusOf(status);
    const detail = options?.detail && options.detail !== sentence ? ` (${options.detail})` : '';
    super(`${what}: ${sentence}${detail}`, options?.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.status = status;
  }

  get name() {
    return 'DogError';
  }
}

/** Throws unless the status is DOG_OK. */
function check(status, what) {
  if (status !== 0) throw new DogError(status, what);
}

/** Throws if the engine has ended. */
function mustLive({ isEnded }, what) {
  if (isEnded) throw new DogError(addon.ESTALE, what, { detail: 'the engine has ended' });
}

/** True: it was queued. False: the receiver has gone or is closing, which a caller cannot know beforehand. Anything
 * else is thrown. */
function sent(status, what) {
  if (status === 0) return true;
  if (status === addon.ESTALE || status === addon.ECLOSED || status === addon.ESLOW) return false;
  throw new DogError(status, what);
}

module.exports = { DogError, check, mustLive, sent };
