'use strict';
// Events to handlers. The addon calls `dispatch` once for many events; its records are described in batch.c.
//
// A handler may return a promise. Handlers of one object begin in the order of their events and do not wait for one
// another, except those of one socket of an `ordered` class (ordered.js). A failure is reported. Then a request gets
// 500, a sibling's question the error's message, and a socket onerror and the close code 1011.

const { markAsUntransferable } = require('worker_threads');
const addon = require('./addon.js');
const { Calls, isPromise } = require('./calls.js');
const { CONNECTED, Request } = require('./request.js');
const { checkMethod, lookAtShard } = require('./define.js');
const { DogError } = require('./error.js');
const { Gateway } = require('./gateway.js');
const { make } = require('./making.js');
const { Place, nameOf } = require('./place.js');
const { parse } = require('./response.js');
const { Shard } = require('./shard.js');
const { SocketEvents } = require('./sockets.js');

const {
  GATEWAY, SLAB, FETCH, IDENTIFY, CLUSTERIZE, RECEIVE, GOSSIP, START, STOP, OPEN, MESSAGE, CLOSE, ERROR, DRAIN,
  WHISPERED, GOSSIPED, WRITABLE, ENDED, LOG, STOPPED, RETIRE, FIELDS,
} = addon;

/** How much of an error's message a sibling that asked gets. */
const FAILURE_TEXT_MAX = 1024;

/** A Gateway that an event has told of. */
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
  #calls;
  #sockets;

  /** Memory of the addon's that short binary messages are in. */
  #slab;

  constructor(host) {
    this.#host = host;
    this.#calls = new Calls(host);
    this.#sockets = new SocketEvents(host, this.#objects, this.#calls);
  }

  /** As for the pool of Node's Buffers: transferring the memory of one message would take away that of all others, and
   * the addon still writes to it. */
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
            this.#sockets.message(number, place === 0 ? values[value++] : this.#view(place - 1, fields[at + 5]));
            break;
          }
          case SLAB: this.#renewSlab(values[value++]); break;
          case OPEN: this.#sockets.open(number, low, high, fields[at + 4], values[value++]); break;
          case CLOSE: this.#sockets.close(number, fields[at + 4], values[value++], fields[at + 5] === 1); break;
          case IDENTIFY: this.#identify(number, low, high, values[value++], values[value++]); break;
          case RECEIVE: this.#receive(number, low, high, values[value++], values[value++], values[value++]); break;
          case WHISPERED:
            this.#answered(number, fields[at + 4], (high >>> 0) * 0x100000000 + (low >>> 0));
            break;
          case GATEWAY: this.addGateway(number, low, high, fields[at + 5], values[value++]); break;
          case CLUSTERIZE:
            this.#clusterize(number, low, high, values[value++], values[value++], values[value++]);
            break;
          case FETCH: this.#fetch(low, high, values[value++], values[value++]); break;
          case GOSSIP: this.#gossip(number, low, high, values[value++]); break;
          case GOSSIPED: this.#answered(number, fields[at + 4], values[value++]); break;
          case START: this.#start(number, low, high, fields[at + 4], fields[at + 5], values[value++]); break;
          case STOP: this.#stop(number); break;
          case RETIRE: this.#retire(number); break;
          case ERROR: this.#sockets.error(number, fields[at + 4]); break;
          case DRAIN: this.#sockets.drain(number, (high >>> 0) * 0x100000000 + (low >>> 0)); break;
          case WRITABLE: this.#host.tokens.find(number)?.writable(); break;
          case ENDED: this.#host.tokens.drop(number)?.ended(fields[at + 4]); break;
          case LOG: this.#host.log(fields[at + 4], values[value++]); break;
          case STOPPED: this.#host.stopped(); break;
        }
      } catch (error) {
        // Failures of handlers do not come here. Another failure costs only this record: its values were taken already.
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

  /** The Gateway of a number, made when it is first needed; undefined if its constructor failed, which was reported. */
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
    if (gateway.onretire !== undefined) this.#calls.tell(gateway, 'onretire', [], gateway);
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

  /** Calls a handler for a request, and answers with its result, now or when its promise has settled. */
  #ask(owner, name, request, answer) {
    if (owner === undefined) return request.fail(); // a Gateway whose constructor failed
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
    this.#host.handlers.track(value, new Place(owner, name, request, true), succeeded, failed);
  }

  #respond(request, value, otherwise) {
    if (value === CONNECTED || (value === undefined && request.isAnswered)) return;
    const response = parse(value);
    if (response === undefined) throw new TypeError(otherwise);
    request.respondParsed(response);
  }

  #refuseRequest(request) {
    this.#calls.reportRefusal();
    const retry = String(this.#host.engineOptions.retryAfterSeconds);
    request.respond({ status: 503, headers: { 'Retry-After': retry }, body: '503 Service Unavailable\n' });
  }

  // ---- Shards

  #start(number, low, high, gatewayNumber, classIndex, id) {
    const shard = this.#makeShard(low, high, this.gateway(gatewayNumber), classIndex, id);
    this.#objects[number] = shard;
    if (shard === undefined) addon.shardStarted(low, high, addon.EHOST);
    else this.#onstart(shard, low, high);
  }

  /** Undefined if a constructor failed, which was reported. */
  #makeShard(low, high, gateway, classIndex, id) {
    if (gateway === undefined) return undefined;
    const known = this.#host.classes[classIndex];
    const { ShardClass, order } = known;
    try {
      const shard = make(ShardClass, { host: this.#host, low, high, id, gateway, sockets: new Set(), order });
      checkMethod(shard, Shard);
      lookAtShard(shard, known);
      return shard;
    } catch (error) {
      this.#host.report(error, { handler: `${ShardClass.name}.constructor` });
      return undefined;
    }
  }

  /** The Shard gets no other event until it has started. If the start fails, the Shard ends, and the next request makes
   * another. The answer may come after the Shard has ended, which is not an error. */
  #onstart(shard, low, high) {
    const succeeded = () => addon.shardStarted(low, high, 0);
    if (shard.onstart === undefined) return succeeded();
    const failed = (error) => {
      this.#host.report(error, { handler: nameOf(shard, 'onstart'), shard });
      addon.shardStarted(low, high, addon.EHOST);
    };
    let value;
    try {
      value = shard.onstart();
    } catch (error) {
      return failed(error);
    }
    if (!isPromise(value)) return succeeded();
    this.#host.handlers.track(value, new Place(shard, 'onstart', shard, false), succeeded, failed);
  }

  #stop(number) {
    const shard = this.#objects[number];
    if (shard === undefined) return;
    this.#objects[number] = undefined;
    if (shard.onstop !== undefined) this.#calls.tell(shard, 'onstop', [], shard);
    this.#host.tokens.dropOwner(shard);
  }

  /** A sibling's question. */
  #gossip(number, low, high, text) {
    const shard = this.#objects[number];
    const failed = (error) => {
      this.#host.report(error, { handler: nameOf(shard, 'ongossip'), shard });
      addon.gossipFail(low, high, String(error?.message ?? error).slice(0, FAILURE_TEXT_MAX));
    };
    const succeeded = (answer) => {
      try {
        const status = addon.gossipReply(low, high, this.#host.codec.json(answer ?? null, 'an answer'));
        // Stale: the Shard that asked does not wait any more.
        if (status !== 0 && status !== addon.ESTALE) throw new DogError(status, 'ongossip');
      } catch (error) {
        failed(error);
      }
    };
    if (shard === undefined) return addon.gossipFail(low, high, 'the Shard could not be made');
    if (this.#host.handlers.isFull) {
      this.#calls.reportRefusal();
      return addon.gossipFail(low, high, 'too many handlers are under way');
    }
    let value;
    try {
      value = shard.ongossip(this.#host.codec.decode(text));
    } catch (error) {
      return failed(error);
    }
    if (!isPromise(value)) return succeeded(value);
    this.#host.handlers.track(value, new Place(shard, 'ongossip', shard, true), succeeded, failed);
  }

  // ---- answers

  #answered(token, status, value) {
    const waiting = this.#host.tokens.drop(token);
    if (status === 0) waiting?.answered(value);
    else waiting?.gone(status);
  }
}

module.exports = { Dispatcher };
