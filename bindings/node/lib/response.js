'use strict';
// An answer to a request: this class, a string, bytes, or anything of the same shape, such as the web's Response.

const { flatten, forwarded, hasName } = require('./headers.js');
const { stringify } = require('./json.js');
const { bytesOf, text } = require('./message.js');

const TEXT = 'text/plain; charset=utf-8';

class Response {
  /** The body is null, a string, bytes, a Blob, or an iterable of strings and bytes, which is streamed. */
  constructor(body = null, init = {}) {
    this.status = init.status ?? 200;
    this.headers = init.headers ?? {};
    this.body = body;
  }

  static json(value, init = {}) {
    const headers = flatten(init.headers);
    if (!hasName(headers, 'content-type')) headers.push('Content-Type', 'application/json');
    return new Response(stringify(value, 'a response'), { status: init.status, headers: pairs(headers) });
  }

  static redirect(location, status = 302) {
    return new Response(null, { status, headers: { Location: String(location) } });
  }
}

function pairs(flat) {
  const list = [];
  for (let index = 0; index < flat.length; index += 2) list.push([flat[index], flat[index + 1]]);
  return list;
}

const isObject = (value) => typeof value === 'object' && value !== null;

function isStream(body) {
  return isObject(body) && !(body instanceof Map)
    && (typeof body[Symbol.asyncIterator] === 'function' || typeof body[Symbol.iterator] === 'function'
      || typeof body.getReader === 'function');
}

/** The web's Response, of whatever make: Node's own, or that of a package. */
function isWebResponse(value) {
  return typeof value.clone === 'function' && typeof value.arrayBuffer === 'function'
    && typeof value.headers?.get === 'function';
}

function isBlob(body) {
  return isObject(body) && typeof body.stream === 'function' && typeof body.arrayBuffer === 'function';
}

/** What a handler gave, as { status, headers (flat), body (string, bytes or undefined), stream }; undefined: it is no
 * response. */
function parse(value) {
  if (typeof value === 'string' || bytesOf(value) !== undefined) return complete(200, [], value);
  if (!isObject(value)) return undefined;
  if (!('body' in value) && !('status' in value)) return undefined;
  const headers = isWebResponse(value) ? forwarded(value) : flatten(value.headers);
  return complete(value.status ?? 200, headers, value.body);
}

function complete(status, headers, body) {
  if (!Number.isInteger(status)) throw new TypeError('the status of a response must be an integer');
  if (typeof body === 'string' && !hasName(headers, 'content-type')) headers.push('Content-Type', TEXT);
  if (body === undefined || body === null) return { status, headers };
  if (typeof body === 'string') return { status, headers, body: text(body, 'a body') };
  const bytes = bytesOf(body);
  if (bytes !== undefined) return { status, headers, body: bytes };
  if (isBlob(body)) {
    if (body.type && !hasName(headers, 'content-type')) headers.push('Content-Type', body.type);
    return { status, headers, stream: body.stream() };
  }
  if (isStream(body)) return { status, headers, stream: body };
  throw new TypeError('the body of a response must be null, a string, bytes, a Blob, or an iterable of strings and '
    + 'bytes; Response.json(value) makes one of anything else');
}

module.exports = { Response, parse };
