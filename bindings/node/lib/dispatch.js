'use strict';
// Events to handlers. The addon calls `dispatch` once for many events; its records are described in batch.c.
//
// A handler may return a promise. Handlers of one object begin in the order of their events and do not wait for one
// another. One that fails is reported, and then: a request gets 500, a question of a sibling that error's message, a
// socket onerror and the close code 1011.

const { markAsUntransferable } = require('worker_threads');
const addon = require('./addon.js');
const { CONNECTED, Request } = require('./request.js');
const { checkMethod } = require('./define.js');
const { DogError } = require('./error.js');
const { Gateway } = require('./gateway.js');
const { json } = require('./message.js');
const { make } = require('./making.js');
const { parse } = require('./response.js');
const { insideOf, Shard } = require('./shard.js');
const { Socket } = require('./socket.js');

const {
  GATEWAY, SLAB, FETCH, IDENTIFY, CLUSTERIZE, RECEIVE, GOSSIP, START, STOP, OPEN, MESSAGE, CLOSE, ERROR, DRAIN,
  WHISPERED, GOSSIPED, WRITABLE, ENDED, LOG, STOPPED, RETIRE, FIELDS,
} = addon;

const INTERNAL_ERROR = 1011;
const TRY_AGAIN_LATER = 1013;

function isPromise(value) {
  return typeof value === 'object' && value !== null && typeof value.then === 'function';
}

/** A Gateway that events have told of. */
class GatewayEntry {
  object = undefined;

  constructor(GatewayClass, low, high, name) {
    this.GatewayClass = GatewayClass;
    this.low = low;
    this.high = high;
    this.name = name;
  }
}

class Dispatcher {
  #host;
  /** Gateway entries, Shards and sockets, each at the number that the addon's table gave its handle. */
  #objects = [];
  /** Whether it has been reported that work is refused since there was room last. */
  #isRefusing = false;

  /** Memory of the addon's that short binary messages are in. */
  #slab;

  constructor(host) {
    this.#host = host;
  }

  /** As with the pool of Node's Buffers: who transfers one message's memory would take away that of all others, into
   * which the addon goes on to write. */
  #renewSlab(memory) {
    markAsUntransferable(memory);
    this.#slab = Buffer.from(memory);
  }

  #view(offset, length) {
    return this.#slab.subarray(offset, offset + length);
  }

  /** What the addon calls. */
  dispatch(records, values) {
    const { fields } = this.#host;
    let value = 0;
    for (let record = 0, at = 0; record < records; record++, at += FIELDS) {
      const number = fields[at + 1];
      const low = fields[at + 2];
      const high = fields[at + 3];
      try {
        switch (fields[at]) {
          case MESSAGE: {
            const place = fields[at + 4];
            this.#message(number, place === 0 ? values[value++] : this.#view(place - 1, fields[at + 5]));
            break;
          }
          case SLAB: this.#renewSlab(values[value++]); break;
          case OPEN: this.#open(number, low, high, fields[at + 4], values[value++]); break;
          case CLOSE: this.#close(number, fields[at + 4], values[value++], fields[at + 5] === 1); break;
          case IDENTIFY: this.#identify(number, low, high, values[value++], values[value++]); break;
          case RECEIVE: this.#receive(number, low, high, values[value++], values[value++], values[value++]); break;
          case WHISPERED: this.#answered(number, (high >>> 0) * 0x100000000 + (low >>> 0)); break;
          case GATEWAY: this.addGateway(number, low, high, fields[at + 5], values[value++]); break;
          case CLUSTERIZE:
            this.#clusterize(number, low, high, values[value++], values[value++], values[value++]);
            break;
          case FETCH: this.#fetch(low, high, values[value++], values[value++]); break;
          case GOSSIP: this.#gossip(number, low, high, values[value++]); break;
          case GOSSIPED: this.#answered(number, values[value++]); break;
          case START: this.#start(number, low, high, fields[at + 4], fields[at + 5], values[value++]); break;
          case STOP: this.#stop(number); break;
          case RETIRE: this.#retire(number); break;
          case ERROR: this.#error(number, fields[at + 4]); break;
          case DRAIN: this.#drain(number, (high >>> 0) * 0x100000000 + (low >>> 0)); break;
          case WRITABLE: this.#host.tokens.find(number)?.writable(); break;
          case ENDED: this.#host.tokens.drop(number)?.ended(fields[at + 4]); break;
          case LOG: this.#host.log(fields[at + 4], values[value++]); break;
          case STOPPED: this.#host.stopped(); break;
        }
      } catch (error) {
        // No handler's failure comes here. What does costs no other record; its values have been taken by then.
        this.#host.report(error, { handler: 'dispatch' });
      }
    }
  }

  // ---- Gateways

  addGateway(number, low, high, classIndex, name) {
    const entry = new GatewayEntry(this.#host.classes[classIndex].GatewayClass, low, high, name);
    this.#objects[number] = entry;
    return entry;
  }

  /** The Gateway of a number, made when it is first needed; undefined where its constructor failed and was reported. */
  gateway(number) {
    const entry = this.#objects[number];
    if (entry === undefined || entry.object !== undefined) return entry?.object;
    const { GatewayClass, low, high, name } = entry;
    try {
      entry.object = make(GatewayClass, { host: this.#host, low, high, name });
      checkMethod(entry.object, Gateway);
    } catch (error) {
      this.#host.report(error, { handler: `${GatewayClass.name}.constructor` });
      entry.object = undefined;
    }
    return entry.object;
  }

  #retire(number) {
    const gateway = this.#objects[number]?.object;
    this.#objects[number] = undefined;
    if (gateway === undefined) return;
    if (gateway.onretire !== undefined) this.#tell(gateway, 'onretire', [], { gateway });
    this.#host.tokens.dropOwner(gateway);
  }

  #identify(number, low, high, method, target) {
    const request = new Request(this.#host, low, high, method, target);
    this.#ask(this.gateway(number), 'identify', request, (value) => {
      if (typeof value === 'string') request.identify(value);
      else this.#respond(request, value, 'identify must return a uid or a response');
    });
  }

  #clusterize(number, low, high, method, target, uid) {
    const request = new Request(this.#host, low, high, method, target, uid);
    this.#ask(this.gateway(number), 'clusterize', request, (value) => {
      if (typeof value === 'string') request.clusterize(value);
      else this.#respond(request, value, 'clusterize must return the id of a Shard');
    });
  }

  // ---- requests

  #fetch(low, high, method, target) {
    const request = new Request(this.#host, low, high, method, target);
    this.#ask(this.#host.options, 'fetch', request, (value) =>
      this.#respond(request, value, 'fetch must return a response, or what request.forward gives'));
  }

  #receive(number, low, high, method, target, uid) {
    const request = new Request(this.#host, low, high, method, target, uid);
    this.#ask(this.#objects[number], 'receive', request, (value) =>
      this.#respond(request, value, 'receive must return a response, or what connect gives'));
  }

  /** Calls a handler for a request, now and when its promise has settled, and answers with what it gave. */
  #ask(owner, name, request, answer) {
    if (owner === undefined) return request.fail(); // its constructor failed
    if (this.#host.handlers.isFull) return this.#refuseRequest(request);
    const failed = (error) => {
      this.#host.report(error, { handler: nameOf(owner, name), request });
      request.fail();
    };
    const succeeded = (value) => {
      try {
        answer(value);
      } catch (error) {
        failed(error);
      }
    };
    let value;
    try {
      value = owner[name](request);
    } catch (error) {
      return failed(error);
    }
    if (!isPromise(value)) return succeeded(value);
    request.keep();
    this.#host.handlers.track(value, succeeded, failed);
  }

  #respond(request, value, otherwise) {
    if (value === CONNECTED || (value === undefined && request.isAnswered)) return;
    const response = parse(value);
    if (response === undefined) throw new TypeError(otherwise);
    request.respondParsed(response);
  }

  #refuseRequest(request) {
    this.#reportRefusal();
    const retry = String(this.#host.options.retryAfterSeconds ?? 1);
    request.respond({ status: 503, headers: { 'Retry-After': retry }, body: '503 Service Unavailable\n' });
  }

  #reportRefusal() {
    if (this.#isRefusing) return;
    this.#isRefusing = true;
    this.#host.report(new DogError(addon.EFULL, 'promises of handlers under way'), { handler: 'handlersMax' });
  }

  // ---- Shards

  #start(number, low, high, gatewayNumber, classIndex, id) {
    const { ShardClass } = this.#host.classes[classIndex];
    const inside = { host: this.#host, low, high, id, gateway: this.gateway(gatewayNumber), sockets: new Set() };
    let shard;
    try {
      shard = make(ShardClass, inside);
      checkMethod(shard, Shard);
    } catch (error) {
      this.#host.report(error, { handler: `${ShardClass.name}.constructor` });
      shard = undefined;
    }
    this.#objects[number] = shard;
    if (shard?.onstart !== undefined) this.#tell(shard, 'onstart', [], { shard });
  }

  #stop(number) {
    const shard = this.#objects[number];
    if (shard === undefined) return;
    this.#objects[number] = undefined;
    if (shard.onstop !== undefined) this.#tell(shard, 'onstop', [], { shard });
    this.#host.tokens.dropOwner(shard);
  }

  /** A sibling's question. */
  #gossip(number, low, high, text) {
    const shard = this.#objects[number];
    const failed = (error) => {
      this.#host.report(error, { handler: nameOf(shard, 'ongossip'), shard });
      addon.gossipFail(low, high, String(error?.message ?? error));
    };
    const succeeded = (answer) => {
      try {
        const status = addon.gossipReply(low, high, json(answer ?? null, 'an answer'));
        // Stale: the one who asked waits no more.
        if (status !== 0 && status !== addon.ESTALE) throw new DogError(status, 'ongossip');
      } catch (error) {
        failed(error);
      }
    };
    if (shard === undefined) return addon.gossipFail(low, high, 'the Shard could not be made');
    if (this.#host.handlers.isFull) {
      this.#reportRefusal();
      return addon.gossipFail(low, high, 'too many handlers are under way');
    }
    let value;
    try {
      value = shard.ongossip(JSON.parse(text));
    } catch (error) {
      return failed(error);
    }
    if (isPromise(value)) this.#host.handlers.track(value, succeeded, failed);
    else succeeded(value);
  }

  // ---- sockets

  #open(number, low, high, shardNumber, uid) {
    const shard = this.#objects[shardNumber];
    if (shard === undefined) return; // it refused every request, so it has no sockets
    const socket = new Socket(low, high, uid, shard);
    this.#objects[number] = socket;
    insideOf(shard).sockets.add(socket);
    if (shard.onopen !== undefined) this.#hear(shard, 'onopen', socket);
  }

  #message(number, data) {
    const socket = this.#objects[number];
    if (socket === undefined || socket.hasFailed) return;
    const { shard } = socket;
    if (shard.onmessage !== undefined) this.#hear(shard, 'onmessage', socket, data);
  }

  /** onopen or onmessage: one that fails closes the socket. */
  #hear(shard, name, socket, data) {
    if (this.#host.handlers.isFull) return this.#refuse(socket);
    this.#isRefusing = false;
    let value;
    try {
      value = shard[name](socket, data);
    } catch (error) {
      return this.#fail(shard, name, socket, error);
    }
    if (isPromise(value)) {
      this.#host.handlers.track(value, nothing, (error) => this.#fail(shard, name, socket, error));
    }
  }

  #fail(shard, name, socket, error) {
    this.#host.report(error, { handler: nameOf(shard, name), shard, socket });
    if (socket.hasFailed || !socket.isOpen) return;
    socket.hasFailed = true;
    if (shard.onerror !== undefined) {
      const failure = new DogError(addon.EHOST, nameOf(shard, name), { cause: error });
      this.#tell(shard, 'onerror', [socket, failure], { shard, socket });
    }
    socket.close(INTERNAL_ERROR);
  }

  #refuse(socket) {
    this.#reportRefusal();
    socket.hasFailed = true;
    socket.close(TRY_AGAIN_LATER);
  }

  #close(number, code, reason, isClean) {
    const socket = this.#objects[number];
    if (socket === undefined) return;
    this.#objects[number] = undefined;
    const { shard } = socket;
    Socket.closed(socket);
    insideOf(shard).sockets.delete(socket);
    if (shard.onclose !== undefined) {
      this.#tell(shard, 'onclose', [socket, code, reason, isClean], { shard, socket });
    }
    this.#host.tokens.dropOwner(socket);
  }

  #error(number, status) {
    const socket = this.#objects[number];
    if (socket === undefined || socket.shard.onerror === undefined) return;
    const { shard } = socket;
    this.#tell(shard, 'onerror', [socket, new DogError(status, 'socket')], { shard, socket });
  }

  #drain(number, dropped) {
    const socket = this.#objects[number];
    if (socket === undefined || socket.shard.ondrain === undefined) return;
    const { shard } = socket;
    this.#tell(shard, 'ondrain', [socket, dropped], { shard, socket });
  }

  /** A handler that is told of something; one that fails is reported, and changes nothing. */
  #tell(owner, name, values, where) {
    const failed = (error) => this.#host.report(error, { handler: nameOf(owner, name), ...where });
    try {
      const value = owner[name](...values);
      if (isPromise(value)) this.#host.handlers.track(value, nothing, failed);
    } catch (error) {
      failed(error);
    }
  }

  #answered(token, value) {
    this.#host.tokens.drop(token)?.answered(value);
  }
}

function nothing() {}

function nameOf(owner, name) {
  return owner instanceof Gateway || owner instanceof Shard ? `${owner.constructor.name}.${name}` : name;
}

module.exports = { Dispatcher };
