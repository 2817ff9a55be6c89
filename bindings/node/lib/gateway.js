'use strict';
// The base class of Gateways: the owners of named clusters.

const addon = require('./addon.js');
const { DogError, mustLive, sent } = require('./error.js');
const { takeInside } = require('./making.js');
const { text } = require('./message.js');
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
    const { host, low, high } = this.#inside;
    return sent(addon.gatewayBroadcast(low, high, host.codec.message(message)), 'broadcast');
  }

  whisper(uid, message) {
    const { host, low, high } = this.#inside;
    const data = host.codec.message(message);
    const target = text(String(uid), 'a uid');
    return whisper(host, this, (token) => addon.gatewayWhisper(low, high, target, data, token));
  }

  /** How many Shards it has, and how many places on them are taken. */
  stats() {
    const { host, low, high } = this.#inside;
    mustLive(host, 'stats');
    const stats = addon.gatewayStats(low, high);
    if (typeof stats === 'number') throw new DogError(stats, 'stats');
    return stats;
  }
}

module.exports = { Gateway };
