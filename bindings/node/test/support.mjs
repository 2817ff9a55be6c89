// What the tests share: an engine that ends with its test, and clients of the package ws.
import { createRequire } from 'node:module';
import http from 'node:http';
import { Engine } from 'libdog';

const require = createRequire(import.meta.url);

/** The package ws; Debian's node-ws is where no other Node looks. */
function loadWs() {
  try {
    return require('ws');
  } catch {
    return require('/usr/share/nodejs/ws');
  }
}

export const WebSocket = loadWs();

/** An engine that serves `routes` and is stopped at the end of the test. Failures of handlers are kept. */
export function serve(t, routes, options = {}) {
  const failures = [];
  const engine = new Engine({ workers: 2, onerror: (error, where) => failures.push({ error, where }), ...options });
  for (const [pattern, target] of Object.entries(routes)) {
    engine.route(pattern, ...(Array.isArray(target) ? target : [target]));
  }
  engine.listen();
  engine.start();
  t.after(() => engine.stop(0));
  return { engine, failures, at: (path) => `127.0.0.1:${engine.port}${path}` };
}

/** A client that keeps what comes until it is asked for. */
export class Client {
  #queue = [];
  #waiting = [];

  constructor(url, options = {}) {
    this.socket = new WebSocket(`ws://${url}`, options.protocols ?? [], options);
    this.opened = new Promise((resolve, reject) => {
      this.socket.once('open', resolve);
      this.socket.once('error', reject);
      this.socket.once('unexpected-response', (_, { statusCode }) => reject(new Error(`refused: ${statusCode}`)));
    });
    this.closed = new Promise((resolve) => {
      this.socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
    this.socket.on('error', () => {});
    this.socket.on('message', (data, isBinary) => {
      const message = isBinary ? data : data.toString();
      if (this.#waiting.length > 0) this.#waiting.shift()(message);
      else this.#queue.push(message);
    });
  }

  static async open(t, url, options) {
    const client = new this(url, options);
    t.after(() => client.socket.terminate());
    await client.opened;
    return client;
  }

  send(data) {
    this.socket.send(data);
  }

  /** The next message. */
  next() {
    if (this.#queue.length > 0) return Promise.resolve(this.#queue.shift());
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  async ask(data) {
    this.send(data);
    return this.next();
  }

  close(code, reason) {
    this.socket.close(code, reason);
    return this.closed;
  }
}

/** A whole HTTP response: { status, headers, body }. */
export function get(url, { method = 'GET', headers = {}, body } = {}) {
  return new Promise((resolve, reject) => {
    const request = http.request(`http://${url}`, { method, headers, agent: false }, (response) => {
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('error', reject);
      response.on('end', () => {
        resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(parts).toString() });
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}

/** A promise with what settles it. */
export function deferred() {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
}

/** Waits until `isSo` holds, looking at it between events: each look is behind all that has happened by then. */
export async function until(isSo) {
  while (!isSo()) await new Promise((resolve) => { setTimeout(resolve, 2); });
}
