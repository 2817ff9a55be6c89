'use strict';
// The base class of Gateways: who owns a named cluster.

const addon = require('./addon.js');
const { DogError, sent } = require('./error.js');
const { takeInside } = require('./making.js');
const { encode } = require('./message.js');
const { whisper } = require('./speech.js');

class Gateway {
  /** { host, low, high, name } */
  #inside;

  constructor() {
    this.#inside = takeInside('Gateway');
  }

  get name() {
    return this.#inside.name;
  }

  broadcast(message) {
    const { low, high } = this.#inside;
    return sent(addon.gatewayBroadcast(low, high, encode(message)), 'broadcast');
  }

  whisper(uid, message) {
    const { host, low, high } = this.#inside;
    const data = encode(message);
    return whisper(host, this, (token) => addon.gatewayWhisper(low, high, String(uid), data, token));
  }

  /** How many Shards it has, and how many places on them are taken. */
  stats() {
    const { low, high } = this.#inside;
    const stats = addon.gatewayStats(low, high);
    if (typeof stats === 'number') throw new DogError(stats, 'stats');
    return stats;
  }
}

module.exports = { Gateway };
