'use strict';
// One question to the host: a request that waits for one answer.
//
// Its parts are read from the engine when they are asked for, and kept. A request can be read until it is answered. If
// its handler's promise is pending, all of it is kept, so that the handler can read on even if the client has left.

const addon = require('./addon.js');
const { DogError, check } = require('./error.js');
const { Headers, flatten, listed, refusedHeader } = require('./headers.js');
const { isWellFormed, text } = require('./message.js');
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
    return this.#host.codec.decode(this.text());
  }

  /** The target with a scheme and the host in front, for URL. The engine does not tell the scheme: it is http. */
  get url() {
    if (!this.target.startsWith('/') && this.target !== '*') return this.target;
    return `http://${this.headers.get('host') ?? 'localhost'}${this.target.replace(/^\*/, '/*')}`;
  }

  get #parameters() {
    if (this.#query === undefined) {
      const mark = this.target.indexOf('?');
      this.#query = new URLSearchParams(mark < 0 ? '' : this.target.slice(mark + 1));
    }
    return this.#query;
  }

  /** The first value of a parameter in the query, or null. */
  query(name) {
    return this.#parameters.get(name);
  }

  /** All values of a parameter in the query, in their order. */
  queryAll(name) {
    return this.#parameters.getAll(name);
  }

  /** `remote` without the port; null on a Unix-domain socket. */
  get remoteIp() {
    return ipOf(this.remote);
  }

  /** Whether it asks to become a WebSocket, so that `connect` is the answer. */
  get isWebSocket() {
    return this.method === 'GET' && listed(this.headers.get('upgrade')).includes('websocket');
  }

  /** The path behind the part that its route matched: '/ws' of '/rooms/den/ws' if the route is '/rooms/:name'. The
   * whole path if no route matched. */
  get rest() {
    return this.#host.routes.rest(this.path);
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
  #answer(what, call, why) {
    if (this.#isAnswered) throw new DogError(addon.ESTALE, what, { detail: 'it was answered before' });
    this.#isAnswered = true;
    const status = call(this.#low, this.#high);
    if (status === addon.ESTALE) return false;
    if (status === addon.EINVAL && why !== undefined) throw new DogError(status, what, { detail: why() });
    check(status, what);
    return true;
  }

  /** Also false if `uid` is not valid. It mostly comes from the client, which was answered 400. */
  identify(uid) {
    const given = isWellFormed(String(uid)) ? String(uid) : ''; // a lone surrogate makes it invalid too
    return this.#answer('identify', (low, high) => {
      const status = addon.requestIdentify(low, high, given);
      return status === addon.EINVAL || status === addon.ETOOBIG ? addon.ESTALE : status;
    });
  }

  clusterize(id) {
    const given = text(String(id), 'the id of a Shard');
    return this.#answer('clusterize', (low, high) => addon.requestClusterize(low, high, given));
  }

  /** To `fetch`: the request goes to the Gateway `name` of a class, which is given itself or by its name. */
  forward(gatewayClass, name) {
    const className = typeof gatewayClass === 'function' ? gatewayClass.name : String(gatewayClass);
    const given = text(String(name), 'the name of a Gateway');
    if (typeof gatewayClass === 'function' && !this.#host.knows(gatewayClass)) {
      throw new TypeError(`forward: the engine has no Gateway class ${className}: `
        + 'list it in the option "classes", or give it a route');
    }
    this.#answer('forward', (low, high) => addon.requestForward(low, high, className, given));
    return CONNECTED;
  }

  respond(value) {
    const response = parse(value);
    if (response === undefined) throw new TypeError(`not a response: ${typeof value}`);
    return this.respondParsed(response);
  }

  /** Answers with what `parse` made of a response, which can be parsed only once if its headers are an iterator. */
  respondParsed({ status, headers, body, stream }) {
    if (stream !== undefined) return this.#respondStreamed(status, headers, stream);
    return this.#answer('respond', (low, high) =>
      addon.requestRespond(low, high, status, headers.length > 0 ? headers : undefined, body),
    () => refusedHead(status, headers));
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
      isBegun = this.#answer('respond', (low, high) => addon.requestBegin(low, high, status, headers, token),
        () => refusedHead(status, headers));
    } finally {
      if (!isBegun) this.#host.tokens.drop(token);
    }
    if (!isBegun) stream.gone();
    this.#stream = stream;
    return stream;
  }

  /** A handler failed: the client gets 500, or is cut off if it has had part of a response. */
  fail() {
    if (this.#isAnswered) this.#stream?.abort();
    else this.respond({ status: 500, body: '500 Internal Server Error\n' });
  }

  /** To `receive`: becomes a WebSocket on this Shard. The engine answers a request that is no valid upgrade. */
  connect(options = {}) {
    for (const name of Object.keys(options)) {
      if (name !== 'protocol' && name !== 'headers') throw new TypeError(`connect has no option ${name}`);
    }
    const headers = flatten(options.headers);
    this.#answer('connect', (low, high) => {
      const status = addon.requestConnect(low, high, options.protocol ?? undefined,
        headers.length > 0 ? headers : undefined);
      return status === addon.EUPGRADE ? 0 : status;
    }, () => refusedHeader(headers, true) ?? `the protocol ${options.protocol} was not offered`);
    return CONNECTED;
  }
}

function refusedHead(status, headers) {
  if (status < 200 || status > 599) return `the status ${status} is not from 200 to 599`;
  return refusedHeader(headers) ?? `the status ${status} has no body`;
}

/** The address without its port: '127.0.0.1' of '127.0.0.1:51234', '::1' of '[::1]:51234' and of '::1'. */
function ipOf(remote) {
  if (remote.startsWith('unix:')) return null;
  if (remote.startsWith('[')) return remote.slice(1, remote.indexOf(']'));
  const colon = remote.indexOf(':');
  return colon >= 0 && colon === remote.lastIndexOf(':') ? remote.slice(0, colon) : remote;
}

module.exports = { ipOf, Request, CONNECTED };
