'use strict';
// The base class of Shards: where the application lives.

const addon = require('./addon.js');
const { DogError, sent } = require('./error.js');
const { takeInside } = require('./making.js');
const { encode, json } = require('./message.js');
const { ask, whisper } = require('./speech.js');

class Shard {
  /** { host, low, high, id, gateway, sockets } */
  #inside;

  constructor() {
    this.#inside = takeInside('Shard');
  }

  static insideOf(shard) {
    return shard.#inside;
  }

  get id() {
    return this.#inside.id;
  }

  get gateway() {
    return this.#inside.gateway;
  }

  /** The open sockets, as an array of its own. */
  get sockets() {
    return [...this.#inside.sockets];
  }

  get count() {
    return this.#inside.sockets.size;
  }

  connect(request, options) {
    return request.connect(options);
  }

  emit(message) {
    const { low, high } = this.#inside;
    return sent(addon.shardEmit(low, high, encode(message)), 'emit');
  }

  broadcast(message) {
    const { low, high } = this.#inside;
    return sent(addon.shardBroadcast(low, high, encode(message)), 'broadcast');
  }

  whisper(uid, message) {
    const { host, low, high } = this.#inside;
    const data = encode(message);
    return whisper(host, this, (token) => addon.shardWhisper(low, high, String(uid), data, token));
  }

  /** The answers of the siblings that gave one. */
  gossip(question, options) {
    const answers = this.gossipSettled(question, options)
      .then((settled) => settled.filter((result) => result.error === undefined).map((result) => result.answer));
    answers.catch(() => {}); // as in speech.js
    return answers;
  }

  /** What came of each sibling: { shard, answer } or { shard, error }. */
  gossipSettled(question, { timeoutMs = 0 } = {}) {
    const { host, low, high } = this.#inside;
    const text = json(question, 'a question');
    if (!Number.isInteger(timeoutMs) || timeoutMs < 0 || timeoutMs > 0x7fffffff) {
      throw new TypeError('timeoutMs must be an integer from 0');
    }
    const outcome = ask(host, this, 'gossip',
      (token) => addon.shardGossip(low, high, text, timeoutMs, token), results);
    if (typeof outcome === 'number') throw new DogError(outcome, 'gossip');
    return outcome;
  }
}

/** [id, status, text, ...] as objects. */
function results(flat) {
  const list = [];
  for (let index = 0; index < flat.length; index += 3) {
    const [shard, status, text] = flat.slice(index, index + 3);
    if (status === 0) {
      list.push({ shard, answer: JSON.parse(text) });
    } else {
      const error = new DogError(status, 'gossip', { detail: text });
      if (status === addon.EHOST) error.text = text;
      list.push({ shard, error });
    }
  }
  return list;
}

const { insideOf } = Shard;
delete Shard.insideOf;

module.exports = { Shard, insideOf };
