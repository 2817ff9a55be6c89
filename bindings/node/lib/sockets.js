'use strict';
// Brings the events of sockets to the handlers of their Shards. If a handler fails, onerror is told and the socket is
// closed with 1011. A socket that sends more than its handlers take is closed with 1013.

const addon = require('./addon.js');
const { isPromise, nothing } = require('./calls.js');
const { DogError } = require('./error.js');
const { Turns } = require('./ordered.js');
const { Place, nameOf } = require('./place.js');
const { insideOf } = require('./shard.js');
const { Socket } = require('./socket.js');

const INTERNAL_ERROR = 1011;
const TRY_AGAIN_LATER = 1013;

class SocketEvents {
  #host;
  /** The Dispatcher's, by number. */
  #objects;
  #calls;

  constructor(host, objects, calls) {
    this.#host = host;
    this.#objects = objects;
    this.#calls = calls;
  }

  open(number, low, high, shardNumber, uid) {
    const shard = this.#objects[shardNumber];
    if (shard === undefined) return; // none: a Shard that was not made has no sockets
    const socket = new Socket(low, high, uid, shard);
    this.#objects[number] = socket;
    const { sockets, order } = insideOf(shard);
    sockets.add(socket);
    if (order !== undefined) socket.turns = new Turns(order, this.#host.handlers);
    if (shard.onopen !== undefined) this.#hear(shard, 'onopen', socket);
  }

  message(number, data) {
    const socket = this.#objects[number];
    if (socket === undefined || socket.hasFailed) return;
    const { shard } = socket;
    if (shard.onmessage !== undefined) this.#hear(shard, 'onmessage', socket, data);
  }

  /** onopen or onmessage: one that fails closes the socket. */
  #hear(shard, name, socket, data) {
    if (this.#host.handlers.isFull) return this.#refuse(socket);
    this.#calls.accept();
    const { turns } = socket;
    if (turns === undefined) return this.#call(shard, name, socket, data, nothing);
    const bytes = data === undefined ? 0 : data.length;
    if (!turns.hasRoom(bytes)) return this.#overwhelm(shard, name, socket);
    turns.take((settled) => !socket.hasFailed && this.#call(shard, name, socket, data, settled), bytes);
  }

  /** True: `settled` will be called, when the handler's promise has settled. */
  #call(shard, name, socket, data, settled) {
    let value;
    try {
      value = shard[name](socket, data);
    } catch (error) {
      this.#fail(shard, name, socket, error);
      return false;
    }
    if (!isPromise(value)) return false;
    this.#host.handlers.track(value, new Place(shard, name, socket, false), settled, (error) => {
      this.#fail(shard, name, socket, error);
      settled();
    });
    return true;
  }

  /** The socket sends faster than its handlers, one after another, take it. */
  #overwhelm(shard, name, socket) {
    socket.hasFailed = true;
    if (shard.onerror !== undefined) {
      const failure = new DogError(addon.EFULL, nameOf(shard, name), { detail: 'messages that wait for their turn' });
      this.#calls.tell(shard, 'onerror', [socket, failure], socket);
    }
    socket.close(TRY_AGAIN_LATER);
  }

  #fail(shard, name, socket, error) {
    this.#host.report(error, { handler: nameOf(shard, name), shard, socket });
    if (socket.hasFailed || !socket.isOpen) return;
    socket.hasFailed = true;
    if (shard.onerror !== undefined) {
      const failure = new DogError(addon.EHOST, nameOf(shard, name), { cause: error });
      this.#calls.tell(shard, 'onerror', [socket, failure], socket);
    }
    socket.close(INTERNAL_ERROR);
  }

  #refuse(socket) {
    this.#calls.reportRefusal();
    socket.hasFailed = true;
    socket.close(TRY_AGAIN_LATER);
  }

  close(number, code, reason, isClean) {
    const socket = this.#objects[number];
    if (socket === undefined) return;
    this.#objects[number] = undefined;
    const { shard } = socket;
    Socket.closed(socket);
    insideOf(shard).sockets.delete(socket);
    if (shard.onclose !== undefined) this.#tellInTurn(socket, 'onclose', [socket, code, reason, isClean]);
    this.#host.tokens.dropOwner(socket);
  }

  error(number, status) {
    const socket = this.#objects[number];
    if (socket === undefined || socket.shard.onerror === undefined) return;
    this.#tellInTurn(socket, 'onerror', [socket, new DogError(status, 'socket')]);
  }

  drain(number, dropped) {
    const socket = this.#objects[number];
    if (socket === undefined || socket.shard.ondrain === undefined) return;
    const { shard } = socket;
    this.#calls.tell(shard, 'ondrain', [socket, dropped], socket);
  }

  /** What a socket's Shard is told when the socket's other handlers are done. */
  #tellInTurn(socket, name, values) {
    const { shard, turns } = socket;
    if (turns === undefined) this.#calls.tell(shard, name, values, socket);
    else turns.take((settled) => this.#calls.tell(shard, name, values, socket, settled));
  }
}

module.exports = { SocketEvents };
