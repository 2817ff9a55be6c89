'use strict';
// One question to the host: a request that waits for one answer.
//
// What it says is read from the engine when it is asked for, and kept. An unanswered request can be read at any time;
// a handler that goes on later (its promise is pending) has all of it kept then, so that it can read on even if the
// client has left meanwhile.

const addon = require('./addon.js');
const { DogError, check } = require('./error.js');
const { Headers, flatten } = require('./headers.js');
const { BodyStream, pump } = require('./stream.js');
const { parse, Response } = require('./response.js');

/** What `connect` gives, for `receive` to return: the request has its answer. */
const CONNECTED = Object.freeze(new Response(null, { status: 101 }));

const READERS = {
  path: addon.requestPath,
  remote: addon.requestRemote,
  clientSubject: addon.requestClientSubject,
  body: addon.requestBody,
  protocols: addon.requestProtocols,
  headers(low, high) {
    const raw = addon.requestHeaders(low, high);
    return typeof raw === 'number' ? raw : new Headers(raw, addon.requestHeader(low, high, 'host'));
  },
};

class Request {
  #host;
  #low;
  #high;
  #kept = {};
  #isAnswered = false;
  #query;
  #controller;
  /** The response that was begun, if it is streamed. */
  #stream;

  constructor(host, low, high, method, target, uid) {
    this.#host = host;
    this.#low = low;
    this.#high = high;
    this.method = method;
    this.target = target;
    this.uid = uid;
  }

  // ---- reading

  #read(name) {
    if (name in this.#kept) return this.#kept[name];
    const value = READERS[name](this.#low, this.#high);
    if (typeof value === 'number') throw new DogError(value, `request.${name}`);
    this.#kept[name] = value;
    return value;
  }

  get path() {
    return this.#read('path');
  }

  get remote() {
    return this.#read('remote');
  }

  get clientSubject() {
    return this.#read('clientSubject');
  }

  get protocols() {
    return this.#read('protocols');
  }

  get headers() {
    return this.#read('headers');
  }

  get body() {
    return this.#read('body');
  }

  text() {
    return this.body.toString();
  }

  json() {
    return JSON.parse(this.text());
  }

  /** The target with a scheme and the host in front, for URL. The engine does not tell the scheme: it is http. */
  get url() {
    if (!this.target.startsWith('/') && this.target !== '*') return this.target;
    return `http://${this.headers.get('host') ?? 'localhost'}${this.target.replace(/^\*/, '/*')}`;
  }

  /** The first value of a parameter in the query, or null. */
  query(name) {
    if (this.#query === undefined) {
      const mark = this.target.indexOf('?');
      this.#query = new URLSearchParams(mark < 0 ? '' : this.target.slice(mark + 1));
    }
    return this.#query.get(name);
  }

  /** Aborted when the client leaves a streamed response. */
  get signal() {
    this.#controller ??= new AbortController();
    return this.#controller.signal;
  }

  /** Keeps all of it, for a handler that goes on later. */
  keep() {
    if (this.#isAnswered) return;
    for (const name of Object.keys(READERS)) {
      if (name in this.#kept) continue;
      const value = READERS[name](this.#low, this.#high);
      if (typeof value !== 'number') this.#kept[name] = value;
    }
  }

  // ---- answers

  /** Whether an answer was given, which is once for all. */
  get isAnswered() {
    return this.#isAnswered;
  }

  /** Takes the answer of `call`. True: it is on its way; false: nobody waits any more (the client left, or the deadline
   * has passed). */
  #answer(what, call) {
    if (this.#isAnswered) throw new DogError(addon.ESTALE, what, { detail: 'it was answered before' });
    this.#isAnswered = true;
    const status = call(this.#low, this.#high);
    if (status === addon.ESTALE) return false;
    check(status, what);
    return true;
  }

  identify(uid) {
    return this.#answer('identify', (low, high) => addon.requestIdentify(low, high, String(uid)));
  }

  clusterize(id) {
    return this.#answer('clusterize', (low, high) => addon.requestClusterize(low, high, String(id)));
  }

  /** To `fetch`: the request goes to the Gateway `name` of a class, which is given itself or by its name. */
  forward(gatewayClass, name) {
    const className = typeof gatewayClass === 'function' ? gatewayClass.name : String(gatewayClass);
    this.#answer('forward', (low, high) => addon.requestForward(low, high, className, String(name)));
    return CONNECTED;
  }

  respond(value) {
    const response = parse(value);
    if (response === undefined) throw new TypeError(`not a response: ${typeof value}`);
    return this.respondParsed(response);
  }

  /** With what `parse` made of a response; it can be made but once where its headers are an iterator. */
  respondParsed({ status, headers, body, stream }) {
    if (stream !== undefined) return this.#respondStreamed(status, headers, stream);
    return this.#answer('respond', (low, high) =>
      addon.requestRespond(low, high, status, headers.length > 0 ? headers : undefined, body));
  }

  #respondStreamed(status, headers, parts) {
    const stream = this.#begin(status, headers);
    pump(stream, parts, this.#host.pieceBytesMax).catch((error) => {
      stream.abort();
      this.#host.report(error, { handler: 'body', request: this });
    });
    return stream.isOpen;
  }

  /** Begins a response that is written part by part. */
  stream(init = {}) {
    return this.#begin(init.status ?? 200, flatten(init.headers));
  }

  #begin(status, headers) {
    const stream = new BodyStream(this.#host, this.#low, this.#high, () => this.#controller);
    const token = this.#host.tokens.take(stream);
    let isBegun = false;
    try {
      isBegun = this.#answer('respond', (low, high) => addon.requestBegin(low, high, status, headers, token));
    } finally {
      if (!isBegun) this.#host.tokens.drop(token);
    }
    if (!isBegun) stream.gone();
    this.#stream = stream;
    return stream;
  }

  /** A handler failed: the client is told, or, where it has had a part of a response, cut off. */
  fail() {
    if (this.#isAnswered) this.#stream?.abort();
    else this.respond({ status: 500, body: '500 Internal Server Error\n' });
  }

  /** To `receive`: becomes a WebSocket on this Shard. A request that is no valid upgrade is told so by the engine. */
  connect(options = {}) {
    for (const name of Object.keys(options)) {
      if (name !== 'protocol' && name !== 'headers') throw new TypeError(`connect has no option ${name}`);
    }
    const headers = flatten(options.headers);
    this.#answer('connect', (low, high) => {
      const status = addon.requestConnect(low, high, options.protocol ?? undefined,
        headers.length > 0 ? headers : undefined);
      return status === addon.EUPGRADE ? 0 : status;
    });
    return CONNECTED;
  }
}

module.exports = { Request, CONNECTED };
