'use strict';
// The base class of Shards: where the application lives.

const addon = require('./addon.js');
const { DogError, mustLive, sent } = require('./error.js');
const { takeInside } = require('./making.js');
const { text } = require('./message.js');
const { ask, whisper } = require('./speech.js');

class Shard {
  /** { host, low, high, id, gateway, sockets, order } */
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
    const { host, low, high } = this.#inside;
    return sent(addon.shardEmit(low, high, host.codec.message(message)), 'emit');
  }

  broadcast(message) {
    const { host, low, high } = this.#inside;
    return sent(addon.shardBroadcast(low, high, host.codec.message(message)), 'broadcast');
  }

  whisper(uid, message) {
    const { host, low, high } = this.#inside;
    const data = host.codec.message(message);
    const target = text(String(uid), 'a uid');
    return whisper(host, this, (token) => addon.shardWhisper(low, high, target, data, token));
  }

  /** The answers of the siblings that gave one. */
  gossip(question, options) {
    const answers = this.gossipSettled(question, options)
      .then((settled) => settled.filter((result) => result.error === undefined).map((result) => result.answer));
    answers.catch(() => {}); // as in speech.js
    return answers;
  }

  /** The result of each sibling: { shard, answer } or { shard, error }. */
  gossipSettled(question, { timeoutMs = 0 } = {}) {
    const { host, low, high } = this.#inside;
    mustLive(host, 'gossip');
    const asked = host.codec.json(question, 'a question');
    if (!Number.isInteger(timeoutMs) || timeoutMs < 0 || timeoutMs > 0x7fffffff) {
      throw new TypeError('timeoutMs must be an integer from 0');
    }
    const outcome = ask(host, this, 'gossip',
      (token) => addon.shardGossip(low, high, asked, timeoutMs, token),
      (flat) => results(flat, host.codec));
    if (typeof outcome === 'number') throw new DogError(outcome, 'gossip');
    return outcome;
  }
}

/** [id, status, text, ...] as objects. */
function results(flat, codec) {
  const list = [];
  for (let index = 0; index < flat.length; index += 3) {
    const [shard, status, said] = flat.slice(index, index + 3);
    if (status === 0) {
      list.push({ shard, answer: codec.decode(said) });
    } else {
      const error = new DogError(status, 'gossip', { detail: said });
      if (status === addon.EHOST) error.text = said;
      list.push({ shard, error });
    }
  }
  return list;
}

const { insideOf } = Shard;
delete Shard.insideOf;

module.exports = { Shard, insideOf };
