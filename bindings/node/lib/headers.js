'use strict';
// Headers: those of a request, to read, and those of a response, in every shape that is usual.

const { text } = require('./message.js');

/** A request's headers, letter case of names aside. Several of one name are joined by ', ', of Cookie by '; '. */
class Headers {
  #values = new Map();
  /** [name, value, name, value, ...] as the client sent them. */
  raw;

  /** `host` is the host that the request is for: an absolute target may name another than the header. */
  constructor(raw, host) {
    this.raw = Object.freeze(raw);
    for (let index = 0; index < raw.length; index += 2) {
      const name = raw[index].toLowerCase();
      const before = this.#values.get(name);
      const separator = name === 'cookie' ? '; ' : ', ';
      this.#values.set(name, before === undefined ? raw[index + 1] : `${before}${separator}${raw[index + 1]}`);
    }
    if (typeof host === 'string') this.#values.set('host', host);
  }

  get(name) {
    return this.#values.get(String(name).toLowerCase()) ?? null;
  }

  has(name) {
    return this.#values.has(String(name).toLowerCase());
  }

  keys() {
    return this.#values.keys();
  }

  values() {
    return this.#values.values();
  }

  entries() {
    return this.#values.entries();
  }

  [Symbol.iterator]() {
    return this.#values.entries();
  }
}

function add(flat, name, value) {
  if (Array.isArray(value)) {
    for (const one of value) add(flat, name, String(one));
  } else if (value !== undefined) {
    flat.push(String(name), text(String(value), `the header ${String(name)}`));
  }
}

/** The comma between two joined cookies: a name and '=' follow. Within a cookie only the date of Expires has a
 * comma. */
const NEXT_COOKIE = /,\s*(?=[^\s,;=]+=)/;

/**
 * [name, value] of each line of a Headers, a Map or pairs. The Headers of Node before 18.14 joins all that it was given
 * as Set-Cookie, which no client takes for several cookies (RFC 6265, section 3).
 */
function* lines(headers) {
  const joins = headers instanceof globalThis.Headers && headers.getSetCookie === undefined;
  for (const [name, value] of headers) {
    if (joins && name === 'set-cookie') {
      for (const cookie of value.split(NEXT_COOKIE)) yield [name, cookie];
    } else {
      yield [name, value];
    }
  }
}

/** [name, value, ...] of an object, a Map, a Headers of any make, or an array of pairs. */
function flatten(headers) {
  const flat = [];
  if (headers === undefined || headers === null) return flat;
  if (typeof headers !== 'object') throw new TypeError('headers must be an object or pairs of names and values');
  if (typeof headers[Symbol.iterator] === 'function') {
    for (const [name, value] of lines(headers)) add(flat, name, value);
  } else {
    for (const name of Object.keys(headers)) add(flat, name, headers[name]);
  }
  return flat;
}

function hasName(flat, name) {
  for (let index = 0; index < flat.length; index += 2) {
    if (flat[index].toLowerCase() === name) return true;
  }
  return false;
}

// ---- a response that somebody else has made

/** Headers about one connection, or about the framing of a body on it (RFC 9110, section 7.6.1): never passed on. */
const OF_A_CONNECTION = ['connection', 'content-length', 'date', 'keep-alive', 'proxy-connection', 'te', 'trailer',
  'transfer-encoding', 'upgrade'];
/** Content codings that fetch undoes. */
const UNDONE = ['gzip', 'x-gzip', 'deflate', 'br'];

const listed = (value) => (value ?? '').split(',').map((part) => part.trim().toLowerCase()).filter(Boolean);

/** The headers of one of the web's Responses, without those of the connection that it came on. */
function forwarded({ headers, url }) {
  const dropped = new Set([...OF_A_CONNECTION, ...listed(headers.get('connection'))]);
  // A fetched response still says how its body was coded, but its body is read decoded.
  const codings = listed(headers.get('content-encoding'));
  if (url && codings.length > 0 && codings.every((coding) => UNDONE.includes(coding))) dropped.add('content-encoding');
  const flat = [];
  for (const [name, value] of lines(headers)) {
    if (!dropped.has(name.toLowerCase())) flat.push(name, value);
  }
  return flat;
}

// ---- why a head is refused

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const OWN_NAMES = ['content-length', 'transfer-encoding', 'date', 'connection'];

/** Which header the engine does not take, and why; undefined: it takes them all. `isUpgrade`: they are for a 101. */
function refusedHeader(flat, isUpgrade = false) {
  for (let index = 0; index < flat.length; index += 2) {
    const name = flat[index].toLowerCase();
    const header = `the header ${JSON.stringify(flat[index])}`;
    if (!TOKEN.test(name)) return `${header} has no valid name`;
    const isOwn = OWN_NAMES.includes(name)
      || (isUpgrade && (name === 'upgrade' || name.startsWith('sec-websocket-')));
    if (isOwn) return `${header} is the engine's to send`;
    if (/[\0-\x08\x0a-\x1f\x7f]/.test(flat[index + 1])) return `${header} has a control character in its value`;
  }
  return undefined;
}

module.exports = { Headers, flatten, forwarded, hasName, listed, refusedHeader };
