'use strict';
// What goes over the wire: strings as text, bytes as binary, everything else as its JSON.

/** Bytes as the addon takes them, or undefined: it is none. */
function bytesOf(value) {
  if (value instanceof Uint8Array || value instanceof ArrayBuffer) return value;
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  return undefined;
}

function json(value, what) {
  const text = JSON.stringify(value);
  if (text === undefined) throw new TypeError(`${what} cannot be ${typeof value}: JSON has none`);
  return text;
}

/** A message to send. */
function encode(message) {
  if (typeof message === 'string') return message;
  return bytesOf(message) ?? json(message, 'a message');
}

module.exports = { bytesOf, encode, json };
