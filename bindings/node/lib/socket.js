'use strict';
// An open WebSocket on its Shard.

const addon = require('./addon.js');
const { sent } = require('./error.js');
const { text } = require('./message.js');
const { insideOf } = require('./shard.js');
const { ask, whisper } = require('./speech.js');

class Socket {
  #low;
  #high;
  #inside;
  #uid;
  #shard;
  #isOpen = true;
  /** The host's own; the engine never looks at it. */
  data = undefined;
  /** True: one of its handlers failed. It is being closed, and later events are not handled. */
  hasFailed = false;
  /** If its class is `ordered`: its events that wait for their turn. */
  turns = undefined;

  constructor(low, high, uid, shard) {
    this.#low = low;
    this.#high = high;
    this.#uid = uid;
    this.#shard = shard;
    this.#inside = insideOf(shard);
  }

  get uid() {
    return this.#uid;
  }

  get shard() {
    return this.#shard;
  }

  /** True until onclose. */
  get isOpen() {
    return this.#isOpen;
  }

  static closed(socket) {
    socket.#isOpen = false;
  }

  send(message) {
    return sent(addon.socketSend(this.#low, this.#high, this.#inside.host.codec.message(message)), 'send');
  }

  close(code = 0, reason = '') {
    if (!Number.isInteger(code) || code < 0 || code > 65535) throw new TypeError('a close code must be an integer');
    return sent(addon.socketClose(this.#low, this.#high, code, text(String(reason), 'a reason')), 'close');
  }

  // A closed socket need not be left out as the sender, so its Shard sends for it.

  emit(message, toSelf = false) {
    const data = this.#inside.host.codec.message(message);
    const status = addon.socketEmit(this.#low, this.#high, data, toSelf);
    if (status === 0) return true;
    if (sent(status, 'emit')) return true;
    return sent(addon.shardEmit(this.#inside.low, this.#inside.high, data), 'emit');
  }

  broadcast(message, toSelf = false) {
    const data = this.#inside.host.codec.message(message);
    const status = addon.socketBroadcast(this.#low, this.#high, data, toSelf);
    if (status === 0) return true;
    if (sent(status, 'broadcast')) return true;
    return sent(addon.shardBroadcast(this.#inside.low, this.#inside.high, data), 'broadcast');
  }

  whisper(uid, message) {
    const data = this.#inside.host.codec.message(message);
    const target = text(String(uid), 'a uid');
    const { host, low, high } = this.#inside;
    const outcome = ask(host, this, 'whisper',
      (token) => addon.socketWhisper(this.#low, this.#high, target, data, token), (sockets) => sockets);
    if (typeof outcome !== 'number') return outcome;
    sent(outcome, 'whisper'); // throws what is not about this socket's end
    return whisper(host, this.#shard, (token) => addon.shardWhisper(low, high, target, data, token));
  }
}

module.exports = { Socket };
