'use strict';
// What goes over the wire: strings as text, bytes as binary, everything else as its JSON.

const { types } = require('util');
const { stringify } = require('./json.js');

/** Bytes as the addon takes them; undefined: the value is no bytes. */
function bytesOf(value) {
  if (value instanceof Uint8Array || value instanceof ArrayBuffer) return value;
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  if (types.isAnyArrayBuffer(value)) return new Uint8Array(value);
  return undefined;
}

const isWellFormed = typeof String.prototype.isWellFormed === 'function'
  ? (text) => text.isWellFormed()
  : (text) => !/\p{Surrogate}/u.test(text); // Node 18

/** A string that can be sent. Half of a surrogate pair, which a JavaScript string may hold, has no UTF-8. */
function text(value, what) {
  if (isWellFormed(value)) return value;
  const at = value.search(/\p{Surrogate}/u);
  const code = value.charCodeAt(at).toString(16);
  throw new TypeError(`${what} has a lone surrogate (U+${code.toUpperCase()} at ${at}): it is half of a character`);
}

/** How an engine's values are turned into JSON and back. */
class Codec {
  #encode;

  constructor({ encode, decode = JSON.parse } = {}) {
    this.#encode = encode;
    this.decode = (value) => decode(value);
  }

  json(value, what) {
    if (this.#encode === undefined) return stringify(value, what);
    const encoded = this.#encode(value);
    if (typeof encoded === 'string') return text(encoded, 'what json.encode gives');
    throw new TypeError(`json.encode must give a string, for ${what} too`);
  }

  /** A message to send. */
  message(value) {
    if (typeof value === 'string') return text(value, 'a message');
    return bytesOf(value) ?? this.json(value, 'a message');
  }
}

module.exports = { Codec, bytesOf, isWellFormed, text };
